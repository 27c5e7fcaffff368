/** What HomeKit knows of a button, with its number for it; more presses than two become a button of their own. */
export const PRESS = { single: 0, double: 1, long: 2 } as const;
export type Press = (typeof PRESS)[keyof typeof PRESS];

/** What an event's text says. */
export interface ButtonEvent {
  /** Which button of the remote: `1`, `arrow_left`, `1:triple`; empty for the only one. Letters, digits, _ and : alone. */
  readonly button: string;
  readonly press: Press;
}

type WordKind = keyof typeof PRESS | 'more' | 'release';

const KINDS: Readonly<Record<WordKind, readonly string[]>> = {
  single: ['single', 'click', 'clicked', 'press', 'pressed', 'push', 'pushed', 'tap', 'short', 'initial'],
  double: ['double'],
  long: ['long', 'hold', 'held'],
  more: ['triple', 'tripple', 'quadruple', 'quintuple', 'many'],
  release: ['release', 'released'],
};
const WORDS: ReadonlyMap<string, WordKind> = new Map(
  (Object.keys(KINDS) as WordKind[]).flatMap((kind) => KINDS[kind].map((word) => [word, kind] as const)),
);

/** What comes with each press, which is told by itself. */
const HALF_PRESS = /(^btn|_btn|_button)_(down|up)$/;

/**
 * Reads what publishers call the events of a button: `single`, `1_double`, `hold_left`, `arrow_left_click`,
 * `button_1 button_long_press`, `on`. A text without a word for how it was pressed names a button: `on` and `toggle` are
 * two. Null for the end of a press, which HomeKit has no event for.
 *
 * The name of the button decides the ids on which automations hang: it must stay as it is for every text that was
 * understood once.
 */
export function parseButtonEvent(text: string): ButtonEvent | null {
  const tokens = text
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((token) => token !== '');
  if (HALF_PRESS.test(tokens.join('_'))) return null;
  // The end of a dimming that another event began; alone it is the button between "up" and "down" of a blind.
  if (tokens.length > 1 && tokens.at(-1) === 'stop') return null;
  const { rest, said } = splitWords(tokens);
  const kinds = new Set(said.map((word) => WORDS.get(word)));
  if (kinds.has('release')) return null;
  const button = nameButton(rest);
  const more = said.find((word) => WORDS.get(word) === 'more');
  if (more !== undefined) return { button: `${button}:${more}`, press: PRESS.single };
  if (kinds.has('double')) return { button, press: PRESS.double };
  return { button, press: kinds.has('long') ? PRESS.long : PRESS.single };
}

/** The words for the press stand at the end, or else at the beginning. */
function splitWords(tokens: readonly string[]): { rest: readonly string[]; said: readonly string[] } {
  const begin = tokens.findLastIndex((token) => !WORDS.has(token)) + 1;
  if (begin < tokens.length) return { rest: tokens.slice(0, begin), said: tokens.slice(begin) };
  const end = tokens.findIndex((token) => !WORDS.has(token));
  return { rest: tokens.slice(end), said: tokens.slice(0, end) };
}

/** `button_1` and `1` are the same, and so are `button` and nothing; `button_1 button` comes from `button_short_press`. */
function nameButton(rest: readonly string[]): string {
  const last = rest.findLastIndex((token) => token !== 'button') + 1;
  const first = rest[0] === 'button' && last === 2 ? 1 : 0;
  return rest.slice(first, last).join('_');
}
