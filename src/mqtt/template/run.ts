import { TemplateError } from './errors.ts';

const MAX_STEPS = 20_000;
const MAX_TEXT_LENGTH = 64 * 1024;
const DEADLINE_MS = 20;
/**
 * Real templates stay below this, and are not timed: the first run of one, before the engine has optimised anything,
 * can take longer than the deadline on a slow Pi, and would fail although nothing is wrong with it.
 */
const STEPS_BEFORE_CLOCK_CHECKS = 2000;
const STEPS_BETWEEN_CLOCK_CHECKS = 256;
const CHARACTERS_PER_STEP = 256;
const MAX_DEPTH = 300;

/**
 * One rendering and what it may still use up. Everything that can grow or repeat asks here first, because a template
 * comes from whoever can publish a retained message, and it runs on the only thread.
 */
export class Run {
  /** Milliseconds since the epoch, for `now()`. */
  readonly now: () => number;
  /** A filter by its name, for `map`; the tables can't know each other. */
  readonly findFilter: (name: string) => Filter | undefined;
  /** Offset of the construct at work, for the error message. */
  at = 0;
  #steps = 0;
  #nextClockCheck = STEPS_BEFORE_CLOCK_CHECKS;
  #depth = 0;
  #printed = 0;
  readonly #startedMs = performance.now();

  constructor(now: () => number, findFilter: (name: string) => Filter | undefined) {
    this.now = now;
    this.findFilter = findFilter;
  }

  /** Pays for `count` units of work: an expression, a loop pass, an element looked at. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS)
      throw new TemplateError(`The template does more than ${MAX_STEPS} steps of work`);
    if (this.#steps < this.#nextClockCheck) return;
    this.#nextClockCheck = this.#steps + STEPS_BETWEEN_CLOCK_CHECKS;
    if (performance.now() - this.#startedMs > DEADLINE_MS)
      throw new TemplateError(`The template runs for more than ${DEADLINE_MS} ms`);
  }

  /** Refuses a text of this many characters before it is made. */
  reserve(length: number): void {
    if (length > MAX_TEXT_LENGTH)
      throw new TemplateError(`The template makes a text of more than ${MAX_TEXT_LENGTH} characters`);
    this.step(Math.ceil(length / CHARACTERS_PER_STEP));
  }

  /** Counts a piece of the result. */
  print(length: number): void {
    this.#printed += length;
    if (this.#printed > MAX_TEXT_LENGTH) this.reserve(this.#printed);
    this.reserve(length);
  }

  /** Joins parts, having checked the length of the result. */
  join(parts: readonly string[], separator: string): string {
    let length = separator.length * Math.max(0, parts.length - 1);
    for (const part of parts) length += part.length;
    this.reserve(length);
    return parts.join(separator);
  }

  /** Runs `body` one level deeper; a template can't use up the stack. */
  nested<T>(body: () => T): T {
    this.enter();
    const result = body();
    this.leave();
    return result;
  }

  /** As `nested`, for the hot path; an exception ends the run, so `leave` needs no `finally`. */
  enter(): void {
    this.step();
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new TemplateError('The template nests too deeply');
  }

  leave(): void {
    this.#depth -= 1;
  }
}

/** What a filter, test, function or method was called with, besides its subject. */
export class Args {
  readonly positional: readonly unknown[];
  readonly named: ReadonlyMap<string, unknown>;

  constructor(positional: readonly unknown[] = [], named: ReadonlyMap<string, unknown> = new Map()) {
    this.positional = positional;
    this.named = named;
  }

  /** The argument by place or name; undefined (of JavaScript) when it was not given. */
  get(index: number, name: string): unknown {
    return index < this.positional.length ? this.positional[index] : this.named.get(name);
  }

  has(index: number, name: string): boolean {
    return index < this.positional.length || this.named.has(name);
  }

  /** The argument, or an error that names it. */
  need(index: number, name: string): unknown {
    if (!this.has(index, name)) throw new TemplateError(`The argument "${name}" is missing`);
    return this.get(index, name);
  }

  /** The arguments after the first `count` positional ones. */
  after(count: number): Args {
    return new Args(this.positional.slice(count), this.named);
  }
}

export type Filter = (run: Run, input: unknown, args: Args) => unknown;
export type Test = (run: Run, input: unknown, args: Args) => boolean;
