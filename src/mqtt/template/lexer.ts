import { TemplateError } from './errors.ts';

export type TokenKind =
  | 'text' // between the tags, as it will be printed
  | 'output_begin' // {{
  | 'output_end'
  | 'block_begin' // {%
  | 'block_end'
  | 'name'
  | 'string' // escapes resolved
  | 'integer'
  | 'float'
  | 'operator'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset in the template's text. */
  readonly at: number;
}

const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const INTEGER = /0x[0-9a-f_]+|0b[01_]+|0o[0-7_]+|\d[\d_]*/iy;
const FLOAT = /\d[\d_]*(?:\.\d[\d_]*(?:e[+-]?\d+)?|e[+-]?\d+)/iy;
const STRING = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|<=|>=|[-+*/%~()[\]{}.,:|=<>]/y;
const RAW_BEGIN = /\{%[-+]?\s*raw\s*(-?)%\}/y;
const RAW_END = /\{%(-?)\+?\s*endraw\s*(-?)%\}/g;
const OPENING = /\{[{%#]/g;

const CLOSER: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

/** Cuts a template into text and tokens, applying `{%-` and `-%}` to the text around. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;

  const pushText = (text: string, trimEnd: boolean, start: number): void => {
    const begun = trimNext ? text.trimStart() : text;
    const trimmed = trimEnd ? begun.trimEnd() : begun;
    if (trimmed !== '') tokens.push({ kind: 'text', text: trimmed, at: start });
    trimNext = false;
  };

  while (at < source.length) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(source);
    if (opening === null) {
      pushText(source.slice(at), false, at);
      break;
    }
    const begin = opening.index;
    const trimsBefore = source[begin + 2] === '-';
    pushText(source.slice(at, begin), trimsBefore, at);
    if (opening[0] === '{#') {
      const end = source.indexOf('#}', begin + 2);
      if (end === -1) throw new TemplateError('The template ends inside a comment: "#}" is missing', begin);
      trimNext = source[end - 1] === '-';
      at = end + 2;
      continue;
    }
    RAW_BEGIN.lastIndex = begin;
    const rawBegin = RAW_BEGIN.exec(source);
    if (rawBegin !== null) {
      const inside = RAW_BEGIN.lastIndex;
      RAW_END.lastIndex = inside;
      const rawEnd = RAW_END.exec(source);
      if (rawEnd === null) throw new TemplateError('The block that begins here needs "{% endraw %}"', begin);
      trimNext = rawBegin[1] === '-';
      pushText(source.slice(inside, rawEnd.index), rawEnd[1] === '-', inside);
      trimNext = rawEnd[2] === '-';
      at = RAW_END.lastIndex;
      continue;
    }
    const isOutput = opening[0] === '{{';
    tokens.push({ kind: isOutput ? 'output_begin' : 'block_begin', text: opening[0], at: begin });
    const hasSign = trimsBefore || source[begin + 2] === '+';
    const tag = readTag(source, begin, begin + (hasSign ? 3 : 2), isOutput, tokens);
    at = tag.at;
    trimNext = tag.trims;
  }
  tokens.push({ kind: 'end', text: '', at: source.length });
  return tokens;
}

/** Reads the inside of one tag up to its end, which counts only outside of brackets: `{{ {'a': {}} }}`. */
function readTag(
  source: string,
  begin: number,
  start: number,
  isOutput: boolean,
  tokens: Token[],
): { readonly at: number; readonly trims: boolean } {
  const close = isOutput ? '}}' : '%}';
  const open: string[] = [];
  let at = start;
  for (;;) {
    while (/\s/.test(source[at] ?? '')) at += 1;
    if (at >= source.length) {
      const opened = isOutput ? '{{' : '{%';
      throw new TemplateError(`The template ends inside "${opened}": "${close}" is missing`, begin);
    }
    const hasSign = source[at] === '-' || (source[at] === '+' && !isOutput);
    if (open.length === 0 && source.startsWith(close, hasSign ? at + 1 : at)) {
      tokens.push({ kind: isOutput ? 'output_end' : 'block_end', text: close, at });
      return { at: at + (hasSign ? 3 : 2), trims: source[at] === '-' };
    }
    const token = readToken(source, at, tokens.at(-1)?.text === '.');
    at += token.length;
    tokens.push(token.token);
    if (token.token.kind === 'operator') balance(token.token, open);
  }
}

function balance(token: Token, open: string[]): void {
  const closer = CLOSER.get(token.text);
  if (closer !== undefined) {
    open.push(closer);
    return;
  }
  if (token.text !== ')' && token.text !== ']' && token.text !== '}') return;
  const expected = open.pop();
  if (expected === token.text) return;
  const hint = expected === undefined ? 'nothing is open there' : `"${expected}" is expected there`;
  throw new TemplateError(`"${token.text}" closes a bracket, but ${hint}`, token.at);
}

interface ReadToken {
  readonly token: Token;
  readonly length: number;
}

function readToken(source: string, at: number, afterPoint: boolean): ReadToken {
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const make = (kind: TokenKind, written: string, text = written): ReadToken => {
    return { token: { kind, text, at }, length: written.length };
  };
  // In `events.0.1` the numbers are two indexes, not a fraction.
  const float = afterPoint ? undefined : match(FLOAT);
  if (float !== undefined) return make('float', float);
  const integer = match(INTEGER);
  if (integer !== undefined) return make('integer', integer);
  const name = match(NAME);
  if (name !== undefined) return make('name', name);
  const string = match(STRING);
  if (string !== undefined) return make('string', string, resolveEscapes(string.slice(1, -1)));
  const operator = match(OPERATOR);
  if (operator !== undefined) return make('operator', operator);
  const character = String.fromCodePoint(source.codePointAt(at) ?? 0);
  if (character === '"' || character === "'")
    throw new TemplateError(`A text that begins with ${character} never ends`, at);
  throw new TemplateError(`The character "${character}" has no meaning there`, at);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['a', '\u0007'],
  ['0', '\0'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['\n', ''],
]);

/** Python's escapes; an unknown one stays with its backslash, which is how `'\d+'` reaches a regular expression. */
function resolveEscapes(inside: string): string {
  if (!inside.includes('\\')) return inside;
  return inside.replaceAll(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([^]))/gi, (written, hex, unicode, single) => {
    const code = (hex ?? unicode) as string | undefined;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPES.get(single as string) ?? written;
  });
}
