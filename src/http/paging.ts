import * as z from 'zod';

import { HubError } from '../base/errors.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

const limitError = `must be a whole number from 1 to ${MAX_LIMIT}`;

/** Query of every list. An unknown name is refused: a filter that is ignored would answer with too much. */
export const pageQuery = z.strictObject({
  limit: z.coerce
    .number(limitError)
    .int(limitError)
    .min(1, limitError)
    .max(MAX_LIMIT, limitError)
    .default(DEFAULT_LIMIT),
  cursor: z.string().min(1).max(200).optional(),
});

/** Query of a read that takes none. */
export const noQuery = z.strictObject({});

/** A cursor that stands after a number: a place in a list, the order of a version. Opaque to clients. */
export function makeCursor(position: number): string {
  return Buffer.from(`p${position}`).toString('base64url');
}

/** @throws HubError `invalid` when the text is not one of `makeCursor`. */
export function parseCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const match = /^p(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match) return Number(match[1]);
  throw new HubError('invalid', 'cursor is not one that this hub gave; start again without it', {
    field: 'cursor',
  });
}

/** Cuts a page out of items that are ordered by `positionOf`, starting after the cursor. */
export function pageOf<T>(
  items: readonly T[],
  query: { limit: number; cursor?: string | undefined },
  positionOf: (item: T, index: number) => number,
): { items: T[]; nextCursor: string | null } {
  const after = parseCursor(query.cursor);
  const rest = items.map((item, index) => ({ item, position: positionOf(item, index) }));
  const left = rest.filter(({ position }) => position > after);
  const page = left.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    nextCursor: left.length > page.length && last ? makeCursor(last.position) : null,
  };
}
