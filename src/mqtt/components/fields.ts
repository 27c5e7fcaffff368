import type { Qos } from '../types.ts';

import { isFilter, isPublishTopic } from '../topics.ts';

/** A component's configuration with long keys; values as odd as firmware makes them. */
export type Config = Readonly<Record<string, unknown>>;

/** Why a component can't be used; the message is a sentence for a person. Other components go on. */
export class ConfigProblem extends Error {
  override readonly name = 'ConfigProblem';
}

/** A text; numbers and truth values as Python would print them, because that is what publishers test against. */
export function readText(config: Config, key: string): string | null {
  return toText(config[key]);
}

/** See readText. Lists, objects and null are no text. */
export function toText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return null;
}

/** A finite number, also as text; else null. */
export function readNumber(config: Config, key: string): number | null {
  return toNumber(config[key]);
}

/** See readNumber. Empty text is no number, and neither is `true`. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A truth value, also as the texts that firmware sends instead (`"true"`, `"on"`, `"1"`). */
export function readFlag(config: Config, key: string, fallback: boolean): boolean {
  const value = config[key];
  if (typeof value === 'boolean') return value;
  switch (toText(value)?.trim().toLowerCase()) {
    case 'true':
    case 'on':
    case 'yes':
    case '1':
      return true;
    case 'false':
    case 'off':
    case 'no':
    case '0':
      return false;
    default:
      return fallback;
  }
}

/** A list of texts; a single text counts as a list of one. */
export function readTexts(config: Config, key: string): string[] {
  const value = config[key];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map(toText).filter((text) => text !== null);
}

/** Seconds as milliseconds; null where nothing or nonsense was said. */
export function readSecondsAsMs(config: Config, key: string): number | null {
  const seconds = readNumber(config, key);
  // Node's timers overflow at 2^31 ms and then fire at once.
  return seconds === null || seconds <= 0 ? null : Math.min(seconds * 1000, 2 ** 31 - 1);
}

export function readQos(config: Config): Qos {
  const qos = readNumber(config, 'qos');
  return qos === 1 || qos === 2 ? qos : 0;
}

/**
 * A topic to listen to, or null where there is none.
 * @throws ConfigProblem when it is no topic.
 */
export function readStateTopic(config: Config, key: string): string | null {
  const topic = readText(config, key);
  if (topic === null || topic === '') return null;
  if (!isFilter(topic)) throw new ConfigProblem(`Its ${key} "${shorten(topic)}" is not an MQTT topic.`);
  return topic;
}

/** @throws ConfigProblem when it is missing or no topic. */
export function requireStateTopic(config: Config, key: string): string {
  const topic = readStateTopic(config, key);
  if (topic === null) throw new ConfigProblem(`Its configuration has no ${key}.`);
  return topic;
}

/**
 * A topic to publish to, or null where there is none.
 * @throws ConfigProblem when it is no topic.
 */
export function readCommandTopic(config: Config, key: string): string | null {
  const topic = readText(config, key);
  if (topic === null || topic === '') return null;
  if (!isPublishTopic(topic)) throw new ConfigProblem(`Its ${key} "${shorten(topic)}" is not an MQTT topic.`);
  return topic;
}

/** @throws ConfigProblem when it is missing or no topic. */
export function requireCommandTopic(config: Config, key: string): string {
  const topic = readCommandTopic(config, key);
  if (topic === null) throw new ConfigProblem(`Its configuration has no ${key}.`);
  return topic;
}

/** A payload as it is published and compared. */
export interface PayloadText {
  readonly text: string;
  matches(received: string): boolean;
}

/**
 * A payload of the configuration. A JSON truth value renders as `True` in templates, but arrives as `true` where no
 * template is used: both are taken for the same.
 */
export function readPayload(config: Config, keys: readonly string[], fallback: string): PayloadText {
  const key = keys.find((candidate) => toText(config[candidate]) !== null);
  const value = key === undefined ? fallback : config[key];
  const text = toText(value) ?? fallback;
  if (typeof value !== 'boolean') return { text, matches: (received) => received === text };
  return { text, matches: (received) => received === text || received === text.toLowerCase() };
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
