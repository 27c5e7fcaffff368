import type { ArgumentNodes, BinaryOperator, CompareOperator, Expression } from './ast.ts';
import { TemplateError } from './errors.ts';
import type { Tokens } from './tokens.ts';
import { makeFloat, makeInt } from './values.ts';

/** The names that are there to be called; an unknown one is an error when the template is read, not later. */
export interface KnownNames {
  hasFilter(name: string): boolean;
  hasTest(name: string): boolean;
}

const NO_ARGUMENTS: ArgumentNodes = { positional: [], named: [] };
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else']);
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

/** Parses expressions with Jinja's own order of precedence, lowest first. */
export class ExpressionParser {
  readonly #tokens: Tokens;
  readonly #known: KnownNames;

  constructor(tokens: Tokens, known: KnownNames) {
    this.#tokens = tokens;
    this.#known = known;
  }

  /** An expression, or several with commas between them, which make a tuple. */
  parseTuple(): Expression {
    return this.#parseTupleOf(() => this.parse());
  }

  /** As `parseTuple`, without `a if b else c`: in `for x in items if condition` the `if` belongs to the loop. */
  parseLoopItems(): Expression {
    return this.#parseTupleOf(() => this.#tokens.nested(() => this.#parseOr()));
  }

  #parseTupleOf(parseItem: () => Expression): Expression {
    const { at } = this.#tokens.current;
    const first = parseItem();
    if (!this.#tokens.isOperator(',')) return first;
    const items = [first];
    while (this.#tokens.skipOperator(',') && this.#startsExpression()) items.push(parseItem());
    return { type: 'tuple', at, items };
  }

  parse(): Expression {
    return this.#tokens.nested(() => this.#parseConditional());
  }

  #startsExpression(): boolean {
    const { kind, text } = this.#tokens.current;
    if (kind === 'operator') return ['(', '[', '{', '-', '+'].includes(text);
    return kind === 'name' || kind === 'string' || kind === 'integer' || kind === 'float';
  }

  #parseConditional(): Expression {
    let result = this.#parseOr();
    while (this.#tokens.isName('if')) {
      const { at } = this.#tokens.take();
      const condition = this.#parseOr();
      const otherwise = this.#tokens.skipName('else') ? this.parse() : undefined;
      result = { type: 'conditional', at, condition, consequent: result, otherwise };
    }
    return result;
  }

  #parseOr(): Expression {
    let left = this.#parseAnd();
    while (this.#tokens.isName('or')) {
      const { at } = this.#tokens.take();
      left = { type: 'logic', at, operator: 'or', left, right: this.#parseAnd() };
    }
    return left;
  }

  #parseAnd(): Expression {
    let left = this.#parseNot();
    while (this.#tokens.isName('and')) {
      const { at } = this.#tokens.take();
      left = { type: 'logic', at, operator: 'and', left, right: this.#parseNot() };
    }
    return left;
  }

  #parseNot(): Expression {
    if (!this.#tokens.isName('not')) return this.#parseCompare();
    const { at } = this.#tokens.take();
    const operand = this.#tokens.nested(() => this.#parseNot());
    return { type: 'unary', at, operator: 'not', operand };
  }

  #parseCompare(): Expression {
    const { at } = this.#tokens.current;
    const first = this.#parseSum();
    const rest: { operator: CompareOperator; operand: Expression }[] = [];
    for (let operator = this.#takeComparison(); operator !== undefined; operator = this.#takeComparison())
      rest.push({ operator, operand: this.#parseSum() });
    return rest.length === 0 ? first : { type: 'compare', at, first, rest };
  }

  #takeComparison(): CompareOperator | undefined {
    const { kind, text } = this.#tokens.current;
    if (kind === 'operator' && COMPARISONS.has(text)) return this.#tokens.take().text as CompareOperator;
    if (this.#tokens.skipName('in')) return 'in';
    const { following } = this.#tokens;
    if (!this.#tokens.isName('not') || following.kind !== 'name' || following.text !== 'in') return undefined;
    this.#tokens.take();
    this.#tokens.take();
    return 'not in';
  }

  #parseSum(): Expression {
    return this.#parseBinary(['+', '-'], () => this.#parseConcat());
  }

  #parseConcat(): Expression {
    const { at } = this.#tokens.current;
    const parts = [this.#parseProduct()];
    while (this.#tokens.skipOperator('~')) parts.push(this.#parseProduct());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { type: 'concat', at, parts };
  }

  #parseProduct(): Expression {
    return this.#parseBinary(['*', '/', '//', '%'], () => {
      return this.#parseBinary(['**'], () => this.#parseUnary(true));
    });
  }

  #parseBinary(operators: BinaryOperator[], parseOperand: () => Expression): Expression {
    let left = parseOperand();
    while (this.#tokens.isOperator(...operators)) {
      const { at, text } = this.#tokens.take();
      left = { type: 'binary', at, operator: text as BinaryOperator, left, right: parseOperand() };
    }
    return left;
  }

  /** A sign binds closer than a filter: `-2|abs` is 2. */
  #parseUnary(withFilters: boolean): Expression {
    const { at, text } = this.#tokens.current;
    let result: Expression;
    if (this.#tokens.isOperator('-', '+')) {
      this.#tokens.take();
      const operand = this.#tokens.nested(() => this.#parseUnary(false));
      result = { type: 'unary', at, operator: text as '-' | '+', operand };
    } else {
      result = this.#parsePostfix(this.#parsePrimary());
    }
    return withFilters ? this.#parseFilters(result) : result;
  }

  #parsePrimary(): Expression {
    const token = this.#tokens.current;
    const { at, kind, text } = token;
    if (kind === 'name' && !KEYWORDS.has(text)) {
      this.#tokens.take();
      const constant = CONSTANTS.get(text);
      return constant === undefined
        ? { type: 'name', at, name: text }
        : { type: 'literal', at, value: constant };
    }
    if (kind === 'string') return { type: 'literal', at, value: this.#parseStrings() };
    if (kind === 'integer' || kind === 'float') {
      this.#tokens.take();
      const value = Number(text.replaceAll('_', ''));
      return { type: 'literal', at, value: kind === 'float' ? makeFloat(value) : makeInt(value) };
    }
    if (this.#tokens.skipOperator('(')) return this.#parseParentheses(at);
    if (this.#tokens.skipOperator('[')) return { type: 'list', at, items: this.#parseItems(']') };
    if (this.#tokens.skipOperator('{')) return this.#parseDict(at);
    throw this.#tokens.unexpected('a value');
  }

  /** Texts that follow each other are one text. */
  #parseStrings(): string {
    let value = '';
    while (this.#tokens.current.kind === 'string') value += this.#tokens.take().text;
    return value;
  }

  #parseParentheses(at: number): Expression {
    if (this.#tokens.skipOperator(')')) return { type: 'tuple', at, items: [] };
    const inside = this.parseTuple();
    this.#tokens.expectOperator(')');
    return inside;
  }

  #parseItems(close: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#tokens.skipOperator(close)) {
      if (items.length > 0) this.#tokens.expectOperator(',');
      if (this.#tokens.skipOperator(close)) break;
      items.push(this.parse());
    }
    return items;
  }

  #parseDict(at: number): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.#tokens.skipOperator('}')) {
      if (entries.length > 0) this.#tokens.expectOperator(',');
      if (this.#tokens.skipOperator('}')) break;
      const key = this.parse();
      this.#tokens.expectOperator(':');
      entries.push([key, this.parse()]);
    }
    return { type: 'dict', at, entries };
  }

  #parsePostfix(subject: Expression): Expression {
    let target = subject;
    for (;;) {
      const { at } = this.#tokens.current;
      if (this.#tokens.skipOperator('.')) target = this.#parseMember(target, at);
      else if (this.#tokens.skipOperator('[')) target = this.#parseSubscript(target, at);
      else if (this.#tokens.skipOperator('('))
        target = { type: 'call', at, target, args: this.#parseArguments() };
      else return target;
    }
  }

  #parseMember(target: Expression, at: number): Expression {
    const { kind, text } = this.#tokens.current;
    if (kind === 'integer') {
      this.#tokens.take();
      return { type: 'item', at, target, index: { type: 'literal', at, value: Number(text) } };
    }
    const name = this.#tokens.expect('name', 'a name after the point').text;
    if (!this.#tokens.skipOperator('(')) return { type: 'attribute', at, target, name };
    return { type: 'method', at, target, name, args: this.#parseArguments() };
  }

  #parseSubscript(target: Expression, at: number): Expression {
    const parsePart = (): Expression | undefined =>
      this.#tokens.isOperator(':', ']') ? undefined : this.parse();
    const start = parsePart();
    if (start !== undefined && this.#tokens.skipOperator(']'))
      return { type: 'item', at, target, index: start };
    this.#tokens.expectOperator(':');
    const stop = parsePart();
    const step = this.#tokens.skipOperator(':') ? parsePart() : undefined;
    this.#tokens.expectOperator(']');
    return { type: 'slice', at, target, start, stop, step };
  }

  /** Arguments after the opening bracket, the closing one included. */
  #parseArguments(): ArgumentNodes {
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    while (!this.#tokens.skipOperator(')')) {
      if (positional.length + named.length > 0) this.#tokens.expectOperator(',');
      if (this.#tokens.skipOperator(')')) break;
      const { current, following } = this.#tokens;
      if (current.kind === 'name' && following.kind === 'operator' && following.text === '=') {
        this.#tokens.take();
        this.#tokens.take();
        named.push([current.text, this.parse()]);
      } else if (named.length > 0) {
        throw new TemplateError('An argument without a name follows one with a name', current.at);
      } else {
        positional.push(this.parse());
      }
    }
    return { positional, named };
  }

  #parseFilters(subject: Expression): Expression {
    let target = subject;
    for (;;) {
      const { at } = this.#tokens.current;
      if (this.#tokens.skipOperator('|')) target = this.#parseFilter(target);
      else if (this.#tokens.skipName('is')) target = this.#parseTest(target, at);
      else return target;
    }
  }

  #parseFilter(target: Expression): Expression {
    const { at, text: name } = this.#tokens.expect('name', 'the name of a filter');
    if (!this.#known.hasFilter(name)) throw new TemplateError(`There is no filter "${name}"`, at);
    const args = this.#tokens.skipOperator('(') ? this.#parseArguments() : NO_ARGUMENTS;
    return { type: 'filter', at, target, name, args };
  }

  #parseTest(target: Expression, at: number): Expression {
    const negated = this.#tokens.skipName('not');
    const { at: nameAt, text: name } = this.#tokens.expect('name', 'the name of a test');
    if (!this.#known.hasTest(name)) throw new TemplateError(`There is no test "${name}"`, nameAt);
    return { type: 'test', at, target, name, negated, args: this.#parseTestArguments() };
  }

  /** `is divisibleby(3)` and `is divisibleby 3` are the same. */
  #parseTestArguments(): ArgumentNodes {
    if (this.#tokens.skipOperator('(')) return this.#parseArguments();
    const { kind, text } = this.#tokens.current;
    const isArgument =
      (kind === 'name' && !KEYWORDS.has(text)) ||
      kind === 'string' ||
      kind === 'integer' ||
      kind === 'float' ||
      this.#tokens.isOperator('[', '{');
    if (!isArgument) return NO_ARGUMENTS;
    return { positional: [this.#parsePostfix(this.#parsePrimary())], named: [] };
  }
}
