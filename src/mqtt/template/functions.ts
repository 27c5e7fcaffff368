import {
  isNumberLike,
  needInteger,
  needPair,
  toBool,
  toDateTime,
  toFloat,
  toInt,
  toTimestamp,
} from './convert.ts';
import { DateTime } from './datetime.ts';
import { TemplateError } from './errors.ts';
import { pickExtreme } from './order.ts';
import type { Args, Run } from './run.ts';
import {
  isDict,
  isTruthy,
  iterate,
  Namespace,
  PyDict,
  TemplateFunction,
  Tuple,
  dictEntries,
} from './values.ts';

const MAX_RANGE = 10_000;

/** `iif(value, if_true, if_false, if_none)`. */
export function iif(value: unknown, args: Args): unknown {
  if (value === null && args.has(2, 'if_none')) return args.get(2, 'if_none');
  if (isTruthy(value)) return args.has(0, 'if_true') ? args.get(0, 'if_true') : true;
  return args.has(1, 'if_false') ? args.get(1, 'if_false') : false;
}

function range(run: Run, args: Args): unknown {
  const numbers = args.positional.map((value) => needInteger(value, 'range'));
  const [first = 0, second, step = 1] = numbers;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (numbers.length === 0 || step === 0)
    throw new TemplateError('range() needs an end, and a step that is not zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE) throw new TemplateError(`range() makes more than ${MAX_RANGE} numbers`);
  run.step(length);
  return Array.from({ length }, (_, index) => start + index * step);
}

/** `dict(pairs, name=value)`; also `dict.from_keys(pairs)`. */
export function toDictFunction(run: Run, args: Args): PyDict {
  const dict = new PyDict();
  const [source] = args.positional;
  if (isDict(source)) {
    for (const [key, value] of dictEntries(source)) dict.set(key, value);
    run.step(dict.size);
  } else if (source !== undefined) {
    for (const item of iterate(run, source)) dict.set(...needPair(item));
  }
  for (const [name, value] of args.named) dict.set(name, value);
  return dict;
}

function zip(run: Run, args: Args): unknown {
  const lists = args.positional.map((value) => iterate(run, value));
  const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length));
  run.step(length);
  return Array.from({ length }, (_, index) => Tuple.fromItems(lists.map((list) => list[index])));
}

function namespace(_: Run, args: Args): Namespace {
  const made = new Namespace();
  const [source] = args.positional;
  if (isDict(source)) for (const [key, value] of dictEntries(source)) made.values.set(String(key), value);
  for (const [name, value] of args.named) made.values.set(name, value);
  return made;
}

/** `max(a, b)` and `max(list)` are both Python. */
function extreme(sign: 1 | -1): (run: Run, args: Args) => unknown {
  return (run, args) => {
    const items = args.positional.length === 1 ? iterate(run, args.positional[0]) : args.positional;
    return pickExtreme(run, items, sign, (item) => item);
  };
}

const FUNCTIONS: readonly TemplateFunction[] = [
  new TemplateFunction('now', (run) => new DateTime(run.now() / 1000, false)),
  new TemplateFunction('utcnow', (run) => new DateTime(run.now() / 1000, true)),
  new TemplateFunction('as_timestamp', (run, args) => toTimestamp(run, args.need(0, 'value'), args, 1)),
  new TemplateFunction('as_datetime', (run, args) => toDateTime(run, args.need(0, 'value'), args, 1)),
  new TemplateFunction('float', (run, args) => toFloat(run, args.need(0, 'value'), args, 1)),
  new TemplateFunction('int', (run, args) => toInt(run, args.need(0, 'value'), args, 1)),
  new TemplateFunction('bool', (run, args) => toBool(run, args.need(0, 'value'), args, 1)),
  new TemplateFunction('iif', (_, args) => iif(args.need(0, 'value'), args.after(1))),
  new TemplateFunction('is_number', (_, args) => isNumberLike(args.need(0, 'value'))),
  new TemplateFunction('range', range),
  new TemplateFunction('dict', toDictFunction),
  new TemplateFunction('zip', zip),
  new TemplateFunction('namespace', namespace),
  new TemplateFunction('max', extreme(1)),
  new TemplateFunction('min', extreme(-1)),
];

/** What a name means that is neither set by the template nor given as a variable. */
export const GLOBALS: ReadonlyMap<string, TemplateFunction> = new Map(
  FUNCTIONS.map((made) => [made.name, made]),
);
