import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

import { HubError } from '../../base/errors.ts';
import { randomToken } from '../../base/ids.ts';
import { LIMITS } from '../limits.ts';

/**
 * 4 MiB and about 10 ms on a desktop core, a tenth of a second on a small Pi: what a person chose for a device deserves
 * some work, but a house of devices that comes back after a power cut must not wait for minutes.
 */
const COST = { N: 2 ** 12, r: 8, p: 1 };
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** A password that nobody can guess. */
export function makePassword(): string {
  return randomToken(15);
}

/** Hashes the passwords of devices, one at a time. What was made up here is hashed cheaply: it cannot be guessed. */
export class DevicePasswords {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Unknown users are checked against it, so that the time taken does not tell which exist. */
  readonly #decoy = `scrypt$${encode(randomBytes(SALT_BYTES))}$${encode(randomBytes(KEY_BYTES))}`;

  /** As `sha256$salt$digest` when it was made up here, else as `scrypt$salt$key`. */
  async hash(password: string, isMadeUp: boolean): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    if (isMadeUp) return `sha256$${encode(salt)}$${encode(digest(password, salt))}`;
    return `scrypt$${encode(salt)}$${encode(await this.#derive(password, salt))}`;
  }

  /**
   * Whether the password is the one behind the hash; null stands for an unknown user. Each no takes the same time.
   * @throws HubError `unavailable` when too many are waiting.
   */
  async verify(password: Buffer, hash: string | null): Promise<boolean> {
    const [kind, salt = '', wanted = ''] = (hash ?? this.#decoy).split('$');
    if (kind === 'sha256') {
      if (isSame(digest(password, decode(salt)), decode(wanted))) return true;
      await this.verify(password, null);
      return false;
    }
    return isSame(await this.#derive(password, decode(salt)), decode(wanted)) && hash !== null;
  }

  async #derive(password: string | Buffer, salt: Buffer): Promise<Buffer> {
    if (this.#waiting >= LIMITS.passwordChecks) {
      throw new HubError(
        'unavailable',
        'Too many devices show their passwords at once. Try again in a moment.',
      );
    }
    this.#waiting += 1;
    const run = this.#last.then(async () => await derive(password, salt));
    this.#last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      this.#waiting -= 1;
    }
  }
}

async function derive(password: string | Buffer, salt: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(password, salt, KEY_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key)));
  return await promise;
}

function digest(password: string | Buffer, salt: Buffer): Buffer {
  return createHash('sha256').update(salt).update(password).digest();
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}
