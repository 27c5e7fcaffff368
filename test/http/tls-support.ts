import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

import type { PemFiles } from '../../src/http/pem.ts';

import { createLogger, type Logger } from '../../src/base/log.ts';
import { fingerprintOf } from '../../src/http/pem.ts';
import { makeCertificate } from '../../src/http/self-signed.ts';

export interface SecureAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Of the key that the hub showed. */
  readonly fingerprint: string;
  readonly protocol: string | null;
}

/** Asks over TLS on a connection of its own, trusting nobody and noting who answered. */
export async function askSecurely(url: string, options: RequestOptions = {}): Promise<SecureAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SecureAnswer>();
  const sent = request(url, { rejectUnauthorized: false, agent: false, ...options }, (response) => {
    const { socket } = response;
    if (!(socket instanceof TLSSocket)) return reject(new Error('that was not TLS'));
    const key = socket.getPeerX509Certificate()?.publicKey;
    const protocol = socket.getProtocol();
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    response.on('error', reject);
    response.on('end', () => {
      if (!key) return reject(new Error('it showed no certificate'));
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body,
        fingerprint: fingerprintOf(key),
        protocol,
      });
    });
  });
  sent.on('error', reject);
  sent.end();
  return await promise;
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

/** Writes a certificate for localhost that begins a day before `fromMs`, and its key. */
export async function writePair(folder: string, fromMs: number, key = newKey()): Promise<PemFiles> {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.key, pemOf(key), { mode: 0o600 });
  writeFileSync(files.cert, await makeCertificate(key, ['localhost', '127.0.0.1'], fromMs));
  return files;
}

/** A logger whose lines can be waited for. */
export function watchedLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ level: 'info', format: 'json', destination }), lines };
}
