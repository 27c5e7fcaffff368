import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';

import { toIso } from '../base/clock.ts';
import { errorText, StartError } from '../base/errors.ts';
import { writeFileDurably } from '../base/files.ts';
import { PLAIN, readSecretFile, secretFileName, writeSecretFile, type Secrets } from '../base/secret-box.ts';
import { checkNotExpired, parseKey, PemError, readPair, type PemFiles, type TlsPair } from './pem.ts';
import { machineNames, makeCertificate, needsRenewal } from './self-signed.ts';

/** Looked at this often even where the folder tells of no change: network file systems do not, and time passes. */
const CHECK_EVERY_MS = 60 * 60 * 1000;
/** A renewal replaces two files, one after the other. */
const SETTLE_MS = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
const WARN_BEFORE_MS = 14 * DAY_MS;

export interface TlsIdentityOptions {
  readonly files: PemFiles;
  /** True where the hub makes the files itself; else they are somebody's, and only read. */
  readonly selfSigned: boolean;
  /** Whose `tls` settings name the files. Default `http`. */
  readonly part?: 'http' | 'mqtt';
  /** How a key of the hub's own is written; somebody's files are as they are. */
  readonly secrets?: Secrets;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the files must have been left alone before they are read again. */
  readonly settleMs?: number;
}

/** The certificate and the key that the hub shows, kept up to date while it runs. */
export class TlsIdentity implements Disposable {
  readonly #options: TlsIdentityOptions;
  readonly #watchers: FSWatcher[] = [];
  #pair: TlsPair;
  #onChange: () => void = () => undefined;
  #settling: NodeJS.Timeout | undefined;
  #checking: NodeJS.Timeout | undefined;
  #warnedOnDay = -1;
  #isDisposed = false;

  private constructor(options: TlsIdentityOptions, pair: TlsPair) {
    this.#options = options;
    this.#pair = pair;
  }

  /** @throws StartError that says what is wrong with the files, and what to do. */
  static async open(options: TlsIdentityOptions): Promise<TlsIdentity> {
    const { files, selfSigned, clock, log, part = 'http' } = options;
    try {
      if (selfSigned) await renew(options);
      const pair = readFiles(options);
      checkNotExpired(pair, files.cert, clock.nowMs());
      if (pair.notBeforeMs > clock.nowMs()) {
        // No reason to stay dark: more often it is the clock of a machine that has none of its own.
        log.warn(
          { valid_from: toIso(pair.notBeforeMs) },
          'the certificate is not valid yet; is the clock right?',
        );
      }
      if (statSync(files.key).mode & 0o077) {
        log.warn({ file: files.key }, 'the TLS key can be read by others; take that away with chmod 600');
      }
      const identity = new TlsIdentity(options, pair);
      identity.#warnOfEnd();
      return identity;
    } catch (error) {
      if (error instanceof StartError) throw error;
      const known = error instanceof PemError;
      throw new StartError(part, `${part}.tls: ${errorText(error)}`, {
        badConfiguration: known,
        cause: error,
      });
    }
  }

  get pair(): TlsPair {
    return this.#pair;
  }

  /** Calls `onChange` whenever there is another pair, until it is disposed. */
  follow(onChange: () => void): void {
    this.#onChange = onChange;
    this.#checking = setInterval(() => void this.check(), CHECK_EVERY_MS);
    this.#checking.unref();
    if (this.#options.selfSigned) return;
    const { cert, key } = this.#options.files;
    // The folders, because whoever renews puts new files, or links, in the place of the old ones.
    for (const folder of new Set([dirname(cert), dirname(key)])) this.#watch(folder);
  }

  /** Renews what is ours where it is due, and takes over what has changed. What cannot be used changes nothing. */
  async check(): Promise<void> {
    const { files, selfSigned, clock, log } = this.#options;
    try {
      if (selfSigned) await renew(this.#options);
      const pair = readFiles(this.#options);
      if (this.#isDisposed) return;
      if (pair.cert !== this.#pair.cert || pair.key !== this.#pair.key) {
        checkNotExpired(pair, files.cert, clock.nowMs());
        this.#pair = pair;
        log.info({ valid_until: toIso(pair.notAfterMs) }, 'another TLS certificate is in use');
        this.#onChange();
      }
    } catch (error) {
      log.warn({ reason: errorText(error) }, 'the new TLS certificate cannot be used; the old one stays');
    }
    this.#warnOfEnd();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#settling);
    clearInterval(this.#checking);
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  #watch(folder: string): void {
    const { files, log, settleMs = SETTLE_MS } = this.#options;
    const names = [basename(files.cert), basename(files.key)];
    const onProblem = (error: unknown): void =>
      log.warn({ reason: errorText(error) }, 'a renewed certificate will be noticed within the hour only');
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // The database may be a neighbour. Kubernetes moves a link whose name begins with dots.
        if (name !== null && !names.includes(name) && !name.startsWith('..')) return;
        clearTimeout(this.#settling);
        this.#settling = setTimeout(() => void this.check(), settleMs);
      });
      watcher.on('error', onProblem);
      this.#watchers.push(watcher);
    } catch (error) {
      onProblem(error);
    }
  }

  /** Once a day at most. */
  #warnOfEnd(): void {
    const { clock, log, files } = this.#options;
    const nowMs = clock.nowMs();
    const day = Math.floor(nowMs / DAY_MS);
    if (this.#pair.notAfterMs - nowMs > WARN_BEFORE_MS || day === this.#warnedOnDay) return;
    this.#warnedOnDay = day;
    log.warn(
      { file: files.cert, valid_until: toIso(this.#pair.notAfterMs) },
      'the TLS certificate ends soon; put a renewed one in its place',
    );
  }
}

function readFiles({ files, selfSigned, secrets = PLAIN }: TlsIdentityOptions): TlsPair {
  return selfSigned
    ? readPair(files, (text) => secrets.open(secretFileName(files.key), text))
    : readPair(files);
}

/** Makes the key where there is none, and the certificate where it is due. The key stays, because phones know it. */
async function renew({ files, clock, log, secrets = PLAIN }: TlsIdentityOptions): Promise<void> {
  const key = keepKey(files.key, secrets);
  const names = machineNames();
  const nowMs = clock.nowMs();
  const cert = existsSync(files.cert) ? readFileSync(files.cert, 'latin1') : null;
  if (!needsRenewal(cert, key, names, nowMs)) return;
  writeFileDurably(files.cert, await makeCertificate(key, names, nowMs), 0o600);
  log.info({ names }, 'made a TLS certificate');
}

function keepKey(file: string, secrets: Secrets): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeSecretFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), secrets);
    return privateKey;
  }
  try {
    return parseKey(readSecretFile(file, secrets), file);
  } catch (error) {
    throw new PemError(
      `${errorText(error)} Take it from a backup; or delete it, and phones have to be paired again.`,
      { cause: error },
    );
  }
}
