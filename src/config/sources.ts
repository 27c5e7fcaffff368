import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { findKey, environmentName, KEYS, writableNames, type AnyKeySpec, type KeyName } from './keys.ts';
import { nearestName } from './nearest.ts';

import type { ConfigProblem } from './errors.ts';

/** Something written for a key, not yet checked. */
export interface Setting {
  readonly key: KeyName;
  /** The text is the path of a file that holds the secret. */
  readonly asFile: boolean;
  readonly raw: string | readonly string[];
  /** For a person: the flag, variable, or file and line. */
  readonly source: string;
}

/** What one source says, and what was wrong with how it says it. */
export interface Reading {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
}

const PREFIX = 'FUNKYGIBBON_';

/**
 * Reads `FUNKYGIBBON_DATA_DIR` and `FUNKYGIBBON_<SECTION>__<KEY>`. Other names that begin with the prefix but have no
 * `__` are none of the hub's business and are left alone.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Reading {
  const nameOfVariable = new Map(writableNames().map((name) => [environmentName(name), name]));
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || raw === undefined) continue;
    const found = findKey(nameOfVariable.get(variable) ?? '');
    if (found !== undefined) {
      settings.push({ ...found, raw, source: `environment ${variable}` });
    } else if (variable.includes('__')) {
      // The common prefix would make any two names look alike.
      const endings = [...nameOfVariable.keys()].map((name) => name.slice(PREFIX.length));
      const nearest = nearestName(variable.slice(PREFIX.length), endings);
      problems.push(unknownName(variable, 'environment', nearest === null ? null : PREFIX + nearest));
    }
  }
  return { settings, problems };
}

/** What systemd's `LoadCredential=` or `LoadCredentialEncrypted=` has put where only the service can read it. */
export function readCredentials(env: NodeJS.ProcessEnv): Reading {
  const folder = env['CREDENTIALS_DIRECTORY'];
  const path = folder === undefined ? '' : join(folder, 'funkygibbon-passphrase');
  if (path === '' || !existsSync(path)) return { settings: [], problems: [] };
  const source = 'systemd credential funkygibbon-passphrase';
  return { settings: [{ key: 'secrets.passphrase', asFile: true, raw: path, source }], problems: [] };
}

export interface FlagReading extends Reading {
  /** The path after `--config`, as written. */
  readonly configPath: string | null;
}

/**
 * Reads `--config PATH`, `--data-dir PATH` and `--section.key VALUE`, each also with `=`, with dashes or underscores.
 * The last of several wins; a list key collects them. A switch (`--mdns.enabled`) may stand without a value.
 */
export function readFlags(argv: readonly string[]): FlagReading {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  let configPath: string | null = null;
  let previousFlag = 'the command';
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    const flag = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    if (flag === null) {
      problems.push({
        key: previousFlag,
        source: 'command line',
        // The word itself stays unsaid: it may be the rest of a password that was not quoted.
        found: 'a word after it that belongs to no flag',
        accepted: 'flags such as --http.port 8000',
        nearest: null,
      });
      continue;
    }
    const name = (flag[1] ?? '').replaceAll('-', '_');
    previousFlag = `--${flag[1]}`;
    let raw = flag[2];
    const next = argv[index + 1];
    if (raw === undefined && next !== undefined && !next.startsWith('--')) {
      raw = next;
      index++;
    }
    const found = findKey(name);
    if (name !== 'config' && found === undefined) {
      problems.push(unknownName(previousFlag, 'command line', nearestFlag(name)));
      continue;
    }
    const kind = found === undefined ? 'scalar' : (KEYS[found.key] as AnyKeySpec).kind;
    if (raw === undefined && kind === 'flag') raw = 'true';
    if (raw === undefined) {
      problems.push({
        key: previousFlag,
        source: 'command line',
        found: 'no value after it',
        accepted: found === undefined ? 'a file' : acceptedText(found.key, found.asFile),
        nearest: null,
      });
    } else if (found === undefined) {
      configPath = raw;
    } else {
      settings.push({ ...found, raw, source: `flag ${previousFlag}` });
    }
  }
  return { settings: gatherLists(settings), problems, configPath };
}

export function acceptedText(key: KeyName, asFile: boolean): string {
  return asFile ? 'a readable file that holds the secret' : KEYS[key].accepted;
}

/** A name that no key has. What was written under it is never shown: it may be a misspelt secret. */
export function unknownName(name: string, source: string, nearest: string | null): ConfigProblem {
  return {
    key: name,
    source,
    found: 'an unknown name',
    accepted: 'the names in config/hub.example.yaml',
    nearest,
  };
}

/** `a,b` is two items; a list key's text of nothing is no items. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function nearestFlag(name: string): string | null {
  const nearest = nearestName(name, [...writableNames(), 'config']);
  return nearest === null ? null : `--${nearest.replaceAll('_', '-')}`;
}

function gatherLists(settings: readonly Setting[]): Setting[] {
  const lists = new Map<KeyName, string[]>();
  for (const { key, raw } of settings) {
    if ((KEYS[key] as AnyKeySpec).kind !== 'list' || typeof raw !== 'string') continue;
    lists.set(key, [...(lists.get(key) ?? []), ...splitList(raw)]);
  }
  return settings.map((setting) => ({ ...setting, raw: lists.get(setting.key) ?? setting.raw }));
}
