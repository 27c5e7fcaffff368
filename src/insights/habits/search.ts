import { setImmediate } from 'node:timers/promises';

import type { HomeZone } from '../../base/home-zone.ts';
import type { Sun } from '../../base/sun.ts';
import type { ActivityLog, NumericHistory } from '../types.ts';
import type { Candidate, HabitHome } from './types.ts';

import { MIN_OBSERVED_DAYS, passing } from './gates.ts';
import { withHeldOut } from './held-out.ts';
import { Observations, observedDays, triggerKey } from './observations.ts';
import { savingPatterns } from './saving-patterns.ts';
import { standbyPatterns } from './standby-patterns.ts';
import { timePatterns } from './time-patterns.ts';
import { triggerPattern } from './trigger-patterns.ts';

/** How far back is looked. What was a habit in the summer is none any more. */
const LOOK_BACK_DAYS = 60;
/** Work of a stretch between two turns of the event loop. */
const SLICE_MS = 8;
/** Of two rules the one that explains half of the other's moments is about the same thing. */
const SAME_SHARE = 0.5;

export interface SearchOptions {
  readonly log: ActivityLog;
  readonly home: HabitHome;
  readonly zone: HomeZone;
  readonly sun: Sun | null;
  /** What was measured; null where nothing is. */
  readonly numbers: Pick<NumericHistory, 'scan'> | null;
  readonly nowMs: number;
  /** Ends the search at its next pause. */
  readonly signal?: AbortSignal;
}

export interface Found {
  readonly candidates: readonly Candidate[];
  readonly observations: Observations;
  /** Habits that were looked at. */
  readonly tried: number;
}

/** Looks for habits in the days that are over, a few milliseconds at a time. @throws the signal's reason. */
export async function searchHabits(options: SearchOptions): Promise<Found> {
  const { log, home, zone, sun, numbers, nowMs, signal } = options;
  const pause = pacer(signal);
  const today = zone.dayOf(nowMs);
  const fromMs = zone.plusDays(today, -LOOK_BACK_DAYS).startMs;
  const toMs = today.startMs;
  const spans = log.spans();
  const days = await observedDays({ fromMs, toMs }, spans, { zone, sun }, pause);
  const observations = new Observations({ zone, spans, days, devices: home.devices() });
  await pause();
  for (const slice of log.scan(fromMs, toMs)) {
    for (const { entityId, capability, events } of slice) observations.take(entityId, capability, events);
    await pause();
  }
  await observations.finish(pause);
  const { actions, triggers } = observations;
  // Every action with its times and every pair of an action and a trigger.
  const tried = actions.length * (1 + triggers.length);
  if (days.length < MIN_OBSERVED_DAYS) return { candidates: [], observations, tried };

  const candidates: Candidate[] = [];
  for (const action of actions) {
    // A week of a new lamp says little, however long the hub has been there.
    if (observations.daysKnown(action.entityId) < MIN_OBSERVED_DAYS) continue;
    candidates.push(...(await timePatterns(observations, action, days, pause)));
    for (const trigger of triggers) {
      const candidate = triggerPattern(observations, trigger, action);
      if (candidate) candidates.push(candidate);
      await pause();
    }
  }
  for (const candidate of savingPatterns(observations)) {
    candidates.push(candidate);
    await pause();
  }
  if (numbers) candidates.push(...(await standbyPatterns(observations, numbers.scan(), pause)));
  const known = candidates.filter(
    ({ target }) => observations.daysKnown(target.entityId) >= MIN_OBSERVED_DAYS,
  );
  const best = distinct(passing(known, tried, today.date));
  const tested: Candidate[] = [];
  for (const candidate of best) {
    tested.push(await withHeldOut(observations, candidate, pause));
  }
  return { candidates: tested, observations, tried };
}

/** Gives way to everything else after some milliseconds' work. */
function pacer(signal: AbortSignal | undefined): () => Promise<void> {
  let untilMs = performance.now() + SLICE_MS;
  return async () => {
    if (performance.now() < untilMs) return;
    await setImmediate();
    signal?.throwIfAborted();
    untilMs = performance.now() + SLICE_MS;
  };
}

/** Of rules about the same thing the best one: two would switch the same lamp twice. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const chosen: Candidate[] = [];
  const byWorth = candidates.toSorted((a, b) => worth(b) - worth(a));
  for (const candidate of byWorth) {
    if (!chosen.some((other) => isSame(candidate, other) || isReverse(candidate, other)))
      chosen.push(candidate);
  }
  return chosen;
}

function worth({ evidence }: Candidate): number {
  return evidence.wilsonLower + 0.1 * (evidence.coverage ?? 0);
}

function isSame(a: Candidate, b: Candidate): boolean {
  if (targetKey(a) !== targetKey(b)) return false;
  if (a.rule.type === 'saving' || b.rule.type === 'saving') return a.rule.type === b.rule.type;
  const moments = new Set(b.explainsMs);
  const shared = a.explainsMs.filter((ms) => moments.has(ms)).length;
  return shared >= SAME_SHARE * Math.min(a.explainsMs.length, b.explainsMs.length);
}

/** Two lamps that are always switched together follow each other both ways. */
function isReverse(a: Candidate, b: Candidate): boolean {
  if (a.rule.type !== 'trigger' || b.rule.type !== 'trigger') return false;
  return triggerKey(a.rule.source) === targetKey(b) && triggerKey(b.rule.source) === targetKey(a);
}

function targetKey({ target }: Candidate): string {
  return triggerKey({ type: 'state', ...target });
}
