import { HubError } from '../base/errors.ts';
import { oneLine } from './device-texts.ts';

/** An order about suggestions, as it was typed. */
export interface SuggestionOrder {
  /** What is asked of the hub. */
  readonly ask: 'suggestions' | 'suggestions_accept' | 'suggestions_dismiss';
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** What the hub answers, see `suggestionJson`: as much of it as a terminal shows. */
interface SuggestionReply {
  readonly id: string;
  readonly status: string;
  readonly title: string;
  readonly sentence: string;
  readonly evidence: { readonly days: readonly string[] };
}
interface ListReply {
  readonly observed: {
    readonly days: number;
    readonly needed_days: number;
    readonly recorded_since: string | null;
  };
  readonly items: readonly SuggestionReply[];
}
interface DecisionReply {
  readonly suggestion: SuggestionReply;
  readonly automation_id?: string;
  readonly held?: string | null;
}

const TOLD_DAYS = 7;
const TAKES =
  'suggestions takes [list] [--locks], accept ID or dismiss ID [REASON…], and --json: see `funkygibbon help`.';

/**
 * Reads the words after `suggestions`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readSuggestionOrder(words: readonly string[]): SuggestionOrder {
  const json = words.includes('--json');
  const locks = words.includes('--locks');
  const rest = words.filter((word) => word !== '--json' && word !== '--locks');
  const firstFlag = rest.findIndex((word) => word.startsWith('--'));
  const [named, flags] = firstFlag < 0 ? [rest, []] : [rest.slice(0, firstFlag), rest.slice(firstFlag)];
  const [verb = 'list', id, ...reason] = named;
  const order = { json, configFlags: flags };
  if (verb === 'list' && id === undefined) {
    return { ...order, ask: 'suggestions', args: { include_locks: locks } };
  }
  if (verb === 'accept' && id !== undefined && reason.length === 0) {
    return { ...order, ask: 'suggestions_accept', args: { id } };
  }
  if (verb === 'dismiss' && id !== undefined) {
    const args = { id, reason: reason.length > 0 ? reason.join(' ') : null };
    return { ...order, ask: 'suggestions_dismiss', args };
  }
  throw new HubError('invalid', TAKES);
}

/** What the hub answered, for a person. */
export function suggestionText(ask: SuggestionOrder['ask'], answer: unknown): string {
  if (ask === 'suggestions') return listText(answer as ListReply);
  const { suggestion, automation_id: automationId, held } = answer as DecisionReply;
  const title = oneLine(suggestion.title);
  if (ask === 'suggestions_dismiss') return `"${title}" is not suggested any more.`;
  const made = `"${title}" is an automation now: ${automationId}.`;
  return held === null || held === undefined ? made : `${made} It does not run yet: ${oneLine(held)}`;
}

function listText({ observed, items }: ListReply): string {
  const { days, needed_days: needed, recorded_since: since } = observed;
  if (days < needed) {
    const from = since === null ? '' : ` since ${since.slice(0, 10)}`;
    return `Suggestions take ${needed} days of records; there are ${days}${from}.`;
  }
  if (items.length === 0) return `Nothing is suggested, after ${days} days of records.`;
  const told = items.map(({ id, title, sentence, evidence }) => {
    const last = evidence.days.slice(-TOLD_DAYS).join(', ');
    return `${id}  ${oneLine(title)}\n  ${oneLine(sentence)}\n  Lately on ${last}.`;
  });
  return [
    ...told,
    'funkygibbon suggestions accept ID makes it an automation, dismiss ID keeps it away.',
  ].join('\n\n');
}
