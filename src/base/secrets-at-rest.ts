import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import * as z from 'zod';

import type { Tx } from './db.ts';
import type { Logger } from './log.ts';
import type { Store } from './store.ts';

import { HubError, StartError } from './errors.ts';
import { readKeptValue, replaceKeptValue, writeKeptValue } from './kept-values.ts';
import {
  boxParametersSchema,
  isSealed,
  PLAIN,
  readSecretFile,
  SealedError,
  SecretBox,
  writeSecretFile,
  type Secrets,
} from './secret-box.ts';

/** Where a table has secrets, as its owner declares it. */
export interface SecretColumn {
  readonly table: string;
  /** The column that names a row; with the table it is the name that the value is sealed under. */
  readonly key: string;
  readonly value: string;
  /** The rows that are secrets; absent where all are. */
  readonly only?: readonly string[];
}

export interface SecretsAtRest {
  readonly store: Store;
  readonly passphrase: string | null;
  /** Writes everything in plain again; the passphrase is needed for this last time. */
  readonly remove: boolean;
  readonly columns: readonly SecretColumn[];
  /** Small files, each of them one secret; they need not exist. */
  readonly files: readonly string[];
  /** Where copies of the database from before its migrations are. */
  readonly copies: string;
  readonly log: Logger;
}

/** How the passphrase's key is made, and whether the old plain values have been wiped out. */
const BOX = 'secret_box';
const keptBoxSchema = boxParametersSchema.extend({ wiped: z.boolean() });

/**
 * Makes the store write its secrets as the configuration says, and brings what is there already into that form. Each
 * step leaves something from which the next start goes on: the parameters and the sealed rows come in one transaction,
 * files are replaced one by one and taken in either form, and the wiping is noted only once it is done.
 * @throws StartError when the passphrase is missing or wrong; nothing was changed then.
 */
export async function openSecrets(options: SecretsAtRest): Promise<Secrets> {
  const { store, passphrase, remove } = options;
  const kept = readKeptValue(store, BOX);
  if (kept === undefined && (passphrase === null || remove)) return PLAIN;
  if (passphrase === null) {
    throw refusal(
      'The secrets of this home are sealed, and there is no passphrase. Give secrets.passphrase the one that they were sealed with, or the service the systemd credential funkygibbon-passphrase. Nothing was changed.',
    );
  }
  const box = kept === undefined ? await SecretBox.make(passphrase) : await unlock(passphrase, kept);
  if (remove) {
    await unseal(options, box);
    return PLAIN;
  }
  await seal(options, box, kept === undefined);
  store.useSecrets(box);
  return box;
}

async function unlock(passphrase: string, kept: string): Promise<SecretBox> {
  try {
    return await SecretBox.unlock(passphrase, keptBoxSchema.parse(JSON.parse(kept)));
  } catch (error) {
    if (!(error instanceof SealedError)) throw error;
    throw refusal(
      'secrets.passphrase is not the one that the secrets of this home were sealed with. Give the right one, or restore a backup that you have the passphrase of. Nothing was changed.',
      error,
    );
  }
}

async function seal({ store, columns, files, copies, log }: SecretsAtRest, box: SecretBox, isNew: boolean) {
  const note = (wiped: boolean): string => JSON.stringify({ ...box.parameters, wiped });
  const plain = columns.flatMap((column) => rowsOf(store, column).filter(({ text }) => !isSealed(text)));
  if (isNew || plain.length > 0) {
    store.write((tx) => {
      writeKeptValue(tx, BOX, note(false));
      for (const row of plain) writeRow(tx, row, box.seal(row.name, row.text));
    });
    await store.durable();
    log.info({ secrets: plain.length }, 'the secrets in the database were sealed with the passphrase');
  }
  for (const file of files) {
    // What a power cut has left of writing it (see writeFileDurably) may be in plain.
    rmSync(`${file}.new`, { force: true });
    if (!existsSync(file) || isSealed(readFileSync(file, 'utf8'))) continue;
    writeSecretFile(file, readFileSync(file, 'utf8'), box);
    log.info({ file: basename(file) }, 'a file with a secret was sealed with the passphrase');
  }
  if (isWiped(store)) return;
  try {
    store.rewrite();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    log.warn(
      { reason: error.message },
      'the secrets are sealed, but what they were may be left in unused space; the next start tries again',
    );
    return;
  }
  replaceKeptValue(store, BOX, note(true));
  await store.durable();
  warnOfCopies(copies, log);
}

/** Files first: while one of them may be sealed, the parameters have to be there. */
async function unseal({ store, columns, files, log }: SecretsAtRest, box: SecretBox): Promise<void> {
  for (const file of files) {
    if (existsSync(file)) writeSecretFile(file, readSecretFile(file, box), PLAIN);
  }
  const rows = columns.flatMap((column) => rowsOf(store, column));
  const opened = rows.map((row) => ({ row, text: box.open(row.name, row.text) }));
  store.write((tx) => {
    for (const { row, text } of opened) writeRow(tx, row, text);
    writeKeptValue(tx, BOX, null);
  });
  await store.durable();
  log.info('the secrets are kept in plain again; take secrets.passphrase and secrets.remove_passphrase out');
}

function isWiped(store: Store): boolean {
  const kept = readKeptValue(store, BOX);
  return kept !== undefined && keptBoxSchema.parse(JSON.parse(kept)).wiped;
}

interface SecretRow {
  readonly column: SecretColumn;
  readonly key: string;
  readonly text: string;
  /** What it is sealed under. */
  readonly name: string;
}

function rowsOf(store: Store, column: SecretColumn): SecretRow[] {
  const { table, key, value, only } = column;
  return store.db
    .all<{ key: string; text: string }>(`SELECT ${key} AS key, ${value} AS text FROM ${table}`)
    .filter((row) => only === undefined || only.includes(row.key))
    .map((row) => ({ ...row, column, name: `${table}/${row.key}` }));
}

function writeRow(tx: Tx, { column: { table, key, value }, key: named }: SecretRow, text: string): void {
  tx.run(`UPDATE ${table} SET ${value} = ? WHERE ${key} = ?`, text, named);
}

/** They are there to undo a migration, so they are not changed. */
function warnOfCopies(folder: string, log: Logger): void {
  const copies = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : [];
  if (copies.length === 0) return;
  log.warn(
    { copies: copies.map((name) => join(basename(folder), name)) },
    'copies of the database from before hold its secrets in plain; delete them when you do not need them',
  );
}

function refusal(text: string, cause?: unknown): StartError {
  return new StartError('secrets', text, { badConfiguration: true, cause });
}
