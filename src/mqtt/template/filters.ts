import {
  integerArgument,
  isNumberLike,
  lengthOf,
  needInteger,
  readFloat,
  textArgument,
  timeFromTimestamp,
  toBool,
  toDateTime,
  toFloat,
  toInt,
  toTimestamp,
} from './convert.ts';
import { DateTime, isoText } from './datetime.ts';
import { TemplateError } from './errors.ts';
import { formatPercent } from './format.ts';
import { iif } from './functions.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { capitalize, formatTime, replaceText, strip, titleCase } from './methods.ts';
import { contains } from './operators.ts';
import { roundTo } from './numbers.ts';
import { findAll, findAtIndex, matchRegex, replaceRegex } from './regex-filters.ts';
import type { Args, Filter, Run } from './run.ts';
import { toJson, toText } from './text.ts';
import {
  asNumber,
  describe,
  dictEntries,
  isDict,
  isFloat,
  isTruthy,
  iterate,
  makeFloat,
  makeInt,
  refuseUndefined,
  Tuple,
  Undefined,
} from './values.ts';

/** A filter on the text of a value. */
function onText(change: (text: string, run: Run, args: Args) => string): Filter {
  return (run, input, args) => {
    const text = toText(run, input);
    run.reserve(text.length);
    return change(text, run, args);
  };
}

/** A filter of Home Assistant that computes with floats and falls back to `default`, the argument at `index`. */
function onFloat(index: number, compute: (value: number, args: Args) => unknown): Filter {
  return (run, input, args) => {
    const value = toFloat(run, input, args, index);
    return readFloat(input) === undefined ? value : compute(readFloat(input) ?? 0, args);
  };
}

function floatArgument(args: Args, index: number, name: string): number {
  const number = readFloat(args.need(index, name));
  if (number === undefined) throw new TemplateError(`The argument "${name}" has to be a number`);
  return number;
}

/** Home Assistant's `round(precision, method, default)`: without decimals the result is an int. */
function round(value: number, args: Args): unknown {
  const precision = integerArgument(args, 0, 'precision', 0);
  if (Math.abs(precision) > 20) throw new TemplateError('A number is rounded to more than 20 places');
  const method = args.get(1, 'method') ?? 'common';
  const factor = 10 ** precision;
  let result: number;
  if (method === 'ceil') result = Math.ceil(value * factor) / factor;
  else if (method === 'floor') result = Math.floor(value * factor) / factor;
  else if (method === 'half') result = roundTo(value * 2, 0) / 2;
  else result = roundTo(value, precision);
  return precision === 0 ? makeInt(result) : makeFloat(result);
}

function bitwise(combine: (a: bigint, b: bigint) => bigint): Filter {
  return (_, input, args) => {
    const a = BigInt(needInteger(input, 'value'));
    return makeInt(Number(combine(a, BigInt(needInteger(args.need(0, 'other'), 'other')))));
  };
}

/** Jinja's own `tojson(indent)`: readable, with a space after each comma. */
function toSpacedJson(run: Run, input: unknown, args: Args): string {
  const indent = Math.max(0, Math.min(8, integerArgument(args, 0, 'indent', 0)));
  return toJson(run, input, { comma: ', ', colon: ': ', indent, sortKeys: false });
}

/** Home Assistant's `to_json(pretty_print=…, sort_keys=…)`: as short as can be. */
function toCompactJson(run: Run, input: unknown, args: Args): string {
  const isPretty = isTruthy(args.named.get('pretty_print'));
  const sortKeys = isTruthy(args.named.get('sort_keys'));
  return toJson(run, input, { comma: ',', colon: isPretty ? ': ' : ':', indent: isPretty ? 2 : 0, sortKeys });
}

function parseJson(run: Run, input: unknown, args: Args): unknown {
  const text = toText(run, input);
  run.reserve(text.length);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (args.has(0, 'default')) return args.get(0, 'default');
    throw new TemplateError(`The text "${text.slice(0, 40)}" is no JSON`);
  }
}

function truncate(text: string, args: Args): string {
  const length = integerArgument(args, 0, 'length', 255);
  const end = typeof args.get(2, 'end') === 'string' ? (args.get(2, 'end') as string) : '...';
  if (text.length <= length + integerArgument(args, 3, 'leeway', 5)) return text;
  const kept = text.slice(0, Math.max(0, length - end.length));
  if (isTruthy(args.get(1, 'killwords'))) return `${kept}${end}`;
  const space = kept.lastIndexOf(' ');
  return `${space === -1 ? kept : kept.slice(0, space)}${end}`;
}

function timestampFilter(index: number, utc: boolean): Filter {
  return (run, input, args) => {
    const time = timeFromTimestamp(run, input, args, index, utc);
    return time instanceof DateTime ? isoText(time) : time;
  };
}

function timestampCustom(run: Run, input: unknown, args: Args): unknown {
  const isLocal = args.has(1, 'local') ? isTruthy(args.get(1, 'local')) : true;
  const time = timeFromTimestamp(run, input, args, 2, !isLocal);
  if (!(time instanceof DateTime)) return time;
  return formatTime(run, time, textArgument(run, args, 0, 'format', '%Y-%m-%d %H:%M:%S'));
}

function asLocal(run: Run, input: unknown, args: Args): unknown {
  const time = toDateTime(run, input, args);
  return time instanceof DateTime ? new DateTime(time.epochS, false) : time;
}

function absolute(_: Run, input: unknown): unknown {
  refuseUndefined(input);
  const number = asNumber(input);
  if (number === undefined) throw new TemplateError(`${describe(input)} has no absolute value`);
  return isFloat(input) ? makeFloat(Math.abs(number)) : Math.abs(number);
}

function withDefault(_: Run, input: unknown, args: Args): unknown {
  const isMissing = input === undefined || input instanceof Undefined;
  if (!isMissing && !(isTruthy(args.get(1, 'boolean')) && !isTruthy(input))) return input;
  return args.has(0, 'default_value') ? args.get(0, 'default_value') : '';
}

function length(run: Run, input: unknown): number {
  return lengthOf(input) ?? iterate(run, input).length;
}

function replace(text: string, run: Run, args: Args): string {
  const old = textArgument(run, args, 0, 'old', '');
  return replaceText(
    run,
    text,
    old,
    textArgument(run, args, 1, 'new', ''),
    integerArgument(args, 2, 'count', -1),
  );
}

function items(run: Run, input: unknown): unknown {
  if (!isDict(input)) return [...iterate(run, input)];
  run.step(dictEntries(input).length);
  return dictEntries(input).map((entry) => Tuple.fromItems(entry));
}

/** Everything that may follow `|`, except `is_defined`, which decides about the whole rendering. */
export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...LIST_FILTERS,
  ['abs', absolute],
  ['add', onFloat(1, (value, args) => makeFloat(value + floatArgument(args, 0, 'amount')))],
  ['as_datetime', toDateTime],
  ['as_local', asLocal],
  ['as_timestamp', toTimestamp],
  ['bitwise_and', bitwise((a, b) => a & b)],
  ['bitwise_or', bitwise((a, b) => a | b)],
  ['bitwise_xor', bitwise((a, b) => a ^ b)],
  ['bool', toBool],
  ['capitalize', onText(capitalize)],
  ['contains', (run, input, args) => contains(run, input, args.need(0, 'value'))],
  ['count', length],
  ['d', withDefault],
  ['default', withDefault],
  ['float', toFloat],
  ['format', (run, input, args) => formatPercent(run, toText(run, input), args.positional)],
  ['from_json', parseJson],
  ['iif', (_, input, args) => iif(input, args)],
  ['int', toInt],
  ['is_number', (_, input) => isNumberLike(input)],
  ['items', items],
  ['length', length],
  ['lower', onText((text) => text.toLowerCase())],
  ['multiply', onFloat(1, (value, args) => makeFloat(value * floatArgument(args, 0, 'amount')))],
  ['regex_findall', findAll],
  ['regex_findall_index', findAtIndex],
  ['regex_match', (run, input, args) => matchRegex(run, input, args, true)],
  ['regex_replace', replaceRegex],
  ['regex_search', (run, input, args) => matchRegex(run, input, args, false)],
  ['replace', onText(replace)],
  ['round', onFloat(2, round)],
  ['string', onText((text) => text)],
  ['timestamp_custom', timestampCustom],
  ['timestamp_local', timestampFilter(0, false)],
  ['timestamp_utc', timestampFilter(0, true)],
  ['title', onText(titleCase)],
  ['to_json', toCompactJson],
  ['tojson', toSpacedJson],
  [
    'trim',
    onText((text, run, args) => {
      return strip(
        text,
        args.has(0, 'chars') ? textArgument(run, args, 0, 'chars', '') : undefined,
        true,
        true,
      );
    }),
  ],
  ['truncate', onText((text, _, args) => truncate(text, args))],
  ['upper', onText((text) => text.toUpperCase())],
]);
