import { textArgument } from './convert.ts';
import { TemplateError } from './errors.ts';
import { applyBinary, getItem } from './operators.ts';
import { pickExtreme, sortValues } from './order.ts';
import type { Args, Filter, Run } from './run.ts';
import { TESTS } from './tests.ts';
import { toText } from './text.ts';
import { isEqual, isTruthy, iterate, refuseUndefined, Undefined } from './values.ts';

type Getter = (item: unknown) => unknown;

/** The getter behind `attribute='a.b'` or `attribute=0`; without one, the item itself. */
function attributeGetter(run: Run, attribute: unknown): Getter {
  if (attribute === undefined || attribute === null) return (item) => item;
  const path: (string | number)[] =
    typeof attribute === 'number'
      ? [attribute]
      : toText(run, attribute)
          .split('.')
          .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return (item) => path.reduce<unknown>((target, part) => getItem(target, part, 'an element'), item);
}

/** As above for an order: texts differ by case only if `case_sensitive` says so. */
function sortKey(run: Run, attribute: unknown, caseSensitive: unknown): Getter {
  const get = attributeGetter(run, attribute);
  return (item) => {
    const key = get(item);
    refuseUndefined(key);
    return typeof key === 'string' && !isTruthy(caseSensitive) ? key.toLowerCase() : key;
  };
}

/** `select`, `reject` (`by` 0) and `selectattr`, `rejectattr` (`by` 1: the attribute comes first). */
function selecting(by: 0 | 1, wanted: boolean): Filter {
  return (run, input, args) => {
    const get = by === 1 ? attributeGetter(run, args.need(0, 'attribute')) : attributeGetter(run, undefined);
    const name = args.get(by, 'test');
    const test = name === undefined ? undefined : TESTS.get(toText(run, name));
    if (name !== undefined && test === undefined)
      throw new TemplateError(`There is no test "${toText(run, name)}"`);
    const rest = args.after(by + 1);
    return iterate(run, input).filter((item) => {
      const value = get(item);
      return (test === undefined ? isTruthy(value) : test(run, value, rest)) === wanted;
    });
  };
}

function unique(run: Run, input: unknown, args: Args): unknown[] {
  const keyOf = sortKey(run, args.get(1, 'attribute'), args.get(0, 'case_sensitive'));
  const kept: unknown[] = [];
  const keys: unknown[] = [];
  for (const item of iterate(run, input)) {
    const key = keyOf(item);
    run.step(keys.length);
    if (keys.some((other) => isEqual(run, key, other))) continue;
    keys.push(key);
    kept.push(item);
  }
  return kept;
}

function sum(run: Run, input: unknown, args: Args): unknown {
  const get = attributeGetter(run, args.get(0, 'attribute'));
  const start = args.get(1, 'start') ?? 0;
  return iterate(run, input).reduce((total, item) => applyBinary(run, '+', total, get(item)), start);
}

function extreme(sign: 1 | -1): Filter {
  return (run, input, args) => {
    const keyOf = sortKey(run, args.get(1, 'attribute'), args.get(0, 'case_sensitive'));
    return pickExtreme(run, iterate(run, input), sign, keyOf);
  };
}

function join(run: Run, input: unknown, args: Args): string {
  const get = attributeGetter(run, args.get(1, 'attribute'));
  const parts = iterate(run, input).map((item) => toText(run, get(item)));
  return run.join(parts, textArgument(run, args, 0, 'd', ''));
}

function sort(run: Run, input: unknown, args: Args): unknown[] {
  const keyOf = sortKey(run, args.get(2, 'attribute'), args.get(1, 'case_sensitive'));
  return sortValues(run, iterate(run, input), isTruthy(args.get(0, 'reverse')), keyOf);
}

function end(index: 0 | -1): Filter {
  return (run, input) => {
    const item = iterate(run, input).at(index);
    return item === undefined ? new Undefined('An empty list has no first or last element') : item;
  };
}

function reverse(run: Run, input: unknown): unknown {
  const reversed = iterate(run, input).toReversed();
  return typeof input === 'string' ? reversed.join('') : reversed;
}

/** `map('filter', …)` or `map(attribute=…, default=…)`. */
function map(run: Run, input: unknown, args: Args): unknown[] {
  const items = iterate(run, input);
  if (args.positional.length === 0) {
    const get = attributeGetter(run, args.need(0, 'attribute'));
    const otherwise = args.named.get('default');
    return items.map((item) => {
      const value = get(item);
      return value instanceof Undefined && otherwise !== undefined ? otherwise : value;
    });
  }
  const name = toText(run, args.positional[0]);
  const filter = run.findFilter(name);
  if (filter === undefined) throw new TemplateError(`There is no filter "${name}"`);
  const rest = args.after(1);
  return items.map((item) => {
    run.step();
    return filter(run, item, rest);
  });
}

/** The filters that take a list, or whatever else has elements. */
export const LIST_FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['first', end(0)],
  ['join', join],
  ['last', end(-1)],
  ['list', (run, input) => [...iterate(run, input)]],
  ['map', map],
  ['max', extreme(1)],
  ['min', extreme(-1)],
  ['reject', selecting(0, false)],
  ['rejectattr', selecting(1, false)],
  ['reverse', reverse],
  ['select', selecting(0, true)],
  ['selectattr', selecting(1, true)],
  ['sort', sort],
  ['sum', sum],
  ['unique', unique],
]);
