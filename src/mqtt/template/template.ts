import type { Expression, Statement } from './ast.ts';
import { atPosition, SkipUpdate, TemplateError } from './errors.ts';
import { Execution } from './execute.ts';
import { FILTERS } from './filters.ts';
import { parseStatements } from './parser.ts';
import { Run } from './run.ts';
import { TESTS } from './tests.ts';
import { isList, isPlainObject } from './values.ts';

export { TemplateError, UndefinedError } from './errors.ts';

/**
 * What a template may read: plain values as JSON has them. `value` is the payload's text, `value_json` the payload
 * parsed (missing where it is no JSON), others are those of a command. `undefined` counts as missing.
 */
export interface TemplateVariables {
  readonly [name: string]: unknown;
}

/** `skip`: the template asked `is_defined` of something missing, so this payload is no update at all. */
export type Rendered = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'skip' };

/** A parsed template of the Jinja2 subset that MQTT discovery uses. Rendering changes nothing and reads no file. */
export interface Template {
  readonly source: string;
  /**
   * The text as Python would print it (`True`, `None`, `100.0`), without the space around it; at most 64 KiB, within
   * 20 000 steps and about 20 ms. Throws a TemplateError.
   */
  render(variables: TemplateVariables): Rendered;
}

export interface TemplateOptions {
  /** Milliseconds since the epoch, for `now()` and `utcnow()`. */
  readonly now?: () => number;
}

/** Parses a template; throws a TemplateError that says what is wrong and where. */
export function parseTemplate(source: string, options: TemplateOptions = {}): Template {
  const statements = guard(source, () => parseStatements(source, KNOWN_NAMES));
  const path = toPlainPath(statements);
  const now = options.now ?? Date.now;
  return {
    source,
    render: (variables) => {
      const text = path === undefined ? undefined : readPath(variables, path);
      return text === undefined
        ? renderStatements(source, statements, variables, now)
        : { kind: 'text', text };
    },
  };
}

const KNOWN_NAMES = {
  hasFilter: (name: string) => name === 'is_defined' || FILTERS.has(name),
  hasTest: (name: string) => TESTS.has(name),
};

function renderStatements(
  source: string,
  statements: readonly Statement[],
  variables: TemplateVariables,
  now: () => number,
): Rendered {
  const run = new Run(now, (name) => FILTERS.get(name));
  try {
    return {
      kind: 'text',
      text: guard(source, () => new Execution(run, variables).render(statements), run),
    };
  } catch (error) {
    if (error instanceof SkipUpdate) return { kind: 'skip' };
    throw error;
  }
}

/** Runs `work` and gives its TemplateErrors their place: their own, else that of the construct at work. */
function guard<T>(source: string, work: () => T, run?: Run): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw atPosition(error, source, error.position === -1 ? (run?.at ?? 0) : error.position);
  }
}

/** The keys of a template that is one plain path, `{{ value_json.a["b"].c }}`, as nearly all of them are. */
function toPlainPath(statements: readonly Statement[]): readonly (string | number)[] | undefined {
  const [only, ...others] = statements;
  if (only?.type !== 'output' || others.length > 0) return undefined;
  const path: (string | number)[] = [];
  let node: Expression = only.value;
  for (;;) {
    if (node.type === 'name') return [node.name, ...path.reverse()];
    if (node.type === 'attribute') path.push(node.name);
    else if (node.type !== 'item' || node.index.type !== 'literal') return undefined;
    else if (typeof node.index.value === 'string' || typeof node.index.value === 'number')
      path.push(node.index.value);
    else return undefined;
    node = node.target;
  }
}

/** The text at a path where that is simple; undefined leaves the case, and its error, to the interpreter. */
function readPath(variables: TemplateVariables, path: readonly (string | number)[]): string | undefined {
  let value: unknown = variables;
  for (const key of path) {
    if (typeof key === 'string') {
      if (key.startsWith('_') || !isPlainObject(value) || !Object.hasOwn(value, key)) return undefined;
      value = value[key];
    } else {
      if (!isList(value)) return undefined;
      value = value[key];
    }
  }
  if (typeof value === 'string') return value.length <= MAX_PLAIN_LENGTH ? value.trim() : undefined;
  if (typeof value === 'number') return isPlainNumber(value) ? String(value) : undefined;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null ? 'None' : undefined;
}

const MAX_PLAIN_LENGTH = 64 * 1024;

/** True where JavaScript and Python print a number alike. */
function isPlainNumber(value: number): boolean {
  if (Number.isSafeInteger(value)) return true;
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e15;
}

/**
 * The variables of one message, for all the templates that read it: the payload is parsed at most once, and only if a
 * template asks. `more` holds further ones, such as `this` or `entity_id`.
 */
export function templateVariables(payload: string, more: TemplateVariables = {}): TemplateVariables {
  let parsed: unknown;
  let isParsed = false;
  return {
    ...more,
    value: payload,
    get value_json(): unknown {
      if (!isParsed) parsed = parseJson(payload);
      isParsed = true;
      return parsed;
    },
  };
}

/** Undefined where the payload is no JSON: templates for plain payloads are ordinary, and so no error. */
function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

const DEFAULT_CACHE_LIMIT = 2000;

/** Parsed templates by their text; the one that was asked for longest ago gives way. */
export class TemplateCache {
  readonly #limit: number;
  readonly #options: TemplateOptions;
  readonly #templates = new Map<string, Template>();

  /** `limit`: how many templates are kept, at least 1. */
  constructor(limit = DEFAULT_CACHE_LIMIT, options: TemplateOptions = {}) {
    this.#limit = limit;
    this.#options = options;
  }

  /** Throws a TemplateError for a template that can't be parsed; that is not remembered. */
  get(source: string): Template {
    const template = this.#templates.get(source) ?? parseTemplate(source, this.#options);
    this.#templates.delete(source);
    this.#templates.set(source, template);
    if (this.#templates.size > this.#limit) {
      const [oldest] = this.#templates.keys();
      if (oldest !== undefined) this.#templates.delete(oldest);
    }
    return template;
  }
}
