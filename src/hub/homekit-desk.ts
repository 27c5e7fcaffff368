import type { JsonObject } from '../base/json.ts';
import type { HubStatus, PairingInfo } from '../cli/types.ts';
import type { BridgeView, DeviceChoice, DevicePart, HomekitPart } from '../homekit/types.ts';

import { HubError } from '../base/errors.ts';

type Homekit = Pick<
  HomekitPart,
  'bridges' | 'advertiser' | 'shown' | 'hidden' | 'kept' | 'lossByRemoval' | 'choose'
>;

/** What a person asks and decides about Apple Home, in the words of the API. */
export class HomekitDesk {
  readonly #homekit: Homekit | null;

  /** @param homekit null where it is off */
  constructor(homekit: Homekit | null) {
    this.#homekit = homekit;
  }

  /** The bridges with their codes, and what is not shown; empty where HomeKit is off. Holds secrets. */
  overview(): JsonObject {
    const homekit = this.#homekit;
    return {
      enabled: homekit !== null,
      advertiser: homekit?.advertiser ?? null,
      bridges: (homekit?.bridges ?? []).map(bridgeBody),
      shown: (homekit?.shown() ?? []).map(({ entityId, name, bridge, services }) => ({
        entity_id: entityId,
        name,
        bridge,
        services: [...services],
      })),
      hidden: (homekit?.hidden() ?? []).map(({ entityId, name, reason }) => ({
        entity_id: entityId,
        name,
        reason,
      })),
      kept: (homekit?.kept() ?? []).map(({ entityId, name, parts }) => ({
        entity_id: entityId,
        name,
        parts: parts.map(partBody),
      })),
    };
  }

  /** See HomekitPart. */
  lossByRemoval(entityId: string): string | null {
    return this.#homekit?.lossByRemoval(entityId) ?? null;
  }

  /** See HomekitPart. @throws HubError `conflict` where HomeKit is off. */
  async choose(entityId: string, choice: DeviceChoice): Promise<JsonObject> {
    if (!this.#homekit) throw new HubError('conflict', 'HomeKit is switched off: homekit.enabled is false.');
    const { excluded, bridge, alone, shown, parts } = await this.#homekit.choose(entityId, choice);
    return { entity_id: entityId, excluded, bridge, alone, shown, parts: parts.map(partBody) };
  }
}

function partBody({ component, label, service, announcedService, inversion }: DevicePart): JsonObject {
  return {
    component,
    label,
    service,
    announced_service: announcedService,
    invert_opening: inversion?.opening ?? null,
    invert_tilt: inversion?.tilt ?? null,
  };
}

function bridgeBody(view: BridgeView): JsonObject {
  const {
    number,
    name,
    username,
    port,
    pin,
    setupUri,
    paired,
    controllers,
    pairings,
    alone,
    accessories,
    problem,
  } = view;
  return {
    number,
    name,
    username,
    port,
    pin,
    setup_uri: setupUri,
    paired,
    controllers,
    pairings: pairings.map(({ id, admin, connectedFrom }) => ({
      id,
      admin,
      connected_from: [...connectedFrom],
    })),
    alone,
    accessories,
    problem,
  };
}

/** How it goes with Apple Home; without secrets. What is said of one bridge is said of the first. */
export function homekitStatus(homekit: HomekitPart): HubStatus['homekit'] {
  const { port, paired, accessoryCount, bridges } = homekit;
  return {
    port,
    paired,
    accessories: accessoryCount,
    bridges: bridges.map((view) => ({
      number: view.number,
      name: view.name,
      port: view.port,
      paired: view.paired,
      controllers: view.controllers,
      accessories: view.accessories,
      problem: view.problem,
    })),
  };
}

/** What pairs a phone with the bridges. */
export function homekitPairing({
  bridges: [first, ...more],
}: Pick<HomekitPart, 'bridges'>): PairingInfo['homekit'] {
  if (!first) return null;
  const { pin, username, port, setupUri, paired } = first;
  return {
    pin,
    username,
    port,
    setupUri,
    paired,
    more: more.map((view) => ({
      name: view.name,
      pin: view.pin,
      username: view.username,
      port: view.port,
      setupUri: view.setupUri,
      paired: view.paired,
    })),
  };
}
