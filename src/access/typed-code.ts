import { randomInt } from 'node:crypto';

/** Without 0 O 1 I L U: the code is read from one screen and typed on another. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 12;

/** A code such as `K7QF-2MXA-9RTD`, about 58 bits. */
export function makeCode(): string {
  const characters = Array.from({ length: LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length)));
  return characters.join('').replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** The code as it is compared: case, spaces and hyphens do not matter. */
export function normalizeCode(code: string): string {
  return code.toUpperCase().replaceAll(/[\s-]/g, '');
}
