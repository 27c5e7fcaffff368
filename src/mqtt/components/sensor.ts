import type { CapabilityDescription } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Templates } from './templates.ts';

import { LIMITS } from '../limits.ts';
import type { Codec, Reading } from './codec.ts';
import {
  readNumber,
  readQos,
  readSecondsAsMs,
  readText,
  readTexts,
  requireStateTopic,
  toNumber,
  type Config,
} from './fields.ts';
import { Channel, isUnknown } from './templates.ts';
import { readOnly, toMeasure, type Measure } from './units.ts';

/** Device classes of Home Assistant's sensors whose values are no numbers. */
const TEXT_CLASSES = new Set(['date', 'enum', 'timestamp', 'uptime']);

/**
 * A sensor, https://www.home-assistant.io/integrations/sensor.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSensor(config: Config, templates: Templates): Codec {
  requireStateTopic(config, 'state_topic');
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const measure = readMeasure(config);
  const options = readTexts(config, 'options').slice(0, LIMITS.options);
  return {
    capabilities: [describe(measure, options)],
    topics: state ? [state.topic] : [],
    qos: readQos(config),
    expireAfterMs: readSecondsAsMs(config, 'expire_after'),
    decode(message: Message): Reading[] {
      const text = state?.read(message);
      if (text === undefined) return [];
      return measure ? [toNumberReading(text, measure)] : [toTextReading(text, options)];
    },
  };
}

/** Null where the values are texts. */
function readMeasure(config: Config): Measure | null {
  const deviceClass = readText(config, 'device_class');
  const unit = readText(config, 'unit_of_measurement');
  if (TEXT_CLASSES.has(deviceClass ?? '') || Array.isArray(config.options)) return null;
  const known = toMeasure(deviceClass, unit);
  if (known) return known;
  const isNumeric =
    (unit !== null && unit !== '') ||
    deviceClass !== null ||
    readText(config, 'state_class') !== null ||
    readNumber(config, 'suggested_display_precision') !== null;
  return isNumeric ? { kind: 'number', unit: unit || null, range: null, toKind: (value) => value } : null;
}

function describe(measure: Measure | null, options: readonly string[]): CapabilityDescription {
  if (measure) return readOnly(measure.kind, measure.unit, measure.range);
  return { ...readOnly('text', null, null), ...(options.length > 0 ? { options } : {}) };
}

/** What is no number is unknown, and never 0: a sensor that lost its device must not show 0 °C. */
function toNumberReading(text: string, measure: Measure): Reading {
  const number = toNumber(text);
  return { kind: measure.kind, value: number === null ? null : measure.toKind(number) };
}

/** A text that the publisher lists as an option means itself, also where it is `unknown`. */
function toTextReading(text: string, options: readonly string[]): Reading {
  const unknown = isUnknown(text) && !options.includes(text);
  return { kind: 'text', value: unknown ? null : text.slice(0, LIMITS.textChars) };
}
