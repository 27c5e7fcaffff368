import * as z from 'zod';

import type { JsonObject } from '../../base/json.ts';
import type { LogEntry, LogLevel, LogQuery, LogStanding } from '../../base/log-book.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { LOG_LEVELS } from '../../base/log-book.ts';
import { noQuery } from '../paging.ts';
import { json, type Reply } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';
import { originOf } from './author.ts';

const CHECK_STATUSES = ['ok', 'warn', 'fail', 'off'] as const;
const STATUSES = ['ok', 'degraded', 'failing'] as const;
const DEFAULT_LINES = 200;
const MAX_LINES = 2000;
/** Longer than a night is a decision for the configuration. */
const MAX_LEVEL_S = 24 * 3600;

/** How it goes with the hub, as this door tells it. Times are ms since the Unix epoch. */
export interface HealthView {
  readonly status: (typeof STATUSES)[number];
  readonly sinceMs: number;
  readonly checks: readonly {
    readonly name: string;
    readonly status: (typeof CHECK_STATUSES)[number];
    readonly summary: string;
    readonly whatToDo?: string;
    readonly details?: JsonObject;
    readonly checkedMs: number;
  }[];
}

/** What people and Prometheus ask of whoever watches over the hub. */
export interface SystemWatch {
  /** Within a second. */
  health(): Promise<HealthView>;
  /** In the text format of Prometheus. */
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** The last lines of the log. */
  readonly log: {
    readonly standing: LogStanding;
    readonly lastSeq: number;
    find(query: LogQuery): readonly LogEntry[];
    setLevel(level: LogLevel | 'silent', forMs: number | null): void;
  };
}

type WatchContext = Pick<HttpOptions, 'access' | 'clock' | 'metricsPublic' | 'watch'>;

const time = z.string().meta({ format: 'date-time' });
const healthSchema = z.object({
  status: z
    .enum(STATUSES)
    .describe('degraded: something does not work and the rest does; failing: nothing can be relied on'),
  since: time,
  checks: z
    .array(
      z.object({
        name: z.string(),
        status: z.enum(CHECK_STATUSES).describe('off: switched off, or not to be known here'),
        summary: z.string(),
        what_to_do: z.string().nullable(),
        details: jsonObject,
        checked_at: time,
      }),
    )
    .optional()
    .describe('For admins only'),
});
const logsQuery = z.object({
  level: z.enum(LOG_LEVELS).optional().describe('Lines of this level or a graver one'),
  part: z.string().min(1).max(64).optional().describe('Of this part of the hub, such as mqtt'),
  q: z.string().min(1).max(200).optional().describe('With this text in it'),
  after: z.coerce.number().int().min(0).optional().describe('After the line of this number'),
  limit: z.coerce.number().int().min(1).max(MAX_LINES).default(DEFAULT_LINES),
});
const logsSchema = z.object({
  level: z.string().describe('What the log says at present'),
  level_ends_at: time.nullable().describe('When it says again what is configured'),
  last: z.int().describe('The number of the newest line: the next `after`'),
  items: z
    .array(z.object({ seq: z.int(), line: jsonObject }))
    .describe('The newest, the oldest of them first'),
});
const levelSchema = z.object({ level: z.string(), level_ends_at: time.nullable() });
const levelBody = z.strictObject({
  level: z.enum([...LOG_LEVELS, 'silent']),
  for_seconds: z.int().min(1).max(MAX_LEVEL_S).optional().describe('Absent: until the hub stops'),
});

/** How it goes with the hub, in words, in numbers, and in its own log. */
export function watchRoutes({ access, clock, metricsPublic = false, watch }: WatchContext): Route[] {
  const watching = (): SystemWatch => {
    if (watch) return watch;
    throw new HubError('conflict', 'Nobody watches over this hub.');
  };
  const standing = (): z.output<typeof levelSchema> => {
    const { level, endsInMs } = watching().log.standing;
    return { level, level_ends_at: endsInMs === null ? null : toIso(clock.nowMs() + endsInMs) };
  };
  return [
    route({
      method: 'GET',
      path: '/metrics',
      authority: metricsPublic ? 'public' : 'metrics:read',
      summary: 'The metrics of the hub, for Prometheus. It takes an API key with the scope metrics',
      query: noQuery,
      answer: { status: 200, schema: null, content: 'text/plain' },
      handle: async (): Promise<Reply> => {
        const { type, text } = await watching().metrics();
        return { status: 200, headers: { 'content-type': type }, body: text, encoding: null };
      },
    }),
    route({
      method: 'GET',
      path: '/api/system/health',
      authority: 'signed_in',
      summary: 'How it goes with the hub and with what it depends on; for admins, with what to do about it',
      query: noQuery,
      answer: { status: 200, schema: healthSchema },
      handle: async ({ principal }) => {
        const view = await watching().health();
        return json(healthJson(view, access.allows(principal, 'system:admin')));
      },
    }),
    route({
      method: 'GET',
      path: '/api/system/logs',
      authority: 'system:admin',
      summary: 'The last lines of the log, two thousand at most',
      query: logsQuery,
      answer: { status: 200, schema: logsSchema },
      handle: ({ query: { level, part, q, after, limit } }) => {
        const { log } = watching();
        const items = log.find({ level, part, text: q, afterSeq: after, limit });
        return json({ ...standing(), last: log.lastSeq, items });
      },
    }),
    route({
      method: 'PUT',
      path: '/api/system/logs/level',
      authority: 'system:admin',
      summary: 'Has the log say more or less from now on, for a while or until the hub stops',
      body: levelBody,
      example: { level: 'debug', for_seconds: 600 },
      answer: { status: 200, schema: levelSchema },
      handle: (call) => {
        const { level, for_seconds: seconds } = call.body;
        watching().log.setLevel(level, seconds === undefined ? null : seconds * 1000);
        access.audit.record({
          action: 'log.level',
          by: call.principal,
          from: originOf(call),
          details: { level, for_seconds: seconds ?? null },
        });
        return json(standing());
      },
    }),
  ];
}

/** @param withChecks what is wrong, and where, is for admins */
export function healthJson({ status, sinceMs, checks }: HealthView, withChecks = true): JsonObject {
  const told = { status, since: toIso(sinceMs) };
  if (!withChecks) return told;
  return {
    ...told,
    checks: checks.map(({ name, status: found, summary, whatToDo, details, checkedMs }) => ({
      name,
      status: found,
      summary,
      what_to_do: whatToDo ?? null,
      details: details ?? {},
      checked_at: toIso(checkedMs),
    })),
  };
}
