import { createHash, timingSafeEqual } from 'node:crypto';

/** What is stored of a secret that is random enough not to be guessed. */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares two texts in a time that does not tell where they differ. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}
