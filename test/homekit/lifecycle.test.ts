import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Controller } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home, newLog } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.open();
  home.devices.add('01-lamp', {
    name: 'Lamp',
    capabilities: [capability('on_off', 'light/lamp'), capability('brightness', 'light/lamp')],
    values: { on_off: true, brightness: 50 },
  });
  home.devices.add('02-relay', {
    name: 'Relay',
    capabilities: [capability('on_off', 'switch/relay')],
    values: { on_off: false },
  });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

function listeningSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPServer|UDP/.test(name)).length;
}

describe('the bridge as a part', () => {
  test('nothing listens and nobody is followed after it is disposed, twice, with a controller connected', async () => {
    const before = listeningSockets();
    const part = await home.start();
    await using controller = await Controller.pair(part);
    await controller.accessories();
    await using watcher = await controller.watch('2.10');
    expect(listeningSockets()).toBeGreaterThan(before);
    await part[Symbol.asyncDispose]();
    await part[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(listeningSockets()).toBe(before));
    expect(home.devices.followerCount).toBe(0);
    const socket = connect(part.port, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    expect(watcher.events).toEqual([]);
  });

  test('a port that is in use stops the start with advice, and the next start works', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await expect(home.start({ port })).rejects.toThrow(`port ${port} is in use. Stop the other program`);
    expect(home.devices.followerCount).toBe(0);
    server.close();
    await once(server, 'close');
    const part = await home.start({ port });
    expect(part.port).toBe(port);
  });

  test('mDNS sockets are open while the bridge is announced, none without announcing, none afterwards', async () => {
    const udp = (): number => process.getActiveResourcesInfo().filter((name) => name.includes('UDP')).length;
    await home.start();
    expect(udp()).toBe(0);
    await home.start({ advertise: true });
    await vi.waitFor(() => expect(udp()).toBeGreaterThan(0));
    await home.stop();
    await vi.waitFor(() => expect(udp()).toBe(0));
  });

  test.each(['auto', 'ciao', 'bonjour-hap', 'avahi'] as const)(
    'announced by %s it pairs on loopback alone, together with a further bridge, and closes again',
    async (advertiser) => {
      const before = listeningSockets();
      const { log, lines } = newLog();
      const part = await home.start({ advertise: true, advertiser, log });
      await part.choose('02-relay', { bridge: 2 });
      await vi.waitFor(() => expect(part.bridges[1]?.port).toBeGreaterThan(0));
      for (const bridge of part.bridges) {
        await using controller = await Controller.pair(bridge);
        expect(await controller.accessories()).toHaveLength(2);
        const outside = connect(bridge.port, '127.0.0.2');
        const [error] = (await once(outside, 'error')) as [NodeJS.ErrnoException];
        expect(error.code).toBe('ECONNREFUSED');
      }
      // Without a D-Bus the library says so, and takes ciao.
      const isThere = !lines.join('').includes("isn't available on this platform");
      expect(isThere || advertiser === 'avahi').toBe(true);
      expect(part.advertiser).toBe(advertiser === 'auto' || !isThere ? 'ciao' : advertiser);
      expect(lines.join('').includes('announced by another than homekit.advertiser says')).toBe(!isThere);
      await home.stop();
      await vi.waitFor(() => expect(listeningSockets()).toBe(before), { timeout: 3000 });
    },
  );

  test('a second hub in the process is refused', async () => {
    await home.start();
    await using other = await Home.open();
    await expect(other.start()).rejects.toThrow('already runs in this process');
  });

  test('a path that is no URL and an endless body end the request, not the hub', async () => {
    const part = await home.start();
    const odd = connect(part.port, '127.0.0.1');
    odd.write('GET // HTTP/1.1\r\nHost: hub\r\n\r\n');
    const [answer] = (await once(odd, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400/);
    odd.destroy();
    const endless = connect(part.port, '127.0.0.1');
    endless.on('error', () => undefined);
    endless.write('POST /pair-setup HTTP/1.1\r\nHost: hub\r\nContent-Length: 100000000\r\n\r\n');
    endless.write(Buffer.alloc(2 * 1024 * 1024));
    await new Promise((resolve) => endless.once('close', resolve));
    await using controller = await Controller.pair(part);
    expect(await controller.accessories()).toHaveLength(3);
  });

  test('what the library prints goes to the log, and other output passes through', async () => {
    const { log, lines } = newLog();
    const printed = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await home.start({ log });
    const { Service } = await import('@homebridge/hap-nodejs');
    const warned = new Service.Switch('#bad#', 'x');
    expect(warned.subtype).toBe('x');
    const { warn } = globalThis.console;
    warn('mine');
    expect(lines.join('')).toContain('#bad#');
    expect(printed.mock.calls).toEqual([['mine']]);
    await home.stop();
    const unrouted = new Service.Switch('#worse#', 'x');
    expect(unrouted.subtype).toBe('x');
    expect(lines.join('')).not.toContain('#worse#');
    printed.mockRestore();
  });

  test('pairings that the disk refuses stay in memory and are stored with the next write', async () => {
    const { log, lines } = newLog();
    const part = await home.start({ log });
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new Error('disk full');
    });
    const controller = await Controller.pair(part);
    expect(lines.join('')).toContain('could not be stored');
    expect(part.paired).toBe(true);
    write.mockRestore();
    const { pairing } = controller;
    await controller[Symbol.asyncDispose]();
    const again = await home.start();
    expect(again.paired).toBe(true);
    await using after = new Controller(again, pairing);
    expect(await after.accessories()).toHaveLength(3);
  });
});
