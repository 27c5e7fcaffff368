import type { Action, ObservedDay, Observations, TriggerTimes } from './observations.ts';
import type { Candidate, TriggerSource } from './types.ts';

import { binomialTail, firstFrom, hasWithin, median, wilsonLower } from './statistics.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** Within which an action is tried to follow. */
const WITHIN_MS: readonly number[] = [5, 15, 30, 60, 120, 300, 600].map((seconds) => seconds * SECOND_MS);
const LONGEST_MS = 600_000;
/** Whoever leaves switches off first, and the trackers notice it some minutes later. */
const LEAD_MS = 15 * MINUTE_MS;
/** Fewer days than this cannot become a suggestion. */
const MIN_DAYS = 7;
/** A share of the times below which no day speaks for it. */
const MOSTLY = 0.25;
/** A longer wait must be better by this, */
const WORTH = 0.02;
/** a condition by this: it leaves out what happens in the light. */
const WORTH_DARK = 0.1;
/** What people do later than this must not be done at once for them. */
const AT_ONCE_MS = 2 * MINUTE_MS;
/** It may be done later where what set it off mostly lasts until then. */
const LASTING_SHARE = 0.9;
/** Days on which it is looked at what happens at that time without the trigger. */
const OTHER_DAYS = 12;
/** Of the last triggers only: thousands of them would not tell more. */
const MAX_LOOKS = 300;
/** What comes more often in a day is the weather, not a trigger. */
const MAX_PER_DAY = 60;
/**
 * The middle half of what people need to reach a switch is wider than this. What follows more exactly is done by the
 * devices themselves or by another hub already: a button that is bound to its lamp, a lamp with a timer.
 */
const MACHINE_QUARTILES_MS = 500;
/** So often chance was given its chance. */
const TRIES = WITHIN_MS.length * 2;

export interface Follow {
  readonly day: ObservedDay;
  readonly triggerMs: number;
  /** The action that followed; null where none did within the longest time. */
  readonly actionMs: number | null;
}

/** One length of the wait, with or without darkness. */
export interface Tally {
  readonly withinMs: number;
  readonly whenDark: boolean;
  readonly follows: readonly Follow[];
  readonly byDay: ReadonlyMap<ObservedDay, { readonly firings: number; readonly right: number }>;
  readonly hits: number;
  readonly wilson: number;
}

/** What people do right after something else happened; undefined where nothing speaks for it. */
export function triggerPattern(
  observations: Observations,
  trigger: TriggerTimes,
  action: Action,
): Candidate | undefined {
  const { source } = trigger;
  if (source.type !== 'presence' && source.entityId === action.entityId) return undefined;
  const leadMs = leadOf(source);
  if (!followsOften(observations, trigger, action, leadMs)) return undefined;
  const best = bestTally(observations, followsOf(observations, trigger, action));
  if (!best || best.hits === 0 || (source.type !== 'presence' && isMachine(best))) return undefined;
  const forMs = waitOf(observations, source, best);
  return forMs === undefined ? undefined : toCandidate(observations, source, action, best, { leadMs, forMs });
}

/** With the best length of the wait, and in the dark only where that says more. */
export function bestTally(observations: Observations, follows: readonly Follow[]): Tally | undefined {
  const dark = follows.filter(({ triggerMs }) => observations.isDark(triggerMs));
  const always = tally(follows, false);
  // A condition that leaves everything as it is says nothing.
  const inTheDark = dark.length > 0 && dark.length < follows.length ? tally(dark, true) : undefined;
  return inTheDark && inTheDark.wilson > (always?.wilson ?? 0) + WORTH_DARK ? inTheDark : always;
}

/**
 * A glance that spares the rest, for there are thousands of pairs: whether it followed mostly on enough days. Everything
 * is in the order of time, so that each list is gone through once.
 */
function followsOften(
  observations: Observations,
  { timesMs, days }: TriggerTimes,
  { entityId, capability, value, timesMs: actionsMs }: Action,
  leadMs: number,
): boolean {
  if (timesMs.length < MIN_DAYS || timesMs.length > MAX_PER_DAY * observations.days.length) return false;
  const states = observations.changesOf(entityId, capability);
  let goodDays = 0;
  let day: ObservedDay | undefined;
  let firings = 0;
  let right = 0;
  let action = 0;
  let state = 0;
  for (const [n, ms] of timesMs.entries()) {
    if (days[n] !== day) {
      if (firings > 0 && right >= MOSTLY * firings) goodDays += 1;
      day = days[n];
      firings = right = 0;
    }
    if (!day) continue;
    while (action < actionsMs.length && (actionsMs[action] ?? 0) < ms - leadMs) action++;
    while (state < states.timesMs.length && (states.timesMs[state] ?? 0) < ms - leadMs) state++;
    const followed = (actionsMs[action] ?? Number.POSITIVE_INFINITY) <= ms + LONGEST_MS;
    if (!followed && states.values[state - 1] === value) continue;
    firings += 1;
    if (followed) right += 1;
  }
  if (firings > 0 && right >= MOSTLY * firings) goodDays += 1;
  return goodDays >= MIN_DAYS;
}

/** Each time that the trigger came and the action was possible, with the action that followed. */
export function followsOf(
  observations: Observations,
  { source, timesMs, days }: TriggerTimes,
  { entityId, capability, value, timesMs: actionsMs }: Action,
): Follow[] {
  const leadMs = leadOf(source);
  const follows: Follow[] = [];
  for (const [n, triggerMs] of timesMs.entries()) {
    const day = days[n];
    if (!day || !observations.isEligible(entityId, triggerMs - leadMs, triggerMs + LONGEST_MS)) continue;
    const nextMs = actionsMs[firstFrom(actionsMs, triggerMs - leadMs)];
    const actionMs = nextMs !== undefined && nextMs <= triggerMs + LONGEST_MS ? nextMs : null;
    // A lamp that is on already need not be switched on: that says nothing for or against it.
    const isSoAlready = observations.valueAt(entityId, capability, triggerMs - leadMs) === value;
    if (actionMs === null && isSoAlready) continue;
    follows.push({ day, triggerMs, actionMs });
  }
  return follows;
}

function tally(follows: readonly Follow[], whenDark: boolean): Tally | undefined {
  let best: Tally | undefined;
  for (const withinMs of WITHIN_MS) {
    const byDay = new Map<ObservedDay, { firings: number; right: number }>();
    for (const follow of follows) {
      const sums = byDay.get(follow.day) ?? { firings: 0, right: 0 };
      sums.firings += 1;
      if (isRight(follow, withinMs)) sums.right += 1;
      byDay.set(follow.day, sums);
    }
    // A day is one piece of evidence, however often a chatty sensor speaks.
    const hits = [...byDay.values()].reduce((sum, { firings, right }) => sum + right / firings, 0);
    const wilson = wilsonLower(hits, byDay.size);
    if (!best || wilson > best.wilson + WORTH) best = { withinMs, whenDark, follows, byDay, hits, wilson };
  }
  return best;
}

export function isRight({ triggerMs, actionMs }: Follow, withinMs: number): boolean {
  return actionMs !== null && actionMs - triggerMs <= withinMs;
}

function isMachine({ follows, withinMs }: Tally): boolean {
  const delays = follows
    .filter((follow) => isRight(follow, withinMs))
    .map(({ triggerMs, actionMs }) => (actionMs ?? triggerMs) - triggerMs)
    .toSorted((a, b) => a - b);
  const at = (share: number): number => delays[Math.floor(share * (delays.length - 1))] ?? 0;
  return delays.length >= MIN_DAYS && at(0.75) - at(0.25) < MACHINE_QUARTILES_MS;
}

/**
 * How long an automation has to wait so that it does not come long before people would: 0 where they do it at once,
 * undefined where there is no telling. Who comes and goes does not mind.
 */
function waitOf(
  observations: Observations,
  source: TriggerSource,
  { follows, withinMs }: Tally,
): number | undefined {
  const right = follows.filter((follow) => isRight(follow, withinMs));
  const delayMs = median(right.map(({ triggerMs, actionMs }) => (actionMs ?? triggerMs) - triggerMs));
  if (delayMs <= AT_ONCE_MS || source.type === 'presence') return 0;
  if (source.type === 'event') return undefined;
  const { entityId, capability, value } = source;
  const lasting = right.filter(
    ({ actionMs }) => observations.valueAt(entityId, capability, actionMs ?? 0) === value,
  );
  return lasting.length < LASTING_SHARE * right.length
    ? undefined
    : Math.round(delayMs / MINUTE_MS) * MINUTE_MS;
}

/** How often the action comes in such a moment on other days, without asking for the trigger. */
function chanceOf(observations: Observations, best: Tally, action: Action, leadMs: number): number {
  const { days } = observations;
  const actionsMs = action.timesMs;
  let tried = 0;
  let found = 0;
  for (const { day, triggerMs } of best.follows.slice(-MAX_LOOKS)) {
    const sinceMs = triggerMs - day.startMs;
    const own = days.indexOf(day);
    for (let n = 1; n <= OTHER_DAYS; n++) {
      const other = days[(own + n) % days.length];
      if (!other || other === day) continue;
      const atMs = other.startMs + sinceMs;
      tried += 1;
      if (hasWithin(actionsMs, atMs - leadMs, atMs + best.withinMs)) found += 1;
    }
  }
  const perMs = actionsMs.length / Math.max(1, days.length * 24 * 60 * MINUTE_MS);
  const anyTime = 1 - Math.exp(-perMs * (best.withinMs + leadMs));
  const possible = chanceWherePossible(observations, action, best.withinMs + leadMs);
  return Math.max(tried === 0 ? 1 : found / tried, anyTime, possible);
}

/**
 * How often it comes within so long of any moment at which it is not so yet. A lamp that is never on for more than some
 * minutes goes off within ten of whatever happens while it is on.
 */
function chanceWherePossible(
  observations: Observations,
  { entityId, capability, value }: Action,
  withinMs: number,
): number {
  const { timesMs, values } = observations.changesOf(entityId, capability);
  let [possibleMs, followedMs] = [0, 0];
  let sinceMs: number | undefined;
  for (const [n, ms] of timesMs.entries()) {
    if (values[n] === value) {
      if (sinceMs !== undefined) {
        possibleMs += ms - sinceMs;
        followedMs += Math.min(withinMs, ms - sinceMs);
      }
      sinceMs = undefined;
    } else if (values[n] === null) sinceMs = undefined;
    else sinceMs ??= ms;
  }
  return possibleMs === 0 ? 0 : followedMs / possibleMs;
}

function toCandidate(
  observations: Observations,
  source: TriggerSource,
  action: Action,
  best: Tally,
  { leadMs, forMs }: { readonly leadMs: number; readonly forMs: number },
): Candidate {
  const { byDay, hits, withinMs, whenDark, follows, wilson } = best;
  const { entityId, capability, value } = action;
  const days = [...byDay];
  const right = follows.filter((follow) => isRight(follow, withinMs));
  const explainsMs = [...new Set(right.flatMap(({ actionMs }) => actionMs ?? []))];
  const chance = chanceOf(observations, best, action, leadMs);
  const shareOf = (some: typeof days): number =>
    some.length === 0
      ? 0
      : some.reduce((sum, [, { firings, right: ok }]) => sum + ok / firings, 0) / some.length;
  const middle = Math.ceil(days.length / 2);
  const confidence = shareOf(days);
  const hitDays = days.filter(([, sums]) => sums.right > 0);
  return {
    rule: { type: 'trigger', source, withinMs, whenDark, forMs },
    target: { entityId, capability, value },
    explainsMs,
    evidence: {
      days: hitDays.map(([{ date }]) => date),
      missedDays: days.filter(([, sums]) => sums.right === 0).map(([{ date }]) => date),
      support: hitDays.length,
      eligibleDays: days.length,
      confidence,
      wilsonLower: wilson,
      lift: confidence / Math.max(chance, 1e-6),
      pValue: Math.min(1, binomialTail(Math.floor(hits), days.length, chance) * TRIES),
      halves: [shareOf(days.slice(0, middle)), shareOf(days.slice(middle))],
      spreadMinutes: null,
      windowMinutes: null,
      coverage: explainsMs.length / Math.max(1, action.timesMs.length),
    },
    dryRun: {
      firings: follows.length,
      right: right.length,
      wrong: follows.length - right.length,
      days: days.length,
      heldOut: null,
    },
  };
}

function leadOf(source: TriggerSource): number {
  return source.type === 'presence' && source.event === 'last_leaves' ? LEAD_MS : 0;
}
