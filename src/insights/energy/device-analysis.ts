import type { HomeZone, LocalDay } from '../../base/home-zone.ts';
import type { Bucket, BucketScan } from '../types.ts';
import type { Meter } from './meters.ts';
import type { Turns } from './turns.ts';
import type { Correction, DutyCycle, EnergySource } from './types.ts';

import { CounterFold, type Aside } from './counter-fold.ts';
import { CycleFold } from './cycles.ts';
import { HOUR_MS, QUARTER_MS, type Grid } from './grid.ts';
import { PowerFold, type PowerFoldOptions } from './power-fold.ts';
import { Quarters } from './quarters.ts';

/** How far before and after the period a reading of a counter is looked for: so long one is believed at most. */
const EDGE_MS = 3 * 24 * HOUR_MS;

/** A counter that is known for this share of the time is taken without asking how well the power is known. */
const GOOD_COVERAGE = 0.9;

export interface Span {
  readonly grid: Grid;
  /** What comes after is not known yet. */
  readonly untilMs: number;
  /** Five-minute buckets are there from here on; before it, hours. */
  readonly fineFromMs: number;
}

export interface AnalysisContext extends Span {
  readonly scan: BucketScan;
  /** In order; of all devices. */
  readonly corrections: readonly Correction[];
  /** The days over which cycles are looked for; empty where they are not. */
  readonly cycleDays: readonly LocalDay[];
  readonly wantsStandby: boolean;
}

/** What became of the readings of one device. */
export interface DeviceFold {
  readonly meter: Meter;
  readonly source: EnergySource;
  readonly energy: Quarters;
  readonly exported: Quarters | null;
  readonly unattributed: readonly Aside[];
  readonly quarantined: readonly Aside[];
  readonly negativeWh: number;
  /** Five-minute means of nights. */
  readonly nights: ReadonlyMap<number, readonly number[]>;
  readonly cycle: DutyCycle | null;
  readonly corrected: readonly Correction[];
  /** What its power comes to where its counter was taken, and both are known well; null otherwise. */
  readonly byPowerKwh: number | null;
}

/** Null where nothing is known of the device in the span. */
export async function analyseDevice(
  meter: Meter,
  context: AnalysisContext,
  turns: Turns,
): Promise<DeviceFold | null> {
  const { grid, untilMs } = context;
  const counted =
    meter.counters.length > 0 ? await foldCounters(meter, meter.counters, context, turns) : null;
  const pastMs = Math.max(1, untilMs - grid.fromMs);
  const isGood = counted !== null && counted.energy.covered() >= GOOD_COVERAGE * pastMs;
  const needsPower = !isGood || context.wantsStandby || context.cycleDays.length > 0;
  const measured = meter.powers.length > 0 && needsPower ? await foldPowers(meter, context, turns) : null;
  const takesPower =
    measured !== null &&
    (counted === null || (!isGood && GOOD_COVERAGE * measured.energy.covered() > counted.energy.covered()));
  const chosen = takesPower ? measured : counted;
  if (!chosen) return null;
  await turns.take();
  const exported =
    meter.exportCounters.length > 0
      ? (await foldCounters(meter, meter.exportCounters, context, turns)).energy
      : takesPower
        ? (measured?.exported ?? null)
        : null;
  const corrected = context.corrections.filter(
    ({ entityId, fromMs, toMs }) =>
      entityId === meter.device.entityId && fromMs < grid.toMs && toMs > grid.fromMs,
  );
  const isBothGood = isGood && !takesPower && measured && measured.energy.covered() >= GOOD_COVERAGE * pastMs;
  const byPowerKwh = isBothGood ? measured.energy.kwh() : null;
  for (const one of corrected) applyCorrection(chosen.energy, one);
  const told = [...chosen.unattributed, ...chosen.quarantined, ...corrected];
  if (chosen.energy.covered() === 0 && told.length === 0) return null;
  return {
    meter,
    source: takesPower ? 'estimated' : 'counter',
    energy: chosen.energy,
    exported,
    unattributed: chosen.unattributed,
    quarantined: chosen.quarantined,
    negativeWh: takesPower ? measured.negativeWh : 0,
    nights: measured?.nights ?? new Map<number, number[]>(),
    cycle: measured?.cycle ?? null,
    corrected,
    byPowerKwh,
  };
}

async function foldCounters(
  meter: Meter,
  names: readonly string[],
  context: AnalysisContext,
  turns: Turns,
): Promise<{ energy: Quarters; unattributed: Aside[]; quarantined: Aside[] }> {
  const { grid } = context;
  const energy = new Quarters(grid);
  const isInside = ({ toMs }: Aside): boolean => toMs > grid.fromMs && toMs <= grid.toMs;
  const [unattributed, quarantined]: [Aside[], Aside[]] = [[], []];
  for (const name of names) {
    const range = await edgesOf(meter, name, context, turns);
    const fold = new CounterFold(energy, { limitKw: meter.limitKw, share: 1 / names.length });
    await eachBucket(meter, name, range, context, turns, (bucket, bucketMs) => fold.take(bucket, bucketMs));
    unattributed.push(...fold.unattributed.filter(isInside));
    quarantined.push(...fold.quarantined.filter(isInside));
  }
  return { energy, unattributed, quarantined };
}

/**
 * From the last hour before the period in which a counter was read up to the first one after it: what it rises by
 * across the edge belongs to both sides.
 */
async function edgesOf(
  meter: Meter,
  capability: string,
  { grid, scan }: AnalysisContext,
  turns: Turns,
): Promise<{ fromMs: number; toMs: number }> {
  const hours = { entityId: meter.device.entityId, capability, resolution: '1h' } as const;
  const isRead = ({ samples }: Bucket): boolean => samples > 0;
  let { fromMs, toMs } = grid;
  for (const slice of scan.buckets({ ...hours, fromMs: fromMs - EDGE_MS, toMs: grid.fromMs })) {
    fromMs = slice.findLast(isRead)?.startMs ?? fromMs;
    await turns.take();
  }
  for (const slice of scan.buckets({ ...hours, fromMs: grid.toMs, toMs: toMs + EDGE_MS })) {
    const first = slice.find(isRead);
    if (first) {
      toMs = first.startMs + HOUR_MS;
      break;
    }
    await turns.take();
  }
  return { fromMs, toMs };
}

interface PowerResult {
  readonly energy: Quarters;
  readonly exported: Quarters | null;
  readonly unattributed: readonly Aside[];
  readonly quarantined: readonly Aside[];
  readonly negativeWh: number;
  readonly nights: ReadonlyMap<number, readonly number[]>;
  readonly cycle: DutyCycle | null;
}

async function foldPowers(meter: Meter, context: AnalysisContext, turns: Turns): Promise<PowerResult> {
  const { grid, untilMs, cycleDays } = context;
  const energy = new Quarters(grid);
  const exported = meter.role === 'main' ? new Quarters(grid) : null;
  const negative: PowerFoldOptions['negative'] =
    meter.role === 'main' ? 'export' : meter.role === 'solar' ? 'same' : 'error';
  const share = 1 / meter.powers.length;
  const options = { limitKw: meter.limitKw, share, negative, ...(exported ? { exported } : {}) };
  const folds = meter.powers.map((name) => ({ name, fold: new PowerFold(energy, options) }));
  const cycles = cycleDays.length > 0 && meter.role === 'device' ? new CycleFold(cycleDays) : undefined;
  for (const [index, { name, fold }] of folds.entries()) {
    const early = index === 0 && cycles ? cycles.fromMs : grid.fromMs;
    const range = { fromMs: Math.min(grid.fromMs, early), toMs: Math.min(grid.toMs, untilMs) };
    await eachBucket(meter, name, range, context, turns, (bucket, bucketMs) => {
      if (bucket.startMs + bucketMs > grid.fromMs) fold.take(bucket, bucketMs);
      if (index === 0 && bucketMs < HOUR_MS) cycles?.take(bucket);
    });
  }
  return {
    energy,
    exported,
    unattributed: [],
    quarantined: folds.flatMap(({ fold }) => fold.quarantined),
    negativeWh: folds.reduce((sum, { fold }) => sum + fold.negativeWh, 0),
    nights:
      folds.length === 1
        ? (folds[0]?.fold.nights ?? new Map<number, number[]>())
        : new Map<number, number[]>(),
    cycle: cycles?.finish() ?? null,
  };
}

/** Hands over every bucket of a series in order: those of an hour as long as there are no finer ones. */
async function eachBucket(
  meter: Meter,
  capability: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { scan, fineFromMs }: AnalysisContext,
  turns: Turns,
  take: (bucket: Bucket, bucketMs: number) => void,
): Promise<void> {
  const { entityId } = meter.device;
  const parts = [
    { resolution: '1h', bucketMs: HOUR_MS, fromMs, toMs: Math.min(toMs, fineFromMs) },
    { resolution: '5m', bucketMs: 300_000, fromMs: Math.max(fromMs, fineFromMs), toMs },
  ] as const;
  for (const { bucketMs, ...range } of parts) {
    if (range.fromMs >= range.toMs) continue;
    for (const slice of scan.buckets({ entityId, capability, ...range })) {
      for (const bucket of slice) take(bucket, bucketMs);
      await turns.take();
    }
  }
}

function applyCorrection(energy: Quarters, { fromMs, toMs, kwh }: Correction): void {
  const { grid } = energy;
  const first = Math.max(0, grid.quarterOf(fromMs));
  const end = Math.min(grid.count, grid.quarterOf(toMs));
  const whEach = kwh === null ? 0 : (kwh * 1000 * QUARTER_MS) / (toMs - fromMs);
  for (let quarter = first; quarter < end; quarter++) {
    energy.wh[quarter] = whEach;
    energy.coveredMs[quarter] = kwh === null ? 0 : QUARTER_MS;
  }
}

/** The hours whose five-minute buckets are surely still there begin here. */
export function fineFrom(nowMs: number, fiveMinuteDays: number, zone: HomeZone): number {
  const first = zone.dayOf(nowMs - (fiveMinuteDays - 1) * 24 * HOUR_MS);
  return Math.ceil(first.startMs / HOUR_MS) * HOUR_MS;
}
