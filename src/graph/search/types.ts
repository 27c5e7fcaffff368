import type { EntityVersion, Moment } from '../types.ts';

/** What a search may be narrowed to, and which page of it is wanted. */
export interface SearchOptions {
  /** Free text as it was typed; see `parseQuery`. */
  readonly q: string;
  /** Only entities of these types; undefined = all. */
  readonly entityTypes?: readonly string[] | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** Only entities with these internal keys, of the present; asked for when the index has been brought up to date. */
  readonly within?: (() => readonly number[]) | undefined;
  /** Searches the graph as it was then. */
  readonly moment?: Moment | undefined;
}

/** A stretch of a text; fragments in a row read as the snippet, with `…` where something was left out. */
export interface Fragment {
  readonly text: string;
  /** True for what was searched for. */
  readonly match: boolean;
}

/** Where the searched words stand. Structured, so that a content can inject no markup. */
export interface Highlight {
  /** Dotted path, such as `content.steps.2.text`. */
  readonly field: string;
  readonly fragments: readonly Fragment[];
}

export interface SearchHit {
  readonly entity: EntityVersion;
  /**
   * Higher is better: 0.5 to 1 when everything was found in the name, 0 to 0.5 otherwise. Where more was found than is
   * worth ranking, each hit has the middle of its half. Comparable within one search only.
   */
  readonly score: number;
  readonly matchedIn: 'name' | 'content';
  readonly highlights: readonly Highlight[];
}
