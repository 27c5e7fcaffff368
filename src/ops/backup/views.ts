import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { BackupHealth, BackupRow, BackupView } from './types.ts';

import { errorCode } from '../../base/errors.ts';
import { timeOfName, toFolderError } from './folder.ts';

/** Where S3 copies are noted. */
export function placeOf({ bucket, prefix }: { readonly bucket: string; readonly prefix: string }): string {
  return `s3://${bucket}/${prefix}`;
}

export function isFolder(place: string): boolean {
  return !place.startsWith('s3://');
}

/** Undefined where the file is not there. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw toFolderError(error, path);
  }
}

/** @param rows all that are noted: where else it is, they tell. */
export async function toView(row: BackupRow, rows: readonly BackupRow[]): Promise<BackupView> {
  const { id: _, ...rest } = row;
  const path = join(row.place, row.name);
  const copies = rows.filter(({ place, sha256 }) => !isFolder(place) && sha256 === row.sha256);
  return {
    ...rest,
    path,
    missing: (await sizeOf(path)) === undefined,
    copies: copies.map(({ place, name }) => `${place}${name}`),
  };
}

/** One that lies in the folder and that this hub knows nothing of: from before a restore, or somebody put it there. */
export async function strangeView(place: string, name: string): Promise<BackupView> {
  const path = join(place, name);
  return {
    place,
    name,
    path,
    origin: 'hand',
    createdMs: timeOfName(name),
    sizeBytes: (await sizeOf(path)) ?? 0,
    sha256: '',
    encrypted: name.endsWith('.age'),
    entities: 0,
    verifiedMs: 0,
    problem: null,
    missing: false,
    copies: [],
  };
}

interface Standing {
  readonly enabled: boolean;
  readonly dueEveryMs: number;
  readonly places: readonly string[];
  readonly error: { readonly at_ms: number; readonly text: string } | null;
  readonly nowMs: number;
  readonly nextMs: number | null;
}

/** How it goes with the backups that are noted, the last one first. */
export function healthOf(rows: readonly BackupRow[], standing: Standing): BackupHealth {
  const { enabled, dueEveryMs, places, error, nowMs, nextMs } = standing;
  const good = rows.filter(({ problem }) => problem === null);
  const [last] = good;
  const isFresh = last !== undefined && nowMs - last.createdMs < 2 * dueEveryMs;
  return {
    // A hub that is new has none yet.
    ok: !enabled || (error === null && (isFresh || last === undefined)),
    enabled,
    lastGoodMs: last?.createdMs ?? null,
    lastGoodBytes: last?.sizeBytes ?? null,
    lastError: error?.text ?? null,
    lastErrorMs: error?.at_ms ?? null,
    nextMs,
    dueEveryMs,
    destinations: places.map((place) => {
      const there = good.filter((row) => row.place === place);
      return { place, backups: there.length, lastGoodMs: there[0]?.createdMs ?? null };
    }),
  };
}
