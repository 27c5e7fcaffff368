import type { CapabilityDescription, CapabilityKind, ValueRange } from '../../devices/types.ts';

import { floatText } from '../template/numbers.ts';
import { makeFloat } from '../template/values.ts';
import { readCommand, readState, toNumberControl, type Control, type ControlSource } from './controls.ts';
import { readNumber, readText, type Config } from './fields.ts';
import { Channel } from './templates.ts';
import { fromFahrenheit, tidy, toPossibleTemperature } from './units.ts';

/** The device's own unit of temperature, its limits and how finely it takes a target. */
export interface TemperatureScale {
  /** In °C. */
  readonly range: ValueRange;
  /** Missing where it is °C. */
  readonly reportedUnit?: string;
  /** Null where nothing can be so cold. */
  toCelsius(reported: number): number | null;
  /** In the device's unit, within its limits, and on its steps. */
  toDevice(celsius: number): number;
}

/** `fallback`: the limits in °C of a device that names none. */
export function readTemperatureScale(config: Config, fallback: ValueRange): TemperatureScale {
  const isFahrenheit = /^[°º]?f/i.test(readText(config, 'temperature_unit')?.trim() ?? '');
  const toCelsius = isFahrenheit ? fromFahrenheit : tidy;
  const fromCelsius = (celsius: number): number => tidy(isFahrenheit ? (celsius * 9) / 5 + 32 : celsius);
  const { min, max } = readLimits(config, { min: fromCelsius(fallback.min), max: fromCelsius(fallback.max) });
  const statedStep = readPositive(config, 'temp_step');
  const step = statedStep ?? 1;
  const grain = statedStep ?? readPositive(config, 'precision') ?? (isFahrenheit ? 1 : 0.1);
  // Steps are counted from zero, so that limits such as 44.6 °F do not make every target a broken number.
  const origin = grain > 1 ? min : 0;
  return {
    range: {
      min: toCelsius(min),
      max: toCelsius(max),
      step: tidy(isFahrenheit ? (step * 5) / 9 : step),
    },
    ...(isFahrenheit ? { reportedUnit: '°F' } : {}),
    toCelsius: (reported) => toPossibleTemperature(toCelsius(reported)),
    toDevice: (celsius) => {
      const stepped = origin + Math.round(tidy((fromCelsius(celsius) - origin) / grain)) * grain;
      // The sum turns -0 into 0.
      return tidy(Math.min(max, Math.max(min, stepped))) + 0;
    },
  };
}

/** Beyond it a limit is a mistake, in any unit. */
const MAX_LIMIT = 10_000;

/** Limits that contradict each other are none. */
function readLimits(config: Config, fallback: ValueRange): ValueRange {
  const min = readNumber(config, 'min_temp') ?? fallback.min;
  const max = readNumber(config, 'max_temp') ?? fallback.max;
  const isSane = min < max && min >= -MAX_LIMIT && max <= MAX_LIMIT;
  return isSane ? { min, max } : fallback;
}

function readPositive(config: Config, key: string): number | null {
  const number = readNumber(config, key);
  return number !== null && number >= 0.001 && number <= MAX_LIMIT ? number : null;
}

function describe(
  kind: CapabilityKind,
  { reportedUnit }: TemperatureScale,
  range: ValueRange | null,
  writable: boolean,
): CapabilityDescription {
  return { kind, unit: '°C', range, writable, ...(reportedUnit === undefined ? {} : { reportedUnit }) };
}

/** A target. It is sent as Home Assistant sends it, as a float: 21.0. */
export function readTargetTemperature(
  source: ControlSource,
  scale: TemperatureScale,
  kind: 'target_temperature' | 'target_temperature_high' | 'target_temperature_low',
  name: string,
): Control[] {
  const command = readCommand(source, name);
  return toNumberControl({
    capability: describe(kind, scale, scale.range, command !== null),
    channel: readState(source, name),
    command,
    toValue: (reported) => scale.toCelsius(reported),
    toMessage: (celsius) => {
      const target = scale.toDevice(celsius);
      const message = command?.message(floatText(target), { value: makeFloat(target) });
      return message && { message, value: scale.toCelsius(target) ?? celsius };
    },
  });
}

export function readCurrentTemperature(
  { config, templates, sharedTemplates }: ControlSource,
  scale: TemperatureScale,
): Control[] {
  const keys = ['current_temperature_template', ...sharedTemplates];
  return toNumberControl({
    capability: describe('temperature', scale, null, false),
    channel: Channel.read(config, 'current_temperature_topic', keys, templates),
    command: null,
    toValue: (reported) => scale.toCelsius(reported),
    toMessage: () => undefined,
  });
}
