import type { ArgumentNodes, Expression } from './ast.ts';
import { SkipUpdate, TemplateError, UndefinedError } from './errors.ts';
import { callMethod, type OwnLists } from './methods.ts';
import { applyBinary, applyCompare, getAttribute, getItem, getSlice, toFunction } from './operators.ts';
import { Args, type Run } from './run.ts';
import type { Scope } from './scope.ts';
import { TESTS } from './tests.ts';
import { toText } from './text.ts';
import {
  asNumber,
  describe,
  isFloat,
  isList,
  isTruthy,
  makeFloat,
  PyDict,
  refuseUndefined,
  Tuple,
  Undefined,
} from './values.ts';

// oxlint-disable typescript/consistent-return -- the switches cover every case, and the compiler checks that they do

const NO_ARGS = new Args();

/** Works out expressions for one rendering. */
export class Evaluator {
  readonly #run: Run;
  readonly #ownLists: OwnLists = new WeakSet();
  /** Where names are looked up; whoever runs the statements moves it. */
  scope: Scope;

  constructor(run: Run, scope: Scope) {
    this.#run = run;
    this.scope = scope;
  }

  evaluate(node: Expression): unknown {
    this.#run.enter();
    const value = this.#evaluateOne(node);
    this.#run.leave();
    return value;
  }

  #evaluateOne(node: Expression): unknown {
    switch (node.type) {
      case 'literal':
        return node.value;
      case 'name':
        return this.scope.lookUp(node.name);
      case 'list': {
        const list = node.items.map((item) => this.evaluate(item));
        this.#ownLists.add(list);
        return list;
      }
      case 'tuple':
        return Tuple.fromItems(node.items.map((item) => this.evaluate(item)));
      case 'dict': {
        const dict = new PyDict();
        for (const [key, value] of node.entries) dict.set(this.evaluate(key), this.evaluate(value));
        return dict;
      }
      case 'logic': {
        const left = this.evaluate(node.left);
        return isTruthy(left) === (node.operator === 'or') ? left : this.evaluate(node.right);
      }
      case 'conditional':
        if (isTruthy(this.evaluate(node.condition))) return this.evaluate(node.consequent);
        if (node.otherwise !== undefined) return this.evaluate(node.otherwise);
        return new Undefined('An "if" without "else" has no value when its condition is false');
      case 'filter':
        return this.#evaluateFilter(node);
      case 'compare':
        return this.#evaluateCompare(node);
      case 'attribute':
      case 'item':
      case 'slice':
      case 'call':
      case 'method':
      case 'test':
      case 'unary':
      case 'binary':
      case 'concat':
        return this.#evaluateOperation(node);
    }
  }

  /** What is done to values already known; the place is noted after they are, as theirs would cover it. */
  #evaluateOperation(
    node: Extract<
      Expression,
      { type: 'attribute' | 'item' | 'slice' | 'call' | 'method' | 'test' | 'unary' | 'binary' | 'concat' }
    >,
  ): unknown {
    const run = this.#run;
    switch (node.type) {
      case 'attribute': {
        const target = this.evaluate(node.target);
        run.at = node.at;
        return getAttribute(target, node.name, shownName(node.target));
      }
      case 'item': {
        const target = this.evaluate(node.target);
        const index = this.evaluate(node.index);
        run.at = node.at;
        return getItem(target, index, shownName(node.target));
      }
      case 'slice': {
        const target = this.evaluate(node.target);
        const bounds = [node.start, node.stop, node.step].map((bound) => bound && this.evaluate(bound));
        run.at = node.at;
        return getSlice(run, target, bounds);
      }
      case 'call': {
        const callee = this.evaluate(node.target);
        const args = this.#evaluateArguments(node.args);
        run.at = node.at;
        return toFunction(callee).call(run, args);
      }
      case 'method': {
        const target = this.evaluate(node.target);
        const args = this.#evaluateArguments(node.args);
        run.at = node.at;
        return callMethod(run, target, node.name, args, this.#ownLists);
      }
      case 'test': {
        const target = this.evaluate(node.target);
        const args = this.#evaluateArguments(node.args);
        run.at = node.at;
        return (TESTS.get(node.name)?.(run, target, args) ?? false) !== node.negated;
      }
      case 'unary': {
        const operand = this.evaluate(node.operand);
        run.at = node.at;
        return node.operator === 'not' ? !isTruthy(operand) : applySign(node.operator, operand);
      }
      case 'binary': {
        const left = this.evaluate(node.left);
        const right = this.evaluate(node.right);
        run.at = node.at;
        return applyBinary(run, node.operator, left, right);
      }
      case 'concat': {
        const parts = node.parts.map((part) => toText(run, this.evaluate(part)));
        run.at = node.at;
        return run.join(parts, '');
      }
    }
  }

  #evaluateFilter(node: Expression & { type: 'filter' }): unknown {
    if (node.name === 'is_defined') return this.#requireDefined(node.target);
    const input = this.evaluate(node.target);
    const args = this.#evaluateArguments(node.args);
    this.#run.at = node.at;
    const value = this.#run.findFilter(node.name)?.(this.#run, input, args);
    if (node.name === 'list' && isList(value)) this.#ownLists.add(value);
    return value;
  }

  /** A payload that lacks the value, or all that is around it, is one that says nothing about this entity. */
  #requireDefined(target: Expression): unknown {
    let value: unknown;
    try {
      value = this.evaluate(target);
    } catch (error) {
      if (error instanceof UndefinedError) throw new SkipUpdate();
      throw error;
    }
    if (value instanceof Undefined) throw new SkipUpdate();
    return value;
  }

  #evaluateCompare(node: Expression & { type: 'compare' }): boolean {
    let left = this.evaluate(node.first);
    for (const { operator, operand } of node.rest) {
      const right = this.evaluate(operand);
      this.#run.at = node.at;
      if (!applyCompare(this.#run, operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  #evaluateArguments(nodes: ArgumentNodes): Args {
    if (nodes.positional.length === 0 && nodes.named.length === 0) return NO_ARGS;
    return new Args(
      nodes.positional.map((node) => this.evaluate(node)),
      new Map(nodes.named.map(([name, node]) => [name, this.evaluate(node)])),
    );
  }
}

function applySign(sign: '-' | '+', operand: unknown): unknown {
  refuseUndefined(operand);
  const number = asNumber(operand);
  if (number === undefined) throw new TemplateError(`${describe(operand)} can't have a sign`);
  const signed = sign === '-' ? 0 - number : number;
  return isFloat(operand) ? makeFloat(signed) : signed;
}

/** How an error names the place where something is missing. */
function shownName(node: Expression): string {
  if (node.type === 'name') return node.name;
  if (node.type === 'attribute') return `"${node.name}"`;
  if (node.type === 'item' && node.index.type === 'literal' && typeof node.index.value === 'string')
    return `"${node.index.value}"`;
  return 'the value before it';
}
