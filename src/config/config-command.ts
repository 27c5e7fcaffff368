import * as z from 'zod';

import type { LoadedConfig } from './config.ts';

import { HubError } from '../base/errors.ts';
import { isSecret, KEY_NAMES, KEYS, type AnyKeySpec, type KeyName } from './keys.ts';

/**
 * What the words after `config` ask for: `check` whether the configuration is right, `print` what holds and why (with
 * `--json`, too), `schema` what may be written.
 * @param load reads the configuration; gets the words that are left
 * @throws ConfigError with everything that is wrong, HubError `invalid` for another verb
 */
export function configAnswer(
  [verb, ...words]: readonly string[],
  load: (flags: readonly string[]) => LoadedConfig,
): string {
  const flags = words.filter((word) => word !== '--json');
  const isJson = flags.length < words.length;
  if (verb === 'schema') return JSON.stringify(configSchema(), null, 2);
  if (verb === 'check') return checkText(load(flags));
  if (verb !== 'print') throw new HubError('invalid', 'config takes check, print or schema.');
  return isJson ? JSON.stringify(load(flags).effective) : printText(load(flags));
}

/** What holds for a key. */
export interface EffectiveKey {
  readonly key: KeyName;
  /** As it is understood; null where there is none, `(not shown)` for a secret that is set. */
  readonly value: unknown;
  /** `default`, a file with its line, a variable, or a flag. */
  readonly source: string;
}

/** The answer to `config check`. */
export function checkText({ file, effective }: LoadedConfig): string {
  const set = effective.filter(({ source }) => source !== 'default').length;
  return [
    'The configuration is right.',
    `  file    ${file ?? 'none; that is fine'}`,
    `  values  ${set === 0 ? 'all are defaults' : `${set} set, ${effective.length - set} defaults`}`,
  ].join('\n');
}

/** The answer to `config print`: one line for each key, those that were set marked by where. */
export function printText({ effective }: LoadedConfig): string {
  const width = Math.max(...effective.map(({ key }) => key.length));
  return effective
    .map(({ key, value, source }) => {
      const from = source === 'default' ? '' : `   (${source})`;
      return `${key.padEnd(width)}  ${valueText(value)}${from}`;
    })
    .join('\n');
}

function valueText(value: unknown): string {
  if (value === null) return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type JsonSchema = Record<string, unknown>;

/** A JSON Schema (2020-12) of hub.yaml, for editors that complete and check it. */
export function configSchema(): JsonSchema {
  const root: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of the FunkyGibbon hub',
    ...section(),
  };
  for (const key of KEY_NAMES) {
    const path = key.split('.');
    const name = path.pop() ?? key;
    let place = root;
    for (const part of path) place = propertiesOf(place)[part] ??= section();
    const properties = propertiesOf(place);
    properties[name] = keySchema(KEYS[key]);
    if (isSecret(key)) {
      const description = `A file that holds what ${key} would say.`;
      properties[`${name}_file`] = { type: 'string', description };
    }
  }
  return root;
}

function section(): JsonSchema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

function propertiesOf(place: JsonSchema): Record<string, JsonSchema> {
  return place['properties'] as Record<string, JsonSchema>;
}

function keySchema(spec: AnyKeySpec): JsonSchema {
  const { description, accepted, initial, initialText, kind } = spec;
  const written = initial ?? null;
  return {
    description: `${description} Takes ${accepted}.${initialText === undefined ? '' : ` Default: ${initialText}.`}`,
    ...typeOf(spec),
    ...(written !== null && { default: kind === 'flag' ? written === 'true' : written }),
  };
}

/** What YAML has for it: numbers and switches may be written as text, too. */
function typeOf({ schema, kind }: AnyKeySpec): JsonSchema {
  if (kind === 'flag') return { type: ['boolean', 'string'] };
  if (kind === 'list') return { type: ['array', 'string'], items: { type: ['string', 'number'] } };
  const { enum: words } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return words === undefined ? { type: ['string', 'number'] } : { enum: words };
}
