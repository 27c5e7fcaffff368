import type { HomeZone } from '../base/home-zone.ts';
import type { Sun } from '../base/sun.ts';
import type { AutomatedDevice, AutomationDevices, Condition, ValueTest } from './types.ts';

import { weekdayOf } from '../base/calendar.ts';
import { jsonEqual } from '../base/json.ts';

export interface Circumstances {
  readonly devices: Pick<AutomationDevices, 'view'>;
  readonly zone: HomeZone;
  readonly sun: Sun | null;
  readonly nowMs: number;
}

/** Whether a value is as asked for; unknown is never so. */
export function meets(test: ValueTest, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (test.is !== undefined && !jsonEqual(test.is, value)) return false;
  if (test.above !== undefined && !(typeof value === 'number' && value > test.above)) return false;
  return test.below === undefined || (typeof value === 'number' && value < test.below);
}

/** Whether all conditions hold: true, false, or null where something is unknown; `told` gets a sentence for each one. */
export function allHold(
  conditions: readonly Condition[],
  now: Circumstances,
  told: string[],
): boolean | null {
  return conjunction(conditions.map((condition) => holds(condition, now, told)));
}

/** A device that cannot be reached may be like anything: the lock that was locked when its battery died. */
function presentValue(view: AutomatedDevice | undefined, capability: string): unknown {
  if (capability === 'available') return view?.available ?? null;
  return view?.available === true ? (view.values.get(capability)?.value ?? null) : null;
}

function conjunction(results: readonly (boolean | null)[]): boolean | null {
  if (results.includes(false)) return false;
  return results.includes(null) ? null : true;
}

function holds(condition: Condition, now: Circumstances, told: string[]): boolean | null {
  switch (condition.type) {
    case 'time': {
      const result = isWithin(condition, now);
      told.push(`time: ${answer(result)}`);
      return result;
    }
    case 'sun': {
      const isDown = now.sun ? now.sun.isDown(now.nowMs) : null;
      const result = isDown === null ? null : isDown === (condition.is === 'down');
      told.push(`sun is ${condition.is}: ${answer(result)}${now.sun ? '' : ' (home.latitude is not set)'}`);
      return result;
    }
    case 'state': {
      const { entityId, capability, test } = condition;
      const view = now.devices.view(entityId);
      const value = presentValue(view, capability);
      const result = value === null ? null : meets(test, value);
      const away = view?.available === false && value === null ? ' (it cannot be reached)' : '';
      told.push(
        `${capability} of ${view?.name ?? entityId} is ${JSON.stringify(value)}: ${answer(result)}${away}`,
      );
      return result;
    }
    case 'all':
      return allHold(condition.conditions, now, told);
    case 'any': {
      const results = condition.conditions.map((inner) => holds(inner, now, told));
      if (results.includes(true)) return true;
      return results.includes(null) ? null : false;
    }
    default: {
      // What is unknown stays so: a "not" must not make a lock that is silent an unlocked one.
      const result = allHold(condition.conditions, now, told);
      return result === null ? null : !result;
    }
  }
}

function isWithin(
  { after, before, days }: Extract<Condition, { type: 'time' }>,
  { zone, nowMs }: Circumstances,
): boolean {
  const minutes = zone.minutesOf(nowMs);
  const [from, to] = [after ?? 0, before ?? 1440];
  const day = zone.dayOf(nowMs);
  if (from < to) return days.has(weekdayOf(day)) && minutes >= from && minutes < to;
  // Over midnight: the small hours belong to the evening before.
  if (minutes >= from) return days.has(weekdayOf(day));
  return minutes < to && days.has(weekdayOf(zone.plusDays(day, -1)));
}

function answer(result: boolean | null): string {
  if (result === null) return 'unknown';
  return result ? 'yes' : 'no';
}
