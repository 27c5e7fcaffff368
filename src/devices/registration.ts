import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Graph } from '../graph/graph.ts';
import type { Described } from './describing.ts';
import type { ComponentRecord, DeviceRecord, Inventory } from './inventory.ts';
import type { ComponentDescription } from './types.ts';

import { jsonEqual } from '../base/json.ts';
import { parseContent } from '../graph/graph.ts';
import { HUB_AUTHOR } from '../graph/types.ts';
import { Describing } from './describing.ts';
import { describedCapabilities, namedComponent } from './inventory.ts';
import { markWithdrawn, updateComponent } from './writer.ts';

/** A withdrawn device keeps its entity, edges and HomeKit ids this long; firmware withdraws and returns on updates. */
export const WITHDRAWAL_GRACE_MS = 24 * 3600 * 1000;

export interface RegistrationOptions {
  graph: Graph;
  inventory: Inventory;
  clock: Clock;
  log: Logger;
}

/** Turns what discovery says into device entities, rooms and capability names that never change. */
export class Registration {
  readonly #graph: Graph;
  readonly #inventory: Inventory;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(options: RegistrationOptions) {
    this.#graph = options.graph;
    this.#inventory = options.inventory;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /**
   * Takes descriptions in one transaction: all of them, or, when it throws, none.
   * @returns the devices of those that were news. @throws HubError `invalid`.
   */
  describe(items: readonly Described[]): DeviceRecord[] {
    const news = items.filter(({ description }) => !this.#isRepeated(description));
    if (news.length === 0) return [];
    const withdrawnSinceMs = this.#clock.nowMs() - WITHDRAWAL_GRACE_MS;
    let describing: Describing | undefined;
    try {
      this.#graph.transaction((graph, tx) => {
        describing = new Describing(
          { graph: this.#graph, inventory: this.#inventory, withdrawnSinceMs },
          graph,
          tx,
        );
        for (const item of news) describing.take(item);
        describing.finish();
      });
    } catch (error) {
      describing?.undo();
      throw error;
    }
    const devices = [...(describing?.devices ?? [])];
    for (const [{ row }, { isNew }] of devices) {
      const { name, manufacturer, model } = row.discovered;
      if (isNew) this.#log.info({ entity: row.entityId, name, manufacturer, model }, 'a device was found');
    }
    return devices.map(([device]) => device);
  }

  withdraw(componentId: string): ComponentRecord | undefined {
    const component = this.#inventory.byComponentId.get(componentId);
    if (!component || component.withdrawnAtMs !== null) return undefined;
    const atMs = this.#clock.nowMs();
    this.#graph.transaction((_graph, tx) => markWithdrawn(tx, component.key, atMs));
    component.withdrawnAtMs = atMs;
    this.#log.info(
      { component: componentId },
      'a component was withdrawn; it is removed in 24 hours unless it returns',
    );
    return component;
  }

  /** Removes what was withdrawn more than 24 hours ago: the device's entity, or the component's capabilities. */
  expireWithdrawn(): void {
    const before = this.#clock.nowMs() - WITHDRAWAL_GRACE_MS;
    for (const device of this.#inventory.byEntityId.values()) {
      const gone = device.components.filter(
        ({ withdrawnAtMs, description }) =>
          withdrawnAtMs !== null && withdrawnAtMs <= before && description.capabilities.length > 0,
      );
      if (gone.length > 0) this.#expire(device, gone, before);
    }
  }

  /** See DeviceRegistry. */
  sourcesOf(identifiers: readonly string[]): ReadonlyMap<string, string> {
    const components = this.#inventory.deviceNamed(identifiers)?.components ?? [];
    return new Map(
      components
        .filter(({ withdrawnAtMs }) => withdrawnAtMs === null)
        .map(({ description }) => [description.id, description.source ?? 'discovery']),
    );
  }

  /** Removes at once what another source has made superfluous; a device that would be left with nothing stays. */
  retire(componentIds: readonly string[]): void {
    for (const [device, gone] of this.#byDevice(componentIds)) {
      const remaining = device.components.some(
        (component) => component.withdrawnAtMs === null && !gone.includes(component),
      );
      if (remaining) this.#expire(device, gone, this.#clock.nowMs());
    }
  }

  /** Removes at once what a person gave up, and a device that is left with nothing. */
  remove(componentIds: readonly string[]): void {
    for (const [device, gone] of this.#byDevice(componentIds)) {
      this.#expire(device, gone, this.#clock.nowMs());
    }
  }

  #byDevice(componentIds: readonly string[]): Map<DeviceRecord, ComponentRecord[]> {
    const byDevice = new Map<DeviceRecord, ComponentRecord[]>();
    for (const id of componentIds) {
      const component = this.#inventory.byComponentId.get(id);
      if (!component) continue;
      const others = byDevice.get(component.device);
      if (others) others.push(component);
      else byDevice.set(component.device, [component]);
    }
    return byDevice;
  }

  #expire(device: DeviceRecord, gone: readonly ComponentRecord[], before: number): void {
    const { entityId } = device.row;
    const remaining = device.components.some(
      (component) =>
        !gone.includes(component) && (component.withdrawnAtMs === null || component.withdrawnAtMs > before),
    );
    const emptied = new Map(
      gone.map((component) => [component, { ...component.description, capabilities: [] }]),
    );
    const capabilities = describedCapabilities(
      device.components.filter((component) => !emptied.has(component)).map(namedComponent),
    );
    this.#graph.transaction((graph, tx) => {
      const latest = graph.latest(entityId);
      if (latest && latest.contentJson !== null) {
        if (remaining) graph.replaceContent(entityId, { ...parseContent(latest), capabilities }, HUB_AUTHOR);
        else graph.deleteEntity(entityId, HUB_AUTHOR);
      }
      for (const [component, description] of emptied) {
        updateComponent(tx, component.key, description);
        markWithdrawn(tx, component.key, component.withdrawnAtMs ?? before);
      }
    });
    for (const [component, description] of emptied) {
      component.description = description;
      component.withdrawnAtMs ??= before;
    }
    device.capabilities = capabilities;
    this.#log.info({ entity: entityId, removed: !remaining }, 'a withdrawn device or part of it was removed');
  }

  /**
   * A repeated payload is no news. It does not bring back what a person deleted, either: retained configs are repeated at
   * every start.
   */
  #isRepeated(description: ComponentDescription): boolean {
    const known = this.#inventory.byComponentId.get(description.id);
    return known !== undefined && known.withdrawnAtMs === null && jsonEqual(known.description, description);
  }
}
