import { HubError } from '../base/errors.ts';
import { oneLine } from './device-texts.ts';

/** An order about suggestions, as it was typed. */
export interface SuggestionOrder {
  /** What is asked of the hub. */
  readonly ask: 'suggestions' | 'suggestions_accept' | 'suggestions_dismiss' | 'suggestions_restore';
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
  readonly reason: string | null;
  readonly evidence: { readonly days: readonly string[] };
  readonly automation_id: string | null;
  readonly runs: number;
  readonly reverted: number;
  readonly often_undone: boolean;
}
interface ListReply {
  readonly observed: {
    readonly days: number;
    readonly needed_days: number;
    readonly recorded_since: string | null;
    readonly computed_at: string | null;
  };
  readonly items: readonly SuggestionReply[];
}
interface DecisionReply {
  readonly suggestion: SuggestionReply;
  readonly automation_id?: string;
  readonly held?: string | null;
}

const TOLD_DAYS = 7;
const STATUSES = ['proposed', 'accepted', 'dismissed', 'withdrawn'] as const;
const TAKES = `suggestions takes [list [${STATUSES.join('|')}]] [--locks], accept ID, dismiss ID [REASON…] or restore ID, and --json: see \`funkygibbon help\`.`;

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
  if (verb === 'list' && reason.length === 0) {
    const status = STATUSES.find((one) => one === (id ?? 'proposed'));
    if (status) return { ...order, ask: 'suggestions', args: { status, include_locks: locks } };
  }
  if ((verb === 'accept' || verb === 'restore') && id !== undefined && reason.length === 0) {
    return { ...order, ask: `suggestions_${verb}`, args: { id } };
  }
  if (verb === 'dismiss' && id !== undefined) {
    const args = { id, reason: reason.length > 0 ? reason.join(' ') : null };
    return { ...order, ask: 'suggestions_dismiss', args };
  }
  throw new HubError('invalid', TAKES);
}

/** What the hub answered, for a person. */
export function suggestionText(
  { ask, args }: Pick<SuggestionOrder, 'ask' | 'args'>,
  answer: unknown,
): string {
  if (ask === 'suggestions') return listText(answer as ListReply, String(args['status']));
  const { suggestion, automation_id: automationId, held } = answer as DecisionReply;
  const title = oneLine(suggestion.title);
  if (ask === 'suggestions_dismiss') {
    return `"${title}" is not suggested any more. funkygibbon suggestions restore ${suggestion.id} brings it back.`;
  }
  if (ask === 'suggestions_restore') return `"${title}" is suggested again, as long as people still do it.`;
  const made = `"${title}" is an automation now: ${automationId}.`;
  return held === null || held === undefined ? made : `${made} It does not run yet: ${oneLine(held)}`;
}

function listText({ observed, items }: ListReply, status: string): string {
  const { days, needed_days: needed, recorded_since: since, computed_at: computedAt } = observed;
  if (items.length === 0) {
    if (status !== 'proposed') return `No suggestion is ${status}.`;
    if (days >= needed) return `Nothing is suggested, after ${days} days of records.`;
    const from = since === null ? '' : ` since ${since.slice(0, 10)}`;
    return `Suggestions take ${needed} days of records; there are ${days}${from}.`;
  }
  const told = items.map((one) => suggestionLines(one).join('\n  '));
  const looked = computedAt === null ? '' : ` Habits were last looked for on ${computedAt.slice(0, 10)}.`;
  return [...told, `${NEXT_STEP[status] ?? ''}${looked}`.trim()].join('\n\n');
}

const NEXT_STEP: Readonly<Record<string, string>> = {
  proposed: 'funkygibbon suggestions accept ID makes it an automation, dismiss ID keeps it away.',
  accepted: 'Delete an automation to be rid of it; then it counts as dismissed.',
  dismissed: 'funkygibbon suggestions restore ID brings one back.',
  withdrawn: 'People do these no longer; they come back by themselves.',
};

function suggestionLines(one: SuggestionReply): string[] {
  const { id, title, sentence, evidence, status, runs, reverted } = one;
  // Each part by itself: a terminal's line is short, and how it would have gone comes last.
  const lines = [`${id}  ${oneLine(title)}`, ...sentence.split(/(?<=[.;]) /).map((part) => oneLine(part))];
  if (status === 'accepted') {
    const undone = reverted === 0 ? 'nobody undid that' : `people undid that ${reverted} times`;
    const often = one.often_undone ? ': often, so have a look at it' : '';
    const ran = `did it ${runs} times lately; ${undone}${often}`;
    lines.push(`Its automation ${one.automation_id} ${runs === 0 ? 'has not done it yet' : ran}.`);
  } else {
    lines.push(`Lately on ${evidence.days.slice(-TOLD_DAYS).join(', ')}.`);
  }
  if (one.reason !== null) lines.push(`Dismissed: ${oneLine(one.reason)}`);
  return lines;
}
