import type { Action, ObservedDay, Observations } from './observations.ts';
import type { Candidate, Frame, Rule } from './types.ts';

import { MIN_LIFT, MIN_SUPPORT } from './gates.ts';
import {
  binomialTail,
  circularDifference,
  circularSpread,
  DAY_MINUTES,
  firstFrom,
  mean,
  median,
  modulo,
  wilsonLower,
} from './statistics.ts';
import { FRAMES } from './types.ts';

const MINUTE_MS = 60_000;

/** Half the width of the windows that are tried, minutes. */
const HALF_WIDTHS = [10, 15, 20, 30] as const;
/** Sets of weekdays that are tried: all, Monday to Friday, the weekend, and each by itself. */
const WEEKDAY_SETS: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6],
  [1, 2, 3, 4, 5],
  [0, 6],
  ...[0, 1, 2, 3, 4, 5, 6].map((day) => [day]),
];
/** Whatever happens further from sunrise or sunset than this does not go by it, minutes. */
const SUN_REACH = 180;
/** What is done more often in a day has no time. */
const MAX_PER_DAY = 12;
/** How far around a window the usual rate is looked at, minutes. */
const AROUND = 120;
/** How far from its middle a habit is measured when clock and sun are compared, minutes. */
const SPREAD_REACH = 60;
/** The sun has to be tighter than the clock by this factor: at the solstices both are the same. */
const SUN_BONUS = 0.9;
/** A narrower window is taken where it is as good as that. */
const WIDTH_PENALTY = 0.0005;
/** Days of the week are told apart where that says more: one missed Sunday makes no habit of working days. */
const WEEKDAYS_PENALTY = 0.1;
/**
 * Nobody is that exact, seconds: something that this hub does not know does it, by the clock or by a sun of its own, which
 * is reckoned a little otherwise.
 */
const MACHINE_SPREAD_S: Readonly<Record<Frame, number>> = { clock: 5, sunrise: 60, sunset: 60 };
/** Times that are suggested are rounded to this, minutes. */
const ROUND_TO = 5;
/** Habits of one action: in the morning and in the evening. */
const MAX_HABITS = 2;
/** Windows that do not overlap, times widths, frames and weekdays: so often chance was given its chance. */
const TRIES = (DAY_MINUTES / 20) * HALF_WIDTHS.length * FRAMES.length * WEEKDAY_SETS.length;

/** An act by the wall clock or the sun. */
interface Occurrence {
  /** Of the frame, minutes; counted on from day to day. */
  readonly at: number;
  readonly ms: number;
}

interface Window {
  readonly frame: Frame;
  readonly weekdays: readonly number[];
  readonly half: number;
  /** Minutes in the frame. */
  readonly centre: number;
}

/** The days of a window, and what happened on them. */
interface Tally {
  readonly window: Window;
  readonly eligible: readonly ObservedDay[];
  readonly hits: readonly ObservedDay[];
  readonly inWindow: readonly {
    readonly day: ObservedDay;
    readonly difference: number;
    readonly ms: number;
  }[];
  readonly chance: number;
  readonly wilson: number;
}

/**
 * When people do something by the clock or by the sun: at most a morning's and an evening's habit for each action.
 * @param days on which it is looked for; what was done on others must not be in `action`.
 * @param pause is awaited every few milliseconds' work.
 */
export async function timePatterns(
  observations: Observations,
  action: Action,
  days: readonly ObservedDay[],
  pause: () => Promise<void>,
): Promise<Candidate[]> {
  const found: Candidate[] = [];
  let timesMs: readonly number[] = action.timesMs;
  while (found.length < MAX_HABITS && timesMs.length > 0) {
    if (timesMs.length > MAX_PER_DAY * days.length) break;
    const candidate = await bestPattern(observations, { ...action, timesMs: [...timesMs] }, days, pause);
    if (!candidate) break;
    const { evidence, explainsMs } = candidate;
    const coverage = explainsMs.length / action.timesMs.length;
    found.push({ ...candidate, evidence: { ...evidence, coverage } });
    const explained = new Set(candidate.explainsMs);
    timesMs = timesMs.filter((ms) => !explained.has(ms));
  }
  return found;
}

async function bestPattern(
  observations: Observations,
  action: Action,
  days: readonly ObservedDay[],
  pause: () => Promise<void>,
): Promise<Candidate | undefined> {
  const tallies: { readonly best: Tally; readonly spread: number }[] = [];
  for (const frame of FRAMES) {
    const occurrences = occurrencesOf(observations, action.timesMs, frame);
    let best: Tally | undefined;
    for (const weekdays of WEEKDAY_SETS) {
      for (const half of HALF_WIDTHS) {
        await pause();
        const centre = densest(days, occurrences, frame, weekdays, half);
        if (centre === undefined) continue;
        const one = tally(observations, days, action, occurrences, { frame, weekdays, half, centre });
        if (!best || score(one) > score(best)) best = one;
      }
    }
    if (!best || best.hits.length === 0) continue;
    const centre = best.window.centre;
    const spread = circularSpread(
      occurrences
        .map(({ at }) => circularDifference(at, centre))
        .filter((difference) => Math.abs(difference) <= SPREAD_REACH),
    );
    tallies.push({ best, spread });
  }
  const clock = tallies.find(({ best }) => best.window.frame === 'clock');
  const chosen = tallies.reduce<(typeof tallies)[number] | undefined>((a, b) => {
    if (!a) return b;
    const factor = a === clock ? SUN_BONUS : 1;
    // A habit that a frame hardly shows at all may still look tight in it.
    return b.best.wilson >= a.best.wilson - 0.1 && b.spread < a.spread * factor ? b : a;
  }, undefined);
  if (!chosen || tallies.some(({ best }) => isMachine(best))) return undefined;
  return toCandidate(action, chosen.best, chosen.spread);
}

/** The acts as minutes of the frame, ascending. */
function occurrencesOf(observations: Observations, timesMs: readonly number[], frame: Frame): Occurrence[] {
  const found: Occurrence[] = [];
  for (const ms of timesMs) {
    const day = observations.dayAt(ms);
    if (!day) continue;
    const anchor = frame === 'clock' ? 0 : day[frame];
    if (anchor === null) continue;
    const minutes = observations.minutesOf(ms, day) - anchor;
    if (frame !== 'clock' && Math.abs(minutes) > SUN_REACH) continue;
    found.push({ at: day.number * DAY_MINUTES + minutes, ms });
  }
  return found.toSorted((a, b) => a.at - b.at);
}

/** The middle of the window in which it happened on most days; undefined where those are too few. */
function densest(
  days: readonly ObservedDay[],
  occurrences: readonly Occurrence[],
  frame: Frame,
  weekdays: readonly number[],
  half: number,
): number | undefined {
  const numbers = new Set(
    days.filter(({ weekday }) => weekdays.includes(weekday)).map(({ number }) => number),
  );
  const turned = occurrences
    .map(({ at }) => ({ minute: modulo(at, DAY_MINUTES), day: Math.floor(at / DAY_MINUTES) }))
    .filter(({ day }) => numbers.has(day) || frame !== 'clock')
    .toSorted((a, b) => a.minute - b.minute);
  // Round the clock: the evening's end and the night's beginning are neighbours.
  const round = [
    ...turned,
    ...turned.map(({ minute, day }) => ({ minute: minute + DAY_MINUTES, day: day + 1 })),
  ];
  let best: { readonly days: number; readonly from: number; readonly to: number } | undefined;
  const counts = new Map<number, number>();
  let end = 0;
  for (const [start, { minute }] of turned.entries()) {
    for (; end < round.length && (round[end]?.minute ?? 0) <= minute + 2 * half; end++) {
      const day = round[end]?.day ?? 0;
      counts.set(day, (counts.get(day) ?? 0) + 1);
    }
    if (!best || counts.size > best.days) {
      best = { days: counts.size, from: minute, to: round[end - 1]?.minute ?? minute };
    }
    const leaving = round[start]?.day ?? 0;
    const left = (counts.get(leaving) ?? 0) - 1;
    if (left > 0) counts.set(leaving, left);
    else counts.delete(leaving);
  }
  return best && best.days >= MIN_SUPPORT ? (best.from + best.to) / 2 : undefined;
}

function tally(
  observations: Observations,
  observed: readonly ObservedDay[],
  action: Action,
  occurrences: readonly Occurrence[],
  window: Window,
): Tally {
  const { frame, weekdays, half, centre } = window;
  // Below 0 before the sun's event; a clock's minute lies within the day.
  const minute = frame === 'clock' ? modulo(centre, DAY_MINUTES) : circularDifference(centre, 0);
  const sorted = occurrences.map(({ at }) => at);
  const eligible: ObservedDay[] = [];
  const inWindow: { day: ObservedDay; difference: number; ms: number }[] = [];
  let before = 0;
  let after = 0;
  let all = 0;
  for (const day of observed) {
    if (!weekdays.includes(day.weekday)) continue;
    const middleMs = momentOf(observations, day, { frame, minute });
    if (middleMs === null) continue;
    if (!observations.isEligible(action.entityId, middleMs - half * MINUTE_MS, middleMs + half * MINUTE_MS))
      continue;
    eligible.push(day);
    const middle = day.number * DAY_MINUTES + minute;
    all += firstFrom(sorted, middle + DAY_MINUTES / 2) - firstFrom(sorted, middle - DAY_MINUTES / 2);
    before += firstFrom(sorted, middle - half) - firstFrom(sorted, middle - AROUND);
    after += firstFrom(sorted, middle + AROUND) - firstFrom(sorted, middle + half);
    for (
      let n = firstFrom(sorted, middle - half);
      (sorted[n] ?? Number.POSITIVE_INFINITY) <= middle + half;
      n++
    ) {
      inWindow.push({ day, difference: (sorted[n] ?? 0) - middle, ms: occurrences[n]?.ms ?? 0 });
    }
  }
  const hits = [...new Set(inWindow.map(({ day }) => day))];
  const days = Math.max(1, eligible.length);
  const share = (2 * half) / DAY_MINUTES;
  // Whoever does something all evening does it at eight, too: what comes before or after the window is chance as well.
  const surrounding = (Math.max(before, after) / days) * ((2 * half) / (AROUND - half));
  const chance = 1 - Math.exp(-Math.max((all / days) * share, surrounding));
  return {
    window: { ...window, centre: minute },
    eligible,
    hits,
    inWindow,
    chance,
    wilson: wilsonLower(hits.length, eligible.length),
  };
}

/** When a rule comes on a day; null where the sun does not rise or set. */
export function momentOf(
  observations: Observations,
  day: ObservedDay,
  { frame, minute }: Pick<Extract<Rule, { type: 'time' }>, 'frame' | 'minute'>,
): number | null {
  const anchor = frame === 'clock' ? 0 : day[frame];
  return anchor === null ? null : observations.msOf(day, anchor + minute);
}

function score({ wilson, window, chance, hits, eligible }: Tally): number {
  // A wide window that chance fills as well must not stand before a narrow one that it does not.
  if (hits.length < MIN_LIFT * chance * eligible.length) return wilson - 1;
  return wilson - WIDTH_PENALTY * window.half - (window.weekdays.length < 7 ? WEEKDAYS_PENALTY : 0);
}

function isMachine({ window, inWindow }: Tally): boolean {
  if (inWindow.length < MIN_SUPPORT) return false;
  const middle = mean(inWindow.map(({ difference }) => difference));
  const variance = mean(inWindow.map(({ difference }) => (difference - middle) ** 2));
  return Math.sqrt(variance) * 60 < MACHINE_SPREAD_S[window.frame];
}

function toCandidate(action: Action, best: Tally, spread: number): Candidate {
  const { window, eligible, hits, inWindow, chance } = best;
  const { frame, weekdays } = window;
  const { entityId, capability, value } = action;
  const found = window.centre + median(inWindow.map(({ difference }) => difference));
  const rounded = Math.round(found / ROUND_TO) * ROUND_TO;
  const minute = frame === 'clock' ? modulo(rounded, DAY_MINUTES) : rounded;
  const rule: Rule = { type: 'time', frame, minute, weekdays };
  const hitDays = new Set(hits);
  const middle = Math.ceil(eligible.length / 2);
  const confidenceOf = (days: readonly ObservedDay[]): number =>
    days.length === 0 ? 0 : days.filter((day) => hitDays.has(day)).length / days.length;
  const confidence = confidenceOf(eligible);
  const trials = eligible.length;
  return {
    rule,
    target: { entityId, capability, value },
    explainsMs: inWindow.map(({ ms }) => ms),
    evidence: {
      days: hits.map(({ date }) => date),
      missedDays: eligible.filter((day) => !hitDays.has(day)).map(({ date }) => date),
      support: hits.length,
      eligibleDays: trials,
      confidence,
      wilsonLower: best.wilson,
      lift: confidence / Math.max(chance, 1e-6),
      pValue: Math.min(1, binomialTail(hits.length, trials, chance) * TRIES),
      halves: [confidenceOf(eligible.slice(0, middle)), confidenceOf(eligible.slice(middle))],
      spreadMinutes: spread,
      windowMinutes: window.half,
      coverage: inWindow.length / Math.max(1, action.timesMs.length),
    },
    dryRun: {
      firings: trials,
      right: hits.length,
      wrong: trials - hits.length,
      days: trials,
      heldOut: null,
    },
  };
}
