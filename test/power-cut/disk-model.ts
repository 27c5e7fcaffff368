import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import type { FileRecord } from './records.ts';

import { type CutProfile, FileModel } from './file-model.ts';
import { Random } from './random.ts';

/** What a name stands for: a file, or a directory. */
type Inode = FileModel | 'directory';

/** Losing nothing at all is not among them: a power cut that does no harm proves nothing. */
const PROFILES: readonly CutProfile[] = [
  { keep: 0, tear: 0 },
  { keep: 0.1, tear: 0.2 },
  { keep: 0.5, tear: 0 },
  { keep: 0.5, tear: 0.5 },
  { keep: 0.9, tear: 0 },
  { keep: 0.9, tear: 0.2 },
  { keep: 1, tear: 0.5 },
];

interface PendingName {
  record: number;
  /** Directories whose sync makes this durable; several for a rename between two. */
  parents: string[];
  remove?: string;
  add?: { path: string; inode: Inode };
}

/**
 * A disk as unkind as POSIX allows, fed with the records of one process.
 *
 * - A sync makes durable what was written to that file before the sync began, once it has returned.
 * - Everything else may be kept, dropped or torn in 512-byte sectors, each by itself and in any order.
 * - A name that was made, renamed or removed is durable only after a sync of its directory, not of the file; until
 *   then each such change may be lost by itself.
 * - After a failed sync the writes it should have covered are never made durable by a later sync, unless the same
 *   sectors are written again (Linux marks pages clean after a failed write-back).
 */
export class DiskModel {
  readonly #folder: string;
  readonly #honourSyncs: boolean;
  readonly #open = new Map<number, { path: string; inode: Inode }>();
  readonly #syncs = new Map<number, { record: number; path: string; inode: Inode }>();
  readonly #live = new Map<string, Inode>();
  readonly #stable = new Map<string, Inode>();
  #pending: PendingName[] = [];
  #record = 0;

  /**
   * @param folder the watched folder; it exists and is empty when the records begin.
   * @param honourSyncs false makes a control: syncs of files do nothing (those of directories still count).
   */
  constructor(folder: string, honourSyncs: boolean) {
    this.#folder = folder;
    this.#honourSyncs = honourSyncs;
    this.#live.set(folder, 'directory');
    this.#stable.set(folder, 'directory');
  }

  apply(record: FileRecord): void {
    this.#record += 1;
    switch (record.type) {
      case 'open':
        return this.#openFile(record.fd, record.path, record.created);
      case 'close':
        this.#open.delete(record.fd);
        return;
      case 'write':
        return this.#file(record.fd).write(this.#record, record.offset, record.data);
      case 'truncate':
        return this.#file(record.fd).truncate(this.#record, record.sizeBytes);
      case 'sync-begin':
        this.#syncs.set(record.sync, { record: this.#record, ...this.#opened(record.fd) });
        return;
      case 'sync-end':
      case 'sync-failed':
        return this.#endSync(record.sync, record.type === 'sync-end');
      case 'unlink':
      case 'rmdir':
        this.#live.delete(record.path);
        return this.#change({ parents: [dirname(record.path)], remove: record.path });
      case 'rename':
        return this.#rename(record.path, record.to);
      case 'mkdir':
        this.#live.set(record.path, 'directory');
        return this.#change({
          parents: [dirname(record.path)],
          add: { path: record.path, inode: 'directory' },
        });
      case 'ack':
        return;
    }
  }

  /** Writes into `target` (an existing empty folder) what one power cut at this moment may leave. */
  writeImage(target: string, seed: number): void {
    const random = new Random(seed);
    const profile = random.pick(PROFILES);
    const names = new Map(this.#stable);
    for (const change of this.#pending) {
      if (random.chance(profile.keep)) applyName(names, change);
    }
    for (const [path, inode] of [...names].toSorted(([a], [b]) => a.length - b.length)) {
      const parentIsLost = path !== this.#folder && names.get(dirname(path)) !== 'directory';
      // The shared memory of SQLite is rebuilt by whoever opens the database first.
      if (parentIsLost || path.endsWith('-shm')) names.delete(path);
      else if (inode === 'directory')
        mkdirSync(join(target, relative(this.#folder, path)), { recursive: true });
      else writeFileSync(join(target, relative(this.#folder, path)), inode.cut(random, profile));
    }
  }

  #openFile(fd: number, path: string, created: boolean): void {
    let inode = this.#live.get(path);
    if (created || !inode) {
      inode = new FileModel();
      this.#live.set(path, inode);
      this.#change({ parents: [dirname(path)], add: { path, inode } });
    }
    this.#open.set(fd, { path, inode });
  }

  #rename(from: string, to: string): void {
    const inode = this.#live.get(from);
    if (!inode) throw new Error(`renamed, but never made: ${from}`);
    this.#live.delete(from);
    this.#live.set(to, inode);
    this.#change({ parents: [dirname(from), dirname(to)], remove: from, add: { path: to, inode } });
  }

  #change(change: Omit<PendingName, 'record'>): void {
    this.#pending.push({ record: this.#record, ...change });
  }

  #endSync(sync: number, succeeded: boolean): void {
    const begun = this.#syncs.get(sync);
    if (!begun) throw new Error(`sync ${sync} ended but never began`);
    this.#syncs.delete(sync);
    const { record, path, inode } = begun;
    if (inode !== 'directory') {
      if (!succeeded) inode.failSync(record);
      else if (this.#honourSyncs) inode.sync(record);
      return;
    }
    if (!succeeded) return;
    this.#pending = this.#pending.filter((change) => {
      const isDurable = change.record <= record && change.parents.includes(path);
      if (isDurable) applyName(this.#stable, change);
      return !isDurable;
    });
  }

  #opened(fd: number): { path: string; inode: Inode } {
    const opened = this.#open.get(fd);
    if (!opened) throw new Error(`descriptor ${fd} is not open`);
    return opened;
  }

  #file(fd: number): FileModel {
    const { inode, path } = this.#opened(fd);
    if (inode === 'directory') throw new Error(`${path} is a directory`);
    return inode;
  }
}

function applyName(names: Map<string, Inode>, { remove, add }: PendingName): void {
  if (remove !== undefined) names.delete(remove);
  if (add) names.set(add.path, add.inode);
}
