import { DateTime } from './datetime.ts';
import { TemplateError, UndefinedError } from './errors.ts';
import type { Args, Run } from './run.ts';

/**
 * A float with an integral value. JavaScript can't tell 100 from 100.0 and Python prints them differently, so a plain
 * integral number is an int, a plain fractional one a float, and this is the rest.
 */
export class PyFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A missing value. Prints as nothing and is false; `missing` is the sentence for whoever uses it otherwise. */
export class Undefined {
  readonly missing: string;

  constructor(missing: string) {
    this.missing = missing;
  }
}

/** A list that prints with parentheses and never equals a list in brackets. */
export class Tuple extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  static fromItems(items: Iterable<unknown>): Tuple {
    const tuple = new Tuple();
    for (const item of items) tuple.push(item);
    return tuple;
  }
}

/** A dict made by the template. Unlike a JSON object it has keys that are numbers, truth values or None. */
export class PyDict {
  readonly #entries = new Map<string | number | null, readonly [unknown, unknown]>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: unknown): unknown {
    const mapKey = toMapKey(key);
    return mapKey === undefined ? undefined : this.#entries.get(mapKey)?.[1];
  }

  set(key: unknown, value: unknown): void {
    const mapKey = toMapKey(key);
    if (mapKey === undefined) throw new TemplateError(`${describe(key)} can't be the key of a dict`);
    this.#entries.set(mapKey, [this.#entries.get(mapKey)?.[0] ?? key, value]);
  }

  entries(): (readonly [unknown, unknown])[] {
    return [...this.#entries.values()];
  }
}

/** `1`, `1.0` and `True` are one key in Python. Undefined for what is no key, such as a list or a missing value. */
function toMapKey(key: unknown): string | number | null | undefined {
  return typeof key === 'string' || key === null ? key : asNumber(key);
}

/** What `namespace()` makes: the one thing a loop may change from inside. */
export class Namespace {
  readonly values = new Map<string, unknown>();
}

/** A global function; a value only so that it can be called. */
export class TemplateFunction {
  readonly name: string;
  readonly call: (run: Run, args: Args) => unknown;

  constructor(name: string, call: (run: Run, args: Args) => unknown) {
    this.name = name;
    this.call = call;
  }
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** An object as JSON.parse makes it. Instances of any class are no dicts, and so nothing can be read from them. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function isDict(value: unknown): value is PyDict | Readonly<Record<string, unknown>> {
  return value instanceof PyDict || isPlainObject(value);
}

/** The value under a key, own keys only; undefined (of JavaScript) when there is none. */
export function dictGet(dict: PyDict | Readonly<Record<string, unknown>>, key: unknown): unknown {
  if (dict instanceof PyDict) return dict.get(key);
  return typeof key === 'string' && Object.hasOwn(dict, key) ? dict[key] : undefined;
}

export function dictEntries(
  dict: PyDict | Readonly<Record<string, unknown>>,
): (readonly [unknown, unknown])[] {
  return dict instanceof PyDict ? dict.entries() : Object.entries(dict);
}

/** The number behind an int, float or truth value; undefined for everything else. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof PyFloat) return value.value;
  return typeof value === 'boolean' ? Number(value) : undefined;
}

export function isFloat(value: unknown): boolean {
  return value instanceof PyFloat || (typeof value === 'number' && !Number.isInteger(value));
}

export function makeFloat(value: number): number | PyFloat {
  return Number.isInteger(value) ? new PyFloat(value) : value;
}

/** An int; beyond the range of a double there is none. */
export function makeInt(value: number): number {
  if (!Number.isFinite(value)) throw new TemplateError('A number is too large');
  return Math.trunc(value) + 0;
}

export function isTruthy(value: unknown): boolean {
  if (value === undefined || value === null || value instanceof Undefined) return false;
  const number = asNumber(value);
  if (number !== undefined) return number !== 0;
  if (typeof value === 'string' || isList(value)) return value.length > 0;
  return isDict(value) ? dictEntries(value).length > 0 : true;
}

/** What a value is, for error messages. */
export function describe(value: unknown): string {
  if (value === undefined || value instanceof Undefined) return 'A missing value';
  if (value === null) return 'None';
  if (typeof value === 'string') return 'A text';
  if (typeof value === 'boolean') return 'A truth value';
  if (asNumber(value) !== undefined) return 'A number';
  if (isList(value)) return 'A list';
  if (isDict(value)) return 'An object';
  if (value instanceof DateTime) return 'A time';
  return value instanceof TemplateFunction ? `The function ${value.name}` : 'This value';
}

/** Throws for a missing value, saying what is missing. */
export function refuseUndefined(value: unknown): void {
  if (value instanceof Undefined) throw new UndefinedError(value.missing);
}

/** The elements a loop or filter sees: items, characters, keys; none for a missing value. Paid for by length. */
export function iterate(run: Run, value: unknown): readonly unknown[] {
  if (value === undefined || value instanceof Undefined) return [];
  if (isList(value)) {
    run.step(value.length);
    return value;
  }
  if (typeof value === 'string') {
    run.step(value.length);
    return Array.from(value);
  }
  if (!isDict(value)) throw new TemplateError(`${describe(value)} has no elements to go through`);
  const keys = dictEntries(value).map(([key]) => key);
  run.step(keys.length);
  return keys;
}

/** Python's `==`. */
export function isEqual(run: Run, a: unknown, b: unknown): boolean {
  const left = asNumber(a);
  if (left !== undefined) return left === asNumber(b);
  if (a === b) return true;
  if (a instanceof Undefined) return b instanceof Undefined || b === undefined;
  if (a instanceof DateTime) return b instanceof DateTime && a.epochS === b.epochS;
  if (isList(a)) {
    if (!isList(b) || a.length !== b.length || a instanceof Tuple !== b instanceof Tuple) return false;
    return run.nested(() => {
      run.step(a.length);
      return a.every((item, index) => isEqual(run, item, b[index]));
    });
  }
  if (!isDict(a) || !isDict(b)) return false;
  const entries = dictEntries(a);
  if (entries.length !== dictEntries(b).length) return false;
  return run.nested(() => {
    run.step(entries.length);
    return entries.every(([key, value]) => {
      const other = dictGet(b, key);
      return other !== undefined && isEqual(run, value, other);
    });
  });
}

/** Python's `<` family: negative, zero or positive; NaN where a NaN makes every comparison false. */
export function compareValues(run: Run, a: unknown, b: unknown): number {
  const left = asNumber(a);
  const right = asNumber(b);
  if (left !== undefined && right !== undefined) return left === right ? 0 : left - right;
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : a < b ? -1 : 1;
  if (a instanceof DateTime && b instanceof DateTime) return a.epochS - b.epochS;
  if (isList(a) && isList(b)) {
    run.step(Math.min(a.length, b.length));
    const index = a.findIndex((item, at) => at >= b.length || !isEqual(run, item, b[at]));
    if (index === -1 || index >= b.length) return a.length - b.length;
    return run.nested(() => compareValues(run, a[index], b[index]));
  }
  refuseUndefined(a);
  refuseUndefined(b);
  throw new TemplateError(`${describe(a)} can't be compared with ${describe(b).toLowerCase()}`);
}
