import { chownSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Manifest } from './types.ts';

import { Audit } from '../../access/access.ts';
import { TERMINAL } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { renewEpoch } from '../../graph/graph.ts';
import { readManifest } from './archive.ts';
import { unpack } from './inspect.ts';
import { finishRestore, STAGED, swapIn } from './restore-swap.ts';
import { DATABASE } from './types.ts';

export interface RestoreOptions {
  readonly file: string;
  readonly passphrase: string | null;
  /** The data folder, held by this process. */
  readonly dataDir: string;
  readonly countSql: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Opens a database with the tables of this version, and brings it up to it. @throws StartError */
  readonly openStore: (file: string) => Promise<Store>;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((text: string) => void) | undefined;
}

export interface RestoreResult {
  readonly manifest: Manifest;
  /** The whole path of the folder with what was there before; null where nothing was. */
  readonly keptIn: string | null;
  readonly epoch: string;
}

/** What this version can take. */
export interface Known {
  readonly hubVersion: string;
  /** By owner, how many steps of its tables it knows. */
  readonly schemaVersions: Readonly<Record<string, number>>;
}

/**
 * Tells what a backup is, from its beginning.
 * @throws HubError `invalid` where it cannot be restored by this version, or the passphrase is another.
 */
export async function previewBackup(
  file: string,
  passphrase: string | null,
  known: Known,
): Promise<Manifest> {
  const manifest = await readManifest(file, passphrase);
  const newer = Object.entries(manifest.schema_versions).find(
    ([owner, version]) => version > (known.schemaVersions[owner] ?? 0),
  );
  if (!newer) return manifest;
  throw new HubError(
    'invalid',
    `The backup was made by FunkyGibbon ${manifest.hub_version}, and its tables of "${newer[0]}" are newer than what this version (${known.hubVersion}) knows. Install FunkyGibbon ${manifest.hub_version} or a newer one, and restore it then. Nothing was changed.`,
  );
}

/**
 * Makes a backup the home of a data folder. All of it is unpacked beside what is there, proved, opened and brought up to
 * this version first; only then it takes the place, at one stroke. The old home is kept. The graph begins another life,
 * so that phones compare all they have; what makes the hub itself for Apple Home and for devices is the same.
 * @throws HubError, StartError: nothing was changed then; the reason of the signal.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { file, passphrase, dataDir, countSql, clock, signal, progress } = options;
  const staged = join(dataDir, STAGED);
  // Another restore may have been interrupted: if it was decided, what it brought is the old home now.
  finishRestore(dataDir);
  try {
    const { manifest, sha256 } = await unpack(resolve(file), staged, {
      passphrase,
      countSql,
      signal,
      progress: (bytes) => progress?.(`Unpacking: ${Math.floor(bytes / 1_000_000)} MB`),
    });
    progress?.('Opening the database');
    const epoch = await prepare(options, staged, manifest, sha256);
    signal?.throwIfAborted();
    const keptIn = swapIn(dataDir, toIso(clock.nowMs()).replaceAll(/[-:]|\.\d+/g, ''));
    giveToOwner(dataDir, keptIn);
    return { manifest, keptIn, epoch };
  } catch (error) {
    finishRestore(dataDir);
    throw error;
  }
}

/** Brings the unpacked database up to this version and makes it the beginning of another life. */
async function prepare(
  { file, openStore, clock, log }: RestoreOptions,
  staged: string,
  manifest: Manifest,
  sha256: string,
): Promise<string> {
  await using store = await openStore(join(staged, DATABASE));
  // The copy from before its migration: the backup itself is one.
  rmSync(join(staged, 'backups'), { recursive: true, force: true });
  const epoch = renewEpoch(store);
  using audit = new Audit({ store, clock, log });
  audit.record({
    action: 'restore',
    by: TERMINAL.principal,
    from: TERMINAL,
    target: basename(file),
    details: { created_at: manifest.created_at, hub_version: manifest.hub_version, sha256 },
  });
  await store.durable();
  return epoch;
}

/** Root restores for the hub's user, who could not read what root made. */
function giveToOwner(dataDir: string, keptIn: string | null): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  const folders = keptIn === null ? [dataDir] : [dataDir, keptIn];
  for (const folder of folders) {
    chownSync(folder, uid, gid);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isFile()) chownSync(join(folder, entry.name), uid, gid);
    }
  }
}
