import type { HomeZone } from '../../base/home-zone.ts';
import type { NumericHistory } from '../types.ts';
import type { Meter } from './meters.ts';
import type { Period } from './period.ts';
import type { PriceVector } from './prices.ts';
import type {
  Comparison,
  Correction,
  DeviceEnergy,
  EnergyHome,
  EnergyNote,
  EnergyQuery,
  EnergyReport,
  Recommendation,
} from './types.ts';

import { HubError } from '../../base/errors.ts';
import { adviceFor } from './advice.ts';
import { bucketsOf, curveOf, curveOfOne, homeCurve } from './curve.ts';
import { BASELINE_DAYS, RECENT_DAYS } from './cycles.ts';
import { analyseDevice, fineFrom, Turns, type AnalysisContext, type DeviceFold } from './device-analysis.ts';
import { Grid, HOUR_MS } from './grid.ts';
import { meterOf, parentsOf } from './meters.ts';
import { deviceNotes, percent, priceNotes } from './notes.ts';
import { peakHours } from './peaks.ts';
import { daysFrom, makePeriod } from './period.ts';
import { costOf, meanPrice } from './prices.ts';
import { MIN_NIGHTS, standbyOf } from './standby.ts';
import { homeOf, roomsOf, unmeteredOf } from './totals.ts';

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

/** Looks at the devices one after the other and puts together what they say. */
export async function makeReport(
  query: EnergyQuery,
  period: Period,
  context: ReportContext,
): Promise<EnergyReport> {
  const { zone, prices, history, nowMs } = context;
  const { grid, untilMs, completeDays } = period;
  const notes: EnergyNote[] = [...priceNotes(prices)];
  const meters = metersFor(query, context, notes);
  const parents = parentsOf(meters, notes);
  const turns = new Turns();
  const analysis = analysisOf(period, context);
  const folds: DeviceFold[] = [];
  const comparisons = new Map<string, Comparison>();
  for (const meter of meters) {
    const fold = await analyseDevice(meter, analysis, turns);
    if (!fold) continue;
    folds.push(fold);
    const comparison = await compare(fold, period, context, turns);
    if (comparison) comparisons.set(meter.device.entityId, comparison);
  }
  const costs = new Map<string, number | null>();
  for (const { meter, energy } of folds) {
    costs.set(meter.device.entityId, costOf(energy.wh, prices));
    await turns.take();
  }
  const told = { period, context, parents, comparisons, folds, costs };
  const devices: DeviceEnergy[] = [];
  for (const fold of folds) {
    devices.push(describe(fold, told));
    await turns.take();
  }
  const selected = query.entityId !== undefined || query.roomId !== undefined;
  const isWhole = query.visible === null && !selected;
  const consumers = folds.filter(({ meter }) => meter.role === 'device');
  const ofHome = {
    mains: folds.filter(({ meter }) => meter.role === 'main'),
    solars: folds.filter(({ meter }) => meter.role === 'solar'),
    // What hangs behind a device of which nothing is known counts by itself.
    tops: consumers.filter(({ meter }) => !isBehind(meter, parents, folds)),
  };
  const isMetered = isWhole && ofHome.mains.length > 0;
  const shown = selected && ofHome.tops.length === 0 ? folds : ofHome.tops;
  const metered = await curveOf(grid, shown, untilMs, turns);
  const paid = isMetered ? await curveOf(grid, ofHome.mains, untilMs, turns) : metered;
  const curve = isMetered ? homeCurve(paid, ofHome) : metered;
  const seen = { prices, untilMs };
  if (isMetered && ofHome.solars.length > 0 && ofHome.mains.every(({ exported }) => exported === null)) {
    notes.push({
      kind: 'export',
      entityId: null,
      text: 'Nothing tells what is fed into the grid: the home seems to have used all that it produced.',
    });
  }
  const recommendations: Recommendation[] = [];
  for (const [index, fold] of folds.entries()) {
    const device = devices[index];
    if (!device) continue;
    await turns.take();
    notes.push(...deviceNotes(fold, device.coverage, zone));
    recommendations.push(...adviceFor(device, fold, prices, completeDays));
  }
  if (isMetered) notes.push(...unheardNotes(consumers, grid.fromMs, untilMs));
  if (grid.fromMs < fineFrom(nowMs, history.fiveMinuteDays, zone)) {
    const text = `Before ${zone.at(analysis.fineFromMs).toPlainDate().toString()} only hours are kept: each is spread evenly over its quarters, and what it cost is estimated.`;
    notes.push({ kind: 'hourly_data', entityId: null, text });
  }
  await turns.take();
  const peaks = isWhole && folds.length > 0 ? peakHours(curve) : [];
  await turns.take();
  return {
    fromMs: grid.fromMs,
    toMs: grid.toMs,
    untilMs,
    days: grid.days.length,
    completeDays,
    timezone: zone.id,
    resolution: query.resolution,
    ...sharesOf(devices),
    currency: prices.currency,
    devices,
    rooms: roomsOf(devices, ownCosts(folds, parents, costs)),
    home: isWhole && folds.length > 0 ? homeOf(ofHome, curve, { ...seen, costs }) : null,
    unmetered: isMetered ? unmeteredOf(curve, metered) : null,
    buckets: isWhole || selected ? bucketsOf(curve, query.resolution, { ...seen, paidWh: paid.wh }) : [],
    peakHours: peaks,
    recommendations,
    notes,
    series:
      query.withSeries === true
        ? folds.map((fold) => ({
            entityId: fold.meter.device.entityId,
            buckets: () => bucketsOf(curveOfOne(grid, fold, untilMs), query.resolution, seen),
          }))
        : [],
  };
}

/** @throws HubError `not_found` for a device or a room of which there is nothing to tell. */
export function metersFor(
  query: Pick<EnergyQuery, 'entityId' | 'roomId' | 'visible'>,
  { home, history }: Pick<ReportContext, 'home' | 'history'>,
  notes: EnergyNote[],
): Meter[] {
  const { entityId, roomId, visible } = query;
  const isAsked = (device: { entityId: string; roomId: string | null }): boolean =>
    (visible === null || visible.has(device.entityId)) &&
    (entityId === undefined || device.entityId === entityId) &&
    (roomId === undefined || device.roomId === roomId);
  if (roomId !== undefined && (visible?.has(roomId) === false || home.roomName(roomId) === null)) {
    throw new HubError('not_found', `There is no room ${roomId.slice(0, 128)}.`, { field: 'room_id' });
  }
  const devices = home.devices().filter(isAsked);
  const meters = devices.flatMap(
    (device) => meterOf(device, (capability) => history.has(device.entityId, capability), notes) ?? [],
  );
  if (entityId !== undefined && meters.length === 0) {
    const [device] = devices;
    throw new HubError(
      'not_found',
      device
        ? `${device.name} has told neither power nor energy yet, or is ignored (energy_role).`
        : `There is no device ${entityId.slice(0, 128)}.`,
      { field: 'entity_id' },
    );
  }
  return meters;
}

function analysisOf({ grid, untilMs, completeDays }: Period, context: ReportContext): AnalysisContext {
  const { history, zone, nowMs, corrections } = context;
  const fineFromMs = fineFrom(nowMs, history.fiveMinuteDays, zone);
  const last = grid.days[completeDays - 1];
  const end = completeDays >= RECENT_DAYS && last ? zone.plusDays(last, 1) : undefined;
  return {
    grid,
    untilMs,
    fineFromMs,
    scan: history.scan(),
    corrections,
    cycleDays: end ? daysFrom(zone, zone.plusDays(end, -(RECENT_DAYS + BASELINE_DAYS)), end) : [],
    wantsStandby: grid.days.length >= MIN_NIGHTS,
  };
}

/** The complete days beside as many before them: null where one of both is not known well enough, or not in the same way. */
async function compare(
  fold: DeviceFold,
  { grid, completeDays }: Period,
  context: ReportContext,
  turns: Turns,
): Promise<Comparison | null> {
  const { zone, history, corrections } = context;
  const [first] = grid.days;
  const last = grid.days[completeDays - 1];
  if (!first || !last || completeDays > MAX_DAYS_TO_COMPARE) return null;
  const end = grid.firstOf(completeDays);
  if (fold.energy.covered(0, end) < COMPARABLE * (last.endMs - grid.fromMs)) return null;
  const before = makePeriod(
    new Grid(zone, daysFrom(zone, zone.plusDays(first, -completeDays), first)),
    grid.fromMs,
  );
  const past = await analyseDevice(
    fold.meter,
    {
      ...before,
      // The sum of hours is that of their buckets, and is read much faster.
      fineFromMs: Infinity,
      scan: history.scan(),
      corrections,
      cycleDays: [],
      wantsStandby: false,
    },
    turns,
  );
  const { fromMs, toMs } = before.grid;
  if (!past || past.source !== fold.source || past.energy.covered() < COMPARABLE * (toMs - fromMs))
    return null;
  const [kwh, beforeKwh] = [fold.energy.kwh(0, end), past.energy.kwh()];
  return {
    fromMs,
    toMs,
    days: completeDays,
    kwh,
    beforeKwh,
    change: beforeKwh > 0 ? kwh / beforeKwh - 1 : null,
  };
}

interface DescribeContext {
  readonly period: Period;
  readonly context: ReportContext;
  readonly parents: ReadonlyMap<string, string>;
  readonly comparisons: ReadonlyMap<string, Comparison>;
  readonly folds: readonly DeviceFold[];
  readonly costs: ReadonlyMap<string, number | null>;
}

function describe(
  fold: DeviceFold,
  { period, context, parents, comparisons, folds, costs }: DescribeContext,
): DeviceEnergy {
  const { home, prices } = context;
  const { device, role } = fold.meter;
  const { entityId, name, roomId } = device;
  const kwh = fold.energy.kwh();
  const behind = childrenOf(entityId, parents, folds).reduce((sum, { energy }) => sum + energy.kwh(), 0);
  const coveredMs = fold.energy.covered();
  const sum = (list: readonly { kwh: number }[]): number => list.reduce((total, one) => total + one.kwh, 0);
  return {
    entityId,
    name,
    roomId,
    roomName: roomId === null ? null : home.roomName(roomId),
    role,
    parentId: parents.get(entityId) ?? null,
    source: fold.source,
    kwh,
    ownKwh: Math.max(0, kwh - behind),
    exportKwh: fold.exported?.kwh() ?? null,
    cost: role === 'solar' ? null : (costs.get(entityId) ?? null),
    coveredMs,
    coverage: Math.min(1, coveredMs / Math.max(1, period.untilMs - period.grid.fromMs)),
    unattributedKwh: sum(fold.unattributed),
    quarantinedKwh: sum(fold.quarantined),
    standby: role === 'solar' ? null : standbyOf(fold.nights, meanPrice(prices)),
    comparison: comparisons.get(entityId) ?? null,
    cycle: fold.cycle,
  };
}

/** What each device cost without those behind it. */
function ownCosts(
  folds: readonly DeviceFold[],
  parents: ReadonlyMap<string, string>,
  costs: ReadonlyMap<string, number | null>,
): Map<string, number | null> {
  return new Map(
    folds.map(({ meter }) => {
      const { entityId } = meter.device;
      const cost = costs.get(entityId) ?? null;
      const behind = childrenOf(entityId, parents, folds).flatMap(
        (child) => costs.get(child.meter.device.entityId) ?? [],
      );
      return [entityId, cost === null ? null : behind.reduce((left, one) => left - one, cost)];
    }),
  );
}

function childrenOf(
  entityId: string,
  parents: ReadonlyMap<string, string>,
  folds: readonly DeviceFold[],
): DeviceFold[] {
  return folds.filter(({ meter }) => parents.get(meter.device.entityId) === entityId);
}

/** True where what a device used is in the count of one above it. */
function isBehind(meter: Meter, parents: ReadonlyMap<string, string>, folds: readonly DeviceFold[]): boolean {
  const parentId = parents.get(meter.device.entityId);
  return parentId !== undefined && folds.some((fold) => fold.meter.device.entityId === parentId);
}

function sharesOf(devices: readonly DeviceEnergy[]): Pick<EnergyReport, 'coverage' | 'measuredShare'> {
  const consumers = devices.filter(({ role }) => role === 'device');
  const list = consumers.length > 0 ? consumers : devices;
  const sum = (some: readonly DeviceEnergy[]): number => some.reduce((total, { kwh }) => total + kwh, 0);
  const all = sum(list);
  return {
    coverage: list.length === 0 ? 0 : list.reduce((total, { coverage }) => total + coverage, 0) / list.length,
    measuredShare: all > 0 ? sum(list.filter(({ source }) => source === 'counter')) / all : null,
  };
}

function unheardNotes(consumers: readonly DeviceFold[], fromMs: number, untilMs: number): EnergyNote[] {
  const unheard = consumers.filter(({ energy }) => energy.covered() < COMPARABLE * (untilMs - fromMs));
  if (unheard.length === 0) return [];
  const hours = unheard.reduce((sum, { energy }) => sum + (untilMs - fromMs - energy.covered()), 0) / HOUR_MS;
  const share = hours / ((consumers.length * (untilMs - fromMs)) / HOUR_MS);
  const text = `What is unmetered holds what ${unheard.length} devices used while nobody heard them (${percent(share)} of all their time).`;
  return [{ kind: 'unmetered', entityId: null, text }];
}
