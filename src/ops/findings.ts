import type { Finding } from './types.ts';

/** How many places of each kind are named; the count tells of the others. */
const MAX_EXAMPLES = 5;
const MAX_EXAMPLE_CHARACTERS = 160;

/** Counts what was met, by sentence, in the order in which it was met first. The sentences are few: they are constants. */
export class Findings {
  readonly #found = new Map<string, { count: number; examples: string[] }>();

  add(what: string, example: string, count = 1): void {
    const found = this.#found.get(what) ?? { count: 0, examples: [] };
    this.#found.set(what, found);
    found.count += count;
    if (found.examples.length >= MAX_EXAMPLES || example === '') return;
    found.examples.push(
      example.length > MAX_EXAMPLE_CHARACTERS ? `${example.slice(0, MAX_EXAMPLE_CHARACTERS)}…` : example,
    );
  }

  list(): Finding[] {
    return [...this.#found].map(([what, found]) => ({ what, ...found }));
  }
}

/** What is told of a source while records are made of it. */
export interface SourceFindings {
  readonly folded: Findings;
  readonly refused: Findings;
  readonly warnings: Findings;
}

export function noFindings(): SourceFindings {
  return { folded: new Findings(), refused: new Findings(), warnings: new Findings() };
}
