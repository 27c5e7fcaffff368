/**
 * How texts are cut into words, for the index, for queries and for what is read without the index: all three have to
 * agree letter by letter, which is why FTS5 gets words that are cut already. Its own tokenizer folds accents of Latin
 * letters only, takes a sofa emoji and the word after it for one word, and a Chinese sentence too.
 */

/** A word where it stands in its text, in UTF-16 units; `end` is exclusive. */
export interface Token {
  /** Lower-case and without diacritics, at most MAX_WORD_UNITS long. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** A longer run, such as a key in base64, is known by its beginning. */
const MAX_WORD_UNITS = 64;

/** To be kept with an index: it is of no use to a program that cuts words in another way. */
export const WORD_FORMAT = `1 unicode ${process.versions.unicode}`;

/** Letters of scripts that put no space between words, and symbols such as emoji: each is a word by itself. */
const ALONE = String.raw`\p{So}\p{Extended_Pictographic}[\p{L}&&[\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]]`;
const TOKEN = new RegExp(
  String.raw`[${ALONE}][\p{M}\p{Emoji_Modifier}\u200d]*|[[\p{L}\p{N}\p{Co}]--[${ALONE}]][[\p{L}\p{N}\p{Co}\p{M}]--[${ALONE}]]*`,
  'gv',
);

/** Marks that change a letter rather than being one (vowel signs of Indian scripts are letters), and what dresses emoji. */
const DRESS =
  /[[[\p{M}&&\p{Diacritic}]\p{Me}\p{Variation_Selector}\p{Emoji_Modifier}\u200d]--[\u3099\u309a]]/gv;

/** Letters that Unicode does not take apart, and that keyboards elsewhere do not have. */
const PLAIN: Readonly<Record<string, string>> = {
  ß: 'ss',
  ı: 'i',
  ς: 'σ',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
};
const SPECIAL = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'gu');

// oxlint-disable-next-line no-control-regex -- the control characters are part of ASCII
const IS_ASCII = /^[\0-\x7f]*$/;
const ASCII_TOKEN = /[0-9a-z]+/gi;

/** The words of a text with their places, one by one, so that who has enough can stop. */
export function* tokensOf(text: string): Generator<Token> {
  const pattern = IS_ASCII.test(text) ? ASCII_TOKEN : TOKEN;
  for (const match of text.matchAll(pattern)) {
    const word = fold(match[0]);
    if (word !== '') yield { word, start: match.index, end: match.index + match[0].length };
  }
}

/** The words of a text. */
export function wordsOf(text: string): string[] {
  return (text.match(IS_ASCII.test(text) ? ASCII_TOKEN : TOKEN) ?? [])
    .map(fold)
    .filter((word) => word !== '');
}

function fold(run: string): string {
  const lower = run.toLowerCase();
  const word = IS_ASCII.test(lower)
    ? lower
    : lower
        .normalize('NFD')
        .replace(DRESS, '')
        .replace(SPECIAL, (letter) => PLAIN[letter] ?? letter);
  return word.length > MAX_WORD_UNITS ? word.slice(0, wholeUnits(word, MAX_WORD_UNITS)) : word;
}

/** `at`, or one less where a cut there would part a surrogate pair. */
export function wholeUnits(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  const next = text.charCodeAt(at);
  const parts = code >= 0xd800 && code < 0xdc00 && next >= 0xdc00 && next < 0xe000;
  return parts ? at - 1 : at;
}
