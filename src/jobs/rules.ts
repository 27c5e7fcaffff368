import type { CalendarRule } from '../base/calendar.ts';
import type { HomeZone } from '../base/home-zone.ts';
import type { JobOutcome } from './types.ts';

import { nextOccurrence } from '../base/calendar.ts';

/** How long after a try that failed the next one comes; there is none after the last. */
const RETRY_DELAYS_MS = [60_000, 120_000];

/** Clocks are corrected by so much; one that goes back further was wrong before. */
const CORRECTION_MS = 2 * 3600_000;

/** How long to wait after `attempts` tries have failed; undefined: it has failed for good. */
export function retryDelayMs(attempts: number): number | undefined {
  return RETRY_DELAYS_MS[attempts - 1];
}

/**
 * When a schedule comes next.
 * @param lastMs up to here nothing of it is outstanding. A clock that was corrected back to before that does not bring
 *   again what came already; one that was far ahead does not keep the schedule waiting for years.
 */
export function nextOf(zone: HomeZone, rule: CalendarRule, nowMs: number, lastMs: number): number | null {
  return nextOccurrence(zone, rule, isCorrection(nowMs, lastMs) ? lastMs : nowMs)?.atMs ?? null;
}

/**
 * Whether a time was reckoned while the clock showed too little (1970, after a start without a battery) and is void now
 * that the clock is again where the schedule came last: otherwise every such start would bring all schedules at once.
 */
export function isVoid(nextMs: number, nowMs: number, lastMs: number): boolean {
  return nextMs < lastMs && (nowMs >= lastMs || isCorrection(nowMs, lastMs));
}

function isCorrection(nowMs: number, lastMs: number): boolean {
  return lastMs > nowMs && lastMs - nowMs <= CORRECTION_MS;
}

const MAX_SUMMARY = 500;

/** What is kept of an outcome: one sentence, and the numbers among its figures. */
export function toKept({ summary, ...figures }: JobOutcome): {
  summary: string;
  figures: Record<string, number>;
} {
  const numbers = Object.entries(figures).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]),
  );
  return { summary: summary.slice(0, MAX_SUMMARY), figures: Object.fromEntries(numbers) };
}
