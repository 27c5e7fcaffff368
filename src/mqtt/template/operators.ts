import type { BinaryOperator, CompareOperator } from './ast.ts';
import { DateTime, dateTimeAttribute } from './datetime.ts';
import { TemplateError, UndefinedError } from './errors.ts';
import { formatPercent } from './format.ts';
import type { Run } from './run.ts';
import {
  asNumber,
  compareValues,
  describe,
  dictGet,
  isDict,
  isEqual,
  isFloat,
  isList,
  makeFloat,
  makeInt,
  Namespace,
  refuseUndefined,
  TemplateFunction,
  Tuple,
  Undefined,
} from './values.ts';

// oxlint-disable typescript/consistent-return -- the switches cover every case, and the compiler checks that they do

export function applyBinary(run: Run, operator: BinaryOperator, a: unknown, b: unknown): unknown {
  if (operator === '%' && typeof a === 'string') return formatPercent(run, a, b instanceof Tuple ? b : [b]);
  const left = asNumber(a);
  const right = asNumber(b);
  if (left !== undefined && right !== undefined)
    return applyNumbers(operator, left, right, isFloat(a) || isFloat(b));
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return run.join([a, b], '');
    if (isList(a) && isList(b) && a instanceof Tuple === b instanceof Tuple) {
      run.step(a.length + b.length);
      return a instanceof Tuple ? Tuple.fromItems([...a, ...b]) : [...a, ...b];
    }
  }
  if (operator === '*') {
    const repeated = right === undefined ? repeat(run, b, left) : repeat(run, a, right);
    if (repeated !== undefined) return repeated;
  }
  if (operator === '-' && a instanceof DateTime && b instanceof DateTime)
    throw new TemplateError('Times are subtracted by as_timestamp(a) - as_timestamp(b)');
  refuseUndefined(a);
  refuseUndefined(b);
  throw new TemplateError(`${describe(a)} and ${describe(b).toLowerCase()} can't be joined by "${operator}"`);
}

function applyNumbers(operator: BinaryOperator, a: number, b: number, isFloatResult: boolean): unknown {
  const make = isFloatResult ? makeFloat : makeInt;
  switch (operator) {
    case '+':
      return make(a + b);
    case '-':
      return make(a - b);
    case '*':
      return make(a * b);
    case '/':
      return makeFloat(a / refuseZero(b));
    case '//':
      return make(Math.floor(a / refuseZero(b)));
    case '%': {
      const remainder = a % refuseZero(b);
      return make(remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder);
    }
    case '**':
      return b < 0 ? makeFloat(refuseZero(a) ** b) : make(a ** b);
  }
}

function refuseZero(divisor: number): number {
  if (divisor === 0) throw new TemplateError('A number is divided by zero');
  return divisor;
}

function repeat(run: Run, value: unknown, count: number | undefined): unknown {
  if (count === undefined || !Number.isInteger(count)) return undefined;
  const times = Math.max(0, count);
  if (typeof value === 'string') {
    run.reserve(value.length * times);
    return value.repeat(times);
  }
  if (!isList(value)) return undefined;
  run.step(value.length * times);
  const items = Array.from({ length: value.length * times }, (_, index) => value[index % value.length]);
  return value instanceof Tuple ? Tuple.fromItems(items) : items;
}

export function applyCompare(run: Run, operator: CompareOperator, a: unknown, b: unknown): boolean {
  switch (operator) {
    case '==':
      return isEqual(run, a, b);
    case '!=':
      return !isEqual(run, a, b);
    case 'in':
      return contains(run, b, a);
    case 'not in':
      return !contains(run, b, a);
    case '<':
      return compareValues(run, a, b) < 0;
    case '<=':
      return compareValues(run, a, b) <= 0;
    case '>':
      return compareValues(run, a, b) > 0;
    case '>=':
      return compareValues(run, a, b) >= 0;
  }
}

/** Python's `item in container`. */
export function contains(run: Run, container: unknown, item: unknown): boolean {
  if (container === undefined || container instanceof Undefined) return false;
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    refuseUndefined(item);
    throw new TemplateError(`${describe(item)} can't be looked for in a text`);
  }
  if (isList(container)) {
    run.step(container.length);
    return container.some((other) => isEqual(run, item, other));
  }
  if (isDict(container)) return dictGet(container, item) !== undefined;
  throw new TemplateError(`${describe(container)} can't be searched with "in"`);
}

/** `target.name`: data only, so that nothing of JavaScript can be reached. Methods exist only where they are called. */
export function getAttribute(target: unknown, name: string, shown: string): unknown {
  if (target === undefined || target instanceof Undefined) throw usedMissing(target, name);
  let value: unknown;
  if (!name.startsWith('_')) {
    if (isDict(target)) value = dictGet(target, name);
    else if (target instanceof Namespace) value = target.values.get(name);
    else if (target instanceof DateTime) value = dateTimeAttribute(target, name);
  }
  return value ?? (value === null ? null : new Undefined(`There is no "${name}" in ${shown}`));
}

function usedMissing(target: Undefined | undefined, name: string): UndefinedError {
  const reason = target === undefined ? 'A value is missing' : target.missing;
  return new UndefinedError(`${reason}, so "${name}" can't be read from it`);
}

/** `target[index]`; out of range, or of a kind that has no elements, is a missing value. */
export function getItem(target: unknown, index: unknown, shown: string): unknown {
  if (target === undefined || target instanceof Undefined)
    throw usedMissing(target, typeof index === 'string' ? index : '[…]');
  let value: unknown;
  if (isDict(target)) {
    // Names with two underscores are how an interpreter's inside is reached; no device sends them.
    if (typeof index !== 'string' || !index.startsWith('__')) value = dictGet(target, index);
  } else if (isList(target) || typeof target === 'string') {
    const position = asNumber(index);
    if (position !== undefined && !isFloat(index)) value = target.at(position);
  }
  const key = typeof index === 'string' ? `"${index}"` : 'such an element';
  return value ?? (value === null ? null : new Undefined(`There is no ${key} in ${shown}`));
}

/** Python's `target[start:stop:step]`; a bound left out is undefined. */
export function getSlice(run: Run, target: unknown, bounds: readonly unknown[]): unknown {
  refuseUndefined(target);
  if (!isList(target) && typeof target !== 'string')
    throw new TemplateError(`A slice can't be cut from ${describe(target).toLowerCase()}`);
  const [start, stop, step] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    const number = asNumber(bound);
    if (number === undefined || isFloat(bound))
      throw new TemplateError(`${describe(bound)} can't be the bound of a slice`);
    return number;
  });
  const stride = step ?? 1;
  if (stride === 0) throw new TemplateError('The step of a slice is zero');
  const { length } = target;
  const [lowest, highest] = stride > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: number | undefined, otherwise: number): number =>
    bound === undefined ? otherwise : Math.min(highest, Math.max(lowest, bound < 0 ? bound + length : bound));
  const from = clamp(start, stride > 0 ? lowest : highest);
  const to = clamp(stop, stride > 0 ? highest : lowest);
  if (typeof target === 'string' && stride === 1) return target.slice(from, Math.max(from, to));
  const items: unknown[] = [];
  for (let at = from; stride > 0 ? at < to : at > to; at += stride) {
    run.step();
    items.push(target[at]);
  }
  if (typeof target === 'string') return items.join('');
  return target instanceof Tuple ? Tuple.fromItems(items) : items;
}

/** The function behind a name that is called. */
export function toFunction(value: unknown): TemplateFunction {
  if (value instanceof TemplateFunction) return value;
  refuseUndefined(value);
  throw new TemplateError(`${describe(value)} can't be called`);
}
