import type { AccessoriesPart, AccessoryTiming } from '../accessories/types.ts';
import type { HubConfig } from '../config/config.ts';
import type { DeviceControl } from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { HomekitPart } from '../homekit/types.ts';
import type { Shared } from './optional-parts.ts';

import { IMPORTED_PREFIX } from '../accessories/types.ts';

/** What a test replaces. */
export interface AccessoryOverrides {
  /** Look for accessories on the loopback interface, whatever else is announced. */
  readonly discover: boolean;
  readonly timing: Partial<AccessoryTiming>;
}

/** Starts what imports the HomeKit accessories of others, unless HomeKit is off. */
export async function startAccessoriesPart(
  config: HubConfig,
  overrides: { readonly loopbackOnly?: boolean; readonly accessories?: AccessoryOverrides },
  homekit: HomekitPart | null,
  shared: Shared & { readonly graph: Graph },
): Promise<AccessoriesPart | null> {
  const { store, graph, devices, clock, log } = shared;
  if (!homekit) {
    // Nobody asks them any more, so nobody knows how they are.
    for (const { id } of devices.components())
      if (id.startsWith(IMPORTED_PREFIX)) devices.setAvailable(id, false);
    return null;
  }
  const { startAccessories } = await import('../accessories/accessories.ts');
  const part = shared.opening.add(
    'accessories',
    await startAccessories({
      store,
      graph,
      devices,
      clock,
      log: log.child({ part: 'accessories' }),
      discover: overrides.accessories?.discover ?? (config.mdns.enabled && overrides.loopbackOnly !== true),
      isOwn: (id) => homekit.bridges.some(({ username }) => username === id),
      ownSerialNumbers: () => ownSerialNumbers(devices),
      ...(overrides.accessories ? { timing: overrides.accessories.timing } : {}),
      ...(overrides.loopbackOnly === true ? { interfaceAddress: '127.0.0.1' } : {}),
    }),
  );
  shared.sinks.accessories = part.sink;
  return part;
}

/**
 * The devices that Apple Home is shown. Imported accessories are not among them: a home that has one in Apple Home as
 * well would have it twice, and one that is shown back to where it comes from makes a loop.
 */
export function bridgeable(devices: DeviceControl): DeviceControl {
  return {
    list: () => devices.list().filter(({ source }) => source !== 'homekit'),
    view: (entityId) => {
      const view = devices.view(entityId);
      return view?.source === 'homekit' ? undefined : view;
    },
    command: async (options) => await devices.command(options),
    follow: (wake) => devices.follow(wake),
    followDevices: (wake) => devices.followDevices(wake),
  };
}

/** Under which our devices are shown: each device's own serial number where it has one of its own, else the entity's id. */
function ownSerialNumbers(devices: DeviceControl): ReadonlySet<string> {
  const counts = new Map<string, number>();
  const views = devices.list().filter(({ source }) => source !== 'homekit');
  for (const { serialNumber } of views) {
    const serial = serialNumber?.trim() ?? '';
    counts.set(serial, (counts.get(serial) ?? 0) + 1);
  }
  const own = [...counts].flatMap(([serial, count]) => (serial.length > 1 && count === 1 ? [serial] : []));
  return new Set([...own, ...views.map(({ entityId }) => entityId)]);
}
