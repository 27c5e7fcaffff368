import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

import { HubError } from '../base/errors.ts';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. About 35 ms on a desktop core. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** More than this many people do not log in to one home at the same moment. */
const MAX_WAITING = 16;

const derive = promisify(argon2);

interface PhcHash {
  memoryKib: number;
  passes: number;
  lanes: number;
  salt: Buffer;
  tag: Buffer;
}

/**
 * Hashes passwords with argon2id, one at a time: each run takes 19 MiB and a thread of the small pool in which the
 * database is synced too, so a burst of logins must queue rather than starve a 512 MB machine.
 */
export class PasswordHasher {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** The password as a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const wanted = {
      memoryKib: MEMORY_KIB,
      passes: PASSES,
      lanes: LANES,
      salt,
      tag: Buffer.alloc(TAG_BYTES),
    };
    const tag = await this.#run(password, wanted);
    return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${toBase64(salt)}$${toBase64(tag)}`;
  }

  /**
   * Whether the password is the one behind `phc`. Without a hash (an unknown user) the same work is done and the answer
   * is no, so that the time taken does not tell which users exist.
   * @throws HubError `unavailable` when too many are waiting.
   */
  async verify(password: string, phc: string | null): Promise<boolean> {
    const known = phc === null ? undefined : parsePhc(phc);
    const against = known ?? {
      memoryKib: MEMORY_KIB,
      passes: PASSES,
      lanes: LANES,
      salt: randomBytes(SALT_BYTES),
      tag: Buffer.alloc(TAG_BYTES),
    };
    const tag = await this.#run(password, against);
    return timingSafeEqual(tag, against.tag) && known !== undefined;
  }

  async #run(password: string, { memoryKib, passes, lanes, salt, tag }: PhcHash): Promise<Buffer> {
    if (this.#waiting >= MAX_WAITING) {
      throw new HubError('unavailable', 'Too many people are logging in at once. Try again in a moment.');
    }
    this.#waiting += 1;
    const run = this.#last.then(() =>
      derive('argon2id', {
        // The same password typed on two keyboards may differ in how an accent is composed.
        message: Buffer.from(password.normalize('NFC'), 'utf8'),
        nonce: salt,
        parallelism: lanes,
        tagLength: tag.length,
        memory: memoryKib,
        passes,
      }),
    );
    this.#last = run.catch(() => undefined);
    try {
      return await run;
    } finally {
      this.#waiting -= 1;
    }
  }
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function parsePhc(phc: string): PhcHash {
  const [, memory, passes, lanes, salt, tag] = PHC.exec(phc) ?? [];
  if (memory === undefined || passes === undefined || lanes === undefined || !salt || !tag) {
    throw new Error('a stored password hash is not a PHC string of argon2id');
  }
  return {
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

/** PHC strings carry base64 without padding. */
function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
