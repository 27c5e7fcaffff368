import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Store } from '../../base/store.ts';
import type { DatabaseFacts } from './reader.ts';
import type { Manifest } from './types.ts';

import { toIso } from '../../base/clock.ts';
import { errorCode, HubError } from '../../base/errors.ts';
import { readKeptValue } from '../../base/kept-values.ts';
import { hashFile, packArchive, readArchive, writeStream, type PackedFile } from './archive.ts';
import { readDataFiles } from './data-files.ts';
import { copyDatabase } from './database-copy.ts';
import { backupName, checkSpace, namesIn, syncFolder, toFolderError } from './folder.ts';
import { sizeText } from '../io.ts';
import { DATABASE } from './types.ts';

/** What a backup is made of. */
export interface BackupSource {
  readonly store: Store;
  readonly dataDir: string;
  /** The configuration file that is in use; null where there is none. */
  readonly configFile: string | null;
  readonly hubVersion: string;
  readonly homeName: string;
  /** Counts the entities of the graph, in a column `n`. */
  readonly countSql: string;
}

export interface BackupTarget {
  /** It is there and is the right one. */
  readonly folder: string;
  /** What unfinished files are called, see `partPrefix`. */
  readonly prefix: string;
  readonly passphrase: string | null;
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((text: string) => void) | undefined;
}

export interface MadeBackup {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly manifest: Manifest;
}

/**
 * Makes one backup: the database is copied beside the target, packed with the rest under a passing name, read again in
 * full, and then named. Whatever goes wrong leaves nothing behind, except where the power goes: see `removeParts`.
 * @throws HubError `storage_full`, `storage`, `too_large`; the reason of the signal.
 */
export async function makeBackup(source: BackupSource, target: BackupTarget): Promise<MadeBackup> {
  const { folder, prefix, passphrase, signal, progress } = target;
  const copy = join(folder, `${prefix}database.part`);
  const part = join(folder, `${prefix}archive.part`);
  try {
    await checkRoom(source.store, folder);
    // What was acknowledged before now is in the copy: it reads what is committed, and an acknowledgement comes later.
    const facts = await copyDatabase(source.store.file, copy, {
      countSql: source.countSql,
      signal,
      progress: (share) => progress?.(`Copying the database: ${Math.floor(share * 100)} %`),
    });
    const { manifest, files } = await describe(source, target, copy, facts);
    const packed = packArchive(manifest, files, passphrase);
    {
      await using file = await open(part, 'w', 0o600);
      await writeStream(file, packed, signal, (bytes) => progress?.(`Packing: ${sizeText(bytes)}`));
    }
    await rm(copy, { force: true });
    // With the passphrase as it was given: one that does not open it is noticed now, and not in a year.
    const {
      sizeBytes,
      sha256,
      manifest: read,
    } = await readArchive(part, {
      passphrase,
      extractTo: null,
      signal,
      progress: (bytes) => progress?.(`Reading it again: ${sizeText(bytes)}`),
    });
    if (JSON.stringify(read) !== JSON.stringify(manifest)) {
      throw new HubError(
        'storage',
        `The disk that holds ${folder} gives back something else than was written.`,
      );
    }
    const name = backupName(
      source.homeName,
      target.nowMs,
      passphrase !== null,
      new Set(await namesIn(folder)),
    );
    await rename(part, join(folder, name));
    await syncFolder(folder);
    return { name, sizeBytes, sha256, manifest };
  } catch (error) {
    throw toFolderError(error, folder);
  } finally {
    await removeQuietly(copy);
    await removeQuietly(`${copy}-journal`);
    await removeQuietly(part);
  }
}

/** A copy of the database, and a file that is at most as large where nothing in it can be packed. */
async function checkRoom(store: Store, folder: string): Promise<void> {
  const size = await sizeOf(store.file);
  // What of the WAL is not in the file yet is in the copy.
  const copy = size + (await sizeOf(`${store.file}-wal`));
  await checkSpace(folder, copy + Math.ceil(copy / 2), copy);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function describe(
  source: BackupSource,
  target: BackupTarget,
  copy: string,
  facts: DatabaseFacts,
): Promise<{ manifest: Manifest; files: readonly PackedFile[] }> {
  target.progress?.('Computing checksums');
  const { store, dataDir, configFile } = source;
  const small = await readDataFiles(dataDir, configFile);
  return {
    manifest: {
      format: 1,
      hub_version: source.hubVersion,
      created_at: toIso(target.nowMs),
      home_name: source.homeName,
      node_id: readKeptValue(store, 'node_id') ?? '',
      epoch: readKeptValue(store, 'graph_epoch') ?? null,
      schema_versions: facts.schemaVersions,
      entities: facts.entities,
      encrypted: target.passphrase !== null,
      sealed: readKeptValue(store, 'secret_box') !== undefined,
      files: [{ name: DATABASE, ...(await hashFile(copy)) }, ...small.manifest],
      left_out: [...small.leftOut],
    },
    files: [{ name: DATABASE, source: { path: copy } }, ...small.files],
  };
}

/** A disk that was pulled out takes no order any more; what failed before that is what counts. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}
