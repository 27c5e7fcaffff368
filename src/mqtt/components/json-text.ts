import type { CapabilityDescription, CapabilityValue } from '../../devices/types.ts';
import type { Reading } from './codec.ts';
import type { Config } from './fields.ts';

import { isJsonObject } from '../../base/json.ts';
import { toText } from './fields.ts';

/** The object that a text is in JSON; undefined where it is something else. */
export function toJsonObject(text: string): Config | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A property as templates would print it: null is `None`. Undefined where it is missing, a list or an object. */
export function propertyText(object: Config, name: string): string | undefined {
  if (!Object.hasOwn(object, name)) return undefined;
  const value = object[name];
  return value === null ? 'None' : (toText(value) ?? undefined);
}

/** A property that tells a capability's value. */
export interface JsonProperty {
  readonly name: string;
  readonly description: CapabilityDescription;
  /** The value that a text means; null is unknown, undefined is a text that says nothing about it. */
  readonly parse: (text: string) => CapabilityValue | undefined;
}

/** What an object tells, property by property. */
export function readProperties(object: Config, properties: readonly JsonProperty[]): Reading[] {
  return properties.flatMap(({ name, description: { kind }, parse }) => {
    const raw = propertyText(object, name);
    const value = raw === undefined ? undefined : parse(raw);
    return raw === undefined || value === undefined ? [] : [{ kind, value, raw }];
  });
}
