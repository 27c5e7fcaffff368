import { describe, expect, test } from 'vitest';

import type { Capability, DeviceView } from '../../src/devices/types.ts';

import { commandKinds, toldWrites } from '../../src/devices/devices.ts';

function capability(name: string, given: Partial<Record<keyof Capability, unknown>> = {}): Capability {
  return {
    name,
    kind: 'on_off',
    unit: null,
    range: null,
    writable: true,
    component: `component/${name}`,
    component_type: 'switch',
    device_class: null,
    category: null,
    label: null,
    enabled_by_default: true,
    ...given,
  } as Capability;
}

function device(...capabilities: Capability[]): DeviceView {
  return {
    entityId: 'x',
    name: 'X',
    manufacturer: null,
    model: null,
    swVersion: null,
    serialNumber: null,
    capabilities,
    available: true,
    values: new Map(),
  };
}

describe('what kind of device a command moves', () => {
  test.each([
    ['light', { component_type: 'light' }],
    ['switch', {}],
    ['lock', { component_type: 'lock' }],
    ['lock', { component_type: 'switch', kind: 'locked' }],
    ['garage_door', { component_type: 'cover', device_class: 'garage' }],
    ['garage_door', { component_type: 'cover', device_class: 'gate' }],
    ['cover', { component_type: 'cover', device_class: 'blind' }],
    ['cover', { component_type: 'cover' }],
    ['alarm', { component_type: 'alarm_control_panel' }],
    ['media', { component_type: 'media_player' }],
    ['climate', { component_type: 'climate' }],
    ['valve', { component_type: 'valve' }],
  ])('%s: %j', (kind, given) => {
    expect(commandKinds(device(capability('a', given)), [{ capability: 'a' }])).toEqual([kind]);
  });

  test('a setting of a lock is the lock, and a sensor that tells of one is not', () => {
    const lock = capability('locked', { component_type: 'lock' });
    const setting = capability('auto_lock', { category: 'config' });
    expect(commandKinds(device(lock, setting), [{ capability: 'auto_lock' }])).toEqual(['lock', 'switch']);
    const sensor = capability('locked', { kind: 'locked', writable: false });
    expect(commandKinds(device(sensor, setting), [{ capability: 'auto_lock' }])).toEqual(['switch']);
  });

  test('a device is what is written to it, and nothing for what it has not', () => {
    const fan = capability('fan', { component_type: 'fan' });
    const light = capability('light', { component_type: 'light' });
    expect(commandKinds(device(fan, light), [{ capability: 'light' }])).toEqual(['light']);
    expect(commandKinds(device(fan, light), [{ capability: 'nothing' }])).toEqual([]);
  });
});

test('what is told of a write holds no code', () => {
  const view = device(capability('mode', { options: ['away'] }), capability('code'));
  const writes = [
    { capability: 'mode', value: 'away' },
    { capability: 'locked', value: false },
    { capability: 'code', value: '4711' },
    { capability: 'pin', value: 4711 },
  ];
  expect(toldWrites(view, writes)).toEqual({ mode: 'away', locked: false, code: '…', pin: '…' });
});
