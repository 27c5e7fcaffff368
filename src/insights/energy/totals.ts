import type { HomeFlows } from './curve.ts';
import type { HomeCurve } from './peaks.ts';
import type { PriceVector } from './prices.ts';
import type { DeviceEnergy, HomeEnergy, RoomEnergy, Unmetered } from './types.ts';

import { costOf } from './prices.ts';
import { sumOf } from './quarters.ts';

const KNOWN = 0.9;

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

/**
 * The home as a whole where it has a meter of its own; else what its devices used together.
 * @param curve what was used, see `homeCurve`
 * @param flows null where there is no meter of the home
 */
export function homeOf(
  curve: HomeCurve,
  flows: HomeFlows | null,
  { prices, untilMs }: { prices: PriceVector; untilMs: number },
): HomeEnergy {
  const kwhOf = ({ wh }: HomeCurve): number => sumOf(wh) / 1000;
  const begun = curve.grid.days.flatMap(({ startMs }, day) =>
    startMs < untilMs ? (prices.standing[day] ?? 0) : [],
  );
  const known = sumOf(curve.known, 0, curve.endQuarter);
  return {
    basis: flows ? 'main_meter' : 'devices',
    kwh: kwhOf(curve),
    importKwh: flows && kwhOf(flows.imported),
    exportKwh: flows?.exported ? kwhOf(flows.exported) : null,
    productionKwh: flows?.produced ? kwhOf(flows.produced) : null,
    cost: costOf((flows?.imported ?? curve).wh, prices),
    standingCost: prices.currency === null ? null : begun.reduce((total, price) => total + price, 0),
    coverage: curve.endQuarter === 0 ? 0 : Math.min(1, known / curve.endQuarter),
  };
}

/** What the meter of the home counted beyond the devices, over the time for which it was heard. */
export function unmeteredOf(curve: HomeCurve, devices: HomeCurve | null): Unmetered {
  let [whole, metered] = [0, 0];
  for (let quarter = 0; quarter < curve.grid.count; quarter++) {
    if ((curve.known[quarter] ?? 0) < KNOWN) continue;
    whole += (curve.wh[quarter] ?? 0) / 1000;
    metered += (devices?.wh[quarter] ?? 0) / 1000;
  }
  const kwh = Math.max(0, whole - metered);
  return { kwh, share: whole > 0 ? kwh / whole : null };
}
