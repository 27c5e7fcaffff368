import { HubError } from '../base/errors.ts';

/** What the running hub is asked about automations, by the control socket's words. */
export type AutomationAsk =
  | 'automations'
  | 'automations_show'
  | 'automations_enable'
  | 'automations_disable'
  | 'automations_approve'
  | 'automations_run'
  | 'automations_history'
  | 'automations_check';

/** An order about automations, as it was typed. */
export interface AutomationOrder {
  readonly ask: AutomationAsk;
  readonly args: Readonly<Record<string, unknown>>;
  /** Of `check`: where the content stands; "-" is standard input. Null for the others. */
  readonly file: string | null;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

const USAGE =
  'automations takes list, show ID, enable ID, disable ID, approve ID, run ID [--force], history [ID] [--limit 20] or check FILE: see `funkygibbon help`.';
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 500;

/**
 * Reads the words after `automations`. An ID may be a name, where only one automation has it.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readAutomationOrder(words: readonly string[]): AutomationOrder {
  const json = words.includes('--json');
  const force = words.includes('--force');
  const { limit, rest } = takeLimit(words.filter((word) => word !== '--json' && word !== '--force'));
  // From the first flag on it is the configuration's. "-" is a file.
  const at = rest.findIndex((word) => word.startsWith('--'));
  const [verb = 'list', id, ...more] = at < 0 ? rest : rest.slice(0, at);
  const configFlags = at < 0 ? [] : rest.slice(at);
  const order = (ask: AutomationAsk, args: AutomationOrder['args'], file: string | null = null) => ({
    ask,
    args,
    file,
    json,
    configFlags,
  });
  const isMisplaced = (force && verb !== 'run') || (limit !== undefined && verb !== 'history');
  if (more.length > 0 || isMisplaced) throw new HubError('invalid', USAGE);
  if (verb === 'list' && id === undefined) return order('automations', {});
  if (verb === 'history') {
    return order('automations_history', { id: id ?? null, limit: limit ?? DEFAULT_LIMIT });
  }
  if (id === undefined) throw new HubError('invalid', USAGE);
  if (verb === 'show' || verb === 'enable' || verb === 'disable' || verb === 'approve')
    return order(`automations_${verb}`, { id });
  if (verb === 'run') return order('automations_run', { id, force });
  if (verb === 'check') return order('automations_check', {}, id);
  throw new HubError('invalid', USAGE);
}

/**
 * What is to be checked: a content, or an entity as an export tells it ({entity_type, content}).
 * @throws HubError `invalid` for what is no JSON object.
 */
export function readAutomationFile(text: string): { entity_type: string; content: object } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new HubError('invalid', `The file is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (!isObject(parsed)) throw new HubError('invalid', 'The file must hold one JSON object.');
  const content = isObject(parsed['content']) ? parsed['content'] : parsed;
  const isSchedule =
    parsed['entity_type'] === 'schedule' || content['cron'] !== undefined || content['time'] !== undefined;
  return { entity_type: isSchedule ? 'schedule' : 'automation', content };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function takeLimit(words: readonly string[]): { limit: number | undefined; rest: readonly string[] } {
  const at = words.findIndex((word) => /^--limit(=|$)/.test(word));
  if (at < 0) return { limit: undefined, rest: words };
  const inline = words[at]?.split('=', 2)[1];
  const given = inline ?? words[at + 1] ?? '';
  const limit = Number(given);
  if (given === '' || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new HubError('invalid', `--limit takes a whole number from 1 to ${MAX_LIMIT}.`);
  }
  return { limit, rest: words.toSpliced(at, inline === undefined ? 2 : 1) };
}
