import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { CommandIo } from './io.ts';

import { errorText, HubError } from '../base/errors.ts';
import { noFindings, type SourceFindings } from './findings.ts';
import { toLines } from './lines.ts';
import { PythonDatabase } from './python/python-database.ts';
import { verifyExport } from './verify.ts';

/** A file to be imported, whatever its form. */
export interface ImportSource extends AsyncDisposable {
  /** What it is, for a person. */
  readonly kind: string;
  /** What was met while the records were made; complete once `lines` has ended. */
  readonly findings: SourceFindings;
  /** Looks at all of it. @throws HubError `invalid` when it cannot be believed. */
  verify(): Promise<void>;
  /** The records, a line each; to be called after `verify`, once. */
  lines(): AsyncIterable<string>;
}

const SQLITE_MAGIC = 'SQLite format 3\0';

/**
 * Opens a file by what is in it. Standard input is kept in a file for the hub's user alone first: it is read twice.
 * @throws HubError `not_found` when there is no such file.
 */
export async function openSource(file: string, io: CommandIo): Promise<ImportSource> {
  await using opening = new AsyncDisposableStack();
  const scratch = opening.adopt({ path: undefined as string | undefined }, ({ path }) => {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
  });
  const scratchFolder = (): string => (scratch.path ??= mkdtempSync(join(io.scratchFolder, 'import-')));
  const path = file === '-' ? await spool(io, join(scratchFolder(), 'input')) : resolve(file);
  const handle = opening.use(await openFile(path, file));
  const magic = Buffer.alloc(SQLITE_MAGIC.length);
  await handle.read(magic, 0, magic.length, 0);
  if (magic.toString('latin1') !== SQLITE_MAGIC) return exportSource(handle, opening.move());
  const unfinished = hasUnfinished(path);
  const database = opening.use(
    PythonDatabase.open(unfinished ? copyOf(path, scratchFolder()) : path, { isCopy: unfinished }),
  );
  const resources = opening.move();
  return {
    kind: 'the Python database',
    findings: database.findings,
    async verify() {
      database.verify();
    },
    lines: () => database.lines(),
    async [Symbol.asyncDispose]() {
      await resources.disposeAsync();
    },
  };
}

function exportSource(handle: FileHandle, resources: AsyncDisposableStack): ImportSource {
  const chunks = (): AsyncIterable<Uint8Array> =>
    handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 });
  return {
    kind: 'the export',
    findings: noFindings(),
    async verify() {
      await verifyExport(chunks());
    },
    lines: () => toLines(chunks()),
    async [Symbol.asyncDispose]() {
      await resources.disposeAsync();
    },
  };
}

async function openFile(path: string, name: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw new Error('it is not a file');
  } catch (error) {
    throw new HubError('not_found', `${name} cannot be read: ${errorText(error)}`, { cause: error });
  }
}

async function spool(io: CommandIo, path: string): Promise<string> {
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of io.stdin) {
    io.signal.throwIfAborted();
    await file.write(chunk);
  }
  return path;
}

/** What SQLite leaves beside a database that a program holds open, or was killed over. */
const SIDE_FILES = ['-wal', '-journal'] as const;

function hasUnfinished(path: string): boolean {
  return SIDE_FILES.some((side) => (statSync(path + side, { throwIfNoEntry: false })?.size ?? 0) > 0);
}

/** A copy with its side files, that SQLite may finish: the original is not to be touched. */
function copyOf(path: string, folder: string): string {
  const copy = join(folder, 'python.db');
  copyFileSync(path, copy);
  for (const side of SIDE_FILES) if (existsSync(path + side)) copyFileSync(path + side, copy + side);
  return copy;
}
