import { createHash } from 'node:crypto';

/**
 * JSON in the one form of RFC 8785: keys sorted by UTF-16 code units, no spaces, numbers and strings as ECMAScript
 * prints them. `value` is what a JSON parser returned.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** `sha256:` and the hex digest of the canonical JSON, as a change carries it in `checksum`. */
export function contentChecksum(content: unknown): string {
  return `sha256:${createHash('sha256').update(canonicalJson(content)).digest('hex')}`;
}
