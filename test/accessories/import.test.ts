import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { readAccessoryOrder, runAccessoryCommand } from '../../src/cli/cli.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';
import { CODE, TestAccessory } from './accessory.ts';
import { Announcer } from './announcer.ts';

const PASSWORD = 'correct horse battery';
const SOON = { timeout: 10_000, interval: 20 };

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly paired_with_us: boolean;
  readonly can_pair: boolean;
  readonly notice: string | null;
  readonly state: string | null;
  readonly reason: string | null;
  readonly entity_ids: readonly string[];
}
interface Device {
  readonly entity_id: string;
  readonly name: string;
}
interface State {
  readonly available: boolean;
  readonly values: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Entity {
  readonly id: string;
  readonly entity_type: string;
  readonly source_type: string;
  readonly content: Readonly<Record<string, unknown>>;
}

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let token: string;
let announcer: Announcer;

beforeEach(async () => {
  folder = temporaryFolder();
  announcer = new Announcer();
  await startHub();
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await announcer[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function startHub(): Promise<void> {
  hub = await startTestHub(
    folder.path,
    { FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD, FUNKYGIBBON_MQTT__MODE: 'off' },
    { accessories: { discover: true, timing: { minPauseMs: 20, maxPauseMs: 200, offlineAfterMs: 100 } } },
  );
  const login = await call<{ access_token: string }>('POST', '/api/auth/login', {
    username: 'admin',
    password: PASSWORD,
  });
  token = login.access_token;
}

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
  return (await (await ask(method, path, body)).json()) as T;
}

async function entryOf(id: string): Promise<Entry> {
  const { items } = await call<{ items: Entry[] }>('GET', '/api/homekit/accessories');
  const entry = items.find((one) => one.id === id);
  if (!entry) throw new Error(`${id} is not in the list`);
  return entry;
}

async function found(id: string): Promise<Entry> {
  return await vi.waitFor(async () => await entryOf(id), SOON);
}

async function pair(accessory: TestAccessory): Promise<Entry> {
  announcer.announce(accessory.found);
  await found(accessory.id);
  return await call<Entry>('POST', `/api/homekit/accessories/${accessory.id}/pair`, { code: CODE });
}

async function devices(): Promise<Map<string, string>> {
  const { items } = await call<{ items: Device[] }>('GET', '/api/devices');
  return new Map(items.map(({ name, entity_id: id }) => [name, id]));
}

async function stateOf(entityId: string): Promise<State> {
  return await call<State>('GET', `/api/entities/${entityId}/state`);
}

async function until(entityId: string, wanted: object): Promise<void> {
  await vi.waitFor(async () => expect(await stateOf(entityId)).toMatchObject(wanted), SOON);
}

async function servicesOf(entityId: string): Promise<Entity[]> {
  const { items } = await call<{ items: { from_entity_id: string; relationship_type: string }[] }>(
    'GET',
    `/api/entities/${entityId}/relationships?direction=to`,
  );
  const ids = items.filter((one) => one.relationship_type === 'part_of').map((one) => one.from_entity_id);
  return await Promise.all(ids.map(async (id) => await call<Entity>('GET', `/api/entities/${id}`)));
}

async function run(...words: string[]): Promise<string> {
  return await runAccessoryCommand(readAccessoryOrder(words), folder.path, AbortSignal.timeout(20_000));
}

describe('pairing', () => {
  test('found, refused with a wrong code, paired with the right one, and in the graph', async () => {
    await using light = await TestAccessory.start('light');
    announcer.announce(light.found);
    expect(await found(light.id)).toMatchObject({
      name: 'light',
      model: 'Model',
      category: 'lightbulb',
      paired_with_us: false,
      can_pair: true,
      notice: null,
      state: null,
      entity_ids: [],
    });
    const path = `/api/homekit/accessories/${light.id}`;
    expect((await ask('POST', `${path}/identify`)).status).toBe(200);
    for (const [code, text] of [
      ['1234', /eight digits/],
      ['111-22-333', /not its setup code/],
    ] as const) {
      const refused = await ask('POST', `${path}/pair`, { code });
      expect([refused.status, (await refused.json()) as object]).toEqual([
        400,
        expect.objectContaining({ detail: expect.stringMatching(text) as string }),
      ]);
    }
    const paired = await call<Entry>('POST', `${path}/pair`, { code: CODE });
    expect(paired).toMatchObject({ paired_with_us: true, can_pair: false, notice: null, reason: null });
    const [entityId = ''] = paired.entity_ids;
    expect(await call<Entity>('GET', `/api/entities/${entityId}`)).toMatchObject({
      entity_type: 'accessory',
      source_type: 'homekit',
      content: {
        name: expect.stringMatching(/^A light/),
        manufacturer: 'Acme',
        model: 'Model light',
        sw_version: '1.2.3',
        serial_number: 'serial-light',
        source: 'homekit',
      },
    });
    expect(await servicesOf(entityId)).toMatchObject([
      {
        entity_type: 'service',
        source_type: 'homekit',
        content: {
          name: 'Lamp',
          type: '43',
          type_name: 'Lightbulb',
          aid: '1',
          component: expect.any(String),
        },
      },
    ]);
    await until(entityId, {
      available: true,
      values: { on_off: { value: false }, brightness: { value: 40 }, power: { value: 7.5 } },
    });
    expect((await ask('POST', `${path}/pair`, { code: CODE })).status).toBe(409);
    expect((await ask('POST', `${path}/identify`)).status).toBe(200);
    const { items } = await call<{ items: { action: string; target: string }[] }>('GET', '/api/audit');
    expect(items).toContainEqual(expect.objectContaining({ action: 'accessory.pair', target: light.id }));
    expect(JSON.stringify(items)).not.toContain(CODE);
  });

  test('one that is paired elsewhere is refused with the reason, before anything is tried', async () => {
    await using light = await TestAccessory.start('light');
    announcer.announce(light.found, { isPairable: false });
    expect(await found(light.id)).toMatchObject({
      can_pair: false,
      notice: expect.stringMatching(/only one/),
    });
    const refused = await ask('POST', `/api/homekit/accessories/${light.id}/pair`, { code: CODE });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/remove it there first/) });
    expect(
      (await ask('POST', '/api/homekit/accessories/CA:FE:00:00:00:77/pair', { code: CODE })).status,
    ).toBe(404);
  });

  test('the own bridge is neither listed nor paired', async () => {
    const { homekit } = hub.pairing();
    if (!homekit) throw new Error('HomeKit is to be on');
    await using light = await TestAccessory.start('light');
    announcer.announce({ ...light.found, id: homekit.username, name: 'own', port: homekit.port });
    announcer.announce(light.found);
    await found(light.id);
    await expect(entryOf(homekit.username)).rejects.toThrow('not in the list');
    const refused = await ask('POST', `/api/homekit/accessories/${homekit.username}/pair`, {
      code: homekit.pin,
    });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/its own devices/) });
  });
});

describe('a paired accessory', () => {
  test('takes commands, tells changes, and says in words what it refuses', async () => {
    await using light = await TestAccessory.start('light');
    const [entityId = ''] = (await pair(light)).entity_ids;
    const commands = `/api/entities/${entityId}/commands`;
    await until(entityId, { available: true });
    expect(await call('POST', commands, { capability: 'brightness', value: 70 })).toMatchObject({
      status: 'confirmed',
    });
    expect((await stateOf(entityId)).values).toMatchObject({
      on_off: { value: true },
      brightness: { value: 70 },
    });
    await light.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 12 });
    await until(entityId, { values: { brightness: { value: 12 } } });

    await light.order({ do: 'fail', on: true });
    const refused = await ask('POST', commands, { capability: 'on_off', value: false });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      detail: 'The accessory did not do it (On: the accessory does not reach the device behind it).',
    });
    const explained = await call('GET', `/api/devices/${entityId}/explain`);
    expect(explained).toMatchObject({
      available: true,
      components: expect.arrayContaining([
        expect.objectContaining({ source: 'homekit', announced_on: expect.stringMatching(/^hap:CA:FE/) }),
      ]) as unknown,
    });
    expect(JSON.stringify(explained)).toMatch(/"topic":"1\.\d+ Brightness"/);
    expect(JSON.stringify(explained)).toMatch(/would have it twice/);
  });

  test('goes and comes back with its server, and is as it was after a restart of the hub', async () => {
    await using light = await TestAccessory.start('light');
    const [entityId = ''] = (await pair(light)).entity_ids;
    await until(entityId, { available: true });
    const [service] = await servicesOf(entityId);
    await call('PATCH', `/api/entities/${entityId}`, { content: { name: 'Desk' } });
    await light.kill();
    await until(entityId, { available: false });
    expect(await entryOf(light.id)).toMatchObject({ reason: expect.stringMatching(/cannot be reached/) });
    const refused = await ask('POST', `/api/entities/${entityId}/commands`, {
      capability: 'on_off',
      value: true,
    });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringMatching(/^Desk cannot be reached at the moment: nothing answers at its address/),
    });
    await light.start();
    await until(entityId, { available: true });
    await light.kill();
    await light.start(0);
    announcer.announce(light.found, { isPairable: false });
    await until(entityId, { available: true });
    await vi.waitFor(async () => expect((await entryOf(light.id)).state).toBe('connected'), SOON);

    await hub[Symbol.asyncDispose]();
    await startHub();
    await vi.waitFor(async () => expect((await entryOf(light.id)).state).toBe('connected'), SOON);
    expect((await entryOf(light.id)).entity_ids).toEqual([entityId]);
    expect(await servicesOf(entityId)).toMatchObject([{ id: service?.id }]);
    await light.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 33 });
    await until(entityId, { available: true, values: { brightness: { value: 33 } } });
    expect([...(await devices())]).toEqual([['Desk', entityId]]);
    expect(hub.pairing().homekit).toBeTruthy();
  });

  test('a list that changed is read again', async () => {
    await using sensor = await TestAccessory.start('sensor');
    const [entityId = ''] = (await pair(sensor)).entity_ids;
    await until(entityId, { available: true });
    const before = await servicesOf(entityId);
    expect(before.map(({ content }) => String(content['type_name'] ?? 'unknown')).toSorted()).toEqual([
      'MotionSensor',
      'TemperatureSensor',
      'unknown',
    ]);
    await sensor.order({ do: 'grow' });
    announcer.announce(sensor.found, { isPairable: false, configNumber: 7 });
    await until(entityId, { values: { on_off: { value: false } } });
    expect(await servicesOf(entityId)).toHaveLength(4);
  });

  test('behind a bridge: each accessory for itself, locks as locks, presses as events', async () => {
    await using bridge = await TestAccessory.start('bridge');
    const paired = await pair(bridge);
    expect(paired.entity_ids).toHaveLength(6);
    const byName = await devices();
    expect([...byName.keys()]).toEqual([
      expect.stringMatching(/^A bridge/),
      'A button',
      'A light',
      'A lock',
      'A sensor',
      'A thermostat',
    ]);
    const lock = byName.get('A lock') ?? '';
    await until(lock, { available: true, values: { locked: { value: 'locked' } } });
    expect(
      await call('POST', `/api/entities/${lock}/commands`, { capability: 'locked', value: 'unlock' }),
    ).toMatchObject({ status: 'confirmed' });
    const { items } = await call<{ items: { action: string; details: object }[] }>('GET', '/api/audit');
    expect(items).toContainEqual(expect.objectContaining({ action: 'command' }));

    const button = byName.get('A button') ?? '';
    expect((await stateOf(button)).values['button_event']).toMatchObject({ value: null });
    await bridge.order({ do: 'press', value: 1 });
    await until(button, { values: { button_event: { value: 'double' } } });
    // Not shown to Apple Home a second time.
    expect(JSON.stringify(await call('GET', `/api/devices/${lock}/explain`))).not.toMatch(/"homekit":\["/);
  });
});

describe('removal', () => {
  test('gives it free and ends the entities; paired again it has the same ids', async () => {
    await using light = await TestAccessory.start('light');
    const [entityId = ''] = (await pair(light)).entity_ids;
    const [service] = await servicesOf(entityId);
    const path = `/api/homekit/accessories/${light.id}`;
    expect((await ask('DELETE', path)).status).toBe(204);
    for (const id of [entityId, service?.id]) {
      expect((await ask('GET', `/api/entities/${id}`)).status).not.toBe(200);
    }
    expect([...(await devices())]).toEqual([]);
    expect((await ask('DELETE', path)).status).toBe(404);
    expect(await call('POST', `${path}/pair`, { code: CODE })).toMatchObject({ entity_ids: [entityId] });
    expect(await servicesOf(entityId)).toMatchObject([{ id: service?.id }]);
    await until(entityId, { available: true, values: { brightness: { value: 40 } } });
  });

  test('on the command line; one that is not reached is forgotten with force only', async () => {
    await using light = await TestAccessory.start('light');
    announcer.announce(light.found);
    await found(light.id);
    expect(await run()).toMatch(/light +lightbulb +Model +can be paired +CA:FE:00:00:00:01/);
    await expect(run('pair', light.id, '11122333')).rejects.toThrow(/not its setup code/);
    expect(await run('pair', light.id, '031', '45', '154')).toMatch(
      /^light is paired: one accessory came with it/,
    );
    const { entity_ids: ids } = await entryOf(light.id);
    await light.kill();
    await expect(run('remove', light.id)).rejects.toThrow(/must be reset before/);
    expect((await ask('GET', `/api/entities/${ids[0]}`)).status).toBe(200);
    expect(await run('remove', light.id, '--force')).toMatch(/^Forgotten\..*reset it/);
    expect((await ask('GET', `/api/entities/${ids[0]}`)).status).not.toBe(200);
    expect(() => readAccessoryOrder(['dance'])).toThrow(/takes list, pair/);
    const { items } = await call<{ items: { action: string }[] }>('GET', '/api/audit');
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['accessory.pair', 'accessory.remove']),
    );
  });
});
