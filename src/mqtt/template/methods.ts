import { integerArgument, textArgument } from './convert.ts';
import { DateTime, isoText, strftime } from './datetime.ts';
import { TemplateError } from './errors.ts';
import { formatBraces } from './format.ts';
import { toDictFunction } from './functions.ts';
import type { Args, Run } from './run.ts';
import { toText } from './text.ts';
import {
  describe,
  dictEntries,
  dictGet,
  isDict,
  isEqual,
  isList,
  iterate,
  makeFloat,
  type PyDict,
  refuseUndefined,
  TemplateFunction,
  Tuple,
} from './values.ts';

type Method<Subject> = (run: Run, subject: Subject, args: Args) => unknown;

/** Whitespace, or the characters given, from one end or both. */
export function strip(text: string, characters: string | undefined, start: boolean, end: boolean): string {
  if (characters === undefined) {
    const begun = start ? text.trimStart() : text;
    return end ? begun.trimEnd() : begun;
  }
  let from = 0;
  let to = text.length;
  if (start) while (from < to && characters.includes(text[from] ?? '')) from += 1;
  if (end) while (to > from && characters.includes(text[to - 1] ?? '')) to -= 1;
  return text.slice(from, to);
}

function stripMethod(start: boolean, end: boolean): Method<string> {
  return (run, text, args) => {
    const characters = args.get(0, 'chars') ?? undefined;
    return strip(text, characters === undefined ? undefined : toText(run, characters), start, end);
  };
}

/** Replaces up to `count` occurrences (negative: all), having checked how long the result will be. */
export function replaceText(run: Run, text: string, old: string, replacement: string, count: number): string {
  const pieces = old === '' ? ['', ...Array.from(text), ''] : text.split(old);
  run.step(Math.ceil(pieces.length / 8));
  if (count < 0 || count >= pieces.length - 1) return run.join(pieces, replacement);
  const last = pieces.slice(count).join(old);
  return run.join([...pieces.slice(0, count), last], replacement);
}

function split(run: Run, text: string, args: Args, fromEnd: boolean): string[] {
  const separator = args.get(0, 'sep') ?? null;
  const limit = integerArgument(args, 1, 'maxsplit', -1);
  const mark = separator === null ? undefined : toText(run, separator);
  if (mark === '') throw new TemplateError('A text is split at an empty text');
  const trimmed = mark === undefined ? text.trim() : text;
  const pieces = mark === undefined ? trimmed.split(/(\s+)/) : trimmed.split(mark);
  run.step(pieces.length);
  if (mark !== undefined && (limit < 0 || pieces.length <= limit + 1)) return pieces;
  if (mark === undefined) {
    // Odd places hold the whitespace, which a limited split has to give back.
    const words = pieces.filter((_, index) => index % 2 === 0);
    if (trimmed === '') return [];
    if (limit < 0 || words.length <= limit + 1) return words;
    if (fromEnd)
      return [pieces.slice(0, pieces.length - 2 * limit).join(''), ...words.slice(words.length - limit)];
    return [...words.slice(0, limit), pieces.slice(2 * limit).join('')];
  }
  if (fromEnd) {
    const kept = pieces.length - limit;
    return [pieces.slice(0, kept).join(mark), ...pieces.slice(kept)];
  }
  return [...pieces.slice(0, limit), pieces.slice(limit).join(mark)];
}

export function capitalize(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1).toLowerCase()}`;
}

export function titleCase(text: string): string {
  return text.toLowerCase().replaceAll(/\p{L}+/gu, (word) => capitalize(word));
}

function affixes(run: Run, args: Args): string[] {
  const affix = args.need(0, 'prefix');
  return isList(affix) ? affix.map((item) => toText(run, item)) : [toText(run, affix)];
}

const TEXT_METHODS: ReadonlyMap<string, Method<string>> = new Map<string, Method<string>>([
  ['split', (run, text, args) => split(run, text, args, false)],
  ['rsplit', (run, text, args) => split(run, text, args, true)],
  ['strip', stripMethod(true, true)],
  ['lstrip', stripMethod(true, false)],
  ['rstrip', stripMethod(false, true)],
  ['lower', (_, text) => text.toLowerCase()],
  ['upper', (_, text) => text.toUpperCase()],
  ['title', (_, text) => titleCase(text)],
  ['capitalize', (_, text) => capitalize(text)],
  ['startswith', (run, text, args) => affixes(run, args).some((affix) => text.startsWith(affix))],
  ['endswith', (run, text, args) => affixes(run, args).some((affix) => text.endsWith(affix))],
  [
    'replace',
    (run, text, args) => {
      const old = textArgument(run, args, 0, 'old', '');
      const replacement = textArgument(run, args, 1, 'new', '');
      return replaceText(run, text, old, replacement, integerArgument(args, 2, 'count', -1));
    },
  ],
  ['format', (run, text, args) => formatBraces(run, text, args)],
  ['find', (run, text, args) => text.indexOf(textArgument(run, args, 0, 'sub', ''))],
  ['count', (run, text, args) => text.split(textArgument(run, args, 0, 'sub', '')).length - 1],
  [
    'join',
    (run, text, args) =>
      run.join(
        iterate(run, args.need(0, 'iterable')).map((item) => toText(run, item)),
        text,
      ),
  ],
  ['isdigit', (_, text) => /^\p{Nd}+$/u.test(text)],
  ['isnumeric', (_, text) => /^\p{N}+$/u.test(text)],
  [
    'zfill',
    (run, text, args) => {
      const width = integerArgument(args, 0, 'width', 0);
      run.reserve(width);
      const sign = /^[+-]/.exec(text)?.[0] ?? '';
      return `${sign}${text.slice(sign.length).padStart(width - sign.length, '0')}`;
    },
  ],
]);

const DICT_METHODS: ReadonlyMap<string, Method<PyDict | Readonly<Record<string, unknown>>>> = new Map<
  string,
  Method<PyDict | Readonly<Record<string, unknown>>>
>([
  [
    'get',
    (_, dict, args) => {
      const value = dictGet(dict, args.need(0, 'key'));
      return value === undefined ? (args.get(1, 'default') ?? null) : value;
    },
  ],
  ['keys', (run, dict) => iterate(run, dict)],
  ['values', (run, dict) => dictItems(run, dict).map(([, value]) => value)],
  ['items', (run, dict) => dictItems(run, dict).map((entry) => Tuple.fromItems(entry))],
]);

function dictItems(
  run: Run,
  dict: PyDict | Readonly<Record<string, unknown>>,
): (readonly [unknown, unknown])[] {
  const entries = dictEntries(dict);
  run.step(entries.length);
  return entries;
}

const TIME_METHODS: ReadonlyMap<string, Method<DateTime>> = new Map<string, Method<DateTime>>([
  ['isoformat', (run, time, args) => isoText(time, textArgument(run, args, 0, 'sep', 'T'))],
  ['timestamp', (_, time) => makeFloat(time.epochS)],
  ['strftime', (run, time, args) => formatTime(run, time, textArgument(run, args, 0, 'format', ''))],
]);

/** `strftime` with the length of the result bounded: no directive makes more than 30 characters of two. */
export function formatTime(run: Run, time: DateTime, format: string): string {
  run.reserve(format.length * 15);
  return strftime(time, format);
}

/** Lists the template itself made, which alone it may change; those of a payload are shared with other templates. */
export type OwnLists = WeakSet<readonly unknown[]>;

function callListMethod(
  run: Run,
  list: readonly unknown[],
  name: string,
  args: Args,
  own: OwnLists,
): unknown {
  switch (name) {
    case 'append':
      if (!own.has(list)) throw new TemplateError('Only a list that the template made itself can be changed');
      run.step();
      (list as unknown[]).push(args.need(0, 'object'));
      return null;
    case 'count':
      run.step(list.length);
      return list.filter((item) => isEqual(run, item, args.need(0, 'value'))).length;
    case 'index': {
      run.step(list.length);
      const index = list.findIndex((item) => isEqual(run, item, args.need(0, 'value')));
      if (index === -1) throw new TemplateError('The list does not hold the element that is looked for');
      return index;
    }
    default:
      throw new TemplateError(`A list has no method "${name}"`);
  }
}

/** `target.name(…)`, from the lists above and nothing else. */
export function callMethod(run: Run, target: unknown, name: string, args: Args, own: OwnLists): unknown {
  refuseUndefined(target);
  if (isList(target)) return callListMethod(run, target, name, args, own);
  if (target instanceof TemplateFunction && target.name === 'dict' && name === 'from_keys')
    return toDictFunction(run, args);
  let result: (() => unknown) | undefined;
  if (typeof target === 'string') {
    const method = TEXT_METHODS.get(name);
    if (method !== undefined) {
      run.reserve(target.length);
      result = () => method(run, target, args);
    }
  } else if (target instanceof DateTime) {
    const method = TIME_METHODS.get(name);
    if (method !== undefined) result = () => method(run, target, args);
  } else if (isDict(target)) {
    const method = DICT_METHODS.get(name);
    if (method !== undefined) result = () => method(run, target, args);
  }
  if (result === undefined) throw new TemplateError(`${describe(target)} has no method "${name}"`);
  return result();
}
