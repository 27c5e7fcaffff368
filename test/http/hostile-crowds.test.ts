import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';

import { LINK_LOCAL, networkOf } from '../../src/http/client-address.ts';
import { Connections } from '../../src/http/connections.ts';
import { LargeBodies } from '../../src/http/large-bodies.ts';
import { MIB } from '../../src/http/request-body.ts';
import { HttpServer, SERVER_LIMITS } from '../../src/http/server.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startTestApi } from './support.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Somebody at an address of their own. */
async function dial(port: number, from: string, text: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

async function firstAnswer(socket: Socket): Promise<string> {
  return await new Promise((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString('latin1').slice(9, 12)));
    socket.once('close', () => resolve(''));
  });
}

const BODY_TO_COME =
  'POST /api/auth/login HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{';
const HEALTH = 'GET /health HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n';

describe('places that somebody takes with requests that do not end', () => {
  const LIMITS = { maxPlainConnections: 6 };

  test('are given to somebody else who comes', async () => {
    await using api = await startTestApi({ limits: LIMITS });
    const { port } = api.http;
    const greedy = await Promise.all(
      Array.from({ length: 6 }, async () => await dial(port, '127.0.0.9', BODY_TO_COME)),
    );
    await after(100);
    for (let n = 0; n < 3; n++) {
      expect(await firstAnswer(await dial(port, '127.0.0.2', HEALTH))).toBe('200');
    }
    // And not more of them than were needed.
    await after(50);
    expect(greedy.filter(({ destroyed }) => destroyed)).toHaveLength(1);
  });

  test('are not taken from somebody who has few by somebody who has many', async () => {
    await using api = await startTestApi({ limits: LIMITS });
    const { port } = api.http;
    const house = await dial(port, '127.0.0.2', '');
    const working = await dial(port, '127.0.0.3', BODY_TO_COME);
    for (let n = 0; n < 30; n++) await dial(port, '127.0.0.9', n % 2 ? BODY_TO_COME : 'GET / HT');
    await after(100);
    expect([house.destroyed, working.destroyed]).toEqual([false, false]);
    house.write(HEALTH);
    expect(await firstAnswer(house)).toBe('200');
  });

  test('are given to somebody else when the answers are never read', async () => {
    const never = Promise.withResolvers<never>();
    await using server = await HttpServer.listen({
      host: '127.0.0.1',
      port: 0,
      fetch: async (request) =>
        request.url.endsWith('/slow') ? await never.promise : await Promise.resolve(new Response('ok')),
      upgrade: (_, socket) => socket.destroy(),
      log: silentLogger,
      connections: new Connections({ ...SERVER_LIMITS, maxPlainConnections: 3 }),
    });
    for (let n = 0; n < 3; n++) {
      await dial(server.port, '127.0.0.9', 'GET /slow HTTP/1.1\r\nhost: hub\r\n\r\n');
    }
    await after(50);
    expect(await firstAnswer(await dial(server.port, '127.0.0.2', HEALTH))).toBe('200');
  });
});

test('answers that are asked for and not read are not kept without end, and others get theirs', async () => {
  await using api = await startTestApi({ limits: { maxUnreadBytes: 20 * MIB } });
  api.sync.answer = JSON.stringify({ text: 'x'.repeat(8 * MIB) });
  const ask = `POST /api/sync/inbetweenies HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${api.token}\r\ncontent-length: 2\r\n\r\n{}`;
  // In the kernel's buffers on the way there is room for one of them at most.
  const deaf = await Promise.all(
    Array.from({ length: 10 }, async () => await dial(api.http.port, '127.0.0.9', ask)),
  );
  for (const socket of deaf) socket.pause();
  const answer = await api.call('POST', '/api/sync/inbetweenies', {});
  expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(8 * MIB);
  const isWhole = deaf.map(async (socket) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let bytes = 0;
    socket.on('data', (data: Buffer) => {
      bytes += data.length;
      if (bytes > 8 * MIB) resolve(true);
    });
    socket.once('close', () => resolve(false));
    socket.resume();
    return await promise;
  });
  const whole = (await Promise.all(isWhole)).filter(Boolean).length;
  expect(whole).toBeLessThanOrEqual(3);
});

describe('the room for bodies', () => {
  test('is not all for one sender: something is left for the next', () => {
    const bodies = new LargeBodies();
    const greedy = Array.from({ length: 20 }, () => bodies.hold('guest'));
    let taken = 0;
    for (const body of greedy) {
      try {
        body.add(10 * MIB);
        taken += 1;
      } catch {
        break;
      }
    }
    expect(taken).toBe(7);
    const phone = bodies.hold('anna');
    phone.add(10 * MIB);
    for (const body of greedy) body[Symbol.dispose]();
    bodies.hold('anna').add(50 * MIB);
  });

  test('is not kept by bodies that do not come', () => {
    const bodies = new LargeBodies();
    const slow = Array.from({ length: 64 }, () => bodies.hold('guest'));
    expect(() => bodies.hold('guest')).toThrow(/Too many/);
    bodies.hold('anna').add(1);
    // One that is here is not on its way any more, and may be worked on for as long as that takes.
    slow[0]?.arrived();
    slow[0]?.arrived();
    bodies.hold('guest');
    expect(() => bodies.hold('guest')).toThrow(/Too many/);
    for (const body of slow) {
      body[Symbol.dispose]();
      body[Symbol.dispose]();
    }
    for (let n = 0; n < 63; n++) bodies.hold('guest');
    expect(() => bodies.hold('guest')).toThrow(/Too many/);
  });

  test('one user cannot have more than some on their way, and others do not notice', async () => {
    await using api = await startTestApi();
    const { port } = api.http;
    const head = (token: string): string =>
      `POST /api/sync/inbetweenies HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${token}\r\ncontent-length: 9000\r\n\r\n{`;
    const greedy = await Promise.all(
      Array.from({ length: 70 }, async () => await dial(port, '127.0.0.9', head(api.token))),
    );
    const answers = greedy.map(async (socket) => await firstAnswer(socket));
    await after(300);
    for (const socket of greedy) socket.destroy();
    expect((await Promise.all(answers)).filter((status) => status === '503')).toHaveLength(6);
    expect((await api.call('POST', '/api/sync/inbetweenies', {})).status).toBe(200);
  });
});

describe('a network of IPv6', () => {
  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.168.1.2', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4::/64'],
    ['fe80::1%eth0', LINK_LOCAL],
    ['::ffff:192.168.1.2', '192.168.1.2'],
    ['192.168.1.2', '192.168.1.2'],
    ['', ''],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test('has a limit for all of its addresses together', async () => {
    await using api = await startTestApi({ rateLimitPerMinute: 10, trustedProxies: ['127.0.0.1'] });
    const ask = async (address: string): Promise<number> =>
      (await fetch(`${api.url}/health`, { headers: { 'x-forwarded-for': address } })).status;
    const statuses: number[] = [];
    for (let n = 0; n < 60; n++) statuses.push(await ask(`2001:db8:1:2::${n.toString(16)}`));
    expect(statuses.filter((status) => status === 200)).toHaveLength(40);
    expect(await ask('2001:db8:1:3::1')).toBe(200);
    expect(await ask('192.168.1.2')).toBe(200);
    for (let n = 0; n < 60; n++) expect(await ask(`fe80::${n.toString(16)}`)).toBe(200);
  });
});
