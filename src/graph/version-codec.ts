/**
 * How versions are kept in the file. A version of the usual form, `2026-11-27T03:34:12.123456+00:00-000000-anna`, has 45
 * characters and stands in each row twice, as its own and as its child's parent; packed it has about 20. Versions are
 * opaque (PROTOCOL.md section 1), so one that would not come back letter by letter is kept as it is.
 */

/** What a packed version begins with: a character that no version may hold. */
const PACKED = '\u0001';

const USUAL = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})\+00:00-(\d{6})-/;
const USUAL_HEAD_LENGTH = '2026-11-27T03:34:12.123456+00:00-000000-'.length;

/** The text under which a version is stored. */
export function packVersion(version: string): string {
  const match = USUAL.exec(version);
  if (!match) return version;
  const seconds = Number(`${match[1]}${match[2]}${match[3]}${match[4]}${match[5]}${match[6]}`);
  const micros = Number(match[7]).toString(36);
  const counter = match[8] === '000000' ? '' : `.${Number(match[8]).toString(36)}`;
  return `${PACKED}${seconds.toString(36)}.${micros}${counter}-${version.slice(USUAL_HEAD_LENGTH)}`;
}

/** The version that was stored as `packed`. */
export function unpackVersion(packed: string): string {
  if (!packed.startsWith(PACKED)) return packed;
  const end = packed.indexOf('-');
  const [seconds = '', micros = '', counter = '0'] = packed.slice(1, end).split('.');
  const digits = digitsOf(seconds, 14);
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6, 8)}`;
  const time = `${digits.slice(8, 10)}:${digits.slice(10, 12)}:${digits.slice(12, 14)}`;
  return `${date}T${time}.${digitsOf(micros, 6)}+00:00-${digitsOf(counter, 6)}${packed.slice(end)}`;
}

function digitsOf(base36: string, length: number): string {
  return Number.parseInt(base36, 36).toString().padStart(length, '0');
}

/** Parents as they are stored: nothing, one packed version, or a JSON array of whatever else there is. */
export function packParents(parents: readonly string[]): string {
  const [only] = parents;
  if (only === undefined) return '';
  const packed = packVersion(only);
  return parents.length === 1 && packed.startsWith(PACKED) ? packed : JSON.stringify(parents);
}

export function unpackParents(stored: string): string[] {
  if (stored === '') return [];
  return stored.startsWith(PACKED) ? [unpackVersion(stored)] : (JSON.parse(stored) as string[]);
}

/** Bits of a version's hash in `entity_version.moment`, below the time. */
export const HASH_BITS = 11;

/** The latest time that fits into `entity_version.moment`, in the year 2112; us since the Unix epoch. */
export const MAX_MICROS = 2 ** (63 - HASH_BITS) - 2;

/** FNV-1a over UTF-16 units, cut to HASH_BITS: it spares the look at rows of other versions, and proves nothing. */
export function versionHash(version: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < version.length; i++) {
    hash = Math.imul(hash ^ version.charCodeAt(i), 0x01000193);
  }
  return ((hash >>> HASH_BITS) ^ hash) & ((1 << HASH_BITS) - 1);
}
