import type { Observations } from './observations.ts';
import type { Target } from './types.ts';

/** Somebody who undoes it within this time did not want it. */
const REVERTED_MS = 10 * 60_000;
/** From so many times on, and such a share of all, nobody does it by mistake. */
const OFTEN = 3;
const OFTEN_SHARE = 0.3;

export interface Reverted {
  /** How often the automation did it in the days that are looked at, */
  readonly runs: number;
  /** and how often a person set something else within ten minutes. */
  readonly reverted: number;
}

/** How people took what an automation did to its target. */
export function countReverted(
  observations: Observations,
  automationId: string,
  { entityId, capability, value }: Target,
): Reverted {
  const done = (observations.byAutomations.get(automationId) ?? []).filter(
    (one) => one.entityId === entityId && one.capability === capability,
  );
  const undone = observations.actions
    .filter((one) => one.entityId === entityId && one.capability === capability && one.value !== value)
    .flatMap(({ timesMs }) => timesMs);
  const reverted = done.filter(({ timeMs }) =>
    undone.some((ms) => ms > timeMs && ms - timeMs <= REVERTED_MS),
  );
  return { runs: done.length, reverted: reverted.length };
}

export function isOftenUndone({ runs, reverted }: Reverted): boolean {
  return reverted >= OFTEN && reverted >= OFTEN_SHARE * runs;
}
