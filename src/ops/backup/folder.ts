import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import { errorCode, errorText, HubError } from '../../base/errors.ts';
import { toIso } from '../../base/clock.ts';
import { sizeText } from '../io.ts';

/** Linux's number for FAT file systems (MSDOS_SUPER_MAGIC), whose files end at 4 GiB. */
const FAT = 0x4d44;
const FAT_MAX_BYTES = 2 ** 32 - 1;
/** What stays free for the rest of the machine. */
const SPARE_BYTES = 16 * 1024 * 1024;
const NAME = /^funkygibbon-[a-z0-9-]{1,60}-\d{8}T\d{6}Z(-\d+)?\.tar\.gz(\.age)?$/;
const NOT_SUPPORTED = ['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR', 'ENOSYS'];

/** Whether a file has the name of a backup. */
export function isBackupName(name: string): boolean {
  return NAME.test(name);
}

/** When a backup was made, as its name says; ms since the Unix epoch. */
export function timeOfName(name: string): number {
  const [, y, mo, d, h, mi, s] = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name) ?? [];
  return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
}

/** A name that every file system takes, FAT among them: small letters, digits and hyphens. */
export function backupName(
  homeName: string,
  nowMs: number,
  encrypted: boolean,
  taken: ReadonlySet<string>,
): string {
  const slug =
    homeName
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 40)
      .replaceAll(/^-+|-+$/g, '') || 'home';
  const time = toIso(nowMs).replaceAll(/[-:]|\.\d+/g, '');
  const ending = encrypted ? '.tar.gz.age' : '.tar.gz';
  for (let n = 1; ; n++) {
    const name = `funkygibbon-${slug}-${time}${n === 1 ? '' : `-${n}`}${ending}`;
    if (!taken.has(name)) return name;
  }
}

/** What the unfinished files of one hub are called: two hubs may share a stick, and none touches those of the other. */
export function partPrefix(nodeId: string): string {
  return `.funkygibbon-${nodeId.replaceAll(/[^A-Za-z0-9]/g, '').slice(-12)}-`;
}

/** Removes what a backup that did not come to its end has left. @returns how many files. */
export async function removeParts(folder: string, prefix: string): Promise<number> {
  const left = (await namesIn(folder)).filter((name) => name.startsWith(prefix));
  for (const name of left) await rm(join(folder, name), { force: true, recursive: true });
  return left.length;
}

/** The files in a folder; none where it is not there. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw toFolderError(error, folder);
  }
}

export interface FolderRule {
  readonly dataDir: string;
  /** The hub makes it where it is missing. */
  readonly isOwnFolder: boolean;
  readonly requireMount: boolean;
}

/** Sees to it that a folder is there and is the disk that was meant. @throws HubError `storage`. */
export async function checkFolder(
  folder: string,
  { dataDir, isOwnFolder, requireMount }: FolderRule,
): Promise<void> {
  try {
    if (isOwnFolder) await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await stat(folder);
    if (!found.isDirectory()) throw new HubError('storage', `${folder} is no folder.`);
    if (!requireMount) return;
    const others = [await stat('/'), await stat(dataDir)];
    if (!others.some(({ dev }) => dev === found.dev)) return;
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw toFolderError(error, folder);
  }
  throw new HubError(
    'storage',
    `${folder} lies on the disk of the system or of the data, so the backup disk is not mounted there. Attach it and mount it, or set backup.require_mount to false.`,
  );
}

/** @throws HubError `storage_full`, `too_large` where so many bytes do not fit, or not into one file. */
export async function checkSpace(folder: string, neededBytes: number, largestBytes: number): Promise<void> {
  const { bavail, bsize, type } = await statfs(folder);
  const free = bavail * bsize;
  if (type === FAT && largestBytes > FAT_MAX_BYTES) throw tooLarge(folder);
  // Some file systems (network drives among them) do not tell, and say 0 of 0.
  if (bsize === 0 || free >= neededBytes + SPARE_BYTES) return;
  throw new HubError(
    'storage_full',
    `A backup needs up to ${sizeText(neededBytes + SPARE_BYTES)} in ${folder} while it is made, and ${sizeText(free)} are free there. Free some space, keep fewer (backup.keep), or choose another backup.directory.`,
  );
}

/** A name appears on the disk for good. File systems that know no such thing are taken as they are. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    if (!NOT_SUPPORTED.includes(errorCode(error) ?? '')) throw error;
  }
}

/** What the file system refused, in words that say what to do. */
export function toFolderError(error: unknown, path: string): unknown {
  const text = errorText(error);
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new HubError(
        'storage_full',
        `The disk that holds ${path} is full. Free some space there, keep fewer (backup.keep), or choose another backup.directory.`,
        { cause: error },
      );
    case 'EFBIG':
      return tooLarge(path);
    case 'ENOENT':
      return new HubError('storage', `There is no folder ${path}. Make it, or attach and mount its disk.`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HubError(
        'storage',
        `${path} cannot be written (${text}). Give the hub's user the right to, and where systemd runs the hub name the folder in ReadWritePaths= of the service.`,
        { cause: error },
      );
    case 'EIO':
    case 'ENODEV':
    case 'ENXIO':
      return new HubError(
        'storage',
        `The disk that holds ${path} failed (${text}). Check that it is attached.`,
        {
          cause: error,
        },
      );
    default:
      return error;
  }
}

function tooLarge(path: string): HubError {
  return new HubError(
    'too_large',
    `The file system of ${path} takes no file of this size (FAT ends at 4 GB). Format the disk as exFAT or ext4.`,
  );
}
