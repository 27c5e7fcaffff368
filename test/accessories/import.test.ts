import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Entity, Entry } from './import-home.ts';

import { CODE } from './accessory.ts';
import {
  announce,
  ask,
  call,
  closeHome,
  devices,
  entryOf,
  found,
  openHome,
  ownBridge,
  pair,
  restartHub,
  servicesOf,
  startAccessory,
  SOON,
  stateOf,
  until,
} from './import-home.ts';

beforeEach(openHome);
afterEach(closeHome);

describe('pairing', () => {
  test('found, refused with a wrong code, paired with the right one, and in the graph', async () => {
    await using light = await startAccessory('light');
    announce(light.found);
    expect(await found(light.id)).toMatchObject({
      name: expect.stringMatching(/^light/),
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
    await using light = await startAccessory('light');
    announce(light.found, { isPairable: false });
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
    const homekit = ownBridge();
    await using light = await startAccessory('light');
    announce({ ...light.found, id: homekit.username, name: 'own', port: homekit.port });
    announce(light.found);
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
    await using light = await startAccessory('light');
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
    await using light = await startAccessory('light');
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
    announce(light.found, { isPairable: false });
    await until(entityId, { available: true });
    await vi.waitFor(async () => expect((await entryOf(light.id)).state).toBe('connected'), SOON);

    await restartHub();
    await vi.waitFor(async () => expect((await entryOf(light.id)).state).toBe('connected'), SOON);
    expect((await entryOf(light.id)).entity_ids).toEqual([entityId]);
    expect(await servicesOf(entityId)).toMatchObject([{ id: service?.id }]);
    await light.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 33 });
    await until(entityId, { available: true, values: { brightness: { value: 33 } } });
    expect([...(await devices())]).toEqual([['Desk', entityId]]);

    await restartHub({ FUNKYGIBBON_HOMEKIT__ENABLED: 'false' });
    expect((await ask('GET', '/api/homekit/accessories')).status).toBe(409);
    expect((await stateOf(entityId)).available).toBe(false);
    const off = await ask('POST', `/api/entities/${entityId}/commands`, {
      capability: 'on_off',
      value: true,
    });
    expect(await off.json()).toMatchObject({
      detail: 'Desk cannot be reached at the moment: HomeKit is switched off.',
    });
  });

  test('a list that changed is read again', async () => {
    await using sensor = await startAccessory('sensor');
    const [entityId = ''] = (await pair(sensor)).entity_ids;
    await until(entityId, { available: true });
    const before = await servicesOf(entityId);
    expect(before.map(({ content }) => JSON.stringify(content['type_name'] ?? null)).toSorted()).toEqual([
      '"MotionSensor"',
      '"TemperatureSensor"',
      'null',
    ]);
    await sensor.order({ do: 'grow' });
    announce(sensor.found, { isPairable: false, configNumber: 7 });
    await until(entityId, { values: { on_off: { value: false } } });
    expect(await servicesOf(entityId)).toHaveLength(4);
  });

  test('behind a bridge: each accessory for itself, locks as locks, presses as events', async () => {
    await using bridge = await startAccessory('bridge');
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
