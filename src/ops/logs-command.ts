import { setTimeout as sleep } from 'node:timers/promises';

import type { LogLevel } from '../base/log-book.ts';

import { HubError } from '../base/errors.ts';
import { prettyLine } from '../base/log.ts';
import { LOG_LEVELS } from '../base/log-book.ts';

const DEFAULT_LINES = 50;
const MAX_LINES = 2000;
const ASK_EVERY_MS = 1000;

export interface LogsOrder {
  readonly follow: boolean;
  readonly json: boolean;
  readonly level: LogLevel | undefined;
  readonly part: string | undefined;
  readonly lines: number;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const USAGE = 'logs takes [-f] [--level warn] [--part mqtt] [--lines 50] [--json]: see `funkygibbon help`.';

/**
 * Reads the words after `logs`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readLogsOrder(words: readonly string[]): LogsOrder {
  const given = new Map<string, string>();
  const flags = new Set<string>();
  const configFlags: string[] = [];
  for (let n = 0; n < words.length; n += 1) {
    const word = words[n] ?? '';
    const [name = '', inline] = word.split('=', 2);
    if (word === '-f' || word === '--follow' || word === '--json')
      flags.add(word === '-f' ? '--follow' : word);
    else if (name === '--level' || name === '--part' || name === '--lines') {
      const value = inline ?? words[(n += 1)];
      if (value === undefined) throw new HubError('invalid', USAGE);
      given.set(name, value);
    } else if (n === 0 && !word.startsWith('-')) throw new HubError('invalid', USAGE);
    else configFlags.push(word);
  }
  const lines = Number(given.get('--lines') ?? DEFAULT_LINES);
  if (!Number.isInteger(lines) || lines < 1 || lines > MAX_LINES) {
    throw new HubError('invalid', `--lines takes a whole number from 1 to ${MAX_LINES}.`);
  }
  const level = given.get('--level');
  const known = LOG_LEVELS.find((each) => each === level);
  if (level !== undefined && known === undefined) {
    throw new HubError('invalid', `--level takes ${LOG_LEVELS.join(', ')}.`);
  }
  const [follow, json] = [flags.has('--follow'), flags.has('--json')];
  return { follow, json, level: known, part: given.get('--part'), lines, configFlags };
}

/** Asks the running hub for lines, which come one by one. */
export type AskForLines = (
  args: Readonly<Record<string, unknown>>,
  output: (piece: Uint8Array) => Promise<void>,
) => Promise<unknown>;

/** Shows the last lines of the running hub's log, and with `follow` what comes after them, until it is stopped. */
export async function runLogs(
  order: LogsOrder,
  ask: AskForLines,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { level, part, json, follow } = order;
  const output = async (piece: Uint8Array): Promise<void> => {
    const { line } = JSON.parse(Buffer.from(piece).toString()) as { line: unknown };
    const text = JSON.stringify(line);
    await write(`${json ? text : prettyLine(text)}\n`);
  };
  let after: number | undefined;
  for (let limit = order.lines; ; limit = MAX_LINES) {
    // The running hub and this command are one program: what it answers has the type it was given.
    const { last } = (await ask({ level, part, after, limit }, output)) as { last: number };
    if (!follow || signal.aborted) return;
    after = last;
    await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
}
