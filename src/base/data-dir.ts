import { accessSync, chmodSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { errorText, StartError } from './errors.ts';

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
   * Makes the folder where it is missing (mode 0700) and locks it.
   * @throws StartError when it cannot be made or written, or another hub holds it.
   */
  static open(path: string): DataDir {
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
    return new DataDir(path, lockFolder(path));
  }

  file(name: string): string {
    return join(this.path, name);
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
