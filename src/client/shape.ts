import type { JsonObject } from './types.ts';

import { ClientError } from './errors.ts';

/** Reads fields out of what the hub sent, and says which one is not as the protocol has it. */
export class Shape {
  readonly #fields: JsonObject;
  readonly #name: string;

  /** @throws ClientError `protocol` when `value` is no object. */
  constructor(value: unknown, name: string) {
    if (!isJsonObject(value)) throw unexpected(name, 'an object');
    this.#fields = value;
    this.#name = name;
  }

  /** @throws ClientError `protocol`. */
  text(field: string): string {
    const value = this.#fields[field];
    if (typeof value !== 'string') throw unexpected(`${this.#name}.${field}`, 'a text');
    return value;
  }

  textOrNull(field: string): string | null {
    const value = this.#fields[field];
    return typeof value === 'string' ? value : null;
  }

  /** @throws ClientError `protocol`. */
  number(field: string): number {
    const value = this.#fields[field];
    if (typeof value !== 'number') throw unexpected(`${this.#name}.${field}`, 'a number');
    return value;
  }

  flag(field: string): boolean {
    return this.#fields[field] === true;
  }

  /** As it is. */
  value(field: string): unknown {
    return this.#fields[field];
  }

  objectOrEmpty(field: string): JsonObject {
    const value = this.#fields[field];
    return isJsonObject(value) ? value : {};
  }

  /** @throws ClientError `protocol` when there is no list. */
  list(field: string): readonly unknown[] {
    const value = this.#fields[field];
    if (!Array.isArray(value)) throw unexpected(`${this.#name}.${field}`, 'a list');
    return value as readonly unknown[];
  }

  listOrEmpty(field: string): readonly unknown[] {
    return this.#fields[field] === undefined ? [] : this.list(field);
  }

  texts(field: string): readonly string[] {
    return this.listOrEmpty(field).filter((item) => typeof item === 'string');
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unexpected(name: string, what: string): ClientError {
  return new ClientError('protocol', `the hub's answer is not understood: ${name} should be ${what}`);
}
