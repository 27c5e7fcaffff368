import type { BackupRow } from './types.ts';

export interface RetentionRule {
  /** How many of the schedule, and as many made by hand. */
  readonly keep: number;
  /** Null where age does not count. */
  readonly keepDays: number | null;
  /** A time that a wrong clock does not move far, ms since the Unix epoch. */
  readonly nowMs: number;
}

const DAY_MS = 24 * 3600_000;

/**
 * Which backups of one place are to go. Those of the schedule and those made by hand are counted apart: whoever makes
 * one after the other by hand, a thief of a token among them, pushes out none from before. The last good one stays,
 * however old it is.
 * @param backups of one place, the last one first.
 */
export function toRemove(backups: readonly BackupRow[], rule: RetentionRule): readonly BackupRow[] {
  const lastGood = backups.find(({ problem }) => problem === null);
  const goodSoFar = { schedule: 0, hand: 0 };
  return backups.filter((backup) => {
    const isTooMany = goodSoFar[backup.origin] >= rule.keep;
    if (backup.problem === null) goodSoFar[backup.origin] += 1;
    const isTooOld = rule.keepDays !== null && backup.createdMs < rule.nowMs - rule.keepDays * DAY_MS;
    return backup !== lastGood && (isTooMany || isTooOld);
  });
}
