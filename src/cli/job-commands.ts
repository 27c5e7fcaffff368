import { HubError } from '../base/errors.ts';

/** What the running hub is asked about jobs, by the control socket's words. */
export type JobAsk = 'jobs' | 'jobs_run' | 'jobs_history';

/** An order about jobs, as it was typed. */
export interface JobOrder {
  readonly ask: JobAsk;
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const USAGE = 'jobs takes list, run NAME, or history [NAME] [--limit 20]: see `funkygibbon help`.';
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 500;

/**
 * Reads the words after `jobs`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readJobOrder(words: readonly string[]): JobOrder {
  const json = words.includes('--json');
  const { limit, rest } = takeLimit(words.filter((word) => word !== '--json'));
  // From the first flag on it is the configuration's.
  const at = rest.findIndex((word) => word.startsWith('-'));
  const [verb = 'list', name, ...more] = at < 0 ? rest : rest.slice(0, at);
  const configFlags = at < 0 ? [] : rest.slice(at);
  const order = (ask: JobAsk, args: JobOrder['args']): JobOrder => ({ ask, args, json, configFlags });
  if (more.length > 0 || (limit !== undefined && verb !== 'history')) throw new HubError('invalid', USAGE);
  if (verb === 'list' && name === undefined) return order('jobs', {});
  if (verb === 'run' && name !== undefined) return order('jobs_run', { name });
  if (verb === 'history') return order('jobs_history', { name: name ?? null, limit: limit ?? DEFAULT_LIMIT });
  throw new HubError('invalid', USAGE);
}

function takeLimit(words: readonly string[]): { limit: number | undefined; rest: readonly string[] } {
  const at = words.findIndex((word) => /^--limit(=|$)/.test(word));
  if (at < 0) return { limit: undefined, rest: words };
  const inline = words[at]?.split('=', 2)[1];
  const limit = Number(inline ?? words[at + 1]);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new HubError('invalid', `--limit takes a whole number from 1 to ${MAX_LIMIT}.`);
  }
  return { limit, rest: words.toSpliced(at, inline === undefined ? 2 : 1) };
}
