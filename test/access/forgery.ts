import type { KeyObject } from 'node:crypto';

import { SignJWT } from 'jose';

export type Claims = Readonly<Record<string, unknown>>;

/** What a token says, whoever signed it. */
export function claimsOf(token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
}

/** Signs whatever is to be claimed; a claim that is undefined is left out. */
export async function signed(claims: Claims, key: KeyObject, alg = 'HS256'): Promise<string> {
  return await new SignJWT(JSON.parse(JSON.stringify(claims)) as Claims)
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(key);
}

/** In its middle, because the last letter has bits that do not count. */
export function oneLetterOff(secret: string): string {
  return secret.slice(0, -6) + (secret.at(-6) === 'A' ? 'B' : 'A') + secret.slice(-5);
}
