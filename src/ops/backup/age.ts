import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';

import { HubError } from '../../base/errors.ts';
import { ByteSource } from './byte-source.ts';

/*
 * The `age` format, version 1, with a passphrase (c2sp.org/age): what is encrypted here opens with `age --decrypt`,
 * which every distribution has, and with programs in many languages. Its ChaCha20-Poly1305 is quick on a Pi, whose
 * processor has no instructions for AES.
 */

const VERSION = 'age-encryption.org/v1';
const SALT_LABEL = 'age-encryption.org/v1/scrypt';
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const FILE_KEY_BYTES = 16;
const NONCE_BYTES = 16;
/** 2^15 rounds take 32 MiB for a moment: a Pi Zero has no more to spare. The passphrase has to make up for it. */
const WORK_FACTOR = 15;
/** What `age` itself writes is 18, which takes 256 MiB. More would be an attack, or nothing for this machine. */
const MAX_WORK_FACTOR = 18;
const MAX_LINE = 100;
const LINE_COLUMNS = 64;

/** The code of errors that say nothing about the backup itself. */
export const WRONG_PASSPHRASE = 'WRONG_PASSPHRASE';

/** Whether a file begins like one that is encrypted so. */
export function isAgeFile(beginning: Uint8Array): boolean {
  return Buffer.from(beginning).toString('latin1').startsWith(`${VERSION}\n`);
}

/** How many bytes `isAgeFile` looks at. */
export const AGE_MARK_BYTES = VERSION.length + 1;

/**
 * Encrypts in chunks of 64 KiB, each of which is proved and has its place.
 * @param workFactor a test has no time for the real one.
 */
export async function* encryptWithPassphrase(
  plain: AsyncIterable<Uint8Array>,
  passphrase: string,
  workFactor = WORK_FACTOR,
): AsyncGenerator<Uint8Array> {
  const fileKey = randomBytes(FILE_KEY_BYTES);
  const salt = randomBytes(16);
  const wrapped = seal(await wrappingKey(passphrase, salt, workFactor), Buffer.alloc(12), fileKey);
  const header = `${VERSION}\n-> scrypt ${base64(salt)} ${workFactor}\n${base64(wrapped)}\n---`;
  yield Buffer.from(`${header} ${base64(headerMac(fileKey, header))}\n`);

  const nonce = randomBytes(NONCE_BYTES);
  yield nonce;
  const key = payloadKey(fileKey, nonce);
  const source = new ByteSource(plain);
  try {
    for (let counter = 0, isLast = false; !isLast; counter++) {
      const chunk = await source.take(CHUNK_BYTES);
      isLast = await source.isAtEnd();
      yield seal(key, chunkNonce(counter, isLast), chunk);
    }
  } finally {
    await source.close();
  }
}

/**
 * Gives back what `encryptWithPassphrase`, or `age --passphrase`, has encrypted. A chunk comes out only when it is proved.
 * @throws HubError `invalid`: another passphrase, or the file is damaged or cut off.
 */
export async function* decryptWithPassphrase(
  encrypted: AsyncIterable<Uint8Array>,
  passphrase: string,
): AsyncGenerator<Uint8Array> {
  const source = new ByteSource(encrypted);
  try {
    const key = payloadKey(await readFileKey(source, passphrase), await readNonce(source));
    for (let counter = 0, isLast = false; !isLast; counter++) {
      const chunk = await source.take(CHUNK_BYTES + TAG_BYTES);
      isLast = await source.isAtEnd();
      const plain = chunk.length < TAG_BYTES ? undefined : open(key, chunkNonce(counter, isLast), chunk);
      // Only a file of nothing has an empty last chunk.
      if (!plain || (plain.length === 0 && counter > 0)) throw damaged('is damaged or cut off');
      yield plain;
    }
  } finally {
    await source.close();
  }
}

async function readFileKey(source: ByteSource, passphrase: string): Promise<Buffer> {
  const line = async (): Promise<string> => {
    const text = await source.line(MAX_LINE);
    if (text === undefined) throw damaged('has a damaged beginning');
    return text;
  };
  const version = await line();
  if (version !== VERSION) throw damaged('is not in the age format');
  const stanza = await line();
  const [, salt, factor] = /^-> scrypt ([A-Za-z0-9+/]{22}) ([1-9]\d?)$/.exec(stanza) ?? [];
  if (salt === undefined || factor === undefined) {
    throw damaged('is not encrypted with a passphrase. Decrypt it with `age` and its key first');
  }
  if (Number(factor) > MAX_WORK_FACTOR) {
    throw damaged(`asks for more work than is sensible (2^${factor}). Decrypt it with \`age\` first`);
  }
  const wrapped = await line();
  const proof = await line();
  const mac = /^--- ([A-Za-z0-9+/]{43})$/.exec(proof)?.[1];
  const sealed = Buffer.from(wrapped, 'base64');
  if (mac === undefined || wrapped.length >= LINE_COLUMNS || sealed.length !== FILE_KEY_BYTES + TAG_BYTES) {
    throw damaged('has a damaged beginning');
  }
  const wrapping = await wrappingKey(passphrase, Buffer.from(salt, 'base64'), Number(factor));
  const fileKey = open(wrapping, Buffer.alloc(12), sealed);
  if (!fileKey) {
    throw new HubError('invalid', 'This is not the passphrase that the backup was made with.', {
      code: WRONG_PASSPHRASE,
    });
  }
  const expected = headerMac(fileKey, `${version}\n${stanza}\n${wrapped}\n---`);
  if (!timingSafeEqual(expected, Buffer.from(mac, 'base64'))) throw damaged('has a damaged beginning');
  return fileKey;
}

async function readNonce(source: ByteSource): Promise<Buffer> {
  const nonce = await source.take(NONCE_BYTES);
  if (nonce.length < NONCE_BYTES) throw damaged('is cut off');
  return nonce;
}

async function wrappingKey(passphrase: string, salt: Buffer, workFactor: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const cost = 2 ** workFactor;
  scrypt(
    passphrase,
    Buffer.concat([Buffer.from(SALT_LABEL), salt]),
    32,
    { cost, blockSize: 8, parallelization: 1, maxmem: 128 * 8 * cost + 1024 * 1024 },
    (error, key) => (error ? reject(error) : resolve(key)),
  );
  return await promise;
}

function headerMac(fileKey: Buffer, header: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', fileKey, '', 'header', 32));
  return createHmac('sha256', key).update(header).digest();
}

function payloadKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** Eleven bytes that count, and one that says whether this is the last chunk: none can be moved or left out. */
function chunkNonce(counter: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

const CIPHER = 'chacha20-poly1305';

function seal(key: Buffer, nonce: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined where the proof does not hold. */
function open(key: Buffer, nonce: Buffer, sealed: Uint8Array): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, -TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // Node says only that it could not, and there is one reason for it.
    return undefined;
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

function damaged(what: string): HubError {
  return new HubError('invalid', `The backup ${what}.`);
}
