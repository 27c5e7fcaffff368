import * as z from 'zod';

import type {
  AutomationDirectory,
  AutomationStatus,
  CheckResult,
  Run,
  Words,
} from '../../automations/types.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { checkIfMatch } from '../conditional.ts';
import { makeCursor, noQuery, pageQuery, parseCursor } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';
import { actorOf } from './author.ts';
import { existingEntity } from './graph-reads.ts';

const nullableTime = z.string().meta({ format: 'date-time' }).nullable();
const runSchema = z
  .object({
    id: z.int(),
    automation_id: z.string(),
    trigger: z.string(),
    why: jsonObject,
    scheduled_at: nullableTime,
    started_at: z.string().meta({ format: 'date-time' }),
    finished_at: nullableTime,
    outcome: z.string(),
    actions: z.array(z.object({ action: z.string(), ok: z.boolean(), result: z.string() })),
  })
  .meta({ id: 'AutomationRun' });
const problemSchema = z.object({ path: z.string(), message: z.string() });
const statusSchema = z
  .object({
    id: z.string(),
    entity_type: z.enum(['automation', 'schedule']),
    name: z.string(),
    status: z.enum(['on', 'off', 'held', 'not_runnable']),
    enabled: z.boolean(),
    held: z.boolean(),
    problems: z.array(problemSchema),
    reason: z.string().nullable(),
    approved_by: z.string().nullable(),
    next_run: nullableTime,
    last_run: runSchema.nullable(),
  })
  .meta({ id: 'Automation' });
const wordsSchema = z.object({
  when: z.array(z.string()),
  only_if: z.array(z.string()),
  does: z.array(z.string()),
});
const detailSchema = statusSchema.extend(wordsSchema.shape).meta({ id: 'AutomationDetail' });
const runBody = z.object({
  force: z.boolean().default(false).describe('Whatever its conditions say'),
});
const checkBody = z.object({
  entity_type: z.enum(['automation', 'schedule']).default('automation'),
  content: jsonObject,
});
const PARAMS = {
  id: { description: 'The id of an automation or a schedule', example: 'good-night' },
} as const;

/** What the hub does by itself. Whoever is limited to rooms manages none: automations are of the whole home. */
export function automationRoutes({
  automations,
  graph,
}: Pick<HttpOptions, 'automations' | 'graph'>): Route[] {
  const running = (): NonNullable<typeof automations> => {
    if (automations) return automations;
    throw new HubError('conflict', 'Automations do not run here.');
  };
  return [
    route({
      method: 'GET',
      path: '/api/automations',
      authority: 'home:read',
      summary:
        'Automations and schedules by name: whether they run, why not, when next, and what happened last',
      query: noQuery,
      answer: { status: 200, schema: z.object({ items: z.array(statusSchema) }) },
      handle: () => json({ items: running().list().map(statusJson) }),
    }),
    route({
      method: 'GET',
      path: '/api/automations/{id}',
      authority: 'home:read',
      summary: 'One of them, with what it does in words',
      params: PARAMS,
      answer: { status: 200, schema: detailSchema },
      handle: (call) => json(detailJson(running(), call.param('id'))),
    }),
    route({
      method: 'GET',
      path: '/api/automations/{id}/runs',
      authority: 'home:read',
      summary: 'When an automation fired, why, and what came of it; newest first',
      params: PARAMS,
      query: pageQuery,
      answer: {
        status: 200,
        schema: z.object({ items: z.array(runSchema), next_cursor: z.string().nullable() }),
      },
      handle: (call) => {
        const { limit, cursor } = call.query;
        const runs = running().runs(call.param('id'), limit, parseCursor(cursor));
        const last = runs.at(-1);
        return json({
          items: runs.map(runJson),
          next_cursor: runs.length === limit && last ? makeCursor(last.id) : null,
        });
      },
    }),
    route({
      method: 'POST',
      path: '/api/automations/{id}/enable',
      authority: 'graph:write',
      summary:
        'Lets an automation run as it is now, by somebody entitled to all it does; with If-Match only as they saw it',
      params: PARAMS,
      answer: { status: 200, schema: statusSchema },
      handle: async (call) => {
        const directory = running();
        const ifMatch = call.header('if-match');
        if (ifMatch !== undefined) checkIfMatch(ifMatch, existingEntity(graph, call.param('id')));
        return json(statusJson(await directory.enable(call.param('id'), actorOf(call))));
      },
    }),
    route({
      method: 'POST',
      path: '/api/automations/{id}/disable',
      authority: 'graph:write',
      summary: 'Keeps an automation from running',
      params: PARAMS,
      answer: { status: 200, schema: statusSchema },
      handle: async (call) => json(statusJson(await running().disable(call.param('id'), actorOf(call)))),
    }),
    route({
      method: 'POST',
      path: '/api/automations/{id}/run',
      authority: 'home:control',
      summary: 'Does what an automation does, now, with the rights of the caller, if its conditions hold',
      params: PARAMS,
      body: runBody,
      bodyOptional: true,
      example: { force: true },
      answer: { status: 200, schema: runSchema },
      handle: async (call) =>
        json(runJson(await running().run(call.param('id'), actorOf(call), { force: call.body.force }))),
    }),
    route({
      method: 'POST',
      path: '/api/automations/check',
      authority: 'home:read',
      summary: 'What is wrong with a content, and when it would fire next; nothing is stored',
      body: checkBody,
      example: {
        content: {
          triggers: [{ type: 'time', at: '07:30' }],
          actions: [{ type: 'command', entity_id: 'lamp', capability: 'on_off', value: true }],
        },
      },
      answer: {
        status: 200,
        schema: z.object({
          problems: z.array(problemSchema),
          next: z.array(z.string()),
          ...wordsSchema.shape,
        }),
      },
      handle: ({ body }) => json(checkJson(running().check(body.entity_type, body.content))),
    }),
  ];
}

function wordsJson({ when, onlyIf, actions }: Words): object {
  return { when, only_if: onlyIf, does: actions };
}

/** A content that was looked at, in the words of the API. */
export function checkJson({ problems, nextMs, words }: CheckResult): object {
  return { problems, next: nextMs.map(toIso), ...wordsJson(words) };
}

/** One automation with what it does. @throws HubError `not_found`. */
export function detailJson(directory: AutomationDirectory, entityId: string): object {
  return { ...statusJson(directory.status(entityId)), ...wordsJson(directory.words(entityId)) };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}

/** A run in the words of the API. */
export function runJson(run: Run): object {
  return {
    id: run.id,
    automation_id: run.automationId,
    trigger: run.trigger,
    why: run.why,
    scheduled_at: isoOrNull(run.scheduledMs),
    started_at: toIso(run.startedMs),
    finished_at: isoOrNull(run.finishedMs),
    outcome: run.outcome,
    actions: run.actions,
  };
}

/** An automation in the words of the API. */
export function statusJson({
  definition,
  status,
  approvedBy,
  reason,
  nextMs,
  lastRun,
}: AutomationStatus): object {
  return {
    id: definition.entityId,
    entity_type: definition.entityType,
    name: definition.name,
    status,
    enabled: definition.wanted,
    held: status === 'held',
    problems: definition.problems,
    reason,
    approved_by: approvedBy,
    next_run: isoOrNull(nextMs),
    last_run: lastRun && runJson(lastRun),
  };
}
