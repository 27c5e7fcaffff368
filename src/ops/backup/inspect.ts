import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { DatabaseFacts } from './reader.ts';

import { HubError } from '../../base/errors.ts';
import { readArchive, readManifest, type ReadResult } from './archive.ts';
import { inspectDatabase } from './database-copy.ts';
import { checkSpace, toFolderError } from './folder.ts';
import { DATABASE, type Manifest } from './types.ts';

export interface InspectOptions {
  readonly passphrase: string | null;
  /** Where there is room to unpack it; it is there. */
  readonly scratchFolder: string;
  readonly scratchName: string;
  readonly countSql: string;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((bytes: number) => void) | undefined;
}

/** Reads a backup in full, unpacks it for that, and reads its database in full, too. @throws HubError as `unpack`. */
export async function inspectStaged(path: string, options: InspectOptions): Promise<ReadResult> {
  const folder = join(options.scratchFolder, options.scratchName);
  try {
    await rm(folder, { recursive: true, force: true });
    return await unpack(path, folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Unpacks a backup into a new folder and proves it: the checksums, the database, and that both say the same.
 * @throws HubError `invalid` saying what is wrong with the backup, `not_found`, `storage_full`, `storage`.
 */
export async function unpack(
  path: string,
  folder: string,
  options: Omit<InspectOptions, 'scratchFolder' | 'scratchName'>,
): Promise<ReadResult> {
  const { passphrase, countSql, signal, progress } = options;
  const told = await readManifest(path, passphrase);
  try {
    await mkdir(folder, { mode: 0o700 });
    const sizes = told.files.map(({ size }) => size);
    await checkSpace(
      folder,
      sizes.reduce((sum, size) => sum + size, 0),
      Math.max(...sizes),
    );
    const result = await readArchive(path, { passphrase, extractTo: folder, signal, progress });
    compare(result.manifest, await inspectDatabase(join(folder, DATABASE), { countSql, signal }));
    return result;
  } catch (error) {
    throw toFolderError(error, folder);
  }
}

function compare(manifest: Manifest, facts: DatabaseFacts): void {
  const [problem] = facts.problems;
  if (problem !== undefined)
    throw new HubError('invalid', `The database in the backup is damaged: ${problem}.`);
  const sameSchema = Object.entries(facts.schemaVersions).every(
    ([owner, version]) => manifest.schema_versions[owner] === version,
  );
  if (!sameSchema || facts.entities !== manifest.entities) {
    throw new HubError('invalid', 'The database in the backup is not the one that its manifest tells of.');
  }
}
