import type { SetValue } from './types.ts';

/** What people set and an automation could set for them, with the values that last. */
const TARGETS: ReadonlyMap<string, ReadonlySet<unknown> | null> = new Map([
  ['on_off', null],
  ['brightness', null],
  ['open_close', new Set(['open', 'closed', 'close'])],
  ['position', null],
  ['locked', new Set(['locked', 'unlocked', 'lock', 'unlock'])],
  [
    'alarm',
    new Set([
      'disarmed',
      'armed_home',
      'armed_away',
      'armed_night',
      'disarm',
      'arm_home',
      'arm_away',
      'arm_night',
    ]),
  ],
  ['hvac_mode', null],
  ['preset_mode', null],
  ['fan_mode', null],
  ['mode', null],
  ['target_temperature', null],
  ['target_humidity', null],
  ['speed', null],
]);
/** Orders under the name of what they lead to. */
const LEADS_TO: Readonly<Record<string, string>> = {
  close: 'closed',
  lock: 'locked',
  unlock: 'unlocked',
  disarm: 'disarmed',
  arm_home: 'armed_home',
  arm_away: 'armed_away',
  arm_night: 'armed_night',
};
/** Numbers that are as good as the same. */
const STEPS: Readonly<Record<string, number>> = {
  brightness: 10,
  position: 10,
  speed: 10,
  target_temperature: 0.5,
  target_humidity: 5,
};

/** What an automation would set; null for what no automation should, such as a cover that is on its way. */
export function toTargetValue(kind: string, value: unknown): SetValue | null {
  const lasting = TARGETS.get(kind);
  if (lasting === undefined || (lasting !== null && !lasting.has(value))) return null;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return LEADS_TO[value] ?? value;
  const step = STEPS[kind];
  return typeof value !== 'number' || step === undefined ? null : Math.round(value / step) * step;
}
