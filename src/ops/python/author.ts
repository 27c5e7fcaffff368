import type { Author } from '../../graph/types.ts';

/** The device that versions of the old database come from, which it does not tell. */
const DEVICE_ID = 'python-funkygibbon';
const MAX_CHARACTERS = 256;

/** Who made a row of the old database. */
export function authorOf(row: { readonly userId: string }): Author {
  return { userId: row.userId === '' ? 'unknown' : row.userId.slice(0, MAX_CHARACTERS), deviceId: DEVICE_ID };
}
