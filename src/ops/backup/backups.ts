import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { BackupSource } from './make.ts';
import type {
  BackupDirectory,
  BackupHealth,
  BackupRow,
  BackupSettings,
  BackupView,
  CreateOptions,
  UploadQueue,
} from './types.ts';

import { errorText, HubError } from '../../base/errors.ts';
import { readKeptValue, replaceKeptValue } from '../../base/kept-values.ts';
import { WRONG_PASSPHRASE } from './age.ts';
import { readFilePieces } from './archive.ts';
import { inspectStaged } from './inspect.ts';
import { checkFolder, isBackupName, namesIn, partPrefix, removeParts, toFolderError } from './folder.ts';
import { makeBackup } from './make.ts';
import { readBackups } from './reader.ts';
import { toRemove } from './retention.ts';
import { healthOf, isFolder, placeOf, sizeOf, strangeView, toView } from './views.ts';
import { deleteBackup, insertBackup, noteProblem, noteVerified } from './writer.ts';

export interface BackupsOptions {
  readonly source: BackupSource;
  readonly settings: BackupSettings;
  /** A schedule makes them. */
  readonly enabled: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** When the schedule comes next; null without one. */
  readonly nextMs?: () => number | null;
  /** The longest time between two backups of the schedule. */
  readonly dueEveryMs: number;
  /** Null where nothing goes to S3. */
  readonly uploads?: UploadQueue | null;
}

const ERROR_KEPT = 'backup_error';
const UPLOAD_ERROR_KEPT = 'backup_upload_error';
const errorSchema = z.object({ at_ms: z.number(), text: z.string() });
const MAX_ERROR_TEXT = 500;

/** The backups of one hub: makes them, reads them again, keeps count of them, and removes those that are too many. */
export class Backups implements BackupDirectory {
  readonly #options: BackupsOptions;
  readonly #prefix: string;
  #busy = false;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#prefix = partPrefix(readKeptValue(options.source.store, 'node_id') ?? 'none');
  }

  /**
   * Removes what a process before this one has left half made in the data folder. Another disk is looked at when a backup
   * goes there: one that hangs must not keep the hub from starting.
   */
  async tidy(): Promise<void> {
    const { settings, source } = this.#options;
    await this.#removeParts(source.dataDir);
    if (settings.isOwnFolder) await this.#removeParts(settings.directory);
  }

  async create(options: CreateOptions): Promise<BackupView> {
    return await this.#alone(async () => {
      try {
        const view = await this.#make(options);
        this.#noteError(null);
        return view;
      } catch (error) {
        // What somebody tried with a folder of their own says nothing about the next night.
        if (options.folder === undefined && options.signal?.aborted !== true) this.#noteError(error);
        throw error;
      }
    });
  }

  async list(): Promise<readonly BackupView[]> {
    const rows = this.#rows();
    const { directory } = this.#options.settings;
    const views = await Promise.all(
      rows.filter(({ place }) => isFolder(place)).map(async (row) => await toView(row, rows)),
    );
    const known = new Set(rows.filter(({ place }) => place === directory).map(({ name }) => name));
    const strange = (await namesIn(directory).catch(() => [])).filter(
      (name) => isBackupName(name) && !known.has(name),
    );
    return [
      ...views,
      ...(await Promise.all(strange.map(async (name) => await strangeView(directory, name)))),
    ].toSorted((a, b) => b.createdMs - a.createdMs);
  }

  async get(name: string): Promise<BackupView> {
    const view = (await this.list()).find((backup) => backup.name === name);
    if (view) return view;
    throw new HubError(
      'not_found',
      `There is no backup "${name.slice(0, 100)}". GET /api/system/backups lists them.`,
    );
  }

  async verify(name: string, signal?: AbortSignal): Promise<BackupView> {
    return await this.#alone(async () => {
      const view = await this.#present(name);
      const row = this.#rows().find(({ place, name: one }) => one === name && join(place, one) === view.path);
      try {
        await this.#readAgain(view, row, signal);
      } catch (error) {
        const isItsFault =
          error instanceof HubError && error.kind === 'invalid' && error.code !== WRONG_PASSPHRASE;
        if (row && isItsFault) this.#write((tx) => noteProblem(tx, row.id, errorText(error)));
        throw error;
      }
      if (row) this.#write((tx) => noteVerified(tx, row.id, this.#options.clock.nowMs()));
      return await this.get(name);
    });
  }

  async delete(name: string): Promise<void> {
    await this.#alone(async () => {
      const view = await this.get(name);
      try {
        await rm(view.path, { force: true });
      } catch (error) {
        throw toFolderError(error, view.path);
      }
      const row = this.#rows().find((one) => one.name === name && join(one.place, name) === view.path);
      if (row) this.#write((tx) => deleteBackup(tx, row.id));
      await this.#options.source.store.durable();
    });
  }

  async open(name: string): Promise<{ view: BackupView; bytes: AsyncIterable<Uint8Array> }> {
    const view = await this.#present(name);
    return { view, bytes: readFilePieces(view.path) };
  }

  /** The good ones that are not in a bucket yet where they should be, by name; the oldest first. */
  notIn(bucket: { readonly bucket: string; readonly prefix: string }): readonly string[] {
    const rows = this.#rows();
    const there = new Set(rows.filter((row) => row.place === placeOf(bucket)).map(({ name }) => name));
    const { directory, keep } = this.#options.settings;
    const here = rows.filter((row) => row.place === directory && row.problem === null).slice(0, keep);
    return here.flatMap(({ name }) => (there.has(name) ? [] : [name])).toReversed();
  }

  /** Notes that a backup is in another place, too, and has `remove` take away there what is too many. */
  async noteCopy(name: string, place: string, remove: (name: string) => Promise<void>): Promise<void> {
    const { settings, clock } = this.#options;
    const row = this.#rows().find((one) => one.name === name && one.place === settings.directory);
    if (!row) return;
    this.#write((tx) => insertBackup(tx, { ...row, place }));
    await this.#retire(place, clock.nowMs(), false, async (old) => await remove(old.name));
  }

  /** Removes what is too many, or too old by `believedMs`. @returns how many. */
  async removeOld(believedMs: number): Promise<number> {
    return await this.#alone(async () => {
      await this.#checkFolder(this.#options.settings.directory);
      return await this.#retireHere(believedMs, true);
    });
  }

  health(): BackupHealth {
    const { settings, enabled, clock, nextMs, dueEveryMs } = this.#options;
    return healthOf(this.#rows(), {
      enabled,
      dueEveryMs,
      places: [settings.directory, ...(settings.s3 ? [placeOf(settings.s3)] : [])],
      error: this.#keptError() ?? (settings.s3 ? this.#keptError(UPLOAD_ERROR_KEPT) : null),
      nowMs: clock.nowMs(),
      nextMs: nextMs?.() ?? null,
    });
  }

  /** Why the way to S3 failed last; null once it has succeeded. */
  noteUpload(error: unknown): void {
    this.#noteError(error, UPLOAD_ERROR_KEPT);
  }

  async #make(options: CreateOptions): Promise<BackupView> {
    const { source, settings, clock, log, uploads } = this.#options;
    const folder = options.folder ?? settings.directory;
    const passphrase = options.passphrase ?? settings.passphrase;
    await this.#checkFolder(folder);
    await this.#removeParts(folder);
    const nowMs = clock.nowMs();
    const made = await makeBackup(source, { ...options, folder, passphrase, nowMs, prefix: this.#prefix });
    const { name, sizeBytes, sha256, manifest } = made;
    this.#write((tx) =>
      insertBackup(tx, {
        place: folder,
        name,
        origin: options.origin,
        createdMs: nowMs,
        sizeBytes,
        sha256,
        encrypted: manifest.encrypted,
        entities: manifest.entities,
        verifiedMs: clock.nowMs(),
        problem: null,
      }),
    );
    await source.store.durable();
    log.info(
      { folder, name, bytes: sizeBytes, entities: manifest.entities },
      'a backup was made and read again',
    );
    if (folder === settings.directory) {
      await this.#retireHere(nowMs, false);
      await uploads?.enqueue(name);
    }
    return await this.get(name);
  }

  async #checkFolder(folder: string): Promise<void> {
    const { settings, source } = this.#options;
    const isConfigured = folder === settings.directory;
    await checkFolder(folder, {
      dataDir: source.dataDir,
      isOwnFolder: settings.isOwnFolder && isConfigured,
      requireMount: settings.requireMount && isConfigured,
    });
  }

  async #readAgain(
    view: BackupView,
    row: BackupRow | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { settings, source } = this.#options;
    const read = await inspectStaged(view.path, {
      passphrase: settings.passphrase,
      scratchFolder: source.dataDir,
      scratchName: `${this.#prefix}verify.part`,
      countSql: source.countSql,
      signal,
    });
    if (row && read.sha256 !== row.sha256) {
      throw new HubError(
        'invalid',
        'The backup is sound in itself, but it is not the file that was made here.',
      );
    }
  }

  async #present(name: string): Promise<BackupView> {
    const view = await this.get(name);
    if (!view.missing) return view;
    throw new HubError(
      'not_found',
      `${view.path} is not there. Attach and mount its disk, or delete the backup.`,
    );
  }

  async #removeParts(folder: string): Promise<void> {
    const left = await removeParts(folder, this.#prefix);
    if (left > 0)
      this.#options.log.info({ folder, files: left }, 'a backup that did not come to its end was removed');
  }

  async #retireHere(nowMs: number, byAge: boolean): Promise<number> {
    const { directory } = this.#options.settings;
    await this.#forgetMissing(directory);
    return await this.#retire(directory, nowMs, byAge, async (old) => {
      // A file of the same name that has another length was put there by somebody else.
      const path = join(directory, old.name);
      const size = await sizeOf(path);
      if (size === old.sizeBytes) await rm(path, { force: true });
      else if (size !== undefined)
        this.#options.log.warn({ path }, 'a backup was changed by somebody, and is left to them');
    });
  }

  /** Those that somebody deleted by hand do not count. The folder is the right one: a backup was just made there. */
  async #forgetMissing(directory: string): Promise<void> {
    for (const row of this.#rows().filter(({ place }) => place === directory)) {
      if ((await sizeOf(join(directory, row.name))) === undefined)
        this.#write((tx) => deleteBackup(tx, row.id));
    }
  }

  async #retire(
    place: string,
    nowMs: number,
    byAge: boolean,
    remove: (old: BackupRow) => Promise<void>,
  ): Promise<number> {
    const { settings, log } = this.#options;
    const here = this.#rows().filter((row) => row.place === place);
    const old = toRemove(here, { keep: settings.keep, keepDays: byAge ? settings.keepDays : null, nowMs });
    for (const row of old) {
      await remove(row);
      this.#write((tx) => deleteBackup(tx, row.id));
      log.info({ place, name: row.name }, 'an old backup was removed');
    }
    return old.length;
  }

  #rows(): BackupRow[] {
    return readBackups(this.#options.source.store.db);
  }

  #write(body: Parameters<BackupSource['store']['write']>[0]): void {
    this.#options.source.store.write(body);
  }

  #keptError(name = ERROR_KEPT): z.infer<typeof errorSchema> | null {
    const kept = readKeptValue(this.#options.source.store, name);
    return kept === undefined ? null : errorSchema.parse(JSON.parse(kept));
  }

  #noteError(error: unknown, name = ERROR_KEPT): void {
    const { source, clock, log } = this.#options;
    if (error === null && this.#keptError(name) === null) return;
    const text = errorText(error).slice(0, MAX_ERROR_TEXT);
    try {
      const kept = error === null ? null : JSON.stringify({ at_ms: clock.nowMs(), text });
      replaceKeptValue(source.store, name, kept);
    } catch (refused) {
      log.warn({ err: refused, reason: text }, 'that a backup failed could not be noted');
    }
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      throw new HubError(
        'conflict',
        'A backup is being made or read. Wait until it has finished, then try again.',
      );
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }
}
