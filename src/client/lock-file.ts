import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';

import { ClientError } from './errors.ts';

/** Others may take and leave the lock meanwhile; after this many tries somebody else is assumed to have it. */
const MAX_TRIES = 5;

/** The texts of the locks that this process has. Its id alone says little: a restarted container gives the same again. */
const own = new Set<string>();

/** A file that says which process has something open. One that a dead process left behind is taken over. */
export class LockFile {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** @throws ClientError `shared_store` when a living process has the lock, this one included. */
  static async take(path: string): Promise<LockFile> {
    const text = `${process.pid} ${randomUUID()}\n`;
    for (let triesLeft = MAX_TRIES; triesLeft > 0; triesLeft--) {
      if (await create(path, text)) {
        own.add(text);
        return new LockFile(path, text);
      }
      const holder = await read(path);
      if (holder === undefined) continue;
      if (isAlive(holder)) throw lockedError(path, holder);
      await removeStale(path, holder);
    }
    throw lockedError(path, (await read(path)) ?? '');
  }

  async release(): Promise<void> {
    own.delete(this.#text);
    if ((await read(this.#path)) === this.#text) await rm(this.#path, { force: true });
  }
}

/** False when there is one already. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  // Between being made and being written it looked like one that a power cut left empty.
  return (await read(path)) === text;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(holder: string): boolean {
  const pid = pidOf(holder);
  if (pid === undefined) return false;
  if (pid === process.pid) return own.has(holder);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return codeOf(error) === 'EPERM';
  }
}

/** Takes the lock of a dead process away, and leaves that of a program which was faster to do so. */
async function removeStale(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await read(aside)) !== holder) {
    try {
      await link(aside, path);
    } catch {
      // A third program has it by now, or these are files without links: the store sees that it is not alone when it
      // writes.
    }
  }
  await rm(aside, { force: true });
}

function pidOf(holder: string): number | undefined {
  const pid = Number(/^(\d+) /.exec(holder)?.[1]);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

function lockedError(path: string, holder: string): ClientError {
  const pid = pidOf(holder);
  const who = pid === process.pid ? 'this program' : `another program (process ${pid ?? 'unknown'})`;
  return new ClientError(
    'shared_store',
    `${who} has this store open already; if that process is something else, remove ${path}`,
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
