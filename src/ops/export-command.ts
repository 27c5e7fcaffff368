import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { CommandIo } from './io.ts';
import type { ExportMode, ExportSummary, Home } from './types.ts';

import { errorCode, errorText, HubError } from '../base/errors.ts';
import { fsyncPath } from '../base/migrations.ts';
import { counted, sizeText, writeAll } from './io.ts';

export interface ExportOrder {
  /** A path, or `-` for standard output. */
  readonly file: string;
  readonly mode: ExportMode;
  /** Replace a file that is there. */
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * `funkygibbon export`: writes the graph to a file that appears only when it is whole, or to standard output.
 * @throws HubError `conflict` when the file is there already, `storage` when it cannot be written.
 */
export async function runExport(home: Home, order: ExportOrder, io: CommandIo): Promise<void> {
  let bytes = 0;
  const counting =
    (write: (piece: Uint8Array) => Promise<void>) =>
    async (piece: Uint8Array): Promise<void> => {
      await write(piece);
      bytes += piece.length;
      io.progress(`${sizeText(bytes)} exported`);
    };
  const toStdout = order.file === '-';
  const summary = toStdout
    ? await home.export(
        order.mode,
        counting(async (piece) => {
          await writeAll(io.stdout, piece).catch((error: unknown) => {
            throw new HubError('unavailable', 'Whoever read the export has gone; it is not whole.', {
              cause: error,
            });
          });
        }),
        io.signal,
      )
    : await exportToFile(home, order, counting, io.signal);
  const report = order.json
    ? `${JSON.stringify({ file: order.file, mode: order.mode, bytes, ...summary })}\n`
    : exportText(order, summary, bytes);
  await writeAll(toStdout || !order.json ? io.stderr : io.stdout, report);
}

type Counting = (write: (piece: Uint8Array) => Promise<void>) => (piece: Uint8Array) => Promise<void>;

async function exportToFile(
  home: Home,
  order: ExportOrder,
  counting: Counting,
  signal: AbortSignal,
): Promise<ExportSummary> {
  const path = resolve(order.file);
  if (existsSync(path) && !order.force) {
    throw new HubError(
      'conflict',
      `${order.file} is there already. Choose another name, or give --force to replace it.`,
    );
  }
  const part = `${path}.part`;
  const file = await open(part, 'w', 0o600).catch((error: unknown) => {
    throw notWritten(order.file, error);
  });
  try {
    try {
      // One that was left behind may have had another mode.
      await file.chmod(0o600);
      const write = async (piece: Uint8Array): Promise<void> => {
        await file.write(piece).catch((error: unknown) => {
          throw notWritten(order.file, error);
        });
      };
      const summary = await home.export(order.mode, counting(write), signal);
      await file.sync();
      await rename(part, path);
      fsyncPath(dirname(path));
      return summary;
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function notWritten(file: string, error: unknown): HubError {
  const full = errorCode(error) === 'ENOSPC';
  const advice = full ? 'Free some space and try again.' : 'Check its folder, or choose another one.';
  return new HubError(
    full ? 'storage_full' : 'storage',
    `${file} cannot be written (${errorText(error)}). ${advice}`,
    { cause: error },
  );
}

function exportText(order: ExportOrder, summary: ExportSummary, bytes: number): string {
  const what =
    order.mode === 'history'
      ? `${counted(summary.entities, 'version')} of entities and ${counted(summary.relationships, 'version')} of relationships`
      : `${counted(summary.entities, 'entity', 'entities')} and ${counted(summary.relationships, 'relationship')}`;
  const where = order.file === '-' ? 'standard output' : order.file;
  return (
    `Exported ${what} to ${where} (${sizeText(bytes)}).\n` +
    'It holds the graph alone: no users, passwords, tokens or keys, no HomeKit pairing, no readings of devices.\n'
  );
}
