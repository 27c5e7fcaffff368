import { TemplateError } from './errors.ts';

/** Whether a code point is one of those meant. */
export type CharacterTest = (code: number) => boolean;

const CLASSES: ReadonlyMap<string, CharacterTest> = new Map([
  ['d', (code) => (code < 128 ? code >= 48 && code <= 57 : matches(/\p{Nd}/u, code))],
  ['w', (code) => matches(/[\p{L}\p{N}_]/u, code)],
  ['s', (code) => matches(/\s/u, code)],
] satisfies [string, CharacterTest][]);

const ESCAPED_CODES: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['f', 12],
  ['v', 11],
  ['a', 7],
  ['0', 0],
]);

function matches(set: RegExp, code: number): boolean {
  return set.test(String.fromCodePoint(code));
}

interface ReadTest {
  readonly test: CharacterTest;
  /** Behind what was read. */
  readonly end: number;
}

interface ReadCode {
  /** The code point, or undefined for a class such as `\d`. */
  readonly code: number | undefined;
  readonly test: CharacterTest;
  readonly end: number;
}

/** Reads one character of a pattern, or one class of characters. */
export class CharacterReader {
  readonly #source: string;
  readonly #ignoreCase: boolean;

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source;
    this.#ignoreCase = ignoreCase;
  }

  read(at: number): ReadTest {
    if (this.#source[at] === '[') return this.#readSet(at + 1);
    const { test, end } = this.#readOne(at, false);
    return { test: this.#withCase(test), end };
  }

  #withCase(test: CharacterTest): CharacterTest {
    if (!this.#ignoreCase) return test;
    return (code) => {
      const text = String.fromCodePoint(code);
      return (
        test(code) ||
        test(text.toLowerCase().codePointAt(0) ?? code) ||
        test(text.toUpperCase().codePointAt(0) ?? code)
      );
    };
  }

  /** A class in brackets; a closing bracket that comes first belongs to the class. */
  #readSet(start: number): ReadTest {
    const isNegated = this.#source[start] === '^';
    let at = isNegated ? start + 1 : start;
    const tests: CharacterTest[] = [];
    while (this.#source[at] !== ']' || tests.length === 0) {
      const low = this.#readOne(at, true);
      at = low.end;
      if (this.#source[at] !== '-' || this.#source[at + 1] === ']') {
        tests.push(low.test);
        continue;
      }
      const high = this.#readOne(at + 1, true);
      at = high.end;
      const [from, to] = [low.code, high.code];
      if (from === undefined || to === undefined || to < from)
        throw new TemplateError('A regular expression has a range of characters that can not be');
      tests.push((code) => code >= from && code <= to);
    }
    const isOne = this.#withCase((code) => tests.some((test) => test(code)));
    return { test: (code) => isOne(code) !== isNegated, end: at + 1 };
  }

  #readOne(at: number, inSet: boolean): ReadCode {
    const code = this.#source.codePointAt(at);
    if (code === undefined) throw new TemplateError('A regular expression ends in the middle');
    if (code !== 92) return toReadCode(code, at + (code > 0xffff ? 2 : 1));
    const hex = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4}))/i.exec(this.#source.slice(at + 1, at + 6));
    if (hex !== null) return toReadCode(Number.parseInt(hex[1] ?? hex[2] ?? '', 16), at + 1 + hex[0].length);
    const letter = this.#source[at + 1] ?? '';
    const end = at + 2;
    const test = CLASSES.get(letter.toLowerCase());
    if (test !== undefined) {
      const isNegated = letter !== letter.toLowerCase();
      return { code: undefined, test: isNegated ? (code) => !test(code) : test, end };
    }
    const escaped = inSet && letter === 'b' ? 8 : ESCAPED_CODES.get(letter);
    if (escaped !== undefined) return toReadCode(escaped, end);
    if (letter === '' || /[A-Za-z1-9]/.test(letter))
      throw new TemplateError(`"\\${letter}" in a regular expression is not supported`);
    return toReadCode(letter.charCodeAt(0), end);
  }
}

function toReadCode(code: number, end: number): ReadCode {
  return { code, test: (other) => other === code, end };
}
