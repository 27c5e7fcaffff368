import type { BucketScan } from '../types.ts';
import type { ObservedDay, Observations } from './observations.ts';
import type { Candidate, HabitDevice } from './types.ts';

import { toSavingCandidate, type Firing } from './saving-patterns.ts';
import { mean, median } from './statistics.ts';

const HOUR_MS = 3_600_000;

/** The night in which nobody uses what stands by, minutes since midnight. */
const NIGHT_FROM = 60;
const NIGHT_TO = 300;
/** What stands by draws no more than this at any moment, and no less than that on the average, W. */
const MOST_W = 15;
const LEAST_W = 0.5;
/** What is in use at other times draws so many times as much: a router is always in use, and never stands by. */
const USED_TIMES = 5;
/** Hours of a night that have to be known. */
const MIN_HOURS = 3;

interface Night {
  readonly day: ObservedDay;
  readonly meanW: number;
  readonly maxW: number;
  /** The most of the rest of the day. */
  readonly usedW: number;
}

/**
 * Sockets at which something stands by all night that is used by day.
 * @param pause is awaited every few milliseconds' work.
 */
export async function standbyPatterns(
  observations: Observations,
  numbers: BucketScan,
  pause: () => Promise<void>,
): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const device of observations.devices.values()) {
    const socket = socketOf(device);
    if (!socket) continue;
    const nights = await nightsOf(
      observations,
      numbers,
      { entityId: device.entityId, capability: socket.power },
      pause,
    );
    const { entityId } = device;
    const isOn = ({ day }: Night): boolean =>
      observations.valueAt(entityId, socket.onOff, observations.msOf(day, NIGHT_FROM)) !== false;
    const on = nights.filter((night) => isOn(night) && night.meanW >= LEAST_W);
    const quiet = on.filter(({ maxW }) => maxW <= MOST_W);
    const isUsed = quiet.filter(({ usedW, meanW }) => usedW >= USED_TIMES * meanW).length * 2 >= quiet.length;
    if (quiet.length === 0 || !isUsed) continue;
    const firings = on.map(({ day, maxW }): Firing => ({
      atMs: observations.msOf(day, NIGHT_FROM),
      verdict: maxW <= MOST_W ? 'right' : 'wrong',
    }));
    const target = { entityId, capability: socket.onOff, value: false };
    found.push(
      toSavingCandidate(observations, firings, target, {
        reason: 'standby',
        source: { type: 'clock', minute: NIGHT_FROM },
        forMs: 0,
        conditions: [{ entityId, capability: socket.power, below: MOST_W }],
        powerW: median(quiet.map(({ meanW }) => meanW)),
      }),
    );
  }
  return found;
}

/** A device with one switch and one meter of its power. */
function socketOf({ capabilities }: HabitDevice): { onOff: string; power: string } | undefined {
  const own = capabilities.filter(({ category }) => category === null);
  const [onOff, another] = own.filter(({ kind, writable }) => kind === 'on_off' && writable);
  const [power, more] = own.filter(({ kind }) => kind === 'power');
  return onOff && power && !another && !more ? { onOff: onOff.name, power: power.name } : undefined;
}

async function nightsOf(
  observations: Observations,
  numbers: BucketScan,
  series: { readonly entityId: string; readonly capability: string },
  pause: () => Promise<void>,
): Promise<Night[]> {
  const [first, last] = [observations.days[0], observations.days.at(-1)];
  if (!first || !last) return [];
  const byDay = new Map<ObservedDay, { night: number[]; nightMaxW: number; usedW: number }>();
  const range = { fromMs: first.startMs, toMs: last.endMs, resolution: '1h' } as const;
  for (const slice of numbers.buckets({ ...series, ...range })) {
    for (const { startMs, mean: meanW, max, coveredMs } of slice) {
      const day = observations.dayAt(startMs);
      if (!day) continue;
      const sums = byDay.get(day) ?? { night: [], nightMaxW: 0, usedW: 0 };
      byDay.set(day, sums);
      const from = observations.minutesOf(startMs, day);
      if (from < NIGHT_FROM || from + 60 > NIGHT_TO) sums.usedW = Math.max(sums.usedW, max);
      else if (coveredMs >= HOUR_MS / 2) {
        sums.night.push(meanW);
        sums.nightMaxW = Math.max(sums.nightMaxW, max);
      }
    }
    await pause();
  }
  return [...byDay].flatMap(([day, { night, nightMaxW, usedW }]) =>
    night.length < MIN_HOURS ? [] : [{ day, meanW: mean(night), maxW: nightMaxW, usedW }],
  );
}
