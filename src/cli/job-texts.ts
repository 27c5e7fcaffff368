import type { JobAsk } from './job-commands.ts';

import { oneLine, table } from './device-texts.ts';

interface RunLine {
  readonly id: number;
  readonly name: string;
  readonly origin: string;
  readonly state: string;
  readonly attempts: number;
  readonly due_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_ms: number | null;
  readonly summary: string | null;
  readonly error: string | null;
  readonly action: string | null;
}

interface JobLine {
  readonly name: string;
  readonly title: string;
  readonly schedule: string | null;
  readonly next_at: string | null;
  readonly queued: number;
  readonly running: boolean;
  readonly last: RunLine | null;
}

/** What the hub answered, for a person. The running hub and this command are one program: the types are its own. */
export function jobText(ask: JobAsk, reply: unknown): string {
  if (ask === 'jobs') return listText(reply as readonly JobLine[]);
  if (ask === 'jobs_history') return historyText(reply as readonly RunLine[]);
  return runText(reply as RunLine);
}

/** Whether what was asked for went well, for the exit code. */
export function isJobReplyGood(ask: JobAsk, reply: unknown): boolean {
  return ask !== 'jobs_run' || (reply as RunLine).state === 'done';
}

function listText(jobs: readonly JobLine[]): string {
  const rows = jobs.map(({ name, title, schedule, next_at: next, queued, running, last }) => [
    name,
    schedule ?? 'when asked',
    localTime(next),
    running ? 'runs' : queued > 0 ? `${queued} wait` : '',
    last ? `${last.state} ${localTime(last.ended_at)}` : 'never ran',
    title,
  ]);
  const failed = jobs.flatMap(({ name, last }) =>
    last?.state === 'failed' ? [oneLine(`${name} failed: ${told(last)}`, 1000)] : [],
  );
  return [table(['JOB', 'SCHEDULE', 'NEXT', 'NOW', 'LAST', 'WHAT IT DOES'], rows), ...failed].join('\n\n');
}

function historyText(runs: readonly RunLine[]): string {
  if (runs.length === 0) return 'It has not run yet.';
  return runs
    .map((run) => {
      const tries = run.attempts > 1 ? ` (${run.attempts} tries)` : '';
      const took = run.duration_ms === null ? '' : ` in ${(run.duration_ms / 1000).toFixed(1)} s`;
      const when = localTime(run.started_at ?? run.due_at);
      const head = `${when}  ${run.name}  ${run.state}${tries}${took}  #${run.id}`;
      const text = told(run);
      return text === '' ? head : `${head}\n    ${oneLine(text, 1000)}`;
    })
    .join('\n');
}

function runText(run: RunLine): string {
  const { name, state, due_at: due } = run;
  if (state === 'done') return oneLine(told(run) || `${name} is done.`, 500);
  const reason = told(run) || 'no reason is known';
  if (state !== 'queued')
    return oneLine(`${name} ${state === 'failed' ? 'failed' : `is ${state}`}: ${reason}`, 1000);
  return oneLine(`${name} failed: ${reason} It is tried again at ${localTime(due)}.`, 1000);
}

/** What a run came to, or why it failed and what to do. */
function told({ state, summary, error, action }: RunLine): string {
  if (state === 'done') return summary ?? '';
  return [error, action].filter((text) => text !== null).join(' ');
}

/** A time of the API as the clock of this machine shows it; '' for null. */
function localTime(iso: string | null): string {
  if (iso === null) return '';
  const at = Temporal.Instant.from(iso).toZonedDateTimeISO(Temporal.Now.timeZoneId());
  return at.toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
}
