import type { ObservedDay, Observations } from './observations.ts';
import type {
  Candidate,
  HabitCapability,
  HabitDevice,
  HeldOut,
  Rule,
  StateCondition,
  Target,
} from './types.ts';

import { learnedAndLater } from './observations.ts';
import { firstFrom, wilsonLower } from './statistics.ts';

const MINUTE_MS = 60_000;

/** How long a room must be empty before its light goes out, and a window open before the heating does. */
const EMPTY_MS = 15 * MINUTE_MS;
const OPEN_MS = 5 * MINUTE_MS;
/** So much more must be saved each time, or it was not worth it. */
const WORTH_MS = 10 * MINUTE_MS;
/** Somebody who is back within this time was never gone. */
const BACK_MS = 10 * MINUTE_MS;
/** Occupancy is worth more than motion: who sits still is there. */
const PRESENCE_KINDS = ['occupancy', 'motion'] as const;
const HEATING: ReadonlySet<unknown> = new Set(['heat', 'auto', 'heat_cool']);

/** Days without which it is not told how it went on others. */
const MIN_LATER = 3;

type Verdict = 'right' | 'wrong' | 'neither';

/** A moment at which the automation would have come, and whether that would have been right. */
export interface Firing {
  readonly atMs: number;
  readonly verdict: Verdict;
}

/** What is on and serves nobody: light in empty rooms, heating beside open windows. */
export function* savingPatterns(observations: Observations): Generator<Candidate> {
  const rooms = Map.groupBy(
    [...observations.devices.values()].filter(({ roomId }) => roomId !== null),
    ({ roomId }) => roomId,
  );
  for (const devices of rooms.values()) {
    yield* emptyRooms(observations, devices);
    yield* openWindows(observations, devices);
  }
}

interface Sensor {
  readonly entityId: string;
  readonly capability: string;
}

function* emptyRooms(observations: Observations, devices: readonly HabitDevice[]): Generator<Candidate> {
  const kind = PRESENCE_KINDS.find((wanted) => sensorsOf(devices, wanted).length > 0);
  if (kind === undefined) return;
  const sensors = sensorsOf(devices, kind);
  for (const { device, capability } of capabilitiesOf(devices, isLight)) {
    const light = { entityId: device.entityId, capability: capability.name };
    for (const sensor of sensors) {
      const others = sensors.filter((one) => one !== sensor);
      const firings = stretchesOf(observations, sensor, false, EMPTY_MS).map(({ toMs, endMs }): Firing => {
        const atMs = toMs;
        const isEmpty = others.every(
          (one) => observations.valueAt(one.entityId, one.capability, atMs + 1) === false,
        );
        const isOn = observations.valueAt(light.entityId, light.capability, atMs + 1) === true;
        if (!isEmpty || !isOn) return { atMs, verdict: 'neither' };
        const backMs = Math.min(endMs, ...others.map((one) => nextTrue(observations, one, atMs)));
        if (backMs - atMs < BACK_MS) return { atMs, verdict: 'wrong' };
        const offMs = nextChange(observations, light, atMs);
        return { atMs, verdict: Math.min(backMs, offMs) - atMs >= WORTH_MS ? 'right' : 'neither' };
      });
      const conditions = [
        { ...light, is: true },
        ...others.map((one): StateCondition => ({ ...one, is: false })),
      ];
      const source = { type: 'state', ...sensor, value: false } as const;
      const target = { ...light, value: false };
      yield toSavingCandidate(observations, firings, target, {
        source,
        reason: 'empty_room',
        forMs: EMPTY_MS,
        conditions,
      });
    }
  }
}

function* openWindows(observations: Observations, devices: readonly HabitDevice[]): Generator<Candidate> {
  for (const { device, capability } of capabilitiesOf(devices, isHeating)) {
    const heating = { entityId: device.entityId, capability: capability.name };
    for (const window of sensorsOf(devices, 'contact')) {
      const modes = new Set<string>();
      const firings = stretchesOf(observations, window, true, OPEN_MS).map(
        ({ toMs: atMs, endMs }): Firing => {
          const mode = observations.valueAt(heating.entityId, heating.capability, atMs + 1);
          if (!HEATING.has(mode)) return { atMs, verdict: 'neither' };
          modes.add(String(mode));
          const offMs = nextChange(observations, heating, atMs);
          return { atMs, verdict: Math.min(endMs, offMs) - atMs >= WORTH_MS ? 'right' : 'wrong' };
        },
      );
      const [mode, another] = modes;
      // The condition names the mode: with two of them it would leave one out.
      if (mode === undefined || another !== undefined) continue;
      const source = { type: 'state', ...window, value: true } as const;
      const conditions = [{ ...heating, is: mode }];
      const target = { ...heating, value: 'off' };
      yield toSavingCandidate(observations, firings, target, {
        source,
        reason: 'open_window',
        forMs: OPEN_MS,
        conditions,
      });
    }
  }
}

/** What is known of a rule by how it would have gone each time. */
export function toSavingCandidate(
  observations: Observations,
  firings: readonly Firing[],
  target: Target,
  rule: Omit<Extract<Rule, { type: 'saving' }>, 'type'>,
): Candidate {
  const byDay = new Map<ObservedDay, { firings: number; right: number }>();
  for (const { atMs, verdict } of firings) {
    const day = observations.dayAt(atMs);
    if (!day || verdict === 'neither') continue;
    if (!observations.isEligible(target.entityId, atMs, atMs + WORTH_MS)) continue;
    const sums = byDay.get(day) ?? { firings: 0, right: 0 };
    sums.firings += 1;
    if (verdict === 'right') sums.right += 1;
    byDay.set(day, sums);
  }
  const days = [...byDay].toSorted(([a], [b]) => a.number - b.number);
  const shareOf = (some: typeof days): number =>
    some.length === 0 ? 0 : some.reduce((sum, [, day]) => sum + day.right / day.firings, 0) / some.length;
  const total = (pick: (day: { firings: number; right: number }) => number): number =>
    days.reduce((sum, [, day]) => sum + pick(day), 0);
  const hitDays = days.filter(([, day]) => day.right > 0);
  const middle = Math.ceil(days.length / 2);
  return {
    rule: { type: 'saving', ...rule },
    target,
    explainsMs: [],
    evidence: {
      days: hitDays.map(([{ date }]) => date),
      missedDays: days.filter(([, day]) => day.right === 0).map(([{ date }]) => date),
      support: hitDays.length,
      eligibleDays: days.length,
      confidence: shareOf(days),
      wilsonLower: wilsonLower(shareOf(days) * days.length, days.length),
      lift: null,
      pValue: null,
      halves: [shareOf(days.slice(0, middle)), shareOf(days.slice(middle))],
      spreadMinutes: null,
      windowMinutes: null,
      coverage: null,
    },
    dryRun: {
      firings: total(({ firings: count }) => count),
      right: total(({ right }) => right),
      wrong: total(({ firings: count, right }) => count - right),
      days: days.length,
      heldOut: laterOf(observations, days),
    },
  };
}

/** Nothing of such a rule is learned, so that the last third of the days is as good as unknown to it. */
function laterOf(
  observations: Observations,
  days: readonly (readonly [ObservedDay, { readonly firings: number; readonly right: number }])[],
): HeldOut | null {
  const [, later] = learnedAndLater(observations.days);
  const known = new Set(later);
  const rest = days.filter(([day]) => known.has(day));
  if (rest.length < MIN_LATER) return null;
  const firings = rest.reduce((sum, [, day]) => sum + day.firings, 0);
  const right = rest.reduce((sum, [, day]) => sum + day.right, 0);
  return { firings, right, wrong: firings - right, days: rest.length };
}

/** When a sensor had a value for so long: the moment at which it had, and when that ended. */
function stretchesOf(
  observations: Observations,
  { entityId, capability }: Sensor,
  value: boolean,
  leastMs: number,
): { readonly toMs: number; readonly endMs: number }[] {
  const { timesMs, values } = observations.changesOf(entityId, capability);
  return timesMs.flatMap((fromMs, n) => {
    // What lasts to this day has not shown what would come of it.
    const endMs = timesMs[n + 1];
    if (values[n] !== value || values[n - 1] === value || endMs === undefined) return [];
    return endMs - fromMs >= leastMs ? [{ toMs: fromMs + leastMs, endMs }] : [];
  });
}

function nextChange(observations: Observations, { entityId, capability }: Sensor, afterMs: number): number {
  const { timesMs } = observations.changesOf(entityId, capability);
  return timesMs[firstFrom(timesMs, afterMs + 1)] ?? Number.POSITIVE_INFINITY;
}

function nextTrue(observations: Observations, { entityId, capability }: Sensor, afterMs: number): number {
  const { timesMs, values } = observations.changesOf(entityId, capability);
  for (let n = firstFrom(timesMs, afterMs + 1); n < timesMs.length; n++) {
    if (values[n] === true) return timesMs[n] ?? Number.POSITIVE_INFINITY;
  }
  return Number.POSITIVE_INFINITY;
}

function capabilitiesOf(
  devices: readonly HabitDevice[],
  isWanted: (capability: HabitCapability) => boolean,
): { readonly device: HabitDevice; readonly capability: HabitCapability }[] {
  return devices.flatMap((device) =>
    device.capabilities
      .filter((capability) => capability.category === null && isWanted(capability))
      .map((capability) => ({ device, capability })),
  );
}

function sensorsOf(devices: readonly HabitDevice[], kind: string): Sensor[] {
  return capabilitiesOf(devices, (capability) => capability.kind === kind && !capability.writable).map(
    ({ device, capability }) => ({ entityId: device.entityId, capability: capability.name }),
  );
}

function isLight({ kind, writable, commandKinds }: HabitCapability): boolean {
  return kind === 'on_off' && writable && commandKinds.includes('light');
}

function isHeating({ kind, writable, options }: HabitCapability): boolean {
  return kind === 'hvac_mode' && writable && options?.includes('off') === true;
}
