import { HubError } from '../base/errors.ts';

interface CommonOrder {
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

export interface ExportWords extends CommonOrder {
  readonly command: 'export';
  /** A path, or `-` for standard output. */
  readonly file: string;
  readonly mode: 'history' | 'current';
  readonly force: boolean;
}

export interface ImportWords extends CommonOrder {
  readonly command: 'import';
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly dryRun: boolean;
}

export interface SeedWords extends CommonOrder {
  readonly command: 'seed';
  readonly dryRun: boolean;
  readonly force: boolean;
}

/** What a person asked for with a command that moves a home's graph. */
export type TransferOrder = ExportWords | ImportWords | SeedWords;
export type TransferCommand = TransferOrder['command'];

/** The switches of each command, besides `--json`. */
const SWITCHES: Readonly<Record<TransferCommand, readonly string[]>> = {
  export: ['--force'],
  import: ['--dry-run'],
  seed: ['--dry-run', '--force'],
};

/** @throws HubError `invalid` when a word is missing, or is one too many. */
export function readTransferOrder(command: TransferCommand, argv: readonly string[]): TransferOrder {
  const { switches, files, mode, configFlags } = sort(command, argv);
  const common = { json: switches.has('--json'), configFlags };
  const [force, dryRun] = [switches.has('--force'), switches.has('--dry-run')];
  if (files.length > (command === 'seed' ? 0 : 1)) {
    const takes = command === 'seed' ? 'no file' : 'one file';
    throw new HubError('invalid', `${command} takes ${takes}; "${files.at(-1)}" is one too many.`);
  }
  const [file] = files;
  if (command === 'seed') return { ...common, command, force, dryRun };
  if (command === 'import') {
    if (file === undefined) {
      throw new HubError(
        'invalid',
        'import needs a file: what "funkygibbon export" wrote, a database of the Python FunkyGibbon, or "-" for standard ' +
          'input.',
      );
    }
    return { ...common, command, file, dryRun };
  }
  return { ...common, command, file: file ?? '-', mode: toMode(mode ?? 'history'), force };
}

function toMode(word: string): 'history' | 'current' {
  if (word === 'history' || word === 'current') return word;
  throw new HubError('invalid', `--mode is history or current, not "${word}".`);
}

interface SortedWords {
  readonly switches: ReadonlySet<string>;
  readonly files: readonly string[];
  readonly mode: string | undefined;
  readonly configFlags: readonly string[];
}

/** Tells the command's own words from flags of the configuration, which take the word that follows as their value. */
function sort(command: TransferCommand, argv: readonly string[]): SortedWords {
  const switches = new Set<string>();
  const files: string[] = [];
  const configFlags: string[] = [];
  let mode: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    const next = argv[index + 1];
    if (word === '--json' || SWITCHES[command].includes(word)) switches.add(word);
    else if (command === 'export' && word === '--mode') {
      mode = next ?? '';
      index += 1;
    } else if (command === 'export' && word.startsWith('--mode=')) mode = word.slice('--mode='.length);
    else if (!word.startsWith('--')) files.push(word);
    else {
      configFlags.push(word);
      if (word.includes('=') || next === undefined || next.startsWith('--')) continue;
      configFlags.push(next);
      index += 1;
    }
  }
  return { switches, files, mode, configFlags };
}
