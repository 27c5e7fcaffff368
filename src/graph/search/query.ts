import { tokensOf, type Token } from './tokens.ts';

/** Words that have to stand one after the other. */
export interface Term {
  readonly words: readonly [string, ...string[]];
  /** True where the last word is being typed: any word that begins so will do. */
  readonly prefix: boolean;
}

/** Every term must be found; none at all finds nothing. */
export type Query = readonly Term[];

/** Nobody types more; what comes after is not looked at. */
const MAX_WORDS = 32;

/** Phones make typographic quotes of straight ones. */
const QUOTE = /["“”„‟]/u;

/**
 * Takes a search apart. Words are to be found all of them, in any order; what stands in double quotes, and letters that
 * touch without being one word (`客厅`), have to be found in a row. The last word counts as a beginning unless its
 * quote is closed. There are no operators: `AND`, `*`, `-` and their like are text.
 */
export function parseQuery(text: string): Query {
  const terms: Term[] = [];
  const parts = text.split(QUOTE);
  let wordsLeft = MAX_WORDS;
  for (const [index, part] of parts.entries()) {
    const quoted = index % 2 === 1;
    const tokens = [...tokensOf(part).take(wordsLeft + 1)];
    const cut = tokens.length > wordsLeft;
    const closed = cut || (quoted && index < parts.length - 1);
    const found = groups(tokens.slice(0, wordsLeft), quoted);
    // Only the last one of all is being typed: what was taken for it is whole as soon as another follows.
    if (found.length > 0) wholeAgain(terms);
    terms.push(...found.map((words, at) => ({ words, prefix: !closed && at === found.length - 1 })));
    wordsLeft -= Math.min(tokens.length, wordsLeft);
    if (cut) break;
  }
  return [...new Map(terms.map((term) => [termText(term), term])).values()];
}

function wholeAgain(terms: Term[]): void {
  const last = terms.pop();
  if (last) terms.push({ ...last, prefix: false });
}

function groups(tokens: readonly Token[], quoted: boolean): Term['words'][] {
  const found: [string, ...string[]][] = [];
  let end = -1;
  for (const token of tokens) {
    const group = found.at(-1);
    if (group && (quoted || token.start === end)) group.push(token.word);
    else found.push([token.word]);
    end = token.end;
  }
  return found;
}

/** Every entity type is one; a text that FTS5 would cut in two is none. */
const TYPE = /^[a-z0-9]+$/;

/**
 * The query in FTS5's language, over the name alone or the name and the rest; undefined where no entity can be of one of
 * `types`. Every word is quoted and has no quote in it, so none can be an operator.
 */
export function toFtsQuery(
  query: Query,
  where: 'name' | 'name body',
  types: readonly string[] | undefined,
): string | undefined {
  const terms = `({${where}} : (${query.map(termText).join(' AND ')}))`;
  if (!types) return terms;
  const known = types.filter((type) => TYPE.test(type)).map((type) => `"${type}"`);
  return known.length === 0 ? undefined : `${terms} AND ({type} : (${known.join(' OR ')}))`;
}

function termText({ words, prefix }: Term): string {
  return `"${words.join(' ')}"${prefix ? ' *' : ''}`;
}
