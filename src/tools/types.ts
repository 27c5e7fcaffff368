import type * as z from 'zod';

import type { Author } from '../graph/types.ts';
import type { HomeEdits } from './home-edits.ts';
import type { HomeReads } from './home-reads.ts';
import type { JsonParts } from './json-text.ts';

/** What a tool works on, and for whom. */
export interface ToolContext {
  readonly reads: HomeReads;
  readonly edits: HomeEdits;
  readonly author: Author;
}

/** One tool; its arguments have been checked when it runs. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** Whether it changes the home. */
  readonly mutates: boolean;
  readonly args: z.ZodObject;
  run(context: ToolContext, args: unknown): JsonParts | Promise<JsonParts>;
}

/** A tool as it is advertised. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: object;
}
