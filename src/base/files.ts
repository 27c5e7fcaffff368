import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import { fsyncPath } from './migrations.ts';

/**
 * Writes a small file so that a power cut leaves the old one or the new one, never half of either: a file beside it is
 * written and synced, renamed over it, and the folder is synced.
 */
export function writeFileDurably(path: string, text: string, mode: number): void {
  const beside = `${path}.new`;
  const fd = openSync(beside, 'w', mode);
  try {
    // One that an interrupted write has left there keeps the mode it had.
    fchmodSync(fd, mode);
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(beside, path);
  fsyncPath(dirname(path));
}
