import type { Db } from '../base/db.ts';
import type { Doubt } from './believed-time.ts';
import type { ActiveRun } from './run.ts';
import type { JobProblem, JobsHealth } from './types.ts';

import { readFound, readLastEnded, readRun } from './reader.ts';

/** What health is made of besides the rows. */
export interface Standing {
  readonly names: readonly string[];
  /** Runs that do not end. */
  readonly stuck: readonly ActiveRun[];
  /** Why the job table cannot be written, and since when. */
  readonly refused: { readonly message: string; readonly sinceMs: number } | undefined;
  readonly doubt: Doubt | null;
  readonly nowMs: number;
}

const DAY_MS = 24 * 3600_000;

/** What is wrong with the jobs now. What a job found comes first: it says more than that the job failed. */
export function healthOf(db: Db, standing: Standing): JobsHealth {
  const { names, stuck, refused, doubt, nowMs } = standing;
  const found = names.flatMap((name) => readFound(db, name));
  const problems = [
    ...found,
    ...names.flatMap((name) => failureOf(db, name, found) ?? []),
    ...stuck.map((run) => stuckProblem(db, run, nowMs)),
    ...(refused ? [storageProblem(refused)] : []),
    ...(doubt?.isFar === true ? [clockProblem(doubt, nowMs)] : []),
  ];
  return { ok: problems.length === 0, problems };
}

function failureOf(db: Db, name: string, found: readonly JobProblem[]): JobProblem | undefined {
  const last = readLastEnded(db, name);
  if (last?.state !== 'failed') return undefined;
  const error = last.error ?? 'no reason is known';
  // It stands among what was found already.
  if (found.some(({ job, message }) => job === name && message === error)) return undefined;
  return {
    kind: 'failed',
    job: name,
    message: `The job ${name} failed: ${error}`,
    action: last.action ?? `See to the cause, then run it again: funkygibbon jobs run ${name}.`,
    sinceMs: last.endedMs ?? last.createdMs,
  };
}

function stuckProblem(db: Db, { id, name }: ActiveRun, nowMs: number): JobProblem {
  return {
    kind: 'stuck',
    job: name,
    message: `The job ${name} does not end, although its time is over and it was told to.`,
    action: 'Restart the hub, and look into its log for what it was doing.',
    sinceMs: readRun(db, id)?.startedMs ?? nowMs,
  };
}

function storageProblem({ message, sinceMs }: { message: string; sinceMs: number }): JobProblem {
  return {
    kind: 'storage',
    job: null,
    message: `The job table cannot be written, so no job begins: ${message}`,
    action: 'Make room on the disk and check that it can be written; the hub tries again by itself.',
    sinceMs,
  };
}

function clockProblem({ byMs, leftMs }: Doubt, nowMs: number): JobProblem {
  const days = Math.round(Math.abs(byMs) / DAY_MS);
  const way = byMs > 0 ? 'ahead' : 'back';
  return {
    kind: 'clock',
    job: null,
    message:
      `The clock leapt ${way} by ${days} days. Until the hub has run by it for ${Math.ceil(leftMs / DAY_MS)} more ` +
      'days, nothing is removed because of its age.',
    action: 'If the date of this machine is wrong, set it right, for example by turning NTP on.',
    sinceMs: nowMs,
  };
}
