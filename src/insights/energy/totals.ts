import type { DeviceFold } from './device-analysis.ts';
import type { HomeCurve } from './peaks.ts';
import type { PriceVector } from './prices.ts';
import type { DeviceEnergy, HomeEnergy, RoomEnergy, Unmetered } from './types.ts';

const KNOWN = 0.9;

export interface HomeFolds {
  readonly mains: readonly DeviceFold[];
  readonly solars: readonly DeviceFold[];
  /** Devices that hang behind no other device. */
  readonly tops: readonly DeviceFold[];
}

/** Sums of rooms, of what each device used without those behind it: nothing is in two rooms. */
export function roomsOf(
  devices: readonly DeviceEnergy[],
  costs: ReadonlyMap<string, number | null>,
): RoomEnergy[] {
  const rooms = new Map<string | null, DeviceEnergy[]>();
  for (const device of devices) {
    if (device.role !== 'device') continue;
    const list = rooms.get(device.roomId);
    if (list) list.push(device);
    else rooms.set(device.roomId, [device]);
  }
  return [...rooms]
    .map(([roomId, list]) => {
      const known = list.flatMap(({ entityId }) => costs.get(entityId) ?? []);
      return {
        roomId,
        name: list[0]?.roomName ?? null,
        kwh: list.reduce((sum, { ownKwh }) => sum + ownKwh, 0),
        cost: known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0),
        devices: list.length,
      };
    })
    .toSorted((a, b) => b.kwh - a.kwh);
}

/** The home as a whole where it has a meter of its own; else what its devices used together. */
export function homeOf(
  { mains, solars, tops }: HomeFolds,
  curve: HomeCurve,
  {
    prices,
    costs,
    untilMs,
  }: { prices: PriceVector; costs: ReadonlyMap<string, number | null>; untilMs: number },
): HomeEnergy {
  const paying = mains.length > 0 ? mains : tops;
  const known = paying.flatMap(({ meter }) => costs.get(meter.device.entityId) ?? []);
  const begun = curve.grid.days.flatMap(({ startMs }, day) =>
    startMs < untilMs ? (prices.standing[day] ?? 0) : [],
  );
  const sum = (folds: readonly DeviceFold[]): number =>
    folds.reduce((kwh, { energy }) => kwh + energy.kwh(), 0);
  const exported = mains.flatMap(({ exported }) => (exported ? [exported.kwh()] : []));
  const exportKwh = exported.length === 0 ? null : exported.reduce((kwh, one) => kwh + one, 0);
  const importKwh = mains.length > 0 ? sum(mains) : null;
  const productionKwh = solars.length > 0 ? sum(solars) : null;
  const share = curve.known.slice(0, curve.endQuarter).reduce((total, known) => total + known, 0);
  return {
    basis: importKwh === null ? 'devices' : 'main_meter',
    kwh: importKwh === null ? sum(tops) : Math.max(0, importKwh + (productionKwh ?? 0) - (exportKwh ?? 0)),
    importKwh,
    exportKwh,
    productionKwh,
    cost: known.length === 0 ? null : known.reduce((total, cost) => total + cost, 0),
    standingCost: prices.currency === null ? null : begun.reduce((total, price) => total + price, 0),
    coverage: curve.endQuarter === 0 ? 0 : Math.min(1, share / curve.endQuarter),
  };
}

/** What the meter of the home counted beyond the devices, over the time for which it was heard. */
export function unmeteredOf(curve: HomeCurve, devices: HomeCurve): Unmetered {
  let [whole, metered] = [0, 0];
  for (let quarter = 0; quarter < curve.grid.count; quarter++) {
    if ((curve.known[quarter] ?? 0) < KNOWN) continue;
    whole += (curve.wh[quarter] ?? 0) / 1000;
    metered += (devices.wh[quarter] ?? 0) / 1000;
  }
  const kwh = Math.max(0, whole - metered);
  return { kwh, share: whole > 0 ? kwh / whole : null };
}
