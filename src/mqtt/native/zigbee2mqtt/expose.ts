import { readNumber, readText, readTexts, toText, type Config } from '../../components/fields.ts';
import { isObject, readLabel } from '../../discovery/expand.ts';
import { LIMITS } from '../../limits.ts';

/** What may be done with a value: the bits of `access`. */
export const ACCESS = { state: 1, set: 2, get: 4 } as const;

const MAX_DEPTH = 3;
const MAX_FEATURES = 64;

/** A value that is sent or received; its type matters in JSON. */
export type Scalar = string | number | boolean;

/** A thing that a device can do or tell, https://www.zigbee2mqtt.io/guide/usage/exposes.html. */
export interface Expose {
  /** light, switch, cover, lock, climate, fan; binary, numeric, enum, text, composite, list. */
  readonly type: string;
  /** Empty for a specific type, which has features instead. */
  readonly name: string;
  /** The key in the state; quotable. Empty for a specific type. */
  readonly property: string;
  readonly label: string | null;
  readonly endpoint: string | null;
  readonly access: number;
  readonly unit: string | null;
  readonly category: 'config' | 'diagnostic' | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly step: number | null;
  readonly on: Scalar | null;
  readonly off: Scalar | null;
  readonly values: readonly string[];
  readonly features: readonly Expose[];
}

export function readExposes(value: unknown, depth = 0): Expose[] {
  if (!Array.isArray(value) || depth >= MAX_DEPTH) return [];
  const limit = depth === 0 ? LIMITS.componentsPerDevice : MAX_FEATURES;
  return (value as readonly unknown[]).slice(0, limit).flatMap((item) => {
    const expose = isObject(item) ? readExpose(item, depth) : null;
    return expose ? [expose] : [];
  });
}

/** Null for what could not be found in the state, or not be put into a topic. */
function readExpose(config: Config, depth: number): Expose | null {
  const type = readText(config, 'type') ?? '';
  const name = readText(config, 'name') ?? '';
  const property = readText(config, 'property') ?? name;
  const endpoint = readText(config, 'endpoint');
  const features = readExposes(config.features, depth + 1);
  if (property === '' ? features.length === 0 : !isKey(property)) return null;
  if (endpoint !== null && !isKey(endpoint)) return null;
  const category = readText(config, 'category');
  return {
    type,
    name,
    property,
    label: readLabel(config, 'label'),
    endpoint: endpoint === '' ? null : endpoint,
    access: readNumber(config, 'access') ?? 0,
    unit: readLabel(config, 'unit'),
    category: category === 'config' || category === 'diagnostic' ? category : null,
    min: readNumber(config, 'value_min'),
    max: readNumber(config, 'value_max'),
    step: readNumber(config, 'value_step'),
    on: toScalar(config.value_on),
    off: toScalar(config.value_off),
    values: readTexts(config, 'values').slice(0, LIMITS.options),
    features,
  };
}

export function isReadable({ access }: Expose): boolean {
  return (access & ACCESS.state) !== 0;
}

export function isWritable({ access }: Expose): boolean {
  return (access & ACCESS.set) !== 0;
}

export function findFeature(expose: Expose, ...names: string[]): Expose | undefined {
  return names.map((name) => expose.features.find((feature) => feature.name === name)).find(Boolean);
}

/** A scalar as a template prints it. */
export function printed(value: Scalar): string {
  return toText(value) ?? '';
}

/** A scalar as the payload that Zigbee2MQTT parses back to it. */
export function sent(value: Scalar): string {
  return String(value);
}

/** `{{ value_json["key"] }}`: nothing where the key is missing, None where the value is unknown. */
export function propertyTemplate(property: string): string {
  return `{{ value_json["${property}"] }}`;
}

/** Whether it can stand between quotes in a template and as a level of a topic. */
function isKey(text: string): boolean {
  return text.length <= 100 && !/["'\\{}%/+#\p{Cc}]/u.test(text);
}

function toScalar(value: unknown): Scalar | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return typeof value === 'string' ? value.slice(0, 200) : null;
}
