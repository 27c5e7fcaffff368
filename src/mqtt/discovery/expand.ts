import { readText, toText, type Config } from '../components/fields.ts';
import { LIMITS } from '../limits.ts';
import { CONFIG_KEYS, DEVICE_KEYS, ORIGIN_KEYS } from './abbreviations.ts';

/** A payload that can't be used as a whole; the message is a sentence for the log. */
export class PayloadProblem extends Error {
  override readonly name = 'PayloadProblem';
}

/**
 * The JSON object of a discovery payload.
 * @throws PayloadProblem when it is none, or nests too deeply.
 */
export function parseObject(text: string): Config {
  if (depthOf(text) > LIMITS.discoveryDepth) throw new PayloadProblem('the payload nests too deeply');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PayloadProblem('the payload is not JSON');
  }
  if (!isObject(value)) throw new PayloadProblem('the payload is not a JSON object');
  return value;
}

/** Brackets within each other, strings left out. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') deepest = Math.max(deepest, (depth += 1));
    else if (char === '}' || char === ']') depth -= 1;
  }
  return deepest;
}

export function isObject(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys in full. A key that is there in full wins over its short form; unknown keys stay. */
function expandKeys(config: Config, table: Readonly<Record<string, string>>): Record<string, unknown> {
  const expanded: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(config)) {
    const long = Object.hasOwn(table, key) ? (table[key] ?? key) : key;
    if (long === key || !Object.hasOwn(config, long)) expanded[long] = value;
  }
  return expanded;
}

/**
 * A root or a component with all keys in full: its own, those of its device, its origin and its availability items.
 * Not deeper, and never values. `availability` becomes a list also where a single object was sent.
 */
export function expandConfig(config: Config): Record<string, unknown> {
  const expanded = expandKeys(config, CONFIG_KEYS);
  if (isObject(expanded.device)) expanded.device = expandKeys(expanded.device, DEVICE_KEYS);
  if (isObject(expanded.origin)) expanded.origin = expandKeys(expanded.origin, ORIGIN_KEYS);
  if (isObject(expanded.availability)) expanded.availability = [expanded.availability];
  if (Array.isArray(expanded.availability)) {
    const items: readonly unknown[] = expanded.availability;
    expanded.availability = items.filter(isObject).map((item) => expandKeys(item, CONFIG_KEYS));
  }
  return expanded;
}

/** Options at the root of a device-based payload that its components inherit. */
const SHARED_OPTIONS = [
  'availability_mode',
  'availability_template',
  'command_topic',
  'encoding',
  'payload_available',
  'payload_not_available',
  'qos',
  'state_topic',
  '~',
];

/** A component of a device-based payload with what it inherits; both with keys in full. */
export function inheritOptions(component: Config, root: Config): Record<string, unknown> {
  const merged: Record<string, unknown> = Object.assign(Object.create(null), component) as Record<
    string,
    unknown
  >;
  for (const key of SHARED_OPTIONS) if (!(key in merged) && key in root) merged[key] = root[key];
  // A list and a single topic exclude each other: a component that has one must not inherit the other.
  if (!('availability' in component) && !('availability_topic' in component)) {
    if ('availability' in root) merged.availability = root.availability;
    if ('availability_topic' in root) merged.availability_topic = root.availability_topic;
  }
  merged.device = root.device;
  merged.origin = root.origin;
  return merged;
}

/**
 * Puts the base topic in place of a `~` at the start or the end of every topic. In templates and payloads a `~` means
 * something else and stays.
 */
export function resolveBaseTopic(config: Config): Config {
  const base = readText(config, '~');
  if (base === null) return config;
  const resolve = (value: unknown): unknown => {
    if (typeof value !== 'string') return value;
    if (value.startsWith('~')) return base + value.slice(1);
    return value.endsWith('~') ? value.slice(0, -1) + base : value;
  };
  const resolved: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(config)) {
    resolved[key] = key.endsWith('topic') ? resolve(value) : value;
  }
  if (Array.isArray(resolved.availability)) {
    const items: readonly unknown[] = resolved.availability;
    resolved.availability = items.filter(isObject).map((item) => ({ ...item, topic: resolve(item.topic) }));
  }
  return resolved;
}

/** A text of at most 200 characters for the graph, or null where nothing was said. */
export function readLabel(config: Config, key: string): string | null {
  const text = toText(config[key])?.trim() ?? '';
  return text === '' ? null : text.slice(0, 200);
}
