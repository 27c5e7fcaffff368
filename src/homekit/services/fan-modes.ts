import type { Capability, CapabilityWrite } from '../../devices/types.ts';
import type { CharacteristicPlan, Component } from '../service-plan.ts';

import { clamp } from '../convert.ts';
import { toSpeedRange } from './fan.ts';
import { shows, toStep, writable } from './parts.ts';

const FULL = 100;

/** How fast the words of devices are. What is no speed (auto, circulate) has none and stays in the graph. */
const SPEEDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    silent: 1,
    quiet: 1,
    whisper: 1,
    min: 2,
    lowest: 2,
    low: 3,
    slow: 3,
    low_medium: 4,
    medium_low: 4,
    mid_low: 4,
    middle_low: 4,
    mid: 5,
    med: 5,
    middle: 5,
    medium: 5,
    medium_high: 6,
    mid_high: 6,
    middle_high: 6,
    high: 7,
    fast: 7,
    highest: 8,
    max: 8,
    strong: 9,
    powerful: 9,
    boost: 9,
    turbo: 10,
  }),
);
const NUMBERED = /^(?:level|speed|step)?_?(\d{1,2})$/;

/** The speeds of a climate's fan. */
export interface FanSpeeds {
  readonly mode: Capability;
  /** The options, the slowest first. */
  readonly options: readonly string[];
}

/** Null where there are no two speeds to choose from. */
export function findFanSpeeds(component: Component): FanSpeeds | null {
  const mode = writable(component, 'fan_mode');
  if (!mode) return null;
  const options = (mode.options ?? [])
    .flatMap((option) => {
      const speed = toSpeed(option);
      return speed === undefined ? [] : [{ option, speed }];
    })
    .toSorted((a, b) => a.speed - b.speed)
    .map(({ option }) => option);
  return options.length < 2 ? null : { mode, options };
}

function toSpeed(option: string): number | undefined {
  const word = option
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const number = Number(NUMBERED.exec(word)?.[1] ?? 0);
  return number > 0 ? number : SPEEDS.get(word);
}

/** As many steps as there are speeds. While the fan decides for itself, the speed that was shown last. */
export function planFanSpeed({ mode, options }: FanSpeeds): CharacteristicPlan {
  const range = toSpeedRange({ min: 0, max: FULL, step: FULL / options.length });
  return {
    ...shows('RotationSpeed', mode, (values, shown) => {
      const at = options.findIndex((option) => option === values.get(mode.name));
      if (at >= 0) return toStep(((at + 1) * FULL) / options.length, range);
      return typeof shown === 'number' ? shown : FULL;
    }),
    range,
  };
}

/** @param percent above 0 */
export function toFanSpeedWrite({ mode, options }: FanSpeeds, percent: number): CapabilityWrite {
  const at = clamp(Math.round((percent * options.length) / FULL), 1, options.length) - 1;
  return { capability: mode.name, value: options[at] ?? '' };
}
