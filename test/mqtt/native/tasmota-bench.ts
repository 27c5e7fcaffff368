import { expect } from 'vitest';

import { tasmota } from '../../../src/mqtt/native/tasmota.ts';
import { Bench } from './native-harness.ts';

export const MAC = 'A0B1C2D3E4F5';

/** A device of our own with nothing on it. */
export const BARE = {
  ip: '192.0.2.7',
  dn: 'Bench',
  fn: [null, null, null, null],
  hn: 'bench-1234',
  mac: MAC,
  md: 'Generic',
  ty: 0,
  if: 0,
  ofln: 'Offline',
  onln: 'Online',
  state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
  sw: '15.0.1',
  t: 'bench',
  ft: '%prefix%/%topic%/',
  tp: ['cmnd', 'stat', 'tele'],
  rl: [0, 0, 0, 0],
  swc: [-1, -1],
  swn: [null, null],
  btn: [0, 0],
  so: { 4: 0, 11: 0, 13: 0, 17: 0, 20: 0, 30: 0, 68: 0, 73: 0, 82: 0, 114: 0, 117: 0 },
  lk: 1,
  lt_st: 0,
  bat: 0,
  dslp: 0,
  sho: [],
  sht: [],
  ver: 1,
};

export function open(config: Record<string, unknown>, sensors?: Record<string, unknown>): Bench {
  const bench = new Bench(tasmota);
  bench.tell(`tasmota/discovery/${MAC}/config`, { ...BARE, ...config });
  if (sensors) bench.tell(`tasmota/discovery/${MAC}/sensors`, { sn: sensors, ver: 1 });
  expect([...bench.problems(), ...bench.templateProblems()]).toEqual([]);
  expect(bench.host.complaints).toEqual([]);
  return bench;
}

export const options = (...on: number[]): Record<string, number> => ({
  ...BARE.so,
  ...Object.fromEntries(on.map((option) => [option, 1])),
});
