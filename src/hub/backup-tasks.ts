import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { BackupPart } from './backup-part.ts';

import { TERMINAL } from '../access/types.ts';

const createArgs = z.object({ to: z.string().nullable() });
const MAX_PASSPHRASE_BYTES = 16 * 1024;

/** What the command line asks about backups, see `backup-commands.ts`. */
export function backupTasks({ backups }: BackupPart, audit: Access['audit']): ControlTasks {
  return {
    backup_list: async () => await backups.list(),
    backup_create: async (args, { input, output, signal }) => {
      const { to } = createArgs.parse(args);
      // Not among the arguments: those are in the log where a command is left before its end.
      const passphrase = await readText(input);
      const tell = teller(output);
      const view = await backups.create({
        origin: 'hand',
        folder: to ?? undefined,
        passphrase: passphrase === '' ? undefined : passphrase,
        signal,
        progress: tell,
      });
      audit.record({
        action: 'backup',
        by: TERMINAL.principal,
        from: TERMINAL,
        target: view.name,
        details: { path: view.path, size_bytes: view.sizeBytes, sha256: view.sha256 },
      });
      return view;
    },
  };
}

async function readText(input: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of input) {
    length += piece.length;
    if (length > MAX_PASSPHRASE_BYTES) throw new Error('the passphrase is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Sends lines for a person, and none while the one before is under way: progress is never waited for. */
function teller(output: (piece: Uint8Array) => Promise<void>): (text: string) => void {
  let busy = false;
  return (text) => {
    if (busy) return;
    busy = true;
    output(Buffer.from(text)).then(
      () => (busy = false),
      // Whoever listened has gone, which the signal tells.
      () => undefined,
    );
  };
}
