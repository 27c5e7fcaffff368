import { TemplateError } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';

const MAX_DEPTH = 100;

/** The tokens of a template and the place where the parser is. */
export class Tokens {
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#end = tokens.at(-1) ?? { kind: 'end', text: '', at: 0 };
  }

  get current(): Token {
    return this.#tokens[this.#next] ?? this.#end;
  }

  get following(): Token {
    return this.#tokens[this.#next + 1] ?? this.#end;
  }

  take(): Token {
    const token = this.current;
    this.#next += 1;
    return token;
  }

  isOperator(...texts: string[]): boolean {
    return this.current.kind === 'operator' && texts.includes(this.current.text);
  }

  isName(...texts: string[]): boolean {
    return this.current.kind === 'name' && texts.includes(this.current.text);
  }

  /** Steps over an operator if it is there. */
  skipOperator(text: string): boolean {
    const found = this.isOperator(text);
    if (found) this.#next += 1;
    return found;
  }

  skipName(text: string): boolean {
    const found = this.isName(text);
    if (found) this.#next += 1;
    return found;
  }

  expectOperator(text: string): void {
    if (!this.skipOperator(text)) throw this.unexpected(`"${text}"`);
  }

  expect(kind: TokenKind, wanted: string): Token {
    if (this.current.kind !== kind) throw this.unexpected(wanted);
    return this.take();
  }

  /** The error for a token that can't stand where it is. */
  unexpected(wanted: string): TemplateError {
    const { kind, text, at } = this.current;
    const found =
      kind === 'end' ? 'the template ends' : kind === 'text' ? 'there is text' : `there is "${text}"`;
    return new TemplateError(`Here ${found} where ${wanted} is expected`, at);
  }

  /** Runs `body` one level deeper, so that brackets upon brackets can't use up the stack. */
  nested<T>(body: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw new TemplateError(`The template nests more than ${MAX_DEPTH} levels deep`, this.current.at);
    const result = body();
    this.#depth -= 1;
    return result;
  }
}
