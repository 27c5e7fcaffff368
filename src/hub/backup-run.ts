import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import type { BackupOrder } from '../cli/cli.ts';
import type { LoadedConfig } from '../config/config.ts';
import type { Terminal } from '../base/terminal.ts';
import type { BackupView } from '../ops/ops.ts';

import { TERMINAL } from '../access/types.ts';
import { askForTask, CONTROL_SOCKET, isHubThere } from '../cli/cli.ts';
import {
  confirm,
  createdJson,
  createdText,
  findPassphrase,
  listText,
  manifestText,
  readPassphraseFile,
  restoredJson,
  restoredText,
  verifiedJson,
  verifiedText,
} from '../ops/ops.ts';
import { openBackups, previewRestore, restoreHome, verifyBackup } from './backup-home.ts';

/** What the order needs of the process that runs it. */
export interface BackupIo extends Terminal {
  /** Tells a person how far it is. */
  readonly progress: (text: string) => void;
  /** Aborted when the person has enough of it. */
  readonly signal: AbortSignal;
  /** Where relative paths start. */
  readonly cwd: string;
}

/**
 * Makes and lists backups, with the running hub or on the data folder itself where none runs; reads one in full; restores
 * one where none runs.
 * @returns what to print.
 * @throws HubError, StartError saying what to do.
 */
export async function runBackupOrder(
  order: BackupOrder,
  loaded: LoadedConfig,
  io: BackupIo,
): Promise<string> {
  const { json } = order;
  if (order.verb === 'create') {
    const view = await create(order, loaded, io);
    return json ? JSON.stringify(createdJson(view)) : createdText(view);
  }
  if (order.verb === 'list') {
    const views = await list(loaded, io);
    return json ? JSON.stringify(views) : listText(views);
  }
  const file = resolve(io.cwd, order.file ?? '');
  return order.verb === 'verify'
    ? await verify(file, order, loaded, io)
    : await restore(file, order, loaded, io);
}

async function create(
  order: BackupOrder,
  { config, secrets }: LoadedConfig,
  io: BackupIo,
): Promise<BackupView> {
  const to = order.to === null ? null : resolve(io.cwd, order.to);
  const passphrase =
    order.passphraseFile === null ? '' : readPassphraseFile(resolve(io.cwd, order.passphraseFile));
  const socket = join(config.dataDir, CONTROL_SOCKET);
  if (await isHubThere(socket)) {
    const reply = await askForTask(
      socket,
      'backup_create',
      { to },
      {
        input: passphrase === '' ? none() : one(passphrase),
        output: async (piece) => await Promise.resolve(io.progress(Buffer.from(piece).toString())),
        signal: io.signal,
      },
    );
    // The running hub and this command are one program: what it answers has the type it was given.
    return reply as BackupView;
  }
  await using opened = await openBackups(config, secrets);
  const view = await opened.part.backups.create({
    origin: 'hand',
    folder: to ?? undefined,
    passphrase: passphrase === '' ? undefined : passphrase,
    signal: io.signal,
    progress: io.progress,
  });
  opened.audit.record({
    action: 'backup',
    by: TERMINAL.principal,
    from: TERMINAL,
    target: view.name,
    details: { path: view.path, size_bytes: view.sizeBytes, sha256: view.sha256 },
  });
  return view;
}

async function list({ config, secrets }: LoadedConfig, { signal }: BackupIo): Promise<readonly BackupView[]> {
  const socket = join(config.dataDir, CONTROL_SOCKET);
  if (await isHubThere(socket)) {
    return (await askForTask(socket, 'backup_list', {}, { signal })) as readonly BackupView[];
  }
  await using opened = await openBackups(config, secrets);
  return await opened.part.backups.list();
}

async function verify(file: string, order: BackupOrder, loaded: LoadedConfig, io: BackupIo): Promise<string> {
  const passphrase = await passphraseOf(file, order, loaded, io);
  const { dataDir } = loaded.config;
  const result = await verifyBackup(file, {
    passphrase,
    // Where the hub's data has room, the copy of it has too; a machine without a hub takes the folder of the file.
    scratchFolder: existsSync(dataDir) ? dataDir : dirname(file),
    signal: io.signal,
    progress: (bytes) => io.progress(`Reading: ${Math.floor(bytes / 1_000_000)} MB`),
  });
  return order.json ? JSON.stringify(verifiedJson(file, result)) : verifiedText(file, result);
}

async function restore(
  file: string,
  order: BackupOrder,
  loaded: LoadedConfig,
  io: BackupIo,
): Promise<string> {
  const { config } = loaded;
  const passphrase = await passphraseOf(file, order, loaded, io);
  const manifest = await previewRestore(file, passphrase);
  if (!order.yes) {
    const old = existsSync(config.dataDir) ? ' What is there now is kept beside it.' : '';
    io.stderr.write(`${manifestText(manifest)}\n`);
    await confirm(io, `Make it the home in ${config.dataDir}?${old}`);
  }
  const result = await restoreHome(config, { file, passphrase, signal: io.signal, progress: io.progress });
  return order.json
    ? JSON.stringify(restoredJson(config.dataDir, result))
    : `${order.yes ? `${manifestText(manifest)}\n` : ''}${restoredText(config.dataDir, result)}`;
}

async function passphraseOf(
  file: string,
  { passphraseFile }: BackupOrder,
  { secrets }: LoadedConfig,
  io: BackupIo,
): Promise<string | null> {
  return await findPassphrase(
    file,
    {
      passphraseFile: passphraseFile === null ? null : resolve(io.cwd, passphraseFile),
      configured: secrets.backupPassphrase,
    },
    io,
  );
}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

async function* none(): AsyncGenerator<Uint8Array> {
  // No passphrase of its own.
}
