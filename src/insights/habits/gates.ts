import type { Candidate } from './types.ts';

import { benjaminiHochberg } from './statistics.ts';

/** What has to be so before anything is suggested. */
export const MIN_OBSERVED_DAYS = 14;
export const MIN_SUPPORT = 7;
export const MIN_WILSON = 0.6;
export const MIN_LIFT = 2;
/** It was so within this many days, */
export const RECENT_DAYS = 7;
/** and in each half of the days in most of them. */
const MIN_HALF = 0.6;
/** Of what is suggested, so much may be chance. */
const FALSE_RATE = 0.05;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Leaves what is good enough to be suggested.
 * @param tried how many habits were looked at.
 * @param today such as `2026-03-29`.
 */
export function passing(candidates: readonly Candidate[], tried: number, today: string): Candidate[] {
  const good = candidates.filter(({ evidence }) => isGood(evidence, today));
  const habits = good.filter(({ evidence }) => evidence.pValue !== null);
  const stands = benjaminiHochberg(
    habits.map(({ evidence }) => evidence.pValue ?? 1),
    tried,
    FALSE_RATE,
  );
  const standing = new Set(habits.filter((_, index) => stands[index]));
  // What saves something is no habit that chance could have made.
  return good.filter((candidate) => candidate.evidence.pValue === null || standing.has(candidate));
}

function isGood(evidence: Candidate['evidence'], today: string): boolean {
  const { support, wilsonLower, lift, halves, confidence, days } = evidence;
  const lastDay = days.at(-1);
  const isRecent = lastDay !== undefined && Date.parse(today) - Date.parse(lastDay) <= RECENT_DAYS * DAY_MS;
  // Chance is the same in both halves, so that the lift of each goes as its confidence.
  const isStable = halves.every(
    (half) => half >= MIN_HALF && (lift === null || (lift * half) / Math.max(confidence, 1e-9) >= MIN_LIFT),
  );
  return (
    support >= MIN_SUPPORT &&
    wilsonLower >= MIN_WILSON &&
    (lift === null || lift >= MIN_LIFT) &&
    isStable &&
    isRecent
  );
}
