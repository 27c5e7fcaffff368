import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * The digest of a replica, as the hub makes it: lower-case hex SHA-256 over the current, not deleted entities sorted by
 * the bytes of their ids, of each the id, 0x1F, the version, 0x1E.
 */
export function graphDigest(entities: Iterable<{ readonly id: string; readonly version: string }>): string {
  const hash = sha256.create();
  for (const { id, version } of [...entities].sort((a, b) => compareBytes(a.id, b.id))) {
    hash.update(utf8ToBytes(`${id}\u001f${version}\u001e`));
  }
  return bytesToHex(hash.digest());
}

const SURROGATE = /[\ud800-\udfff]/;

/** The order of the UTF-8 bytes. It is that of the UTF-16 units, but for characters that take two of those. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const left = utf8ToBytes(a);
  const right = utf8ToBytes(b);
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? left.length - right.length : Number(left[at]) - (right[at] ?? -1);
}
