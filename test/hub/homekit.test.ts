import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { checkHomekit, checkText } from '../../src/cli/homekit-check.ts';
import { readHomekitOrder, type BridgeReply } from '../../src/cli/homekit-command.ts';
import { runHomekitCommand, welcomeText } from '../../src/cli/cli.ts';
import { accessoryNamed, Controller, keyOf } from '../homekit/controller.ts';
import { capability } from '../homekit/fake-devices.ts';
import { Home } from '../homekit/home.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const SETTLED = { timeout: 10_000 };

describe('a running hub', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let hub: Hub;
  let token: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    hub = await startTestHub(folder.path, { FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD });
    token = '';
    const { body } = await call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
    token = String(body['access_token']);
  });
  afterEach(async () => {
    await hub[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function call(
    method: string,
    path: string,
    sent?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${hub.ready.http_url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async function bridges(): Promise<BridgeReply[]> {
    const { status, body } = await call('GET', '/api/homekit');
    expect(status).toBe(200);
    return body['bridges'] as BridgeReply[];
  }

  async function run(...words: string[]): Promise<{ text: string; ok: boolean }> {
    return await runHomekitCommand(readHomekitOrder(words), folder.path, AbortSignal.timeout(20_000));
  }

  /** A lamp by MQTT; resolves with its id when Apple Home is shown it. */
  async function announceLamp(name: string): Promise<string> {
    const { username = '', password = '' } = hub.pairing().mqtt ?? {};
    const device = await connectAsync(hub.ready.mqtt_url ?? '', { username, password, reconnectPeriod: 0 });
    const config = {
      name: null,
      command_topic: `${name}/set`,
      state_topic: name,
      device: { identifiers: [name], name },
    };
    await device.publishAsync(`homeassistant/light/${name}/light/config`, JSON.stringify(config), {
      qos: 1,
      retain: true,
    });
    await device.endAsync(true);
    return await vi.waitFor(async () => {
      const [first] = await bridges();
      expect(first?.accessories).toBe(1);
      const { items } = (await call('GET', '/api/devices')).body as { items: { entity_id: string }[] };
      return items[0]?.entity_id ?? '';
    }, SETTLED);
  }

  test('tells the bridges, and takes a person’s choice once it is confirmed', async () => {
    const id = await announceLamp('Lamp');
    const [first] = await bridges();
    const { homekit } = hub.pairing();
    expect(first).toMatchObject({
      number: 1,
      name: 'FunkyGibbon',
      username: homekit?.username,
      port: homekit?.port,
      pin: homekit?.pin,
      setup_uri: homekit?.setupUri,
      paired: false,
      controllers: 0,
      problem: null,
    });
    if (!first) throw new Error('there is no bridge');
    await using phone = await Controller.pair(first);
    const lamp = accessoryNamed(await phone.accessories(), 'Lamp');
    const on = keyOf(lamp, 'Lightbulb', 'On');

    const path = `/api/homekit/devices/${id}`;
    expect((await call('PATCH', path, {})).status).toBe(400);
    expect((await call('PATCH', path, { confirm: true })).status).toBe(400);
    const refused = await call('PATCH', path, { excluded: true });
    expect(refused.status).toBe(409);
    expect(refused.body['detail']).toMatch(
      /^Apple Home forgets the room, the names and the automations of "Lamp"/,
    );
    expect(await phone.read(on)).toHaveLength(1);
    const done = await call('PATCH', path, { excluded: true, confirm: true });
    expect(done).toEqual({ status: 200, body: { entity_id: id, excluded: true, bridge: 1, shown: false } });
    const { body } = await call('GET', '/api/homekit');
    expect(body['hidden']).toEqual([
      { entity_id: id, name: 'Lamp', reason: 'A person keeps it out of Apple Home.' },
    ]);
    const explained = await call('GET', `/api/devices/${id}/explain`);
    expect(JSON.stringify(explained.body)).toContain('A person keeps it out of Apple Home.');
    expect((await run()).text).toContain('Lamp: A person keeps it out of Apple Home.');

    const back = await call('PATCH', path, { excluded: false, bridge: 2 });
    expect(back.body).toEqual({ entity_id: id, excluded: false, bridge: 2, shown: true });
    await vi.waitFor(async () => expect((await bridges())[1]?.port).toBeGreaterThan(0));
    const second = (await bridges())[1];
    expect(hub.pairing().homekit?.more).toEqual([
      {
        name: 'FunkyGibbon 2',
        pin: second?.pin,
        username: second?.username,
        port: second?.port,
        setupUri: second?.setup_uri,
        paired: false,
      },
    ]);
    const welcome = welcomeText(hub.pairing());
    expect(welcome).toContain('Apple Home is paired.');
    expect(welcome).toContain(`or enter the code ${second?.pin}`);
    const { body: audit } = await call('GET', '/api/audit?action=homekit.device');
    expect(audit['items']).toHaveLength(2);
  });

  test('the codes of further bridges are sealed with the rest, and are the same afterwards', async () => {
    const id = await announceLamp('Lamp');
    await call('PATCH', `/api/homekit/devices/${id}`, { bridge: 2 });
    const before = hub
      .pairing()
      .homekit?.more?.map(({ pin, setupUri, username }) => [pin, setupUri, username]);
    expect(before).toHaveLength(1);
    await hub[Symbol.asyncDispose]();
    hub = await startTestHub(folder.path, { FUNKYGIBBON_SECRETS__PASSPHRASE: 'only for this test' });
    const after = hub
      .pairing()
      .homekit?.more?.map(({ pin, setupUri, username }) => [pin, setupUri, username]);
    expect(after).toEqual(before);
    using database = new DatabaseSync(join(folder.path, 'funkygibbon.db'), { readOnly: true });
    const { secret } = database.prepare('SELECT secret FROM hap_bridge').get() ?? {};
    expect(typeof secret).toBe('string');
    expect(secret).not.toContain(before?.[0]?.[0]);
  });

  test('the command shows codes, writes a picture for its owner alone, and checks', async () => {
    const { text } = await run();
    const { homekit } = hub.pairing();
    expect(text).toContain(`or enter the code ${homekit?.pin}`);
    expect(text.split('\n').filter((line) => /[█▀▄]{5}/u.test(line)).length).toBeGreaterThan(10);
    const file = join(folder.path, 'code.svg');
    expect((await run('--svg', file)).text).toContain(`The QR code of "FunkyGibbon" is in ${file}`);
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg /);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expect(run('--svg', file, '--bridge', '7')).rejects.toThrow('There is no bridge 7.');
    await expect(run('--svg', join(folder.path, 'none', 'x.svg'))).rejects.toThrow('could not be written');
    expect(JSON.parse((await run('--json')).text)).toMatchObject({ enabled: true, advertiser: null });

    const check = await run('check');
    expect(check.ok).toBe(false);
    expect(check.text).toContain('The hub announces nothing (mdns.enabled is false)');
  });
});

describe('the check', () => {
  const unheard = { addresses: [], browseMs: 50 };
  const reply = (bridge: Partial<BridgeReply>, advertiser: string | null = 'ciao') => ({
    enabled: true,
    advertiser,
    hidden: [],
    bridges: [
      {
        number: 1,
        name: 'Hub',
        username: '02:00:00:00:00:01',
        port: 1,
        pin: '',
        setup_uri: '',
        paired: false,
        controllers: 0,
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
      const bridges = part.bridges.map((view) => ({ ...view, setup_uri: view.setupUri }));
      const check = await checkHomekit({ enabled: true, advertiser: part.advertiser, hidden: [], bridges });
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
  ] as const)('%j', (words: readonly string[], order, configFlags) => {
    expect(readHomekitOrder(words)).toMatchObject({ ...order, configFlags });
  });

  test.each([['dance'], ['check', 'all'], ['--bridge', 'two'], ['--svg']])(
    '%j %j: says what is accepted',
    (...words) => {
      expect(() => readHomekitOrder(words)).toThrow(/takes/);
    },
  );
});
