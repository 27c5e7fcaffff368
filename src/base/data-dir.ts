import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Logger } from './log.ts';

import { errorText, StartError } from './errors.ts';

/** What the group and everybody else may do. */
const OTHERS = 0o077;
const STICKY = 0o1000;

/**
 * The folder that holds everything the hub keeps, and the proof that no second hub uses it. The lock is an open
 * transaction on a tiny SQLite file: the kernel drops it when the process ends, however it ends, which a pid file
 * cannot promise.
 */
export class DataDir implements Disposable {
  readonly path: string;
  readonly #lock: DatabaseSync;

  private constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the folder where it is missing (mode 0700) and locks it. What others may read in it they may not any more: it
   * holds the keys of the home.
   * @throws StartError when it cannot be made, written or closed to others, or another hub holds it.
   */
  static open(path: string, log: Logger): DataDir {
    try {
      makeFolder(path);
      accessSync(path, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new StartError(
        'data_dir',
        `${path} cannot be written (${errorText(error)}). Make it writable for this user, or choose another data_dir.`,
        { cause: error },
      );
    }
    closeToOthers(path, log);
    return new DataDir(path, lockFolder(path));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * The path of a file that some library is to open. It is made here where it is missing, because the library would let
   * everybody read it; SQLite gives the files beside its database the same mode.
   */
  privateFile(name: string): string {
    const path = this.file(name);
    closeSync(openSync(path, 'a', 0o600));
    return path;
  }

  [Symbol.dispose](): void {
    if (this.#lock.isOpen) this.#lock.close();
  }
}

/** Like `mkdir -p`. Node's own recursive mode tries for ever where the parent exists and takes no folders (`/proc`). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  mkdirSync(path, { mode: 0o700 });
}

/** The folder and the files right in it; below that the folder alone keeps others out. */
function closeToOthers(path: string, log: Logger): void {
  const folder = statSync(path);
  if (folder.mode & OTHERS) {
    if (folder.mode & STICKY || folder.uid !== process.getuid?.()) {
      throw new StartError(
        'data_dir',
        `${path} is open to other users and not the hub's own. Give the hub a folder of its own: chown it to the hub's user, chmod 700.`,
        { badConfiguration: true },
      );
    }
    tighten(path, folder.mode, log);
  }
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(path, entry.name);
    const { mode } = lstatSync(file);
    if (mode & OTHERS) tighten(file, mode, log);
  }
}

function tighten(path: string, mode: number, log: Logger): void {
  const wanted = mode & ~OTHERS & 0o777;
  try {
    chmodSync(path, wanted);
    if (statSync(path).mode & OTHERS) throw new Error('the file system keeps no permissions');
    log.warn(
      { path, mode: wanted.toString(8) },
      'others could read what holds the keys of the home; now they cannot',
    );
  } catch (error) {
    log.warn({ path, reason: errorText(error) }, 'others can read what holds the keys of the home');
  }
}

function lockFolder(path: string): DatabaseSync {
  const file = join(path, 'hub.lock');
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file);
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    chmodSync(file, 0o600);
    return lock;
  } catch (error) {
    lock?.close();
    const busy = typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5;
    throw new StartError(
      'data_dir',
      busy
        ? `another hub is running on ${path}. Stop it first, or give this one a data_dir of its own.`
        : `${file} cannot be locked (${errorText(error)}). Check the owner of ${path} and the free space.`,
      { cause: error },
    );
  }
}
