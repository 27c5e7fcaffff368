import { isNumberLike, needInteger } from './convert.ts';
import { TemplateError } from './errors.ts';
import { applyCompare, contains } from './operators.ts';
import type { CompareOperator } from './ast.ts';
import { matchRegex } from './regex-filters.ts';
import type { Run, Test } from './run.ts';
import { toText } from './text.ts';
import { asNumber, isDict, isFloat, isList, Undefined } from './values.ts';

function isMissing(value: unknown): boolean {
  return value === undefined || value instanceof Undefined;
}

function comparison(operator: CompareOperator): Test {
  return (run, input, args) => applyCompare(run, operator, input, args.need(0, 'other'));
}

function remainder(input: unknown, divisor: number): number {
  if (divisor === 0) throw new TemplateError('A number is divided by zero');
  return needInteger(input, 'value') % divisor;
}

function isCased(run: Run, input: unknown, change: (text: string) => string): boolean {
  const text = toText(run, input);
  return text === change(text) && text.toLowerCase() !== text.toUpperCase();
}

const equals = comparison('==');
const less = comparison('<');
const lessOrEqual = comparison('<=');
const greater = comparison('>');
const greaterOrEqual = comparison('>=');
const differs = comparison('!=');

/** What may follow `is`, and what `select` and its kin take by name. */
export const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', (_, input) => !isMissing(input)],
  ['undefined', (_, input) => isMissing(input)],
  ['none', (_, input) => input === null],
  ['number', (_, input) => asNumber(input) !== undefined],
  ['integer', (_, input) => typeof input === 'number' && !isFloat(input)],
  ['float', (_, input) => isFloat(input)],
  ['is_number', (_, input) => isNumberLike(input)],
  ['string', (_, input) => typeof input === 'string'],
  ['mapping', (_, input) => isDict(input)],
  ['sequence', (_, input) => isMissing(input) || typeof input === 'string' || isList(input) || isDict(input)],
  ['iterable', (_, input) => isMissing(input) || typeof input === 'string' || isList(input) || isDict(input)],
  ['list', (_, input) => isList(input)],
  ['boolean', (_, input) => typeof input === 'boolean'],
  ['true', (_, input) => input === true],
  ['false', (_, input) => input === false],
  ['even', (_, input) => remainder(input, 2) === 0],
  ['odd', (_, input) => remainder(input, 2) !== 0],
  ['divisibleby', (_, input, args) => remainder(input, needInteger(args.need(0, 'num'), 'num')) === 0],
  ['lower', (run, input) => isCased(run, input, (text) => text.toLowerCase())],
  ['upper', (run, input) => isCased(run, input, (text) => text.toUpperCase())],
  ['equalto', equals],
  ['eq', equals],
  ['==', equals],
  ['sameas', equals],
  ['ne', differs],
  ['!=', differs],
  ['lt', less],
  ['lessthan', less],
  ['<', less],
  ['le', lessOrEqual],
  ['<=', lessOrEqual],
  ['gt', greater],
  ['greaterthan', greater],
  ['>', greater],
  ['ge', greaterOrEqual],
  ['>=', greaterOrEqual],
  ['in', comparison('in')],
  ['contains', (run, input, args) => contains(run, input, args.need(0, 'value'))],
  ['match', (run, input, args) => matchRegex(run, input, args, true)],
  ['search', (run, input, args) => matchRegex(run, input, args, false)],
]);
