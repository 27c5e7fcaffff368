import {
  createCipheriv,
  createDecipheriv,
  randomBytes,
  scrypt,
  type KeyObject,
  createSecretKey,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import * as z from 'zod';

import { writeFileDurably } from './files.ts';

/** How secrets are written: sealed, or, where there is no passphrase, as they are. */
export interface Secrets {
  /** Under which name a text is sealed is part of it: moved to another place it does not open. */
  seal(name: string, text: string): string;
  /** Takes what was written before there was a passphrase, too. @throws SealedError */
  open(name: string, written: string): string;
}

/** The text cannot be opened: another passphrase or name, or somebody has changed it. */
export class SealedError extends Error {
  override readonly name = 'SealedError';
}

const MARK = 'sealed:1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** Whether a text is one that `Secrets.seal` made with a passphrase. */
export function isSealed(written: string): boolean {
  return written.startsWith(MARK);
}

/** Without a passphrase. */
export const PLAIN: Secrets = {
  seal: (_, text) => text,
  open: (name, written) => {
    if (!isSealed(written)) return written;
    throw new SealedError(`${name} is sealed with a passphrase`);
  },
};

/**
 * What makes the key of a passphrase, to be kept beside what is sealed. Bounded: whoever can write this must not be able
 * to make the hub take all memory.
 */
export const boxParametersSchema = z.object({
  kdf: z.literal('scrypt'),
  cost: z
    .int()
    .min(2)
    .max(2 ** 15),
  blockSize: z.int().min(1).max(8),
  parallelization: z.int().min(1).max(16),
  salt: z.base64url(),
  /** A sealed text that is known: what opens it has the right passphrase. */
  proof: z.string(),
});
export type BoxParameters = z.infer<typeof boxParametersSchema>;

/** 16 MiB, once at start: a Pi Zero has no more to spare. OWASP names these three as one of equal choices. */
const COST = { cost: 2 ** 14, blockSize: 8, parallelization: 5 };
const PROOF_NAME = 'proof';

/**
 * Seals with the key that scrypt makes of a passphrase: AES-256-GCM, a random nonce each time, and the name of what is
 * sealed as additional data.
 */
export class SecretBox implements Secrets {
  readonly #key: KeyObject;
  /** To be kept, in plain, where the passphrase is to open something again. */
  readonly parameters: BoxParameters;

  private constructor(key: KeyObject, parameters: BoxParameters) {
    this.#key = key;
    this.parameters = parameters;
  }

  /** A box with a salt of its own. */
  static async make(passphrase: string): Promise<SecretBox> {
    const settings = { kdf: 'scrypt' as const, ...COST, salt: randomBytes(16).toString('base64url') };
    const key = await toKey(passphrase, settings);
    const draft = new SecretBox(key, { ...settings, proof: '' });
    return new SecretBox(key, { ...settings, proof: draft.seal(PROOF_NAME, PROOF_NAME) });
  }

  /** The box that was made with these parameters. @throws SealedError when the passphrase is another. */
  static async unlock(passphrase: string, parameters: BoxParameters): Promise<SecretBox> {
    const box = new SecretBox(await toKey(passphrase, parameters), parameters);
    box.open(PROOF_NAME, parameters.proof);
    return box;
  }

  seal(name: string, text: string): string {
    return MARK + this.sealBytes(name, Buffer.from(text)).toString('base64url');
  }

  open(name: string, written: string): string {
    if (!isSealed(written)) return written;
    return this.openBytes(name, Buffer.from(written.slice(MARK.length), 'base64url')).toString();
  }

  /** For what is no text: nonce, sealed bytes, tag. */
  sealBytes(name: string, bytes: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(name));
    return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws SealedError */
  openBytes(name: string, sealed: Uint8Array): Buffer {
    try {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(name));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new SealedError(`${name} does not open with this passphrase`, { cause: error });
    }
  }
}

/** Reads a small file that may be sealed. @throws SealedError, or an error of the file system. */
export function readSecretFile(path: string, secrets: Secrets): string {
  return secrets.open(secretFileName(path), readFileSync(path, 'utf8'));
}

/** Writes a small file that nobody else may read, sealed where there is a passphrase. */
export function writeSecretFile(path: string, text: string, secrets: Secrets): void {
  writeFileDurably(path, secrets.seal(secretFileName(path), text), 0o600);
}

/** What the text of a file is sealed under. */
export function secretFileName(path: string): string {
  return `file/${basename(path)}`;
}

async function toKey(
  passphrase: string,
  { salt, cost, blockSize, parallelization }: Omit<BoxParameters, 'proof'>,
): Promise<KeyObject> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // The same passphrase may be typed in two ways where letters have accents.
  scrypt(
    passphrase.normalize('NFKC'),
    Buffer.from(salt, 'base64url'),
    KEY_BYTES,
    { cost, blockSize, parallelization, maxmem: 64 * 1024 * 1024 },
    (error, key) => (error ? reject(error) : resolve(key)),
  );
  return createSecretKey(await promise);
}
