import type { HomeZone } from '../../base/home-zone.ts';
import type { NumericHistory } from '../types.ts';
import type { AnalysisContext, DeviceFold } from './device-analysis.ts';
import type { Meter } from './meters.ts';
import type { HomeCurve } from './peaks.ts';
import type { Period } from './period.ts';
import type { PriceVector } from './prices.ts';
import type { Turns } from './turns.ts';
import type {
  Comparison,
  Correction,
  DeviceEnergy,
  DeviceSeries,
  EnergyHome,
  EnergyNote,
  EnergyResolution,
  EnergyRole,
  Recommendation,
} from './types.ts';

import { adviceFor } from './advice.ts';
import { bucketsOf, curveOfOne, CurveSum, packBuckets } from './curve.ts';
import { BASELINE_DAYS, RECENT_DAYS } from './cycles.ts';
import { analyseDevice, fineFrom } from './device-analysis.ts';
import { Grid } from './grid.ts';
import { Nesting } from './nesting.ts';
import { deviceNotes } from './notes.ts';
import { daysFrom, makePeriod } from './period.ts';
import { costOf, meanPrice } from './prices.ts';
import { MIN_NIGHTS, standbyOf } from './standby.ts';

/** Of both spans, so that they can be compared. */
const COMPARABLE = 0.9;
const MAX_DAYS_TO_COMPARE = 366;

export interface ReportContext {
  readonly home: EnergyHome;
  readonly history: NumericHistory;
  readonly zone: HomeZone;
  readonly nowMs: number;
  readonly prices: PriceVector;
  /** Of the period and of as much time before it. */
  readonly corrections: readonly Correction[];
}

/** What became of the devices: their figures, and sums of their curves. */
export interface Gathered {
  /** In the order of the meters, those of which nothing is known left out. */
  readonly devices: readonly DeviceEnergy[];
  /** What each cost without those behind it. */
  readonly ownCosts: ReadonlyMap<string, number | null>;
  readonly notes: readonly EnergyNote[];
  readonly recommendations: readonly Recommendation[];
  readonly series: readonly DeviceSeries[];
  /** By role; null where there is no such device. Of devices each kWh is in it once. */
  readonly curves: Readonly<Record<Exclude<EnergyRole, 'ignore'>, HomeCurve | null>>;
  /** What the meters of the home fed in; null where none tells. */
  readonly exported: HomeCurve | null;
}

interface Told {
  readonly device: Omit<DeviceEnergy, 'ownKwh'>;
  readonly notes: readonly EnergyNote[];
  readonly recommendations: readonly Recommendation[];
  readonly series: DeviceSeries | null;
}

/** Looks at the devices one after the other. Their curves are summed at once and forgotten: of two years they are large. */
export async function gather(
  meters: readonly Meter[],
  parents: ReadonlyMap<string, string>,
  period: Period,
  context: ReportContext,
  { seriesBy, turns }: { seriesBy: EnergyResolution | null; turns: Turns },
): Promise<Gathered> {
  const { grid, untilMs } = period;
  const { prices } = context;
  const nesting = new Nesting(parents);
  const sums = new Map<EnergyRole | 'exported', CurveSum>();
  const sumOf = (what: EnergyRole | 'exported'): CurveSum => {
    const sum = sums.get(what) ?? new CurveSum(grid, untilMs);
    sums.set(what, sum);
    return sum;
  };
  const analysis = await analysisOf(period, context, turns);
  const past = await pastOf(period, context, turns);
  const told = new Map<string, Told>();
  for (const meter of nesting.ordered(meters)) {
    const fold = await analyseDevice(meter, analysis, turns);
    if (!fold) continue;
    const { entityId } = meter.device;
    const comparison = past && (await compare(fold, period, past, turns));
    await turns.take();
    told.set(entityId, tell(fold, { period, context, parents, comparison, seriesBy }));
    await turns.take();
    const wh = meter.role === 'device' ? nesting.take(entityId, fold.energy, prices) : fold.energy.wh;
    sumOf(meter.role).add(wh, fold.energy);
    if (fold.exported) sumOf('exported').add(fold.exported.wh, fold.exported);
    await turns.take();
  }
  const all = meters.flatMap(({ device }) => told.get(device.entityId) ?? []);
  const curveOf = (what: EnergyRole | 'exported'): HomeCurve | null => sums.get(what)?.finish() ?? null;
  return {
    devices: all.map(({ device }) => ({
      ...device,
      ownKwh: Math.max(0, device.kwh - nesting.behind(device.entityId).kwh),
    })),
    ownCosts: new Map(
      all.map(({ device: { entityId, cost } }) => [
        entityId,
        cost === null ? null : cost - nesting.behind(entityId).cost,
      ]),
    ),
    notes: all.flatMap(({ notes }) => notes),
    recommendations: all.flatMap(({ recommendations }) => recommendations),
    series: all.flatMap(({ series }) => series ?? []),
    curves: { device: curveOf('device'), main: curveOf('main'), solar: curveOf('solar') },
    exported: curveOf('exported'),
  };
}

async function analysisOf(
  { grid, untilMs, completeDays }: Period,
  { history, zone, nowMs, corrections }: ReportContext,
  turns: Turns,
): Promise<AnalysisContext> {
  const last = grid.days[completeDays - 1];
  const end = completeDays >= RECENT_DAYS && last ? zone.plusDays(last, 1) : undefined;
  const cycleDays = end
    ? await daysFrom(zone, zone.plusDays(end, -(RECENT_DAYS + BASELINE_DAYS)), end, turns)
    : [];
  return {
    grid,
    untilMs,
    fineFromMs: fineFrom(nowMs, history.fiveMinuteDays, zone),
    scan: history.scan(),
    corrections,
    cycleDays,
    wantsStandby: grid.days.length >= MIN_NIGHTS,
  };
}

/** As many days before the period as it has complete ones; null where there are none, or too many. */
async function pastOf(
  { grid, completeDays }: Period,
  { zone, history, corrections }: ReportContext,
  turns: Turns,
): Promise<AnalysisContext | null> {
  const [first] = grid.days;
  if (!first || completeDays === 0 || completeDays > MAX_DAYS_TO_COMPARE) return null;
  const days = await daysFrom(zone, zone.plusDays(first, -completeDays), first, turns);
  return {
    ...makePeriod(await Grid.make(zone, days, turns), grid.fromMs),
    // The sum of hours is that of their buckets, and is read much faster.
    fineFromMs: Infinity,
    scan: history.scan(),
    corrections,
    cycleDays: [],
    wantsStandby: false,
  };
}

/** The complete days beside as many before them: null where one of both is not known well enough, or not in the same way. */
async function compare(
  fold: DeviceFold,
  { grid, completeDays }: Period,
  past: AnalysisContext,
  turns: Turns,
): Promise<Comparison | null> {
  const end = grid.firstOf(completeDays);
  const isKnown = ({ energy }: DeviceFold, from: Grid, to: number): boolean =>
    energy.covered(0, to) >= COMPARABLE * (from.startOf(to) - from.fromMs);
  if (!isKnown(fold, grid, end)) return null;
  const before = await analyseDevice(fold.meter, past, turns);
  if (!before || before.source !== fold.source || !isKnown(before, past.grid, past.grid.count)) return null;
  const [kwh, beforeKwh] = [fold.energy.kwh(0, end), before.energy.kwh()];
  return {
    fromMs: past.grid.fromMs,
    toMs: past.grid.toMs,
    days: completeDays,
    kwh,
    beforeKwh,
    change: beforeKwh > 0 ? kwh / beforeKwh - 1 : null,
  };
}

interface TellContext {
  readonly period: Period;
  readonly context: ReportContext;
  readonly parents: ReadonlyMap<string, string>;
  readonly comparison: Comparison | null;
  readonly seriesBy: EnergyResolution | null;
}

function tell(fold: DeviceFold, { period, context, parents, comparison, seriesBy }: TellContext): Told {
  const { home, prices, zone } = context;
  const { grid, untilMs, completeDays } = period;
  const { entityId, name, roomId } = fold.meter.device;
  const { role } = fold.meter;
  const coveredMs = fold.energy.covered();
  const coverage = Math.min(1, coveredMs / Math.max(1, untilMs - grid.fromMs));
  const sum = (list: readonly { kwh: number }[]): number => list.reduce((total, one) => total + one.kwh, 0);
  const device: Told['device'] = {
    entityId,
    name,
    roomId,
    roomName: roomId === null ? null : home.roomName(roomId),
    role,
    parentId: parents.get(entityId) ?? null,
    source: fold.source,
    kwh: fold.energy.kwh(),
    exportKwh: fold.exported?.kwh() ?? null,
    cost: role === 'solar' ? null : costOf(fold.energy.wh, prices),
    coveredMs,
    coverage,
    unattributedKwh: sum(fold.unattributed),
    quarantinedKwh: sum(fold.quarantined),
    standby: role === 'solar' ? null : standbyOf(fold.nights, meanPrice(prices)),
    comparison,
    cycle: fold.cycle,
  };
  return {
    device,
    notes: deviceNotes(fold, coverage, zone),
    recommendations: adviceFor(device, fold, prices, completeDays),
    series: seriesBy && {
      entityId,
      buckets: packBuckets(
        bucketsOf(curveOfOne(fold.energy, untilMs), seriesBy, {
          prices: role === 'solar' ? { ...prices, currency: null } : prices,
          untilMs,
        }),
      ),
    },
  };
}
