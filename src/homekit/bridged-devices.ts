import type { Bridge } from '@homebridge/hap-nodejs';

import type { DeviceView, StateChange, StateFollower } from '../devices/types.ts';
import type { AccessoryDescription } from './device-accessory.ts';
import type { ServicePlan } from './service-plan.ts';
import type { HomekitOptions, ShownInHomekit } from './types.ts';

import { accessoryName, DeviceAccessory } from './device-accessory.ts';
import { MAX_SERVICES, planServices } from './device-plan.ts';
import { numberEqualNames, toSerialNumbers } from './names.ts';
import { readAssignedEntities, readRememberedServices } from './reader.ts';
import { choosePlaces } from './rules.ts';
import { removeAssignment, writeAssignment, writeServiceName, writeTile } from './writer.ts';

const SETTLE_MS = 1000;
/** A device that keeps changing must not hold back the others. */
const SETTLE_AT_MOST_MS = 5000;
const FOLLOW_MS = 4000;

type Options = Pick<HomekitOptions, 'store' | 'devices' | 'clock' | 'log' | 'settleMs' | 'followMs'>;

interface Remembered {
  readonly tiles: Map<string, string>;
  readonly names: Map<string, string>;
}

/** Keeps the bridge's accessories equal to the hub's devices. */
export class BridgedDevices implements Disposable {
  readonly #bridge: Bridge;
  readonly #options: Options;
  readonly #accessories = new Map<string, DeviceAccessory>();
  readonly #stops: Disposable[] = [];
  #follower: StateFollower | undefined;
  #settle: NodeJS.Timeout | undefined;
  #unsettledSinceMs: number | undefined;
  #leftOut = 0;

  constructor(bridge: Bridge, options: Options) {
    this.#bridge = bridge;
    this.#options = options;
  }

  get count(): number {
    return this.#accessories.size;
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
   * Follows the devices and makes their accessories. To be called before the bridge is published: one that is missing
   * at that moment comes as new to Apple Home, without room and automations.
   */
  start(): void {
    const { devices } = this.#options;
    this.#follower = devices.follow(() => this.#guard(() => this.#takeState()));
    this.#stops.push(this.#follower);
    this.#stops.push(devices.followDevices(() => this.#guard(() => this.#devicesChanged())));
    this.#restructure();
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
      if (accessory?.hasStructureOf(description)) accessory.apply(description);
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
      () => this.#guard(() => this.#restructure()),
      Math.max(0, Math.min(settleMs, leftMs)),
    );
  }

  #restructure(): void {
    this.#unsettledSinceMs = undefined;
    this.#takeState();
    const descriptions = this.#describe();
    this.#remember(descriptions);
    for (const [entityId, accessory] of this.#accessories) {
      if (descriptions.has(entityId)) continue;
      accessory[Symbol.dispose]();
      this.#bridge.removeBridgedAccessory(accessory.hap);
      this.#accessories.delete(entityId);
    }
    const added: DeviceAccessory[] = [];
    for (const [entityId, description] of descriptions) {
      const accessory = this.#accessories.get(entityId);
      if (accessory) accessory.apply(description);
      else added.push(this.#create(entityId, description));
    }
    if (added.length > 0) this.#bridge.addBridgedAccessories(added.map(({ hap }) => hap));
  }

  #create(entityId: string, description: AccessoryDescription): DeviceAccessory {
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
    return accessory;
  }

  /** What should stand on the bridge now, by entity id. */
  #describe(): Map<string, AccessoryDescription> {
    const { devices, store } = this.#options;
    const remembered = rememberedByEntity(readRememberedServices(store.db));
    const views = devices.list();
    const planned = new Map<string, { view: DeviceView; plans: ServicePlan[] }>();
    for (const view of views) {
      const plans = planServices(view, remembered.get(view.entityId)?.tiles);
      if (plans.length > 0) planned.set(view.entityId, { view, plans: this.#limitServices(view, plans) });
    }
    const places = choosePlaces([...planned.keys()], this.#assigned(views));
    this.#reportLeftOut(planned.size - places.size);
    const shown = [...planned].filter(([entityId]) => places.has(entityId));
    const names = numberEqualNames(new Map(shown.map(([id, { view }]) => [id, accessoryName(view)])));
    const serials = toSerialNumbers(shown.map(([, { view }]) => view));
    return new Map(
      shown.map(([entityId, { view, plans }]) => [
        entityId,
        {
          view,
          plans,
          name: names.get(entityId) ?? accessoryName(view),
          serialNumber: serials.get(entityId) ?? entityId,
          givenNames: remembered.get(entityId)?.names ?? new Map<string, string>(),
        },
      ]),
    );
  }

  /** The places held by devices that still exist; a removed device frees its own. */
  #assigned(views: readonly DeviceView[]): Set<string> {
    const existing = new Set(views.map(({ entityId }) => entityId));
    return new Set([...readAssignedEntities(this.#options.store.db)].filter((id) => existing.has(id)));
  }

  #remember(descriptions: ReadonlyMap<string, AccessoryDescription>): void {
    const { clock, devices, store } = this.#options;
    const assigned = readAssignedEntities(store.db);
    const existing = new Set(devices.list().map(({ entityId }) => entityId));
    const gone = [...assigned].filter((entityId) => !existing.has(entityId));
    const fresh = [...descriptions.keys()].filter((entityId) => !assigned.has(entityId));
    const remembered = rememberedByEntity(readRememberedServices(store.db));
    const tiles = [...descriptions].flatMap(([entityId, { plans }]) =>
      plans
        .filter(({ kind, component }) => isTile(kind) && !remembered.get(entityId)?.tiles.has(component))
        .map(({ kind, component }) => ({ entityId, component, kind })),
    );
    if (gone.length + fresh.length + tiles.length === 0) return;
    store.write((tx) => {
      for (const entityId of gone) removeAssignment(tx, entityId);
      for (const entityId of fresh) writeAssignment(tx, entityId, clock.nowMs());
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

  #reportLeftOut(leftOut: number): void {
    if (leftOut > 0 && leftOut !== this.#leftOut) {
      this.#options.log.warn(
        { leftOut },
        'the HomeKit bridge is full; the newest devices are left out of Apple Home',
      );
    }
    this.#leftOut = leftOut;
  }
}

function isTile(kind: ServicePlan['kind']): boolean {
  return kind === 'Switch' || kind === 'Outlet';
}

function rememberedByEntity(rows: ReturnType<typeof readRememberedServices>): Map<string, Remembered> {
  const result = new Map<string, Remembered>();
  for (const { entityId, component, tile, name } of rows) {
    const entry = result.get(entityId) ?? {
      tiles: new Map<string, string>(),
      names: new Map<string, string>(),
    };
    if (tile !== null) entry.tiles.set(component, tile);
    if (name !== null) entry.names.set(component, name);
    result.set(entityId, entry);
  }
  return result;
}
