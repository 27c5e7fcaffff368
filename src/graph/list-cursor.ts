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
