import type { Query } from './query.ts';
import type { Fragment, Highlight } from './types.ts';

import { startsAt } from './match.ts';
import { textsOf } from './texts.ts';
import { tokensOf, wholeUnits, wordsOf } from './tokens.ts';

const MAX_FIELDS = 3;
/** Length of a snippet in UTF-16 units, and how much of that stands before the first match. */
const SNIPPET_UNITS = 160;
const LEAD_UNITS = 40;
const LEFT_OUT = '…';

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the terms of a query stand in a content: the first few fields that have any, the name before the others. */
export function highlight(content: unknown, query: Query): Highlight[] {
  const found = inFields(content, query);
  if (found.length > 0) return found;
  // A phrase may run from one field into the next: then its words are shown one by one.
  const words = query.flatMap(({ words, prefix }) =>
    words.map((word, at) => ({ words: [word] as const, prefix: prefix && at === words.length - 1 })),
  );
  return inFields(content, words);
}

function inFields(content: unknown, query: Query): Highlight[] {
  const found: Highlight[] = [];
  for (const { field, text } of textsOf(content)) {
    const spans = spansIn(text, query);
    if (spans.length === 0) continue;
    found.push({ field, fragments: snippet(text, spans) });
    if (found.length === MAX_FIELDS) break;
  }
  return found;
}

/** The stretches of a text that match, in order and apart from each other. */
function spansIn(text: string, query: Query): Span[] {
  // Most texts have none: their words alone are cheaper than words with their places.
  const plain = wordsOf(text);
  if (!plain.some((_, at) => query.some((term) => startsAt(plain, at, term)))) return [];
  const tokens = [...tokensOf(text)];
  const words = tokens.map(({ word }) => word);
  const spans: { start: number; end: number }[] = [];
  for (const [at, token] of tokens.entries()) {
    for (const term of query) {
      const end = startsAt(words, at, term) ? tokens[at + term.words.length - 1]?.end : undefined;
      if (end === undefined) continue;
      const last = spans.at(-1);
      if (last && last.end > token.start) last.end = Math.max(last.end, end);
      else spans.push({ start: token.start, end });
    }
  }
  return spans;
}

/** The part of a text around its first match, cut into what matches and what does not. */
function snippet(text: string, spans: readonly Span[]): Fragment[] {
  const { from, until } = windowAround(text, spans[0]?.start ?? 0);
  const fragments: { text: string; match: boolean }[] = [];
  const add = (start: number, end: number, match: boolean): void => {
    if (start < end) fragments.push({ text: text.slice(start, end), match });
  };
  let at = from;
  for (const { start, end } of spans) {
    if (start >= until) break;
    add(at, start, false);
    add(start, Math.min(end, until), true);
    at = Math.min(end, until);
  }
  add(at, until, false);
  if (from > 0) leaveOut(fragments, 'before');
  if (until < text.length) leaveOut(fragments, 'after');
  return fragments;
}

function windowAround(text: string, firstMatch: number): { from: number; until: number } {
  const earliest = Math.max(0, Math.min(firstMatch - LEAD_UNITS, text.length - SNIPPET_UNITS));
  // Better to begin with a whole word, where one begins soon enough.
  const space = earliest === 0 ? -1 : text.slice(earliest, earliest + LEAD_UNITS / 2).indexOf(' ');
  const from = space === -1 ? wholeUnits(text, earliest) : earliest + space + 1;
  return { from, until: wholeUnits(text, Math.min(text.length, from + SNIPPET_UNITS)) };
}

function leaveOut(fragments: { text: string; match: boolean }[], side: 'before' | 'after'): void {
  const fragment = side === 'before' ? fragments[0] : fragments.at(-1);
  if (fragment && !fragment.match) {
    fragment.text = side === 'before' ? LEFT_OUT + fragment.text : fragment.text + LEFT_OUT;
  } else if (side === 'before') fragments.unshift({ text: LEFT_OUT, match: false });
  else fragments.push({ text: LEFT_OUT, match: false });
}
