import { DateTime, dateTimeAt, parseDateTime } from './datetime.ts';
import { TemplateError } from './errors.ts';
import { parseFloatText, parseIntText } from './numbers.ts';
import type { Args, Run } from './run.ts';
import { toText } from './text.ts';
import { asNumber, describe, isList, makeFloat, makeInt, refuseUndefined, Undefined } from './values.ts';

/** The result, or the default that was given, or an error that quotes the value: what Home Assistant does. */
function orDefault(
  run: Run,
  result: unknown,
  input: unknown,
  args: Args,
  index: number,
  wanted: string,
): unknown {
  if (result !== undefined) return result;
  if (args.has(index, 'default')) return args.get(index, 'default');
  refuseUndefined(input);
  const shown = toText(run, input).slice(0, 40);
  throw new TemplateError(`"${shown}" is no ${wanted}, and no default is given`);
}

/** The number in a value, a text being read as Python's `float` does. */
export function readFloat(value: unknown): number | undefined {
  return typeof value === 'string' ? parseFloatText(value) : asNumber(value);
}

/** `float`, as filter and function. `index` is the place of the default. */
export function toFloat(run: Run, input: unknown, args: Args, index = 0): unknown {
  const number = readFloat(input);
  return orDefault(run, number === undefined ? undefined : makeFloat(number), input, args, index, 'number');
}

/** `int`, as filter and function; "42.7" becomes 42. Arguments: default, base. */
export function toInt(run: Run, input: unknown, args: Args, index = 0): unknown {
  const base = args.has(index + 1, 'base') ? needInteger(args.get(index + 1, 'base'), 'base') : 10;
  const whole = typeof input === 'string' ? parseIntText(input, base) : undefined;
  const number = whole ?? readFloat(input);
  const result = number === undefined || !Number.isFinite(number) ? undefined : makeInt(number);
  return orDefault(run, result, input, args, index, 'whole number');
}

const TRUE_WORDS: ReadonlySet<string> = new Set(['1', 'true', 'yes', 'on', 'enable']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['0', 'false', 'no', 'off', 'disable']);

/** `bool`, as filter and function: the words people and devices use. */
export function toBool(run: Run, input: unknown, args: Args, index = 0): unknown {
  const number = asNumber(input);
  const word = typeof input === 'string' ? input.trim().toLowerCase() : '';
  const result =
    number !== undefined
      ? number !== 0
      : TRUE_WORDS.has(word)
        ? true
        : FALSE_WORDS.has(word)
          ? false
          : undefined;
  return orDefault(run, result, input, args, index, 'truth value');
}

function readTime(input: unknown): DateTime | undefined {
  if (input instanceof DateTime) return input;
  const number = asNumber(input);
  if (number !== undefined) return dateTimeAt(number, true);
  if (typeof input !== 'string') return undefined;
  const epochS = parseFloatText(input);
  return epochS === undefined ? parseDateTime(input) : dateTimeAt(epochS, true);
}

/** Seconds since the epoch, as a float. */
export function toTimestamp(run: Run, input: unknown, args: Args, index = 0): unknown {
  const time = readTime(input);
  return orDefault(run, time === undefined ? undefined : makeFloat(time.epochS), input, args, index, 'time');
}

export function toDateTime(run: Run, input: unknown, args: Args, index = 0): unknown {
  return orDefault(run, readTime(input), input, args, index, 'time');
}

/** The time behind a number of seconds, shown in UTC or locally; anything but a DateTime is the default given. */
export function timeFromTimestamp(
  run: Run,
  input: unknown,
  args: Args,
  index: number,
  utc: boolean,
): unknown {
  const number = readFloat(input);
  const time = number === undefined ? undefined : dateTimeAt(number, utc);
  return orDefault(run, time, input, args, index, 'timestamp');
}

export function needInteger(value: unknown, name: string): number {
  const number = asNumber(value);
  if (number === undefined || !Number.isInteger(number))
    throw new TemplateError(`The argument "${name}" has to be a whole number`);
  return number;
}

/** An integer argument, or its default where it was not given or is None. */
export function integerArgument(args: Args, index: number, name: string, otherwise: number): number {
  const value = args.get(index, name);
  return value === undefined || value === null ? otherwise : needInteger(value, name);
}

/** A text argument; other values as they print. */
export function textArgument(run: Run, args: Args, index: number, name: string, otherwise: string): string {
  return args.has(index, name) ? toText(run, args.get(index, name)) : otherwise;
}

/** Home Assistant's `is_number`: a number, or a text that reads as one, and finite. */
export function isNumberLike(value: unknown): boolean {
  return Number.isFinite(readFloat(value));
}

export function lengthOf(value: unknown): number | undefined {
  if (value === undefined || value instanceof Undefined) return 0;
  return typeof value === 'string' || isList(value) ? value.length : undefined;
}

/** One key and its value, as `dict` and `dict.from_keys` take them. */
export function needPair(value: unknown): readonly [unknown, unknown] {
  if (!isList(value) || value.length !== 2)
    throw new TemplateError(`A pair of key and value is needed, not ${describe(value).toLowerCase()}`);
  return [value[0], value[1]];
}
