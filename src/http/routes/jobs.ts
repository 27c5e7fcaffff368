import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { makeCursor, noQuery, pageQuery, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { pageSchema } from '../schemas.ts';
import { originOf } from './author.ts';

const RUN_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;

/** One run of a job; times are ms since the Unix epoch. */
export interface JobRunView {
  readonly id: number;
  readonly name: string;
  readonly origin: string;
  readonly key: string | null;
  readonly state: (typeof RUN_STATES)[number];
  readonly attempts: number;
  readonly dueMs: number;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** How long the last try took. */
  readonly busyMs: number | null;
  readonly summary: string | null;
  readonly figures: Readonly<Record<string, number>>;
  readonly error: string | null;
  readonly action: string | null;
}

/** A kind of job, as this door shows it. */
export interface JobStanding {
  readonly name: string;
  readonly title: string;
  readonly schedule: string | null;
  readonly nextMs: number | null;
  readonly queued: number;
  readonly running: boolean;
  readonly last: JobRunView | null;
}

/** The jobs, as this door asks for them. */
export interface JobDirectory {
  list(): readonly JobStanding[];
  /** Runs before the id `beforeId` (0: from the end), newest first. */
  history(
    filter: { readonly name?: string | undefined; readonly state?: JobRunView['state'] | undefined },
    beforeId: number,
    limit: number,
  ): readonly JobRunView[];
  /** @throws HubError `not_found`. */
  run(name: string): Promise<JobRunView>;
  /** @throws HubError `not_found`, `conflict` where it is over. */
  cancel(id: number): Promise<JobRunView>;
}

type JobContext = Pick<HttpOptions, 'access' | 'jobs'>;

const runSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    origin: z.string().describe('schedule, queue, or hand: a person asked for it'),
    key: z.string().nullable().describe('The idempotency key that it was queued with'),
    state: z.enum(RUN_STATES),
    attempts: z.int().describe('Tries that were begun'),
    due_at: z.string(),
    created_at: z.string(),
    started_at: z.string().nullable().describe('Of the last try'),
    ended_at: z.string().nullable(),
    duration_ms: z.number().nullable().describe('Of the last try'),
    summary: z.string().nullable(),
    figures: z.record(z.string(), z.number()),
    error: z.string().nullable().describe('Why the last failing try failed; stays when a later one succeeds'),
    action: z.string().nullable().describe('What a person is to do about it, where the job knows'),
  })
  .meta({ id: 'JobRun' });
const jobSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    schedule: z.string().nullable().describe('Cron fields in the time of the home; null: it is only queued'),
    next_at: z.string().nullable(),
    queued: z.int(),
    running: z.boolean(),
    last: runSchema.nullable().describe('The last run that succeeded, or failed for good'),
  })
  .meta({ id: 'Job' });
const historyQuery = pageQuery.extend({
  name: z.string().min(1).max(64).optional().describe('Of this job only'),
  state: z.enum(RUN_STATES).optional(),
});
const NAME = { name: { description: 'The name of a job', example: 'audit-cleanup' } };
const RUN_ID = { id: { description: 'The id of a run', example: '1' } };

/** What the hub does by itself, when, and what came of it. */
export function jobRoutes({ access, jobs }: JobContext): Route[] {
  const running = (): JobDirectory => {
    if (jobs) return jobs;
    throw new HubError('conflict', 'This hub runs no jobs.');
  };
  return [
    route({
      method: 'GET',
      path: '/api/system/jobs',
      authority: 'system:admin',
      summary: 'The jobs of the hub: when they come next, and how they went last',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(jobSchema) }) },
      handle: () => json({ items: running().list().map(jobJson) }),
    }),
    route({
      method: 'GET',
      path: '/api/system/jobs/history',
      authority: 'system:admin',
      summary: 'Runs of jobs, newest first; those that wait or are under way are among them',
      query: historyQuery,
      answer: { status: 200, schema: pageSchema(runSchema) },
      handle: ({ query: { name, state, limit, cursor } }) => {
        const runs = running().history({ name, state }, parseCursor(cursor), limit + 1);
        const page = runs.slice(0, limit);
        const last = runs.length > limit ? page.at(-1) : undefined;
        return json({ items: page.map(jobRunJson), next_cursor: last ? makeCursor(last.id) : null });
      },
    }),
    route({
      method: 'POST',
      path: '/api/system/jobs/{name}/run',
      authority: 'system:admin',
      summary: 'Runs a job now, besides its schedule; the answer does not wait for its end',
      params: NAME,
      answer: { status: 200, schema: runSchema },
      handle: async (call) => {
        const run = await running().run(call.param('name'));
        access.audit.record({
          action: 'job.run',
          by: call.principal,
          from: originOf(call),
          target: run.name,
        });
        return json(jobRunJson(run));
      },
    }),
    route({
      method: 'POST',
      path: '/api/system/jobs/history/{id}/cancel',
      authority: 'system:admin',
      summary: 'Takes back a run that waits; one that is under way is told to end',
      params: RUN_ID,
      answer: { status: 200, schema: runSchema },
      handle: async (call) => {
        const run = await running().cancel(runIdOf(call.param('id')));
        access.audit.record({
          action: 'job.cancel',
          by: call.principal,
          from: originOf(call),
          target: run.name,
          details: { run: run.id },
        });
        return json(jobRunJson(run));
      },
    }),
  ];
}

function runIdOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HubError('not_found', 'A run is named by its number, as GET /api/system/jobs/history lists it.');
}

/** A kind of job in the words of the API. */
export function jobJson({ name, title, schedule, nextMs, queued, running, last }: JobStanding): object {
  return {
    name,
    title,
    schedule,
    next_at: isoOrNull(nextMs),
    queued,
    running,
    last: last && jobRunJson(last),
  };
}

/** A run in the words of the API. */
export function jobRunJson(run: JobRunView): object {
  return {
    id: run.id,
    name: run.name,
    origin: run.origin,
    key: run.key,
    state: run.state,
    attempts: run.attempts,
    due_at: toIso(run.dueMs),
    created_at: toIso(run.createdMs),
    started_at: isoOrNull(run.startedMs),
    ended_at: isoOrNull(run.endedMs),
    duration_ms: run.busyMs,
    summary: run.summary,
    figures: run.figures,
    error: run.error,
    action: run.action,
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
