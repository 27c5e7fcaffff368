import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

/** The cryptography of HAP on node:crypto: keys go in and out as the 32 raw bytes that the protocol carries. */

const TAG_BYTES = 16;
const KEY_BYTES = 32;

type Curve = 'Ed25519' | 'X25519';

export interface RawKeyPair {
  readonly publicKey: Buffer;
  /** The 32-byte seed or scalar. */
  readonly secretKey: Buffer;
}

export function generateEd25519(): RawKeyPair {
  return toRaw(generateKeyPairSync('ed25519').privateKey);
}

export function generateX25519(): RawKeyPair {
  return toRaw(generateKeyPairSync('x25519').privateKey);
}

export function signEd25519(pair: RawKeyPair, message: Uint8Array): Buffer {
  return sign(null, message, toPrivateKey('Ed25519', pair));
}

/** False too when the key or the signature is no such thing. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  try {
    return verify(null, message, toPublicKey('Ed25519', publicKey), signature);
  } catch {
    return false;
  }
}

/** @throws when the other side's key is none, or one that makes the secret known. */
export function sharedX25519(own: RawKeyPair, theirs: Uint8Array): Buffer {
  return diffieHellman({
    privateKey: toPrivateKey('X25519', own),
    publicKey: toPublicKey('X25519', theirs),
  });
}

export function deriveKey(secret: Uint8Array, salt: string, info: string): Buffer {
  return Buffer.from(hkdfSync('sha512', secret, salt, info, KEY_BYTES));
}

/** ChaCha20-Poly1305: the sealed bytes with the tag behind them. */
export function seal(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array, aad?: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  if (aad) cipher.setAAD(aad, { plaintextLength: bytes.length });
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined when the bytes were not sealed with this key and nonce. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad?: Uint8Array,
): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const bytes = sealed.subarray(0, -TAG_BYTES);
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
  if (aad) decipher.setAAD(aad, { plaintextLength: bytes.length });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The nonce of a message that has a name: `PS-Msg05` … */
export function namedNonce(name: string): Buffer {
  return Buffer.concat([Buffer.alloc(4), Buffer.from(name)]);
}

function toRaw(key: KeyObject): RawKeyPair {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  return { publicKey: Buffer.from(x, 'base64url'), secretKey: Buffer.from(d, 'base64url') };
}

function toPrivateKey(crv: Curve, { publicKey, secretKey }: RawKeyPair): KeyObject {
  return createPrivateKey({
    format: 'jwk',
    key: { kty: 'OKP', crv, x: publicKey.toString('base64url'), d: secretKey.toString('base64url') },
  });
}

function toPublicKey(crv: Curve, publicKey: Uint8Array): KeyObject {
  return createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv, x: Buffer.from(publicKey).toString('base64url') },
  });
}
