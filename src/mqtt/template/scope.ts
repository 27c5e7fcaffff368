import { GLOBALS } from './functions.ts';
import { Undefined } from './values.ts';

/** Names by what was set last. A loop pass has a scope of its own, whose changes end with it. */
export class Scope {
  readonly #values = new Map<string, unknown>();
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #outer: Scope | undefined;

  constructor(variables: Readonly<Record<string, unknown>>, outer?: Scope) {
    this.#variables = variables;
    this.#outer = outer;
  }

  set(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  inner(): Scope {
    return new Scope(this.#variables, this);
  }

  /** What the template set, what it was given, or a global function. */
  lookUp(name: string): unknown {
    if (this.#values.has(name)) return this.#values.get(name);
    if (this.#outer !== undefined) return this.#outer.lookUp(name);
    const given = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    return given === undefined ? (GLOBALS.get(name) ?? new Undefined(`"${name}" is not defined`)) : given;
  }
}
