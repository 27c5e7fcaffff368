import type { Action, ObservedDay, Observations } from './observations.ts';
import type { Candidate, HeldOut, Rule } from './types.ts';

import { learnedAndLater, triggerKey } from './observations.ts';
import { hasWithin } from './statistics.ts';
import { momentOf, timePatterns } from './time-patterns.ts';
import { bestTally, followsOf, isRight } from './trigger-patterns.ts';

const MINUTE_MS = 60_000;
/** Days without which nothing can be said. */
const MIN_LATER = 3;
/** The rule that was learned is the same one where it explains such a share of the same moments. */
const SAME_SHARE = 0.5;

/**
 * Adds how the rule does on days that it has not seen: it is looked for anew in the first two thirds of them, and what is
 * found there is tried on the rest.
 */
export async function withHeldOut(
  observations: Observations,
  candidate: Candidate,
  pause: () => Promise<void>,
): Promise<Candidate> {
  const { rule, target, dryRun } = candidate;
  const action = observations.actions.find(
    (one) =>
      one.entityId === target.entityId && one.capability === target.capability && one.value === target.value,
  );
  if (!action || rule.type === 'saving') return candidate;
  const heldOut =
    rule.type === 'time'
      ? await timeHeldOut(observations, candidate, action, pause)
      : triggerHeldOut(observations, rule, action);
  return { ...candidate, dryRun: { ...dryRun, heldOut } };
}

async function timeHeldOut(
  observations: Observations,
  { explainsMs }: Candidate,
  action: Action,
  pause: () => Promise<void>,
): Promise<HeldOut | null> {
  const [known, later] = learnedAndLater(observations.days);
  const untilMs = later[0]?.startMs ?? 0;
  const before = { ...action, timesMs: action.timesMs.filter((ms) => ms < untilMs) };
  const moments = new Set(explainsMs);
  const learned = (await timePatterns(observations, before, known, pause)).find(
    (one) => one.explainsMs.filter((ms) => moments.has(ms)).length >= SAME_SHARE * one.explainsMs.length,
  );
  if (learned?.rule.type !== 'time') return null;
  const { rule, evidence } = learned;
  const withinMs = (evidence.windowMinutes ?? 0) * MINUTE_MS;
  let days = 0;
  let right = 0;
  for (const day of later) {
    const atMs = rule.weekdays.includes(day.weekday) ? momentOf(observations, day, rule) : null;
    if (atMs === null || !observations.isEligible(action.entityId, atMs - withinMs, atMs + withinMs))
      continue;
    days += 1;
    if (hasWithin(action.timesMs, atMs - withinMs, atMs + withinMs)) right += 1;
  }
  return days < MIN_LATER ? null : { firings: days, right, wrong: days - right, days };
}

function triggerHeldOut(
  observations: Observations,
  { source }: Extract<Rule, { type: 'trigger' }>,
  action: Action,
): HeldOut | null {
  const key = triggerKey(source);
  const trigger = observations.triggers.find((one) => triggerKey(one.source) === key);
  if (!trigger) return null;
  const [known] = learnedAndLater(observations.days);
  const isKnown = new Set<ObservedDay>(known);
  const follows = followsOf(observations, trigger, action);
  const learned = bestTally(
    observations,
    follows.filter(({ day }) => isKnown.has(day)),
  );
  if (!learned || learned.hits === 0) return null;
  const rest = follows.filter(
    ({ day, triggerMs }) => !isKnown.has(day) && (!learned.whenDark || observations.isDark(triggerMs)),
  );
  const days = new Set(rest.map(({ day }) => day)).size;
  const right = rest.filter((follow) => isRight(follow, learned.withinMs)).length;
  return days < MIN_LATER ? null : { firings: rest.length, right, wrong: rest.length - right, days };
}
