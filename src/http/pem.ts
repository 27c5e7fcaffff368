import { createHash, createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

import { toIso } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';

/** A certificate, with the chain that vouches for it, and its private key, as text. */
export interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Where they are. */
export interface PemFiles {
  readonly cert: string;
  readonly key: string;
}

/** A pair that TLS can work with. */
export interface TlsPair extends Pem {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Who signs is who is signed: a client can know it by its fingerprint only. */
  readonly isSelfSigned: boolean;
  readonly fingerprint: string;
}

const LOCKED_KEY = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** The files cannot be used. The message says which and what to do. */
export class PemError extends Error {
  override readonly name = 'PemError';
}

/** @param open what is sealed; somebody's own files never are. @throws PemError */
export function readPair(files: PemFiles, open: (text: string) => string = (text) => text): TlsPair {
  const cert = readText(files.cert, 'certificate');
  const key = open(readText(files.key, 'key'));
  const certificate = parseCertificate(cert, files.cert);
  if (!certificate.checkPrivateKey(parseKey(key, files.key))) {
    throw new PemError(
      `${files.cert} and ${files.key} do not belong together. The certificate for this key must come first in its file.`,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new PemError(
      `TLS cannot work with ${files.cert} (${errorText(error)}). Use an EC P-256 key, or RSA of 2048 bits or more.`,
      { cause: error },
    );
  }
  return {
    cert,
    key,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    isSelfSigned: certificate.verify(certificate.publicKey),
    fingerprint: fingerprintOf(certificate.publicKey),
  };
}

/** @throws PemError when the pair is of no use at this time any more. */
export function checkNotExpired(pair: TlsPair, file: string, nowMs: number): void {
  if (pair.notAfterMs > nowMs) return;
  throw new PemError(`${file} expired on ${toIso(pair.notAfterMs)}. Put a renewed certificate there.`);
}

/**
 * The SHA-256 of the public key, in the form that OkHttp and RFC 7469 pin: unlike one of the whole certificate it stays
 * when the certificate is renewed for the same key.
 */
export function fingerprintOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

/** @throws PemError */
export function parseKey(text: string, file: string): KeyObject {
  // OpenSSL says of these that it was interrupted.
  if (LOCKED_KEY.test(text)) {
    throw new PemError(
      `${file} is locked with a passphrase, and the hub starts without a person. Unlock it: openssl pkey -in ${file} -out unlocked.pem`,
    );
  }
  try {
    const key = createPrivateKey(text);
    // Some kinds can be read and still make nothing that could be certified.
    createPublicKey(key);
    return key;
  } catch (error) {
    throw new PemError(`${file} holds no private key in PEM form (${errorText(error)}).`, { cause: error });
  }
}

function parseCertificate(text: string, file: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw new PemError(`${file} holds no certificate in PEM form (${errorText(error)}).`, { cause: error });
  }
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw new PemError(
      `the ${what} cannot be read (${errorText(error)}). Check the path of the ${what} in the configuration, and that the hub's user may read the file.`,
      { cause: error },
    );
  }
}
