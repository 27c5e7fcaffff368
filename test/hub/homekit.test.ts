import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { HubStatus } from '../../src/cli/types.ts';
import type { Hub } from '../../src/hub.ts';

import { readHomekitOrder, type BridgeReply } from '../../src/cli/homekit-command.ts';
import { readAskOrder, runAskingCommand, runHomekitCommand, welcomeText } from '../../src/cli/cli.ts';
import { accessoryNamed, Controller, keyOf } from '../homekit/controller.ts';
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
      pairings: [],
      alone: false,
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
    const listed = await call('GET', '/api/homekit');
    expect(listed.body['shown']).toEqual([
      { entity_id: id, name: 'Lamp', bridge: 1, services: ['Lightbulb'] },
    ]);
    expect((await run('accessories')).text).toBe('1  FunkyGibbon\n  Lamp: Lightbulb');
    expect((await run()).text).toContain(`paired with ${phone.id}, connected from 127.0.0.1`);
    expect((await call('PATCH', path, { alone: true, bridge: 2, confirm: true })).status).toBe(400);
    const kept = await call('DELETE', `/api/entities/${id}`);
    expect([kept.status, kept.body['detail']]).toEqual([
      409,
      expect.stringMatching(/^Apple Home forgets the room.*\?confirm=true/),
    ]);
    expect(await phone.read(on)).toHaveLength(1);
    const done = await call('PATCH', path, { excluded: true, confirm: true });
    expect(done).toEqual({
      status: 200,
      body: { entity_id: id, excluded: true, bridge: 1, alone: false, shown: false, parts: [] },
    });
    const { body } = await call('GET', '/api/homekit');
    expect(body['hidden']).toEqual([
      { entity_id: id, name: 'Lamp', reason: 'A person keeps it out of Apple Home.' },
    ]);
    const explained = await call('GET', `/api/devices/${id}/explain`);
    expect(JSON.stringify(explained.body)).toContain('A person keeps it out of Apple Home.');
    expect((await run()).text).toContain('Lamp: A person keeps it out of Apple Home.');

    const back = await call('PATCH', path, { excluded: false, bridge: 2 });
    expect(back.body).toEqual({
      entity_id: id,
      excluded: false,
      bridge: 2,
      alone: false,
      shown: true,
      parts: [],
    });
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
    const gone = await fetch(`${hub.ready.http_url}/api/entities/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    });
    // On the second bridge, which nobody paired, there is nothing to lose.
    expect(gone.status).toBe(204);
    const welcome = welcomeText(hub.pairing());
    expect(welcome).toContain('Apple Home is paired.');
    expect(welcome).toContain(`or enter the code ${second?.pin}`);
    const { body: audit } = await call('GET', '/api/audit?action=homekit.device');
    expect(audit['items']).toHaveLength(2);
  });

  test('turns a cover round by the API and by the command, renews it, and says so in the audit log', async () => {
    const { username = '', password = '' } = hub.pairing().mqtt ?? {};
    const device = await connectAsync(hub.ready.mqtt_url ?? '', { username, password, reconnectPeriod: 0 });
    const announce = async (deviceClass: string): Promise<void> => {
      const config = {
        name: null,
        device_class: deviceClass,
        command_topic: 'blind/set',
        position_topic: 'blind/position',
        set_position_topic: 'blind/position/set',
        device: { identifiers: ['blind'], name: 'Big blind' },
      };
      await device.publishAsync('homeassistant/cover/blind/config', JSON.stringify(config), {
        qos: 1,
        retain: true,
      });
    };
    await announce('blind');
    const id = await vi.waitFor(async () => {
      expect((await bridges())[0]?.accessories).toBe(1);
      const { items } = (await call('GET', '/api/devices')).body as { items: { entity_id: string }[] };
      return items[0]?.entity_id ?? '';
    }, SETTLED);

    const path = `/api/homekit/devices/${id}`;
    const turned = await call('PATCH', path, { invert_opening: true });
    const part = {
      component: 'cover/blind',
      label: null,
      service: 'WindowCovering',
      announced_service: null,
      invert_opening: true,
      invert_tilt: false,
    };
    expect(turned).toMatchObject({ status: 200, body: { parts: [part] } });
    expect((await call('PATCH', path, { component: 'cover/blind' })).status).toBe(400);
    expect((await call('PATCH', path, { invert_tilt: true, component: 'x' })).status).toBe(400);
    expect((await run('set', 'big blind', '--invert-opening', 'false', '--invert-tilt=true')).text).toBe(
      `It is shown on bridge 1.\n  cover/blind: WindowCovering, slats turned round`,
    );

    await announce('garage');
    await vi.waitFor(async () => {
      const { body } = await call('GET', '/api/homekit');
      expect(body['kept']).toEqual([
        {
          entity_id: id,
          name: 'Big blind',
          parts: [
            { ...part, announced_service: 'GarageDoorOpener', invert_opening: false, invert_tilt: true },
          ],
        },
      ]);
    }, SETTLED);
    expect((await run()).text).toContain('Big blind: WindowCovering, by now GarageDoorOpener');
    const [bridge] = await bridges();
    if (!bridge) throw new Error('there is no bridge');
    await using phone = await Controller.pair(bridge);
    await expect(run('set', 'Big blind', '--renew')).rejects.toThrow(/automations there are lost.*--confirm/);
    expect((await run('set', 'Big blind', '--renew', '--confirm')).text).toContain('GarageDoorOpener');
    expect(
      accessoryNamed(await phone.accessories(), 'Big blind').services.map(({ type }) => type),
    ).toContainEqual(expect.stringMatching(/^0*41(-|$)/));
    await expect(run('set', 'Nobody', '--renew')).rejects.toThrow('There is no device "Nobody".');
    const { body: audit } = await call('GET', '/api/audit?action=homekit.device');
    expect((audit['items'] as { details: unknown }[]).map(({ details }) => details)).toEqual([
      { renew: true },
      { invert_opening: false, invert_tilt: true },
      { invert_opening: true },
    ]);
    await device.endAsync(true);
  });

  test('the status has all bridges', async () => {
    const id = await announceLamp('Lamp');
    await call('PATCH', `/api/homekit/devices/${id}`, { bridge: 2 });
    await vi.waitFor(async () => expect((await bridges())[1]?.port).toBeGreaterThan(0));
    const [first, second] = await bridges();
    const json = await runAskingCommand(readAskOrder('status', ['--json']), folder.path);
    expect((JSON.parse(json) as HubStatus).homekit).toEqual({
      port: first?.port,
      paired: false,
      accessories: 1,
      bridges: [
        {
          number: 1,
          name: 'FunkyGibbon',
          port: first?.port,
          paired: false,
          controllers: 0,
          accessories: 0,
          problem: null,
        },
        {
          number: 2,
          name: 'FunkyGibbon 2',
          port: second?.port,
          paired: false,
          controllers: 0,
          accessories: 1,
          problem: null,
        },
      ],
    });
    expect(json).not.toContain(first?.pin);
    const text = await runAskingCommand(readAskOrder('status', []), folder.path);
    expect(text).toContain(`FunkyGibbon: waiting for pairing, 0 accessories, port ${first?.port}`);
    expect(text).toContain(`FunkyGibbon 2: waiting for pairing, 1 accessories, port ${second?.port}`);
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
