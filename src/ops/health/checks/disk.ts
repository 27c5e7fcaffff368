import { access, constants, statfs } from 'node:fs/promises';

import type { Check, Finding } from '../types.ts';

import { errorCode, errorText } from '../../../base/errors.ts';
import { sizeText } from '../../io.ts';

/** Room for an hour of readings, a checkpoint and a log. */
const FAIL_BYTES = 50_000_000;
const WARN_BYTES = 500_000_000;
const FAIL_INODES = 100;
const WARN_INODES = 5000;

const FREE_SPACE =
  'Free some space: `sudo journalctl --vacuum-size=100M`, `sudo apt clean`, old backups; `du -xh / | sort -h | tail` shows what is large.';

/** What a look at a file system needs; a test has no disk to fill. */
export interface DiskProbe {
  statfs(
    path: string,
  ): Promise<{ bsize: number; bavail: number; blocks: number; ffree: number; files: number }>;
  access(path: string, mode: number): Promise<void>;
}

/** Whether there is room in the data folder, and it can be written to. Asked off the event loop: a dead disk hangs. */
export function diskCheck(folder: string, probe: DiskProbe = { statfs, access }): Check {
  return {
    name: 'disk',
    look: async () => {
      const { bsize, bavail, blocks, ffree, files } = await probe.statfs(folder);
      const freeBytes = bsize * bavail;
      // Some file systems (btrfs) count no inodes.
      const freeInodes = files > 0 ? ffree : null;
      const details = { folder, free_bytes: freeBytes, bytes: bsize * blocks, free_inodes: freeInodes };
      const refusal = await probe.access(folder, constants.W_OK).then(
        () => null,
        (error: unknown) => error,
      );
      if (refusal !== null) return { ...unwritable(folder, refusal), details };
      return { ...room(freeBytes, freeInodes), details };
    },
  };
}

function room(freeBytes: number, freeInodes: number | null): Finding {
  const inodes = freeInodes ?? Infinity;
  const summary =
    inodes < WARN_INODES
      ? `There is room for ${inodes} more files only.`
      : `${sizeText(freeBytes)} are free.`;
  if (freeBytes < FAIL_BYTES || inodes < FAIL_INODES) {
    return { status: 'fail', summary: `The disk is full: ${lowered(summary)}`, whatToDo: FREE_SPACE };
  }
  if (freeBytes < WARN_BYTES || inodes < WARN_INODES) {
    return { status: 'warn', summary: `The disk is nearly full: ${lowered(summary)}`, whatToDo: FREE_SPACE };
  }
  return { status: 'ok', summary };
}

function unwritable(folder: string, error: unknown): Finding {
  if (errorCode(error) === 'EROFS') {
    return {
      status: 'fail',
      summary: `The file system of ${folder} is read-only: nothing is stored.`,
      whatToDo:
        'Linux does that when a disk fails. Look at `dmesg`, make a backup to another disk, check it with fsck, and replace it.',
    };
  }
  return {
    status: 'fail',
    summary: `${folder} cannot be written to (${errorText(error)}).`,
    whatToDo: 'Give the folder back to the user of the hub: `sudo chown -R` it, and `chmod 700`.',
  };
}

function lowered(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}
