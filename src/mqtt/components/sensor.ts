import type { CapabilityDescription, StateClass } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import { LIMITS } from '../limits.ts';
import {
  readNumber,
  readQos,
  readSecondsAsMs,
  readText,
  readTexts,
  requireStateTopic,
  type Config,
} from './fields.ts';
import { decodeParts, sourcesOf, topicsOf, type ValuePart } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';
import { readOnly, toDecimal, toMeasure, type Measure } from './units.ts';

/** Device classes of Home Assistant's sensors whose values are no numbers. */
const TEXT_CLASSES = new Set(['date', 'enum', 'timestamp', 'uptime']);

const STATE_CLASSES: readonly StateClass[] = [
  'measurement',
  'measurement_angle',
  'total',
  'total_increasing',
];

/**
 * A sensor, https://www.home-assistant.io/integrations/sensor.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSensor(config: Config, templates: Templates): Codec {
  requireStateTopic(config, 'state_topic');
  const channel = Channel.read(config, 'state_topic', ['value_template'], templates);
  const measure = readMeasure(config);
  const options = readTexts(config, 'options').slice(0, LIMITS.options);
  const part: ValuePart = measure
    ? { kind: measure.kind, channel, parse: (text) => parseNumber(text, measure) }
    : { kind: 'text', channel, parse: (text) => parseText(text, options) };
  return {
    capabilities: [measure ? describeNumber(measure, config) : describeText(options)],
    topics: topicsOf([part]),
    sources: sourcesOf([part]),
    qos: readQos(config),
    expireAfterMs: readSecondsAsMs(config, 'expire_after'),
    decode: (message: Message) => decodeParts([part], message),
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

function describeNumber({ kind, unit, range, reportedUnit }: Measure, config: Config): CapabilityDescription {
  const told = readText(config, 'state_class');
  const stateClass = STATE_CLASSES.find((candidate) => candidate === told);
  return {
    ...readOnly(kind, unit, range),
    ...(reportedUnit === undefined ? {} : { reportedUnit }),
    ...(stateClass === undefined ? {} : { stateClass }),
  };
}

function describeText(options: readonly string[]): CapabilityDescription {
  return { ...readOnly('text', null, null), ...(options.length > 0 ? { options } : {}) };
}

/** What is no number is unknown, and never 0: a sensor that lost its device must not show 0 °C. */
function parseNumber(text: string, measure: Measure): number | null {
  const number = toDecimal(text);
  return number === null ? null : measure.toKind(number);
}

/** A text that the publisher lists as an option means itself, also where it is `unknown`. */
function parseText(text: string, options: readonly string[]): string | null {
  const unknown = isUnknown(text) && !options.includes(text);
  return unknown ? null : text.slice(0, LIMITS.textChars);
}
