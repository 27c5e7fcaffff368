import type { Page } from './types.ts';

import { HubError } from '../base/errors.ts';

/** Opaque to clients: a kind, so that one list's cursor is not taken for another's, and numbers. */
export function makeListCursor(kind: string, ...numbers: readonly number[]): string {
  return Buffer.from(`${kind}${numbers.join(',')}`).toString('base64url');
}

/** @throws HubError `invalid` when the text is not a cursor of this kind with `count` numbers. */
export function parseListCursor(kind: string, cursor: string, count: number): number[] {
  const text = cursor.length > 200 ? '' : Buffer.from(cursor, 'base64url').toString('latin1');
  const numbers = text.startsWith(kind) ? text.slice(kind.length).split(',') : [];
  if (numbers.length === count && numbers.every((number) => /^\d{1,16}$/.test(number)))
    return numbers.map(Number);
  throw new HubError('invalid', 'cursor is not one that this hub gave here; start again without it', {
    field: 'cursor',
  });
}

/** The internal key after which a page of a list begins. @throws HubError `invalid` when the cursor is not one of ours. */
export function keyAfter(kind: string, cursor: string | undefined): number {
  return cursor === undefined ? 0 : (parseListCursor(kind, cursor, 1)[0] ?? 0);
}

/** A page of `limit` items out of rows in the order of their keys, of which one more was read. */
export function cutPage<R extends { readonly key: number }, T>(
  kind: string,
  rows: readonly R[],
  limit: number,
  itemOf: (row: R) => T,
): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(itemOf),
    nextCursor: rows.length > limit && last ? makeListCursor(kind, last.key) : null,
  };
}
