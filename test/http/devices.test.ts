import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { DeviceView } from '../../src/devices/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { problemOf, startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
  api.devices.views = [lamp];
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const lamp: DeviceView = {
  entityId: 'lamp-1',
  name: 'Lamp',
  manufacturer: 'IKEA',
  model: null,
  swVersion: '1.0',
  serialNumber: null,
  capabilities: [
    {
      name: 'on_off',
      kind: 'on_off',
      unit: null,
      range: null,
      writable: true,
      component: 'light/lamp',
      component_type: 'light',
      device_class: null,
      category: null,
      label: null,
      enabled_by_default: true,
    },
  ],
  available: true,
  values: new Map([
    ['on_off', { value: true, unit: null, timestampMs: Date.UTC(2026, 0, 1, 12) }],
    ['power', { value: null, unit: 'W', timestampMs: null }],
  ]),
};
const state = {
  entity_id: 'lamp-1',
  available: true,
  values: {
    on_off: { value: true, unit: null, timestamp: '2026-01-01T12:00:00.000Z' },
    power: { value: null, unit: 'W', timestamp: null },
  },
};

describe('state', () => {
  test('values come with unit and time, and unknown is null', async () => {
    const response = await api.call('GET', '/api/entities/lamp-1/state');
    expect(await response.json()).toEqual(state);
    expect((await api.call('GET', '/api/entities/other/state')).status).toBe(404);
  });

  test('devices are listed with state, capabilities and what is not understood yet', async () => {
    api.devices.views = [lamp, { ...lamp, entityId: 'lamp-2', name: 'Lamp 2' }];
    const first = (await (await api.call('GET', '/api/devices?limit=1')).json()) as {
      items: unknown[];
      next_cursor: string;
    };
    expect(first.items).toEqual([
      {
        name: 'Lamp',
        manufacturer: 'IKEA',
        model: null,
        sw_version: '1.0',
        serial_number: null,
        capabilities: lamp.capabilities,
        unsupported: [{ component: 'lock/door', type: 'lock', reason: 'locks come later' }],
        ...state,
      },
    ]);
    const second = await api.call('GET', `/api/devices?limit=1&cursor=${first.next_cursor}`);
    expect(await second.json()).toMatchObject({ items: [{ entity_id: 'lamp-2' }], next_cursor: null });
  });
});

describe('commands', () => {
  test('one capability is set and the request is named as the origin', async () => {
    const response = await api.call(
      'POST',
      '/api/entities/lamp-1/commands',
      { capability: 'on_off', value: false, confirm_within_ms: 0 },
      { 'x-request-id': 'mine-1' },
    );
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'confirmed', ...state });
    expect(api.devices.commands).toEqual([
      {
        entityId: 'lamp-1',
        writes: [{ capability: 'on_off', value: false }],
        origin: 'http:mine-1',
        by: { kind: 'person', userId: expect.any(String) },
        confirmWithinMs: 0,
      },
    ]);
  });

  test('several are set at once', async () => {
    await api.call('POST', '/api/entities/lamp-1/commands', { values: { on_off: true, brightness: 40 } });
    expect(api.devices.commands[0]?.writes).toEqual([
      { capability: 'on_off', value: true },
      { capability: 'brightness', value: 40 },
    ]);
  });

  test.each([
    {},
    { capability: 'on_off' },
    { capability: '', value: 1 },
    { capability: 'on_off', value: 1, confirm_within_ms: 10_001 },
    { capability: 'on_off', value: 1, confirm_within_ms: -1 },
    { values: {} },
    { values: [] },
    { values: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`c${i}`, 1])) },
    [],
    'on',
    null,
  ])('what is no command is refused (case %#)', async (body) => {
    const response = await api.call('POST', '/api/entities/lamp-1/commands', body);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).detail).toMatch(/capability|value|confirm_within_ms/);
    expect(api.devices.commands).toEqual([]);
  });

  test('a device that is offline is 503, a value out of range says what is accepted', async () => {
    const command = { capability: 'brightness', value: 4000 };
    api.devices.answer = () => {
      throw new HubError('unavailable', 'Lamp does not answer; is it switched on?');
    };
    const offline = await api.call('POST', '/api/entities/lamp-1/commands', command);
    expect(offline.status).toBe(503);
    expect(offline.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await problemOf(offline)).code).toBe('UNAVAILABLE');
    api.devices.answer = () => {
      throw new HubError('invalid', 'brightness takes 1 to 100', { field: 'value' });
    };
    const odd = await api.call('POST', '/api/entities/lamp-1/commands', command);
    expect([odd.status, await problemOf(odd)]).toMatchObject([
      400,
      { detail: 'brightness takes 1 to 100', field: 'value' },
    ]);
    expect((await api.call('POST', '/api/entities/other/commands', command)).status).toBe(404);
  });
});
