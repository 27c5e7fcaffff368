import { writeFileSync } from 'node:fs';

import { errorText, HubError } from '../base/errors.ts';
import { oneLine, table } from './device-texts.ts';

/** An order about reports, as it was typed. */
export interface ReportOrder {
  /** What is asked of the hub. */
  readonly ask: 'reports' | 'reports_show' | 'reports_make' | 'reports_send';
  readonly args: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  /** Where the page is written; null for nowhere. */
  readonly htmlFile: string | null;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** What the hub answers, see `reportEntryJson`. */
interface EntryReply {
  readonly id: string;
  readonly kind: string;
  readonly made_at: string;
  readonly delivery: readonly {
    readonly to: string;
    readonly state: string;
    readonly attempts: number;
    readonly error: string | null;
  }[];
}
interface ShowReply {
  readonly report: unknown;
  readonly text: string;
  readonly html: string;
}

const KINDS: readonly (string | undefined)[] = ['daily', 'weekly', 'monthly'];
const LISTED = 30;
const TAKES =
  'reports takes [list] [--kind daily|weekly|monthly], show ID|latest [--html FILE], make daily|weekly|monthly [DATE] or send ID|latest, and --json: see `funkygibbon help`.';

/**
 * Reads the words after `reports`.
 * @throws HubError `invalid` saying what is accepted.
 */
export function readReportOrder(words: readonly string[]): ReportOrder {
  const json = words.includes('--json');
  const [withoutKind, kind] = taken(
    words.filter((word) => word !== '--json'),
    '--kind',
  );
  const [rest, htmlFile] = taken(withoutKind, '--html');
  const firstFlag = rest.findIndex((word) => word.startsWith('--'));
  const [named, flags] = firstFlag < 0 ? [rest, []] : [rest.slice(0, firstFlag), rest.slice(firstFlag)];
  const [verb = 'list', first, second, ...more] = named;
  const order = { json, htmlFile, configFlags: flags };
  const isPlain = kind === null && more.length === 0 && (verb === 'show' || htmlFile === null);
  if (
    verb === 'list' &&
    first === undefined &&
    htmlFile === null &&
    (kind === null || KINDS.includes(kind))
  ) {
    return { ...order, ask: 'reports', args: { kind, limit: LISTED } };
  }
  if (verb === 'show' && first !== undefined && second === undefined && isPlain) {
    return { ...order, ask: 'reports_show', args: { id: first } };
  }
  if (verb === 'make' && KINDS.includes(first) && isPlain) {
    return { ...order, ask: 'reports_make', args: { kind: first, date: second ?? null } };
  }
  if (verb === 'send' && first !== undefined && second === undefined && isPlain) {
    return { ...order, ask: 'reports_send', args: { id: first } };
  }
  throw new HubError('invalid', TAKES);
}

/**
 * What the hub answered, for a person; a page that was asked for is written to its file.
 * @throws HubError `invalid` where the file cannot be written.
 */
export function reportReplyText({ ask, json, htmlFile }: ReportOrder, answer: unknown): string {
  // The running hub and this command are one program: what it answers has the type it was given.
  if (ask === 'reports_show') {
    const { report, text, html } = answer as ShowReply;
    if (htmlFile !== null) writePage(htmlFile, html);
    if (json) return JSON.stringify(report);
    return htmlFile === null ? text : `The page is in ${htmlFile}.`;
  }
  if (json) return JSON.stringify(answer);
  if (ask === 'reports') return listText(answer as readonly EntryReply[]);
  const { id, delivery } = answer as EntryReply;
  if (ask === 'reports_send') {
    return `${id} is on its way by ${delivery.map(({ to }) => to).join(' and ')}: \`funkygibbon reports\` tells how it went.`;
  }
  return `Made ${id}: \`funkygibbon reports show ${id}\` shows it.`;
}

function listText(entries: readonly EntryReply[]): string {
  if (entries.length === 0) {
    return 'There is no report yet: they are made at 05:10, of what is over. `funkygibbon reports make daily` makes one now.';
  }
  const rows = entries.map(({ id, kind, made_at: made, delivery }) => [
    id,
    kind,
    made.slice(0, 16).replace('T', ' '),
    delivery.map(deliveryText).join('; '),
  ]);
  return table(['ID', 'KIND', 'MADE (UTC)', 'SENT'], rows);
}

function deliveryText({ to, state, attempts, error }: EntryReply['delivery'][number]): string {
  const why = error === null || state === 'sent' ? '' : ` after ${attempts}: ${oneLine(error, 120)}`;
  return `${to} ${state}${why}`;
}

function writePage(file: string, html: string): void {
  try {
    writeFileSync(file, html);
  } catch (error) {
    throw new HubError('invalid', `The page could not be written: ${errorText(error)}`, { cause: error });
  }
}

/** Takes `--name VALUE` or `--name=VALUE` out of the words. @throws HubError `invalid` without a value. */
function taken(words: readonly string[], name: string): [string[], string | null] {
  const at = words.findIndex((word) => word === name || word.startsWith(`${name}=`));
  if (at < 0) return [[...words], null];
  const isInline = words[at] !== name;
  const value = isInline ? words[at]?.slice(name.length + 1) : words[at + 1];
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw new HubError('invalid', `${name} takes a value. ${TAKES}`);
  }
  return [words.toSpliced(at, isInline ? 1 : 2), value];
}
