import type { Gathered, ReportContext } from './gather.ts';
import type { Meter } from './meters.ts';
import type { Period } from './period.ts';
import type { Turns } from './turns.ts';
import type { DeviceEnergy, EnergyNote, EnergyQuery, EnergyReport } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { bucketsOf, homeCurve, type HomeFlows } from './curve.ts';
import { fineFrom } from './device-analysis.ts';
import { gather } from './gather.ts';
import { meterOf, parentsOf } from './meters.ts';
import { counted, percent, priceNotes } from './notes.ts';
import { peakHours } from './peaks.ts';
import { homeOf, roomsOf, unmeteredOf } from './totals.ts';

/** Devices that are known for less than this are told to be in what is unmetered. */
const HEARD = 0.9;

/** Looks at the devices and puts together what they say. */
export async function makeReport(
  query: EnergyQuery,
  period: Period,
  context: ReportContext,
  turns: Turns,
): Promise<EnergyReport> {
  const { zone, prices } = context;
  const { grid, untilMs } = period;
  const notes: EnergyNote[] = [...priceNotes(prices)];
  const meters = metersFor(query, context, notes);
  const parents = parentsOf(meters, notes);
  const seriesBy = query.withSeries === true ? query.resolution : null;
  const gathered = await gather(meters, parents, period, context, { seriesBy, turns });
  await turns.take();
  const { devices, curves } = gathered;
  const isSelected = query.entityId !== undefined || query.roomId !== undefined;
  const isWhole = query.visible === null && !isSelected;
  const flows = isWhole ? flowsOf(gathered) : null;
  const shown = flows
    ? homeCurve(flows)
    : (curves.device ?? (isSelected ? (curves.main ?? curves.solar) : null));
  await turns.take();
  if (flows) notes.push(...flowNotes(flows));
  notes.push(...gathered.notes);
  if (flows) notes.push(...unheardNotes(devices));
  notes.push(...hourlyNotes(period, context));
  const seen = { prices, untilMs };
  const peaks = isWhole && shown ? peakHours(shown) : [];
  await turns.take();
  const buckets =
    shown && (isWhole || isSelected)
      ? bucketsOf(shown, query.resolution, { ...seen, paidWh: (flows?.imported ?? shown).wh })
      : [];
  await turns.take();
  return {
    fromMs: grid.fromMs,
    toMs: grid.toMs,
    untilMs,
    days: grid.days.length,
    completeDays: period.completeDays,
    timezone: zone.id,
    resolution: query.resolution,
    ...sharesOf(devices),
    currency: prices.currency,
    devices,
    rooms: roomsOf(devices, gathered.ownCosts),
    home: isWhole && shown ? homeOf(shown, flows, seen) : null,
    unmetered: flows && shown && unmeteredOf(shown, curves.device),
    buckets,
    peakHours: peaks,
    recommendations: gathered.recommendations,
    notes,
    series: gathered.series,
  };
}

/** Null where there is no meter of the home. */
function flowsOf({ curves, exported }: Gathered): HomeFlows | null {
  return curves.main && { imported: curves.main, produced: curves.solar, exported };
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

function flowNotes({ produced, exported }: HomeFlows): EnergyNote[] {
  const note = (text: string): EnergyNote[] => [{ kind: 'export', entityId: null, text }];
  if (produced && !exported) {
    return note('Nothing tells what is fed into the grid: the home seems to have used all that it produced.');
  }
  if (!produced && exported?.wh.some((wh) => wh > 0)) {
    return note(
      'Something is fed into the grid, but nothing that produces is metered: what the home used of its own production is in no figure. Whatever measures it is told so by energy_role solar.',
    );
  }
  return [];
}

function unheardNotes(devices: readonly DeviceEnergy[]): EnergyNote[] {
  const consumers = devices.filter(({ role }) => role === 'device');
  const unheard = consumers.filter(({ coverage }) => coverage < HEARD);
  if (unheard.length === 0) return [];
  const share = unheard.reduce((sum, { coverage }) => sum + 1 - coverage, 0) / consumers.length;
  const text = `What is unmetered holds what ${counted(unheard.length, 'device')} used while nobody heard them (${percent(share)} of all their time).`;
  return [{ kind: 'unmetered', entityId: null, text }];
}

function hourlyNotes({ grid }: Period, { history, nowMs, zone }: ReportContext): EnergyNote[] {
  const fineFromMs = fineFrom(nowMs, history.fiveMinuteDays, zone);
  if (grid.fromMs >= fineFromMs) return [];
  const text = `Before ${zone.at(fineFromMs).toPlainDate().toString()} only hours are kept: each is spread evenly over its quarters, and what it cost is estimated.`;
  return [{ kind: 'hourly_data', entityId: null, text }];
}
