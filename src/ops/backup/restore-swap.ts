import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import * as z from 'zod';

import { StartError } from '../../base/errors.ts';
import { writeFileDurably } from '../../base/files.ts';
import { fsyncPath } from '../../base/migrations.ts';
import { RESTORED_CONFIGURATION } from './data-files.ts';
import { CONFIGURATION } from './types.ts';

/*
 * A restored home lies ready in a folder of the data folder. One rename, that of the marker, decides: before it the old
 * home is the home, from then on the restored one is, and whoever opens the data folder next moves the files that are
 * left to move. It all stays within the data folder, because that may be a volume, which cannot be renamed, or lie in a
 * folder where the hub's user may not write.
 */

/** Where a restored home lies ready. */
export const STAGED = '.restore-staged';
const MARKER = 'restore.json';
/** What belongs to whoever has the folder open, and not to the home. */
const NOT_OF_THE_HOME = [
  MARKER,
  `${MARKER}.new`,
  'hub.lock',
  'hub.sock',
  'hub.lock-journal',
  RESTORED_CONFIGURATION,
];

const markerSchema = z.object({
  format: z.literal(1),
  /** Where the old home goes, in the data folder. */
  keep: z.string().regex(/^before-restore-[0-9TZ-]+$/),
  /** Whose turn it is: old files are moved away, or new ones in. */
  step: z.enum(['old', 'new']),
});
type Marker = z.infer<typeof markerSchema>;

/**
 * Makes what lies in `STAGED` the home. From the first moment on it cannot be lost any more, wherever it is interrupted.
 * @returns the folder that holds the old home, or null where there was none.
 */
export function swapIn(dataDir: string, time: string): string | null {
  let keep = `before-restore-${time}`;
  for (let n = 2; existsSync(join(dataDir, keep)); n++) keep = `before-restore-${time}-${n}`;
  fsyncPath(join(dataDir, STAGED));
  writeMarker(dataDir, { format: 1, keep, step: 'old' });
  finish(dataDir, { format: 1, keep, step: 'old' });
  return existsSync(join(dataDir, keep)) ? join(dataDir, keep) : null;
}

/**
 * To be called by whoever holds the data folder, before anything in it is opened: brings a restore that was interrupted
 * to its end, or clears away one that had not been decided.
 * @returns what was done, or null.
 * @throws StartError where the marker cannot be read.
 */
export function finishRestore(dataDir: string): 'finished' | 'cleared' | null {
  const marker = readMarker(dataDir);
  if (marker) {
    finish(dataDir, marker);
    return 'finished';
  }
  if (!existsSync(join(dataDir, STAGED))) return null;
  rmSync(join(dataDir, STAGED), { recursive: true, force: true });
  return 'cleared';
}

function finish(dataDir: string, marker: Marker): void {
  const staged = join(dataDir, STAGED);
  const keep = join(dataDir, marker.keep);
  if (marker.step === 'old') {
    moveOldAway(dataDir, keep);
    writeMarker(dataDir, { ...marker, step: 'new' });
  }
  for (const name of existsSync(staged) ? readdirSync(staged) : []) {
    renameSync(join(staged, name), join(dataDir, name === CONFIGURATION ? RESTORED_CONFIGURATION : name));
  }
  fsyncPath(dataDir);
  rmSync(join(dataDir, MARKER));
  if (existsSync(staged)) rmdirSync(staged);
  fsyncPath(dataDir);
}

/** Folders stay where they are: what is in `backups` belongs to both homes. */
function moveOldAway(dataDir: string, keep: string): void {
  const old = readdirSync(dataDir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !NOT_OF_THE_HOME.includes(entry.name))
    .map(({ name }) => name);
  if (old.length === 0) return;
  mkdirSync(keep, { recursive: true, mode: 0o700 });
  for (const name of old) renameSync(join(dataDir, name), join(keep, name));
  fsyncPath(keep);
  fsyncPath(dataDir);
}

function writeMarker(dataDir: string, marker: Marker): void {
  writeFileDurably(join(dataDir, MARKER), `${JSON.stringify(marker)}\n`, 0o600);
}

function readMarker(dataDir: string): Marker | undefined {
  const path = join(dataDir, MARKER);
  if (!existsSync(path)) return undefined;
  try {
    return markerSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new StartError(
      'data_dir',
      `${path} says that a restore is under way, and cannot be read. Restore the backup once more: remove this file and the folder ${STAGED} beside it first.`,
      { cause: error },
    );
  }
}
