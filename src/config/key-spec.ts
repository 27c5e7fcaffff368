import type * as z from 'zod';

import { flag } from './values.ts';

/** One configuration key. Everything that knows keys (file, environment, flags, the example file) reads this table. */
export interface KeySpec<T> {
  /** Turns the written text into the value; a list key gets an array of texts. */
  readonly schema: z.ZodType<T>;
  /** The default as a person would write it; `null` where there is none or where it is worked out at start. */
  readonly initial: string | readonly string[] | null;
  /** For a person: what an absent key means. Needed where `initial` is null. */
  readonly initialText?: string;
  /** For a person: which values are taken. */
  readonly accepted: string;
  /** For a person: what the key does. */
  readonly description: string;
  /** What the example file shows when there is no plain default. */
  readonly example?: string;
  /** `list` keys take several values: a YAML list, commas in text, or a repeated flag. */
  readonly kind: 'scalar' | 'list' | 'flag';
  /** Never shown, never part of the config object, and may be given as a file (`<key>_file`). */
  readonly secret?: true;
}

export const PORT = 'a whole number from 0 to 65535 (0 means any free port)';

type Part<T, I> = Omit<KeySpec<T>, 'kind' | 'secret' | 'initial'> & { readonly initial: I };

export function scalar<T, I extends string | null>(
  spec: Part<T, I>,
): Part<T, I> & { readonly kind: 'scalar' } {
  return { ...spec, kind: 'scalar' };
}

export function list<T>(
  spec: Part<T, readonly string[]>,
): Part<T, readonly string[]> & { readonly kind: 'list' } {
  return { ...spec, kind: 'list' };
}

export function boolean(spec: Pick<KeySpec<boolean>, 'description'> & { readonly initial: string }) {
  return { ...spec, schema: flag, accepted: 'true or false', kind: 'flag' } as const;
}

export function secret<T>(spec: Omit<Part<T, null>, 'initial' | 'example'>) {
  return { ...spec, initial: null, kind: 'scalar', secret: true } as const;
}
