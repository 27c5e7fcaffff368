import type { DeviceView, StateChange, StateFollower } from '../devices/types.ts';
import type { Bridges } from './bridges.ts';
import type { AccessoryDescription } from './device-accessory.ts';
import type { ServicePlan } from './service-plan.ts';
import type { HomekitOptions, ShownDevice, ShownInHomekit } from './types.ts';

import { accessoryName, DeviceAccessory } from './device-accessory.ts';
import { isTile, MAX_SERVICES, planServices } from './device-plan.ts';
import { numberEqualNames, toSerialNumbers } from './names.ts';
import { readExcluded, readPlaces, readRememberedServices } from './reader.ts';
import { rememberedByEntity } from './remembered.ts';
import { choosePlaces, type Place } from './rules.ts';
import { freePlace, writePlace, writeServiceName, writeTile } from './writer.ts';

const SETTLE_MS = 1000;
/** A device that keeps changing must not hold back the others. */
const SETTLE_AT_MOST_MS = 5000;
const FOLLOW_MS = 4000;

type Options = Pick<HomekitOptions, 'store' | 'devices' | 'clock' | 'log' | 'settleMs' | 'followMs'>;

/** What should stand on which bridge. */
interface Placed extends AccessoryDescription {
  readonly bridge: number;
}

/** Keeps the accessories of all bridges equal to the hub's devices. */
export class BridgedDevices implements Disposable {
  readonly #bridges: Bridges;
  readonly #options: Options;
  readonly #accessories = new Map<string, DeviceAccessory>();
  /** The bridge that each accessory stands on. */
  readonly #bridgeOf = new Map<string, number>();
  readonly #stops: Disposable[] = [];
  #follower: StateFollower | undefined;
  #settle: NodeJS.Timeout | undefined;
  #unsettledSinceMs: number | undefined;

  constructor(bridges: Bridges, options: Options) {
    this.#bridges = bridges;
    this.#options = options;
  }

  get count(): number {
    return this.#accessories.size;
  }

  /** The bridge that the device stands on at the moment. */
  bridgeOf(entityId: string): number | undefined {
    return this.#bridgeOf.get(entityId);
  }

  /** See HomekitPart. */
  shown(): ShownDevice[] {
    return [...this.#accessories]
      .map(([entityId, { hap, plans }]) => ({
        entityId,
        name: hap.displayName,
        bridge: this.#bridgeOf.get(entityId) ?? 1,
        services: plans.map(({ kind }) => kind),
      }))
      .toSorted((a, b) => a.bridge - b.bridge || a.name.localeCompare(b.name));
  }

  shows(entityId: string): ShownInHomekit[] {
    return (this.#accessories.get(entityId)?.plans ?? []).map(({ kind, characteristics }) => ({
      service: kind,
      characteristics: characteristics.map((each) => ({
        characteristic: each.kind,
        capability: each.source,
      })),
    }));
  }

  /**
   * Follows the devices and makes their accessories. To be called before the bridges are published: one that is missing
   * at that moment comes as new to Apple Home, without room and automations.
   */
  start(): void {
    const { devices } = this.#options;
    this.#follower = devices.follow(() => this.#guard(() => this.#takeState()));
    this.#stops.push(this.#follower);
    this.#stops.push(devices.followDevices(() => this.#guard(() => this.#devicesChanged())));
    this.restructure();
    this.#takeState();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop[Symbol.dispose]();
    clearTimeout(this.#settle);
    for (const accessory of this.#accessories.values()) accessory[Symbol.dispose]();
  }

  /** A wake must not throw: it runs on the turn of whoever reported the state. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error({ err: error }, 'a change of the devices could not be shown in Apple Home');
    }
  }

  #takeState(): void {
    const byEntity = new Map<string, StateChange[]>();
    for (const change of this.#follower?.take() ?? []) {
      const changes = byEntity.get(change.entityId);
      if (changes) changes.push(change);
      else byEntity.set(change.entityId, [change]);
    }
    for (const [entityId, changes] of byEntity) this.#accessories.get(entityId)?.take(changes);
  }

  /** Renames show at once; a change of structure waits until discovery is quiet, so that c# rises once for all of it. */
  #devicesChanged(): void {
    this.#takeState();
    const descriptions = this.#describe();
    let isSettled = descriptions.size === this.#accessories.size;
    for (const [entityId, description] of descriptions) {
      const accessory = this.#accessories.get(entityId);
      const stands = this.#bridgeOf.get(entityId) === description.bridge;
      if (stands && accessory?.hasStructureOf(description)) accessory.apply(description);
      else isSettled = false;
    }
    if (!isSettled) this.#settleSoon();
  }

  #settleSoon(): void {
    const { clock, settleMs = SETTLE_MS } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#unsettledSinceMs ??= nowMs;
    const leftMs = this.#unsettledSinceMs + SETTLE_AT_MOST_MS - nowMs;
    clearTimeout(this.#settle);
    this.#settle = setTimeout(
      () => this.#guard(() => this.restructure()),
      Math.max(0, Math.min(settleMs, leftMs)),
    );
  }

  /** Brings every bridge up to date at once, with what a person chose. */
  restructure(): void {
    clearTimeout(this.#settle);
    this.#unsettledSinceMs = undefined;
    this.#takeState();
    const descriptions = this.#describe();
    this.#remember(descriptions);
    for (const [entityId, accessory] of this.#accessories) {
      if (descriptions.get(entityId)?.bridge !== this.#bridgeOf.get(entityId))
        this.#remove(entityId, accessory);
    }
    const added = new Map<number, DeviceAccessory[]>();
    for (const [entityId, description] of descriptions) {
      const accessory = this.#accessories.get(entityId);
      if (accessory) accessory.apply(description);
      else {
        const onBridge = added.get(description.bridge) ?? [];
        onBridge.push(this.#create(entityId, description));
        added.set(description.bridge, onBridge);
      }
    }
    for (const [number, accessories] of added) {
      this.#bridges.at(number).hap.addBridgedAccessories(accessories.map(({ hap }) => hap));
    }
    this.#bridges.publishNew();
  }

  #remove(entityId: string, accessory: DeviceAccessory): void {
    accessory[Symbol.dispose]();
    const bridge = this.#bridgeOf.get(entityId);
    if (bridge !== undefined) this.#bridges.at(bridge).hap.removeBridgedAccessory(accessory.hap);
    this.#accessories.delete(entityId);
    this.#bridgeOf.delete(entityId);
  }

  #create(entityId: string, description: Placed): DeviceAccessory {
    const { devices, log, store, followMs = FOLLOW_MS } = this.#options;
    const accessory = new DeviceAccessory(description, {
      entityId,
      devices,
      log,
      followMs,
      onNameGiven: (component, name) => {
        store.write((tx) => writeServiceName(tx, entityId, component, name));
        this.#makeDurable();
      },
    });
    this.#accessories.set(entityId, accessory);
    this.#bridgeOf.set(entityId, description.bridge);
    return accessory;
  }

  /** What should stand on the bridges now, by entity id. */
  #describe(): Map<string, Placed> {
    const { devices, store } = this.#options;
    const remembered = rememberedByEntity(readRememberedServices(store.db));
    const excluded = readExcluded(store.db);
    const views = devices.list();
    const planned: { view: DeviceView; plans: ServicePlan[] }[] = [];
    for (const view of views) {
      if (excluded.has(view.entityId)) continue;
      const { tiles, inversions } = remembered.get(view.entityId) ?? {};
      const plans = planServices(view, tiles, inversions);
      if (plans.length > 0) planned.push({ view, plans: this.#limitServices(view, plans) });
    }
    const places = choosePlaces(
      planned.map(({ view }) => view.entityId),
      placesNow(readPlaces(store.db), views),
      this.#bridges.reserved,
    );
    // Siri does not know bridges, so names are told apart across all of them.
    const names = numberEqualNames(new Map(planned.map(({ view }) => [view.entityId, accessoryName(view)])));
    const serials = toSerialNumbers(planned.map(({ view }) => view));
    return new Map(
      planned.map(({ view, plans }) => [
        view.entityId,
        {
          view,
          plans,
          bridge: places.get(view.entityId) ?? 1,
          name: names.get(view.entityId) ?? accessoryName(view),
          serialNumber: serials.get(view.entityId) ?? view.entityId,
          givenNames: remembered.get(view.entityId)?.names ?? new Map<string, string>(),
        },
      ]),
    );
  }

  #remember(descriptions: ReadonlyMap<string, Placed>): void {
    const { clock, devices, store } = this.#options;
    const places = readPlaces(store.db);
    const existing = new Set(devices.list().map(({ entityId }) => entityId));
    const gone = [...places].filter(([entityId, { isFreed }]) => !isFreed && !existing.has(entityId));
    const fresh = [...descriptions].filter(([entityId]) => places.get(entityId)?.isFreed !== false);
    const remembered = rememberedByEntity(readRememberedServices(store.db));
    const tiles = [...descriptions].flatMap(([entityId, { plans }]) =>
      plans
        .filter((plan) => isTile(plan) && !remembered.get(entityId)?.tiles.has(plan.component))
        .map(({ kind, component }) => ({ entityId, component, kind })),
    );
    if (gone.length + fresh.length + tiles.length === 0) return;
    // A bridge is there before its devices, or a power cut in between would leave them without one.
    for (const [, { bridge }] of fresh) this.#bridges.at(bridge);
    store.write((tx) => {
      for (const [entityId] of gone) freePlace(tx, entityId, clock.nowMs());
      for (const [entityId, { bridge }] of fresh) writePlace(tx, entityId, bridge, clock.nowMs());
      for (const { entityId, component, kind } of tiles) writeTile(tx, entityId, component, kind);
    });
    this.#makeDurable();
  }

  #makeDurable(): void {
    this.#options.store.durable().catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'places on the HomeKit bridge may not survive a power cut');
    });
  }

  #limitServices(view: DeviceView, plans: ServicePlan[]): ServicePlan[] {
    if (plans.length <= MAX_SERVICES) return plans;
    this.#options.log.warn(
      { entityId: view.entityId, services: plans.length, shown: MAX_SERVICES },
      'a device has more features than an accessory can hold; the last ones are left out of Apple Home',
    );
    return plans.slice(0, MAX_SERVICES);
  }
}

/** Places whose device is gone are free, whether that is written down yet or not. */
function placesNow(places: ReadonlyMap<string, Place>, views: readonly DeviceView[]): Map<string, Place> {
  const existing = new Set(views.map(({ entityId }) => entityId));
  return new Map(
    [...places].map(([id, { bridge, isFreed }]) => [id, { bridge, isFreed: isFreed || !existing.has(id) }]),
  );
}
