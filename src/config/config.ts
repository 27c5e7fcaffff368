import { resolve } from 'node:path';

import type { EffectiveKey } from './config-command.ts';

import { checkTogether } from './checks.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { isSecret, KEY_NAMES, KEYS, type AnyKeySpec, type KeyName, type KeyValues } from './keys.ts';
import { readLimitedFile } from './limited-file.ts';
import { toHubConfig, toHubSecrets, type HubConfig, type HubSecrets } from './schema.ts';
import {
  acceptedText,
  readCredentials,
  readEnvironment,
  readFlags,
  splitList,
  type FlagReading,
  type Reading,
  type Setting,
} from './sources.ts';
import { readYaml } from './yaml-file.ts';

export { configAnswer, type EffectiveKey } from './config-command.ts';
export { ConfigError, type ConfigProblem } from './errors.ts';
export type { HubConfig, HubSecrets } from './schema.ts';

export interface LoadedConfig {
  readonly config: HubConfig;
  /** Apart from the config, so that the config may be logged. */
  readonly secrets: HubSecrets;
  /** The YAML file that was read, as an absolute path; null when there was none. */
  readonly file: string | null;
  /** What holds for each key and where it comes from, without secrets. */
  readonly effective: readonly EffectiveKey[];
}

export interface ConfigInput {
  /** The words after the command: flags only. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where relative paths start: data_dir, `--config`, files of secrets and certificates. */
  readonly cwd: string;
  readonly stderrIsTty: boolean;
  /** What standard error is, as `device:inode`; systemd tells by it whether that is its journal. */
  readonly stderrId?: string;
  /** Read when there is no `--config` and it exists; `/etc/funkygibbon/hub.yaml` unless a test says otherwise. */
  readonly defaultFile?: string;
}

const DEFAULT_FILE = '/etc/funkygibbon/hub.yaml';
const MAX_FILE_BYTES = 256 * 1024;
const MAX_SECRET_BYTES = 16 * 1024;
const MAX_SHOWN_LENGTH = 80;

/**
 * Puts the configuration together: defaults < YAML file < environment < flags. Reads nothing but the named files and
 * changes nothing.
 *
 * @throws {ConfigError} with everything that is wrong, at once
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const toPath = (written: string): string => resolve(input.cwd, written);
  const flags = readFlags(input.argv);
  const file = readFile(flags, input, toPath);
  const readings: readonly Reading[] = [
    readCredentials(input.env),
    file.reading,
    readEnvironment(input.env),
    flags,
  ];

  const problems = readings.flatMap((reading) => [...reading.problems, ...contradictions(reading.settings)]);
  const settings = new Map(readings.flatMap((reading) => reading.settings).map((one) => [one.key, one]));
  const checked = checkEach(settings, toPath);
  problems.push(...checked.problems, ...checkTogether(checked.values, settings));
  if (problems.length > 0) throw new ConfigError(problems);

  // Every key is there now: a key without a value would have been a problem.
  const values = checked.values as KeyValues;
  return {
    config: toHubConfig(values, {
      file: file.path,
      toPath,
      dataDir: stateDirectory(input.env) ?? 'data',
      timezone: systemTimeZone(),
      logFormat: input.stderrIsTty ? 'pretty' : 'json',
      // Somebody may have sent the output of a service elsewhere: then the variable is there and means nothing.
      logsToJournal: input.stderrId !== undefined && input.env['JOURNAL_STREAM'] === input.stderrId,
    }),
    secrets: toHubSecrets(values),
    file: file.path,
    effective: KEY_NAMES.map((key) => ({
      key,
      value: isSecret(key) && values[key] !== null ? '(not shown)' : values[key],
      source: settings.get(key)?.source ?? 'default',
    })),
  };
}

function readFile(
  flags: FlagReading,
  input: ConfigInput,
  toPath: (written: string) => string,
): { readonly path: string | null; readonly reading: Reading } {
  const path = toPath(flags.configPath ?? input.defaultFile ?? DEFAULT_FILE);
  const content = readLimitedFile(path, MAX_FILE_BYTES);
  if ('text' in content) return { path, reading: readYaml(content.text, path) };
  if (content.missing && flags.configPath === null)
    return { path: null, reading: { settings: [], problems: [] } };
  const problem: ConfigProblem = {
    key: 'the file',
    source: flags.configPath === null ? path : 'flag --config',
    found: content.reason,
    accepted: 'a readable YAML file as in config/hub.example.yaml',
    nearest: null,
  };
  return { path, reading: { settings: [], problems: [problem] } };
}

/** One source that says two things about a key: nobody could tell which of them was meant. */
function contradictions(settings: readonly Setting[]): ConfigProblem[] {
  const first = new Map<KeyName, Setting>();
  const problems: ConfigProblem[] = [];
  for (const setting of settings) {
    const earlier = first.get(setting.key);
    first.set(setting.key, setting);
    if (earlier === undefined || earlier.asFile === setting.asFile) continue;
    const { key, source } = setting;
    const found = `also ${key}${earlier.asFile ? '_file' : ''} (${earlier.source})`;
    problems.push({ key, source, found, accepted: 'the secret or its file, not both', nearest: null });
  }
  return problems;
}

interface Checked {
  /** A key whose value was bad is absent. */
  readonly values: Partial<KeyValues>;
  readonly problems: readonly ConfigProblem[];
}

function checkEach(settings: ReadonlyMap<KeyName, Setting>, toPath: (written: string) => string): Checked {
  const values: Partial<Record<KeyName, unknown>> = {};
  const problems: ConfigProblem[] = [];
  for (const key of KEY_NAMES) {
    const spec: AnyKeySpec = KEYS[key];
    const setting = settings.get(key);
    if (setting === undefined && spec.initial === null) {
      values[key] = null;
      continue;
    }
    let raw = setting?.raw ?? spec.initial;
    const source = setting?.source ?? 'default';
    if (setting?.asFile === true && typeof raw === 'string') {
      const content = readLimitedFile(toPath(raw), MAX_SECRET_BYTES);
      if (!('text' in content)) {
        const accepted = acceptedText(key, true);
        problems.push({ key: `${key}_file`, source, found: content.reason, accepted, nearest: null });
        continue;
      }
      // Editors and `echo` end a file with a newline that is no part of the secret.
      raw = content.text.replace(/\r?\n$/, '');
    }
    const result = spec.schema.safeParse(
      spec.kind === 'list' && typeof raw === 'string' ? splitList(raw) : raw,
    );
    if (result.success) values[key] = result.data;
    else problems.push({ key, source, found: foundText(raw, spec), accepted: spec.accepted, nearest: null });
  }
  return { values: values as Partial<KeyValues>, problems };
}

function foundText(raw: string | readonly string[] | null, spec: AnyKeySpec): string {
  const text = typeof raw === 'string' ? raw : (raw ?? []).join(', ');
  if (text === '') return 'nothing';
  if (spec.secret === true) return `a secret of ${Buffer.byteLength(text)} bytes (not shown)`;
  // A URL may carry credentials where none are accepted.
  const shown = text.replace(/\/\/.*@/s, '//…@');
  return JSON.stringify(shown.length > MAX_SHOWN_LENGTH ? `${shown.slice(0, MAX_SHOWN_LENGTH)}…` : shown);
}

/** systemd gives a colon-separated list; the service's unit names one. */
function stateDirectory(env: NodeJS.ProcessEnv): string | undefined {
  return env['STATE_DIRECTORY']?.split(':')[0] || undefined;
}

function systemTimeZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  // ICU says Etc/Unknown where the system has no zone set, and then does not take it back as a zone.
  return timeZone === 'Etc/Unknown' || !timeZone ? 'UTC' : timeZone;
}
