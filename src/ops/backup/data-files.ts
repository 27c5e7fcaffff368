import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import type { PackedFile } from './archive.ts';
import type { Manifest } from './types.ts';

import { errorCode } from '../../base/errors.ts';
import { CONFIGURATION, DATABASE, MANIFEST } from './types.ts';

/** The hub's own files beside the database are keys and logins. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 100;
/** The lock, the socket, and what an interrupted write has left. */
const PASSING = /^hub\.(lock|sock)|\.(new|part)$|-(wal|shm|journal)$/;
const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
/** What the hub puts there for a person. */
export const RESTORED_CONFIGURATION = 'hub.yaml.restored';

export interface DataFiles {
  readonly files: readonly PackedFile[];
  readonly manifest: Manifest['files'];
  readonly leftOut: readonly string[];
}

/** Reads the small files that lie in the data folder beside the database, and the configuration file that is in use. */
export async function readDataFiles(dataDir: string, configFile: string | null): Promise<DataFiles> {
  const found = new Map<string, Buffer>();
  const leftOut: string[] = [];
  const entries = await readdir(dataDir, { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    if (name === DATABASE || name === RESTORED_CONFIGURATION || PASSING.test(name)) continue;
    const isTaken = name === MANIFEST || name === CONFIGURATION || found.size >= MAX_FILES;
    const bytes = isTaken || !PLAIN_NAME.test(name) ? undefined : await readSmall(join(dataDir, name));
    if (bytes) found.set(name, bytes);
    else leftOut.push(name);
  }
  const configuration = configFile === null ? undefined : await readSmall(configFile);
  if (configuration) found.set(CONFIGURATION, configuration);
  else if (configFile !== null) leftOut.push(basename(configFile));
  const files = [...found].map(([name, bytes]) => ({ name, source: { bytes } }));
  const manifest = [...found].map(([name, bytes]) => ({
    name,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return { files, manifest, leftOut: leftOut.slice(0, 1000) };
}

/** Undefined where the file is too large to be the hub's, or has just gone. */
async function readSmall(path: string): Promise<Buffer | undefined> {
  try {
    return (await stat(path)).size > MAX_FILE_BYTES ? undefined : await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
