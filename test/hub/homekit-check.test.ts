import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test, vi } from 'vitest';

import { checkHomekit, checkText } from '../../src/cli/homekit-check.ts';
import { readHomekitOrder, type BridgeReply } from '../../src/cli/homekit-command.ts';
import { capability } from '../homekit/fake-devices.ts';
import { Home } from '../homekit/home.ts';

describe('the check', () => {
  const unheard = { addresses: [], browseMs: 50 };
  const reply = (bridge: Partial<BridgeReply>, advertiser: string | null = 'ciao') => ({
    advertiser,
    bridges: [
      {
        number: 1,
        name: 'Hub',
        username: '02:00:00:00:00:01',
        port: 1,
        pin: '',
        setup_uri: '',
        paired: false,
        pairings: [],
        alone: false,
        accessories: 0,
        problem: null,
        ...bridge,
      },
    ],
  });
  const outer = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

  async function serve(status: number, host: string): Promise<{ server: Server; port: number }> {
    const server = createServer((_, response) => void response.writeHead(status).end()).listen(0, host);
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  }

  test.runIf(outer !== undefined)(
    'finds a real bridge that is announced, and opens it from outside',
    async () => {
      await using home = await Home.open();
      home.devices.add('01', {
        name: 'Lamp',
        capabilities: [capability('on_off', 'light/lamp')],
        values: { on_off: true },
      });
      const part = await home.start({ advertise: true, loopbackOnly: false });
      await part.choose('01', { bridge: 2 });
      await vi.waitFor(() => expect(part.bridges[1]?.port).toBeGreaterThan(0));
      const bridges = part.bridges.map((view) => ({ ...view, setup_uri: view.setupUri, pairings: [] }));
      const check = await checkHomekit({ advertiser: part.advertiser, bridges });
      expect(check.bridges).toEqual(
        part.bridges.map(({ name, port }) => ({
          name,
          port,
          problem: null,
          announced: [port],
          answers: expect.arrayContaining([outer, '127.0.0.1']) as unknown,
          silent: [],
          advice: [],
        })),
      );
      expect(check.ok).toBe(true);
      expect(checkText(check)).toContain('From here all is well');
    },
  );

  test('tells a closed port from a firewall, and from a bridge that does not run', async () => {
    const { server, port } = await serve(470, '127.0.0.1');
    const closed = await checkHomekit(reply({ port: 1 }), unheard);
    expect(closed.bridges[0]?.advice[0]).toContain('Nothing answers on port 1');
    // TEST-NET-1 is nobody's.
    const filtered = await checkHomekit(reply({ port }), { ...unheard, addresses: ['192.0.2.1'] });
    expect(filtered.bridges[0]).toMatchObject({ answers: ['127.0.0.1'], silent: ['192.0.2.1'] });
    expect(filtered.bridges[0]?.advice[0]).toContain(`A firewall closes it: allow TCP ${port}`);
    expect(filtered.bridges[0]?.advice[1]).toContain('allow it (`sudo ufw allow 5353/udp`)');
    const down = await checkHomekit(reply({ problem: 'port 1 is in use.' }), unheard);
    expect(down.bridges[0]?.advice).toEqual(['port 1 is in use.']);
    expect(checkText(down)).toContain('! port 1 is in use.');
    server.close();
  });

  test('tells a port that is closed for one kind of address only', async () => {
    const { server, port } = await serve(470, '127.0.0.1');
    const check = await checkHomekit(reply({ port }), { ...unheard, addresses: ['127.0.0.1', '::1'] });
    expect(check.bridges[0]).toMatchObject({ answers: ['127.0.0.1'], silent: ['::1'] });
    expect(check.bridges[0]?.advice[0]).toBe(
      `Port ${port} can be opened over IPv4 but not over IPv6 (::1). A firewall closes it there: allow TCP ${port} for IPv6 too.`,
    );
    server.close();
  });

  test('something else that listens there is not taken for a bridge', async () => {
    const { server, port } = await serve(200, '127.0.0.1');
    const { bridges } = await checkHomekit(reply({ port }), unheard);
    expect(bridges[0]?.answers).toEqual([]);
    server.close();
  });
});

describe('the words after homekit', () => {
  test.each([
    [[], { verb: 'show', svg: null, bridge: null }, []],
    [
      ['--svg', 'a.svg', '--data-dir', 'x'],
      { verb: 'show', svg: 'a.svg', bridge: null },
      ['--data-dir', 'x'],
    ],
    [['--svg=a.svg', '--bridge=2'], { verb: 'show', svg: 'a.svg', bridge: 2 }, []],
    [['check', '--json'], { verb: 'check', json: true }, []],
    [['accessories', '--data-dir', 'x'], { verb: 'accessories' }, ['--data-dir', 'x']],
    [['set', 'Lamp', '--alone'], { verb: 'set', choice: { device: 'Lamp', alone: true } }, []],
    [
      ['set', 'Hall lamp', '--excluded', 'true', '--bridge=2', '--confirm', '--data-dir', 'x'],
      { verb: 'set', choice: { device: 'Hall lamp', excluded: true, bridge: 2, confirm: true } },
      ['--data-dir', 'x'],
    ],
    [
      ['set', 'Blind', '--invert-tilt', 'true', '--component', 'cover/a', '--renew'],
      { verb: 'set', choice: { device: 'Blind', invert_tilt: true, component: 'cover/a', renew: true } },
      [],
    ],
  ] as const)('%j', (words: readonly string[], order, configFlags) => {
    expect(readHomekitOrder(words)).toMatchObject({ ...order, configFlags });
  });

  test.each([
    ['dance'],
    ['check', 'all'],
    ['--bridge', 'two'],
    ['--svg'],
    ['set', 'Lamp'],
    ['set', '--renew'],
    ['set', 'Lamp', 'other', '--renew'],
    ['set', 'Lamp', '--excluded', 'perhaps'],
    ['set', 'Lamp', '--bridge', '0'],
    ['set', 'Lamp', '--bridge', '2', '--alone'],
    ['accessories', 'all'],
  ])('%j %j: says what is accepted', (...words) => {
    expect(() => readHomekitOrder(words)).toThrow(/takes/);
  });
});
