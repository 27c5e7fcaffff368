import * as z from 'zod';

import type { Principal } from '../../access/types.ts';
import type { Observed, Suggestion } from '../../insights/insights.ts';
import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { RESTRICTED_KINDS } from '../../access/types.ts';
import { toIso } from '../../base/clock.ts';
import { errorText, HubError } from '../../base/errors.ts';
import { commandKinds } from '../../devices/devices.ts';
import { MIN_OBSERVED_DAYS, SUGGESTION_STATUSES } from '../../insights/insights.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';

const suggestionsQuery = z.strictObject({
  status: z
    .enum(SUGGESTION_STATUSES, `must be ${SUGGESTION_STATUSES.join(', ')}`)
    .default('proposed')
    .describe('dismissed: also those whose automation was deleted; withdrawn: what people do no longer'),
  include_locks: z
    .enum(['true', 'false'], 'must be true or false')
    .default('false')
    .describe('Locks, garage doors and alarms too, for whoever may command them'),
});
const dismissBody = z.object({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .nullish()
    .transform((reason) => reason ?? null),
});

const time = z.string().meta({ format: 'date-time' });
const nullableNumber = z.number().nullable();
const tally = { firings: z.int(), right: z.int(), wrong: z.int(), days: z.int() };
const suggestionSchema = z
  .object({
    id: z.string(),
    status: z.enum(SUGGESTION_STATUSES),
    type: z.enum(['time', 'trigger', 'saving']),
    title: z.string(),
    sentence: z.string(),
    target: z.object({ entity_id: z.string(), name: z.string(), capability: z.string(), value: z.unknown() }),
    automation: jsonObject.describe('Content of the automation that it becomes'),
    evidence: z.object({
      days: z.array(z.string()).describe('The days on which it happened'),
      missed_days: z.array(z.string()),
      support: z.int(),
      eligible_days: z.int(),
      confidence: z.number(),
      confidence_lower: z.number().describe("Wilson's 95 % bound"),
      lift: nullableNumber.describe('Against what chance would give'),
      p_value: nullableNumber,
      halves: z.array(z.number()).describe('Confidence in the first and the second half of the days'),
      spread_minutes: nullableNumber,
      window_minutes: nullableNumber.describe('It counts when it happened so near to the time of the rule'),
      coverage: nullableNumber.describe('Share of all such actions that it would take over'),
    }),
    dry_run: z
      .object({
        ...tally,
        held_out: z
          .object(tally)
          .nullable()
          .describe('As found in the first two thirds of the days, tried on the rest; null: too few days'),
      })
      .describe('What it would have done on the very days on which it was found'),
    first_seen_at: time,
    last_seen_at: time,
    decided_at: time.nullable(),
    decided_by: z.string().nullable(),
    reason: z.string().nullable(),
    automation_id: z.string().nullable(),
    runs: z.int().describe('How often the automation did it in the days that are looked at'),
    reverted: z.int().describe('How often people undid that within ten minutes'),
    often_undone: z.boolean().describe('So often that the automation had better be changed or deleted'),
  })
  .meta({ id: 'Suggestion' });
const listSchema = z.object({
  observed: z.object({
    days: z.int(),
    needed_days: z.int(),
    recorded_since: time.nullable(),
    computed_at: time.nullable().describe('When habits were last looked for; null: never yet'),
    computing: z.boolean().describe('They are looked for at this moment: ask again in a minute'),
    candidates: z.int().describe('Habits that were looked at'),
  }),
  items: z.array(suggestionSchema).describe('The surest first'),
});
const PARAMS = { id: { description: 'The id of a suggestion', example: 'tq3W0fJhVd2K' } } as const;

/** What the home could do by itself. Whoever is limited to rooms is not told what people do in the others. */
export function suggestionRoutes({
  access,
  automations,
  devices,
  insights,
}: Pick<HttpOptions, 'access' | 'automations' | 'devices' | 'insights'>): Route[] {
  const suggestions = (): NonNullable<typeof insights>['suggestions'] => {
    if (insights) return insights.suggestions;
    throw new HubError('conflict', 'Nothing is recorded here.');
  };
  /** @throws HubError `not_found` for a lock that this caller could not be shown, as for what is not there. */
  const shown = (id: string, principal: Principal): Suggestion => {
    const one = suggestions().get(id);
    if (isGuard(one) && !access.mayCommand(principal, one.commandKinds)) {
      throw new HubError('not_found', `There is no suggestion ${id.slice(0, 64)}.`);
    }
    return one;
  };
  return [
    route({
      method: 'GET',
      path: '/api/analytics/suggestions',
      // What people do when is nothing for guests.
      authority: 'graph:write',
      summary: 'Automations that would do what people do day after day, each with the days it rests on',
      query: suggestionsQuery,
      answer: { status: 200, schema: listSchema },
      handle: ({ query, principal }) => {
        const wantsLocks = query.include_locks === 'true';
        const mayGuard = ({ commandKinds: kinds }: Suggestion): boolean =>
          wantsLocks && access.mayCommand(principal, kinds);
        return json(suggestionsJson(suggestions().list(query.status), mayGuard));
      },
    }),
    route({
      method: 'POST',
      path: '/api/analytics/suggestions/{id}/accept',
      authority: 'graph:write',
      summary: 'Makes the automation, in the name of the caller, who must be entitled to what it does',
      params: PARAMS,
      answer: {
        status: 200,
        schema: z.object({
          suggestion: suggestionSchema,
          automation_id: z.string(),
          held: z.string().nullable(),
        }),
      },
      handle: async (call) => {
        const { principal } = call;
        const id = call.param('id');
        shown(id, principal);
        const accepted = await suggestions().accept(id, principal.userId, ({ entityId, capability }) => {
          const view = devices.view(entityId);
          if (!view) throw new HubError('conflict', 'The device is not there any more.');
          if (access.mayCommand(principal, commandKinds(view, [{ capability }]))) return;
          throw new HubError('forbidden', `${principal.username} may not command ${view.name}.`);
        });
        const automationId = accepted.automationId ?? '';
        let held: string | null = null;
        try {
          await automations?.enable(automationId, { principal, address: call.address });
        } catch (error) {
          // It is made; that it does not run yet is told, and can be put right where automations are.
          if (!(error instanceof HubError)) throw error;
          held = errorText(error);
        }
        return json({ suggestion: suggestionJson(accepted), automation_id: automationId, held });
      },
    }),
    route({
      method: 'POST',
      path: '/api/analytics/suggestions/{id}/dismiss',
      authority: 'graph:write',
      summary: 'Keeps a suggestion away until it is restored',
      params: PARAMS,
      body: dismissBody,
      example: { reason: 'we like to do that ourselves' },
      answer: { status: 200, schema: z.object({ suggestion: suggestionSchema }) },
      handle: async (call) => {
        const id = call.param('id');
        shown(id, call.principal);
        const dismissed = await suggestions().dismiss(id, call.principal.userId, call.body.reason);
        return json({ suggestion: suggestionJson(dismissed) });
      },
    }),
    route({
      method: 'POST',
      path: '/api/analytics/suggestions/{id}/restore',
      authority: 'graph:write',
      summary: 'Brings back one that was dismissed, or whose automation was deleted',
      params: PARAMS,
      answer: { status: 200, schema: z.object({ suggestion: suggestionSchema }) },
      handle: async (call) => {
        const id = call.param('id');
        shown(id, call.principal);
        return json({ suggestion: suggestionJson(await suggestions().restore(id)) });
      },
    }),
  ];
}

/** Whether it is about what keeps the house shut. */
function isGuard({ commandKinds: kinds }: Suggestion): boolean {
  return kinds.some((kind) => (RESTRICTED_KINDS as readonly string[]).includes(kind));
}

function observedJson({ days, sinceMs, computedMs, tried, isComputing }: Observed): object {
  return {
    days,
    needed_days: MIN_OBSERVED_DAYS,
    recorded_since: sinceMs === null ? null : toIso(sinceMs),
    computed_at: computedMs === null ? null : toIso(computedMs),
    computing: isComputing,
    candidates: tried,
  };
}

/**
 * The suggestions in the words of the API.
 * @param mayGuard whether one about a lock, a garage door or an alarm is told.
 */
export function suggestionsJson(
  { items, observed }: { readonly items: readonly Suggestion[]; readonly observed: Observed },
  mayGuard: (one: Suggestion) => boolean,
): object {
  const told = items.filter((one) => !isGuard(one) || mayGuard(one));
  return { observed: observedJson(observed), items: told.map(suggestionJson) };
}

/** A suggestion in the words of the API. */
export function suggestionJson(one: Suggestion): object {
  const { evidence, dryRun, target } = one;
  return {
    id: one.id,
    status: one.status,
    type: one.type,
    title: one.title,
    sentence: one.sentence,
    target: {
      entity_id: target.entityId,
      name: target.name,
      capability: target.capability,
      value: target.value,
    },
    automation: one.automation,
    evidence: {
      days: evidence.days,
      missed_days: evidence.missedDays,
      support: evidence.support,
      eligible_days: evidence.eligibleDays,
      confidence: rounded(evidence.confidence),
      confidence_lower: rounded(evidence.wilsonLower),
      lift: evidence.lift === null ? null : rounded(evidence.lift),
      p_value: evidence.pValue,
      halves: evidence.halves.map(rounded),
      spread_minutes: evidence.spreadMinutes === null ? null : rounded(evidence.spreadMinutes),
      window_minutes: evidence.windowMinutes,
      coverage: evidence.coverage === null ? null : rounded(evidence.coverage),
    },
    dry_run: {
      firings: dryRun.firings,
      right: dryRun.right,
      wrong: dryRun.wrong,
      days: dryRun.days,
      held_out: dryRun.heldOut,
    },
    first_seen_at: toIso(one.firstSeenMs),
    last_seen_at: toIso(one.lastSeenMs),
    decided_at: one.decidedMs === null ? null : toIso(one.decidedMs),
    decided_by: one.decidedBy,
    reason: one.reason,
    automation_id: one.automationId,
    runs: one.runs,
    reverted: one.reverted,
    often_undone: one.isOftenUndone,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
