import { readFileSync } from 'node:fs';

import type { Terminal } from '../../base/terminal.ts';
import type { ReadResult } from './archive.ts';
import type { RestoreResult } from './restore.ts';
import type { BackupView, Manifest } from './types.ts';

import { errorText, HubError } from '../../base/errors.ts';
import { toIso } from '../../base/clock.ts';
import { askLine, askYes } from '../../base/terminal.ts';
import { counted, sizeText } from '../io.ts';
import { isEncrypted } from './archive.ts';

const MAX_PASSPHRASE_BYTES = 16 * 1024;

/** Reads a passphrase from a file, without the line end that editors put there. @throws HubError `invalid`. */
export function readPassphraseFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new HubError('invalid', `The passphrase cannot be read: ${errorText(error)}.`);
  }
  if (text.length > 0 && Buffer.byteLength(text) <= MAX_PASSPHRASE_BYTES) return text;
  throw new HubError('invalid', `${path} holds no passphrase of 1 to ${MAX_PASSPHRASE_BYTES} bytes.`);
}

/**
 * The passphrase of a backup: from the file that was named, the configuration, or a person; null where it has none.
 * @throws HubError `invalid` where one is needed and nobody can be asked.
 */
export async function findPassphrase(
  file: string,
  given: { readonly passphraseFile: string | null; readonly configured: string | null },
  terminal: Terminal,
): Promise<string | null> {
  if (!(await isEncrypted(file))) return null;
  if (given.passphraseFile !== null) return readPassphraseFile(given.passphraseFile);
  if (given.configured !== null) return given.configured;
  if (terminal.stdin.isTTY === true) return await askLine(terminal, 'Passphrase of the backup: ', true);
  throw new HubError('invalid', 'The backup is encrypted: give its passphrase with --passphrase-file FILE.');
}

/** Asks whether to go on. @throws HubError `invalid` where nobody can be asked, `unavailable` where the answer is no. */
export async function confirm(terminal: Terminal, question: string): Promise<void> {
  if (terminal.stdin.isTTY !== true) {
    throw new HubError('invalid', 'There is nobody to ask whether to go on: say --yes. Nothing was changed.');
  }
  if (!(await askYes(terminal, question))) throw new HubError('unavailable', 'Nothing was changed.');
}

/** What `create --json` prints. */
export function createdJson(view: BackupView): object {
  return {
    path: view.path,
    size_bytes: view.sizeBytes,
    sha256: view.sha256,
    created_at: toIso(view.createdMs),
  };
}

/** What was made, for a person. */
export function createdText(view: BackupView): string {
  return [
    view.path,
    `  ${sizeText(view.sizeBytes)}, ${counted(view.entities, 'entity', 'entities')}, ${view.encrypted ? 'encrypted' : 'not encrypted: it holds the keys of the home'}`,
    `  sha256 ${view.sha256}`,
  ].join('\n');
}

/** The backups that there are, for a person. */
export function listText(views: readonly BackupView[]): string {
  if (views.length === 0) return 'There is no backup yet. `funkygibbon backup create` makes one.';
  return views
    .map((view) => {
      const standing = view.missing
        ? 'NOT THERE'
        : (view.problem ?? (view.sha256 === '' ? 'not made by this hub' : 'good'));
      const where = view.copies.length > 0 ? `, also in ${view.copies.join(', ')}` : '';
      return `${toIso(view.createdMs).slice(0, 16)}Z  ${sizeText(view.sizeBytes).padStart(9)}  ${standing}  ${view.path}${where}`;
    })
    .join('\n');
}

/** What a backup is, for a person who is about to restore it. */
export function manifestText(manifest: Manifest): string {
  const others = manifest.files.filter(({ name }) => !name.endsWith('.db')).map(({ name }) => name);
  return [
    `Backup of "${manifest.home_name}" (${manifest.node_id}), made ${manifest.created_at} by FunkyGibbon ${manifest.hub_version}`,
    `  ${counted(manifest.entities, 'entity', 'entities')}; besides the database: ${others.join(', ') || 'nothing'}`,
    ...(manifest.sealed
      ? [
          '  Its secrets are sealed: the hub starts with the same secrets.passphrase only, which is not in the backup.',
        ]
      : []),
  ].join('\n');
}

/** What `verify` found, for a person. */
export function verifiedText(path: string, { manifest, sizeBytes, sha256 }: ReadResult): string {
  return [
    `${path} is good: ${sizeText(sizeBytes)}, every checksum is right, and the database in it is sound.`,
    manifestText(manifest),
    `  sha256 ${sha256}`,
  ].join('\n');
}

/** What `verify --json` prints. */
export function verifiedJson(path: string, { manifest, sizeBytes, sha256 }: ReadResult): object {
  const { created_at, hub_version, home_name, entities, encrypted, sealed } = manifest;
  return {
    path,
    size_bytes: sizeBytes,
    sha256,
    created_at,
    hub_version,
    home_name,
    entities,
    encrypted,
    sealed,
  };
}

/** What `restore --json` prints. */
export function restoredJson(dataDir: string, { manifest, keptIn, epoch }: RestoreResult): object {
  const { created_at, home_name, entities, sealed } = manifest;
  return { data_dir: dataDir, created_at, home_name, entities, sealed, epoch, kept_in: keptIn };
}

/** What came of a restore and what is left to do, for a person. */
export function restoredText(dataDir: string, { manifest, keptIn }: RestoreResult): string {
  const hasConfiguration = manifest.files.some(({ name }) => name === 'hub.yaml');
  return [
    `"${manifest.home_name}" of ${manifest.created_at} is in ${dataDir} now. Start the hub.`,
    keptIn === null ? '' : `  What was there before is in ${keptIn}: delete it when all is well.`,
    hasConfiguration
      ? `  The configuration file of the backup is ${dataDir}/hub.yaml.restored: the hub reads it only where you put it.`
      : '',
    manifest.sealed ? '  Give it the same secrets.passphrase as before.' : '',
    '  Keep the old machine off: two hubs with the same keys disturb each other in Apple Home and on the network.',
    '  Phones compare all they have with the hub by themselves. Logins and keys that were revoked since the backup are good again.',
  ]
    .filter((line) => line !== '')
    .join('\n');
}
