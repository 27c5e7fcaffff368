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
  const rows = jobs.map(({ name, schedule, next_at: next, queued, running, last }) => [
    name,
    schedule ?? '',
    next ?? '',
    running ? 'runs' : queued > 0 ? `${queued} wait` : '',
    last ? `${last.state} ${last.ended_at ?? ''}` : 'never ran',
  ]);
  const failed = jobs.flatMap(({ name, last }) =>
    last?.state === 'failed' ? [oneLine(`${name} failed: ${last.error}`, 500)] : [],
  );
  return [table(['JOB', 'SCHEDULE', 'NEXT', '', 'LAST'], rows), ...failed].join('\n\n');
}

function historyText(runs: readonly RunLine[]): string {
  if (runs.length === 0) return 'No job has run yet.';
  return runs
    .map((run) => {
      const tries = run.attempts > 1 ? ` (${run.attempts} tries)` : '';
      const took = run.duration_ms === null ? '' : ` in ${(run.duration_ms / 1000).toFixed(1)} s`;
      const told = run.state === 'done' ? run.summary : run.error;
      const head = `${run.started_at ?? run.due_at}  ${run.name}  ${run.state}${tries}${took}  #${run.id}`;
      return told === null ? head : `${head}\n    ${oneLine(told, 500)}`;
    })
    .join('\n');
}

function runText({ name, state, summary, error, due_at: due }: RunLine): string {
  if (state === 'done') return oneLine(summary ?? `${name} is done.`, 500);
  const again = state === 'queued' ? ` It is tried again at ${due}.` : '';
  return (
    oneLine(`${name} ${again === '' ? `is ${state}` : 'failed'}: ${error ?? 'no reason is known'}`, 1000) +
    again
  );
}
