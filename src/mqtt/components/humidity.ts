import type { ValueRange } from '../../devices/types.ts';
import type { CommandChannel } from './parts.ts';

import { readState, toNumberControl, type Control, type ControlSource } from './controls.ts';
import { readNumber, type Config } from './fields.ts';
import { Channel } from './templates.ts';
import { readOnly, toPossiblePercent } from './units.ts';

/** Limits that contradict each other, or are no percentages, are none. */
function readLimits(config: Config, fallback: ValueRange): ValueRange {
  const min = readNumber(config, 'min_humidity') ?? fallback.min;
  const max = readNumber(config, 'max_humidity') ?? fallback.max;
  return { ...(min >= 0 && min < max && max <= 100 ? { min, max } : fallback), step: 1 };
}

/** A target in whole percent. `fallback`: the limits of a device that names none. */
export function readTargetHumidity(
  source: ControlSource,
  command: CommandChannel | null,
  fallback: ValueRange,
  reset = 'None',
): Control[] {
  const range = readLimits(source.config, fallback);
  return toNumberControl({
    capability: { kind: 'target_humidity', unit: '%', range, writable: command !== null },
    channel: readState(source, 'target_humidity'),
    command,
    reset,
    toValue: toPossiblePercent,
    toMessage: (value) => {
      const whole = Math.round(value);
      const message = command?.message(whole);
      return message && { message, value: whole };
    },
  });
}

export function readCurrentHumidity(
  { config, templates, sharedTemplates }: ControlSource,
  reset = 'None',
): Control[] {
  const keys = ['current_humidity_template', ...sharedTemplates];
  return toNumberControl({
    capability: readOnly('humidity', '%', { min: 0, max: 100 }),
    channel: Channel.read(config, 'current_humidity_topic', keys, templates),
    command: null,
    reset,
    toValue: toPossiblePercent,
    toMessage: () => undefined,
  });
}
