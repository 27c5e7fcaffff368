import type {
  CapabilityDescription,
  CapabilityKind,
  HueSaturation,
  SinkWrite,
  ValueRange,
} from '../../devices/types.ts';
import type { ValueSource } from '../types.ts';
import type { Reading } from './codec.ts';
import type { Channel } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { isHueSaturation } from './codec.ts';
import { invertTemperature } from './colour.ts';
import { readFlag, readNumber, readTexts, type Config } from './fields.ts';

/** What a light can do, whatever its schema. */
export interface LightFeatures {
  readonly brightness: boolean;
  /** In mired; null where the white can't be changed. */
  readonly temperature: ValueRange | null;
  readonly colour: boolean;
  readonly effects: readonly string[];
}

/** The writes of one command, merged: the last of each kind counts, and the last of white and colour. */
export interface LightWrite {
  on?: boolean;
  /** Percent, 1 to 100. */
  brightness?: number;
  /** In mired. */
  temperature?: number;
  colour?: HueSaturation;
  effect?: string;
}

export function toLightCapabilities(features: LightFeatures): CapabilityDescription[] {
  const capabilities: CapabilityDescription[] = [{ kind: 'on_off', unit: null, range: null, writable: true }];
  if (features.brightness) {
    capabilities.push({ kind: 'brightness', unit: '%', range: { min: 1, max: 100 }, writable: true });
  }
  if (features.temperature) {
    capabilities.push({
      kind: 'color_temperature',
      unit: 'mired',
      range: features.temperature,
      writable: true,
    });
  }
  if (features.colour) capabilities.push({ kind: 'color_hs', unit: null, range: null, writable: true });
  if (features.effects.length > 0) {
    capabilities.push({ kind: 'effect', unit: null, range: null, writable: true, options: features.effects });
  }
  return capabilities;
}

/** Where the light's values come from; what it does not tell has no source, and neither has what it can't do. */
export function toLightSources(
  capabilities: readonly CapabilityDescription[],
  channels: readonly (readonly [CapabilityKind, Channel | null | undefined])[],
): ValueSource[] {
  const kinds = new Set(capabilities.map(({ kind }) => kind));
  return channels.flatMap(([kind, channel]) =>
    channel && kinds.has(kind) ? [{ kind, topic: channel.topic, template: channel.template }] : [],
  );
}

/** The range in mired, from whichever limits are given; 153 to 500 is what most lamps can do. */
export function readTemperatureRange(config: Config): ValueRange {
  const minKelvin = readNumber(config, 'min_kelvin');
  const maxKelvin = readNumber(config, 'max_kelvin');
  const min = readNumber(config, 'min_mireds') ?? (maxKelvin ? invertTemperature(maxKelvin) : 153);
  const max = readNumber(config, 'max_mireds') ?? (minKelvin ? invertTemperature(minKelvin) : 500);
  return min > 0 && min < max ? { min, max } : { min: 153, max: 500 };
}

/** `color_temp` of the device in mired, within the range; undefined for the 0 that some lamps report. */
export function toMired(reported: number, isKelvin: boolean, range: ValueRange): number | undefined {
  if (!(reported > 0)) return undefined;
  const mired = isKelvin ? invertTemperature(reported) : Math.round(reported);
  return Math.min(Math.max(mired, range.min), range.max);
}

export function readEffects(config: Config): string[] {
  return readTexts(config, 'effect_list').slice(0, LIMITS.options);
}

/** The device's brightness for 100 percent. */
export function readScale(config: Config): number {
  const scale = readNumber(config, 'brightness_scale');
  return scale !== null && scale >= 1 ? scale : 255;
}

/** Percent, 1 to 100; undefined for 0, which says nothing about how bright the light will be. */
export function toPercent(reported: number, scale: number): number | undefined {
  if (!(reported > 0)) return undefined;
  return Math.min(Math.max(Math.round((reported / scale) * 100), 1), 100);
}

export function fromPercent(percent: number, scale: number): number {
  return Math.min(Math.max(Math.round((percent / 100) * scale), 1), scale);
}

/** @throws HubError `invalid` when there is something that the light can't do. */
export function readLightWrites(writes: readonly SinkWrite[], features: LightFeatures): LightWrite {
  const result: LightWrite = {};
  for (const { kind, value } of writes) {
    if (kind === 'on_off' && typeof value === 'boolean') {
      result.on = value;
    } else if (kind === 'brightness' && typeof value === 'number' && features.brightness) {
      result.brightness = value;
    } else if (kind === 'color_temperature' && typeof value === 'number' && features.temperature) {
      result.temperature = value;
      delete result.colour;
    } else if (kind === 'color_hs' && isHueSaturation(value) && features.colour) {
      result.colour = value;
      delete result.temperature;
    } else if (kind === 'effect' && typeof value === 'string' && features.effects.includes(value)) {
      result.effect = value;
    } else {
      throw new HubError('invalid', `This light can't set ${kind} to ${JSON.stringify(value)}.`);
    }
  }
  if (Object.keys(result).length === 0) throw new HubError('invalid', 'The command sets nothing.');
  return result;
}

/** What the light will be once it has obeyed, for lights that do not report. */
export function toAssumed(
  write: LightWrite,
  reports: { readonly [K in keyof LightWrite]-?: boolean },
): Reading[] {
  if (write.on === false) return reports.on ? [] : [{ kind: 'on_off', value: false }];
  const readings: Reading[] = [];
  if (!reports.on) readings.push({ kind: 'on_off', value: true });
  if (write.brightness !== undefined && !reports.brightness) {
    readings.push({ kind: 'brightness', value: write.brightness });
  }
  if (write.temperature !== undefined && !reports.temperature) {
    readings.push({ kind: 'color_temperature', value: write.temperature });
  }
  if (write.colour !== undefined && !reports.colour) readings.push({ kind: 'color_hs', value: write.colour });
  if (write.effect !== undefined && !reports.effect) readings.push({ kind: 'effect', value: write.effect });
  return readings;
}

/**
 * Lamps report the colour that they had before while they shine white, and a white that comes near while they are
 * coloured. Only what is in use is passed on; what came too early is passed on when the mode says so.
 */
export class ColourMode {
  readonly #features: Pick<LightFeatures, 'colour' | 'temperature'>;
  #mode: string | null = null;
  #colour: Reading | undefined;
  #temperature: Reading | undefined;

  /** @param features what the light has besides: nothing is told of the rest */
  constructor(features: Pick<LightFeatures, 'colour' | 'temperature'>) {
    this.#features = features;
  }

  /** Notes a mode; answers the reading that this brings into use, and unknown for the one that it takes out of use. */
  enter(mode: string): Reading[] {
    const [usedColour, usedTemperature] = [this.#usesColour, this.#usesTemperature];
    this.#mode = mode;
    const found: (Reading | undefined)[] = [];
    if (this.#features.colour && this.#usesColour !== usedColour) {
      found.push(this.#usesColour ? this.#colour : { kind: 'color_hs', value: null });
    }
    if (this.#features.temperature && this.#usesTemperature !== usedTemperature) {
      found.push(this.#usesTemperature ? this.#temperature : { kind: 'color_temperature', value: null });
    }
    return found.filter((reading) => reading !== undefined);
  }

  colour(value: HueSaturation | null): Reading[] {
    this.#colour = { kind: 'color_hs', value };
    return this.#usesColour ? [this.#colour] : [];
  }

  temperature(value: number | null): Reading[] {
    this.#temperature = { kind: 'color_temperature', value };
    return this.#usesTemperature ? [this.#temperature] : [];
  }

  /** The last hue, for colours that have none of their own. */
  get hue(): number {
    const value = this.#colour?.value;
    return isHueSaturation(value) ? value.hue : 0;
  }

  get #usesColour(): boolean {
    return this.#mode === null || ['hs', 'xy', 'rgb', 'rgbw', 'rgbww'].includes(this.#mode);
  }

  get #usesTemperature(): boolean {
    return this.#mode === null || this.#mode === 'color_temp';
  }
}

export function isKelvin(config: Config): boolean {
  return readFlag(config, 'color_temp_kelvin', false);
}
