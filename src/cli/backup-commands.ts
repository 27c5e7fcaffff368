import { HubError } from '../base/errors.ts';

/** An order about backups, as it was typed. Paths are as written. */
export interface BackupOrder {
  readonly verb: 'create' | 'list' | 'verify' | 'restore';
  /** Of `verify` and `restore`. */
  readonly file: string | null;
  /** Another folder than the configured one. */
  readonly to: string | null;
  readonly passphraseFile: string | null;
  /** Goes on without asking. */
  readonly yes: boolean;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const USAGE =
  'backup takes create [--to DIR], list, verify FILE, or restore FILE [--yes], and but for list --passphrase-file FILE: see `funkygibbon help`.';
const SWITCHES = ['--json', '--yes'];

/**
 * Reads the words after `backup`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readBackupOrder(words: readonly string[]): BackupOrder {
  const to = takeValue(words, '--to');
  const passphrase = takeValue(to.rest, '--passphrase-file');
  const rest = passphrase.rest.filter((word) => !SWITCHES.includes(word));
  // From the first flag on it is the configuration's.
  const at = rest.findIndex((word) => word.startsWith('-'));
  const [verb = 'list', file = null, ...more] = at < 0 ? rest : rest.slice(0, at);
  const order = {
    file,
    to: to.value,
    passphraseFile: passphrase.value,
    yes: words.includes('--yes'),
    json: words.includes('--json'),
    configFlags: at < 0 ? [] : rest.slice(at),
  };
  const takesFile = verb === 'verify' || verb === 'restore';
  const isWrong =
    more.length > 0 ||
    takesFile !== (file !== null) ||
    (order.to !== null && verb !== 'create') ||
    (order.passphraseFile !== null && verb === 'list') ||
    (order.yes && verb !== 'restore');
  if (isWrong || !isVerb(verb)) throw new HubError('invalid', USAGE);
  return { verb, ...order };
}

function isVerb(word: string): word is BackupOrder['verb'] {
  return ['create', 'list', 'verify', 'restore'].includes(word);
}

function takeValue(
  words: readonly string[],
  flag: string,
): { value: string | null; rest: readonly string[] } {
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  if (at < 0) return { value: null, rest: words };
  const written = words[at] ?? '';
  const inline = written === flag ? undefined : written.slice(flag.length + 1);
  const value = inline ?? words[at + 1];
  if (value === undefined || value === '') throw new HubError('invalid', `${flag} needs a path. ${USAGE}`);
  return { value, rest: words.toSpliced(at, inline === undefined ? 2 : 1) };
}
