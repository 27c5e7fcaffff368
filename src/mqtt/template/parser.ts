import type { Expression, Statement, Target } from './ast.ts';
import { TemplateError } from './errors.ts';
import { ExpressionParser, type KnownNames } from './expressions.ts';
import { tokenize } from './lexer.ts';
import { Tokens } from './tokens.ts';

/** Several times the longest that is known; reading this much takes some 20 ms. */
const MAX_SOURCE_LENGTH = 16 * 1024;

/** Parses a whole template; throws a TemplateError with the offset, its message not yet naming the place. */
export function parseStatements(source: string, known: KnownNames): Statement[] {
  if (source.length > MAX_SOURCE_LENGTH)
    throw new TemplateError(`The template is longer than ${MAX_SOURCE_LENGTH} characters`, 0);
  return new StatementParser(new Tokens(tokenize(source)), known).parseAll();
}

class StatementParser {
  readonly #tokens: Tokens;
  readonly #expressions: ExpressionParser;
  #loops = 0;

  constructor(tokens: Tokens, known: KnownNames) {
    this.#tokens = tokens;
    this.#expressions = new ExpressionParser(tokens, known);
  }

  parseAll(): Statement[] {
    return this.#parseBody([], 0);
  }

  /** Statements up to a block whose name is one of `ends`, which stays to be read. No ends: up to the end. */
  #parseBody(ends: readonly string[], openedAt: number): Statement[] {
    const body: Statement[] = [];
    for (;;) {
      const token = this.#tokens.current;
      switch (token.kind) {
        case 'text':
          this.#tokens.take();
          body.push({ type: 'text', at: token.at, text: token.text });
          break;
        case 'output_begin': {
          this.#tokens.take();
          const value = this.#expressions.parseTuple();
          this.#tokens.expect('output_end', '"}}"');
          body.push({ type: 'output', at: token.at, value });
          break;
        }
        case 'end':
          if (ends.length === 0) return body;
          throw new TemplateError(`The block that begins here needs "{% ${ends.at(-1)} %}"`, openedAt);
        default:
          if (ends.includes(this.#tokens.following.text)) return body;
          body.push(this.#tokens.nested(() => this.#parseBlock()));
      }
    }
  }

  #parseBlock(): Statement {
    const { at } = this.#tokens.expect('block_begin', '"{%"');
    const keyword = this.#tokens.expect('name', 'the name of a block');
    switch (keyword.text) {
      case 'if':
        return this.#parseIf(at);
      case 'for':
        return this.#parseFor(at);
      case 'set':
        return this.#parseSet(at);
      case 'do': {
        const value = this.#parseToBlockEnd();
        return { type: 'do', at, value };
      }
      case 'break':
      case 'continue':
        this.#endBlock();
        if (this.#loops === 0)
          throw new TemplateError(`"${keyword.text}" stands outside of a loop`, keyword.at);
        return { type: keyword.text, at };
      default:
        throw new TemplateError(`The block "${keyword.text}" is not known or has no beginning`, keyword.at);
    }
  }

  #endBlock(): void {
    this.#tokens.expect('block_end', '"%}"');
  }

  #parseToBlockEnd(): Expression {
    const value = this.#expressions.parseTuple();
    this.#endBlock();
    return value;
  }

  /** Steps over `{% name`, whose name is known to be one of those that end the body before. */
  #takeBlockName(): string {
    this.#tokens.take();
    return this.#tokens.take().text;
  }

  #parseIf(at: number): Statement {
    const branches: { condition: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] = [];
    let keyword = 'if';
    while (keyword !== 'endif') {
      if (keyword === 'else') {
        this.#endBlock();
        otherwise = this.#parseBody(['endif'], at);
      } else {
        const condition = this.#parseToBlockEnd();
        branches.push({ condition, body: this.#parseBody(['elif', 'else', 'endif'], at) });
      }
      keyword = this.#takeBlockName();
    }
    this.#endBlock();
    return { type: 'if', at, branches, otherwise };
  }

  #parseFor(at: number): Statement {
    const target = this.#parseNames('in');
    if (!this.#tokens.skipName('in')) throw this.#tokens.unexpected('"in"');
    const items = this.#expressions.parseLoopItems();
    const condition = this.#tokens.skipName('if') ? this.#expressions.parse() : undefined;
    this.#endBlock();
    this.#loops += 1;
    const body = this.#parseBody(['else', 'endfor'], at);
    this.#loops -= 1;
    let otherwise: Statement[] = [];
    if (this.#takeBlockName() === 'else') {
      this.#endBlock();
      otherwise = this.#parseBody(['endfor'], at);
      this.#takeBlockName();
    }
    this.#endBlock();
    return { type: 'for', at, target, items, condition, body, otherwise };
  }

  #parseSet(at: number): Statement {
    const target = this.#parseNames('=');
    if (this.#tokens.skipOperator('=')) return { type: 'set', at, target, value: this.#parseToBlockEnd() };
    this.#endBlock();
    const body = this.#parseBody(['endset'], at);
    this.#takeBlockName();
    this.#endBlock();
    return { type: 'capture', at, target, body };
  }

  /** `a`, `a, b`, `(a, b)` or, for `set`, `namespace.key`. */
  #parseNames(before: 'in' | '='): Target {
    const hasBrackets = this.#tokens.skipOperator('(');
    const names: string[] = [];
    do {
      if (names.length > 0 && this.#tokens.current.kind !== 'name') break;
      names.push(this.#tokens.expect('name', `a name before "${before}"`).text);
    } while (this.#tokens.skipOperator(','));
    if (hasBrackets) this.#tokens.expectOperator(')');
    const [name = ''] = names;
    if (names.length > 1) return { type: 'names', names };
    if (before === '=' && this.#tokens.skipOperator('.'))
      return {
        type: 'member',
        namespace: name,
        key: this.#tokens.expect('name', 'a name after the point').text,
      };
    return { type: 'name', name };
  }
}
