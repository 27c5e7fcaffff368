import { expect } from 'vitest';

import { zigbee2mqtt } from '../../../src/mqtt/native/zigbee2mqtt.ts';
import { Bench } from './native-harness.ts';

export const IEEE = '0x00158d0001020304';
export const COORDINATOR = {
  ieee_address: '0x00124b0001020304',
  type: 'Coordinator',
  friendly_name: 'Coordinator',
};
export const INFO = { version: '2.12.1', config: { availability: { enabled: true }, devices: {} } };

export type Json = Record<string, unknown>;

export function toDevice(exposes: readonly Json[], more: Json = {}): Json {
  return {
    ieee_address: IEEE,
    type: 'Router',
    friendly_name: 'Küche/links 1',
    interview_completed: true,
    interview_state: 'SUCCESSFUL',
    disabled: false,
    definition: { model: 'X1', vendor: 'Maker', description: 'A thing', exposes, supports_ota: false },
    ...more,
  };
}

export function open(exposes: readonly Json[], more: Json = {}): Bench {
  const bench = new Bench(zigbee2mqtt);
  bench.tell('zigbee2mqtt/bridge/info', INFO);
  bench.tell('zigbee2mqtt/bridge/devices', [COORDINATOR, toDevice(exposes, more)]);
  expect([...bench.problems(), ...bench.templateProblems()]).toEqual([]);
  expect(bench.host.complaints).toEqual([]);
  return bench;
}

export const TOPIC = 'zigbee2mqtt/Küche/links 1';

/** An expose of the usual kind. */
export function expose(type: string, name: string, access: number, more: Json = {}): Json {
  const label = name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
  return { type, name, property: name, label, access, ...more };
}

export const STATE = expose('binary', 'state', 7, { value_on: 'ON', value_off: 'OFF' });
