import type { AutomationAsk } from './automation-command.ts';

import { oneLine, table } from './device-texts.ts';

interface RunLine {
  readonly id: number;
  readonly automation_id: string;
  readonly name?: string;
  readonly trigger: string;
  readonly why: { readonly reason?: unknown; readonly conditions?: unknown; readonly by?: unknown };
  readonly scheduled_at: string | null;
  readonly started_at: string;
  readonly outcome: string;
  readonly actions: readonly { readonly action: string; readonly ok: boolean; readonly result: string }[];
}

interface Line {
  readonly id: string;
  readonly entity_type: string;
  readonly name: string;
  readonly status: 'on' | 'off' | 'held' | 'not_runnable';
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  readonly reason: string | null;
  readonly approved_by: string | null;
  readonly next_run: string | null;
  readonly last_run: RunLine | null;
}

interface Words {
  readonly when: readonly string[];
  readonly only_if: readonly string[];
  readonly does: readonly string[];
}

interface ShowReply extends Line, Words {
  readonly runs: readonly RunLine[];
}

interface CheckReply extends Words {
  readonly problems: Line['problems'];
  readonly next: readonly string[];
}

const STATUS = {
  on: 'on',
  off: 'switched off',
  held: 'held: it does not run until somebody entitled to all it does approves it',
  not_runnable: 'cannot run',
} as const;

/** What the hub answered, for a person. The running hub and this command are one program: the types are its own. */
export function automationText(ask: AutomationAsk, reply: unknown): string {
  if (ask === 'automations') return listText(reply as readonly Line[]);
  if (ask === 'automations_show') return showText(reply as ShowReply);
  if (ask === 'automations_history') return historyText(reply as readonly RunLine[]);
  if (ask === 'automations_check') return checkText(reply as CheckReply);
  if (ask === 'automations_run') return runText(reply as RunLine);
  const line = reply as Line;
  return `${oneLine(line.name)}: ${statusText(line)}.`;
}

/** Whether what was asked for went well, for the exit code. */
export function isAutomationReplyGood(ask: AutomationAsk, reply: unknown): boolean {
  if (ask === 'automations_run') return (reply as RunLine).outcome === 'done';
  return ask !== 'automations_check' || (reply as CheckReply).problems.length === 0;
}

function listText(lines: readonly Line[]): string {
  if (lines.length === 0) return 'There is no automation and no schedule.';
  const rows = lines.map((line) => [
    line.id,
    line.name,
    line.status === 'not_runnable' ? 'cannot run' : line.status,
    line.next_run ?? '',
    line.last_run ? `${line.last_run.outcome} ${line.last_run.started_at}` : 'never',
  ]);
  const held = lines.filter(({ status }) => status === 'held').length;
  const hint =
    held === 0
      ? []
      : [`${held} held: \`automations show ID\` tells what it does, \`approve ID\` lets it run.`];
  return [table(['ID', 'NAME', 'STATUS', 'NEXT', 'LAST'], rows), ...hint].join('\n\n');
}

function showText(line: ShowReply): string {
  const approved = line.approved_by === null ? [] : [`Runs with the rights of ${oneLine(line.approved_by)}.`];
  return [
    `${oneLine(line.name)} (${line.entity_type} ${oneLine(line.id)})`,
    `${capital(statusText(line))}.`,
    ...approved,
    ...wordLines(line),
    ...(line.next_run === null ? [] : [`Next: ${line.next_run}`]),
    '',
    line.runs.length === 0 ? 'It has not fired yet.' : `Lately:\n${historyText(line.runs)}`,
  ].join('\n');
}

function statusText({ status, problems, reason }: Line): string {
  const told = problems.map(({ path, message }) => oneLine(`${path}: ${message}`, 300));
  if (status === 'not_runnable') return `${STATUS[status]}: ${told.join('; ')}`;
  if (status === 'on' && reason !== null) return `on, but it will do nothing: ${oneLine(reason, 300)}`;
  return STATUS[status];
}

function wordLines({ when, only_if: onlyIf, does }: Words): string[] {
  const lines = (head: string, items: readonly string[]): string[] =>
    items.map((item, index) => `${index === 0 ? head : ''.padEnd(head.length)} ${oneLine(item, 300)}`);
  return [
    ...(when.length === 0 ? ['When: it is asked to'] : lines('When:', when)),
    ...lines('If:  ', onlyIf),
    ...lines('Does:', does),
  ];
}

function checkText(reply: CheckReply): string {
  const problems = reply.problems.map(({ path, message }) => oneLine(`${path}: ${message}`, 300));
  if (problems.length > 0) return ['It cannot run:', ...problems.map((line) => `  ${line}`)].join('\n');
  const next = reply.next.length === 0 ? [] : [`Next: ${reply.next.join(', ')}`];
  return ['It is understood. Nothing was stored.', ...wordLines(reply), ...next].join('\n');
}

function historyText(runs: readonly RunLine[]): string {
  if (runs.length === 0) return 'Nothing has fired yet.';
  return runs.map((run) => [headOf(run), ...detailsOf(run)].join('\n')).join('\n');
}

function runText(run: RunLine): string {
  return [`It was run: ${run.outcome}.`, ...detailsOf(run)].join('\n');
}

function headOf(run: RunLine): string {
  const name = run.name === undefined ? '' : `${oneLine(run.name)}  `;
  return `${run.started_at}  ${name}${run.outcome}  (${oneLine(run.trigger)})`;
}

function detailsOf({ why, actions }: RunLine): string[] {
  const { reason, conditions, by } = why;
  const told = [
    ...(typeof by === 'string' ? [`by ${by}`] : []),
    ...(typeof reason === 'string' ? [reason] : []),
    ...(Array.isArray(conditions) ? conditions.filter((one) => typeof one === 'string') : []),
    ...actions.map(({ action, ok, result }) => `${action}: ${ok ? '' : 'FAILED, '}${result}`),
  ];
  return told.map((line) => `    ${oneLine(line, 300)}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
