import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { EntityVersion } from '../graph/types.ts';
import type { ComponentRecord, DeviceRecord, Inventory, NamedComponent } from './inventory.ts';
import type { DeviceRow } from './reader.ts';
import type { CapabilityKind, ComponentDescription } from './types.ts';

import { HubError } from '../base/errors.ts';
import { jsonEqual } from '../base/json.ts';
import { parseContent } from '../graph/graph.ts';
import { HUB_AUTHOR } from '../graph/types.ts';
import { describedCapabilities, namedComponent } from './inventory.ts';
import { discoveredContent, entityKindOf, isPersonsVersion, mergeContent, personKeysAfter } from './rules.ts';
import { joinParents } from './parents.ts';
import { checkWithdrawn } from './withdrawn.ts';
import { findPredecessor, firstIdFor, nameCapabilities } from './succession.ts';
import {
  insertCapability,
  insertComponent,
  insertDevice,
  insertIdentifier,
  markWithdrawn,
  updateComponent,
  updateDevice,
} from './writer.ts';

/** A withdrawn device keeps its entity, edges and HomeKit ids this long; firmware withdraws and returns on updates. */
export const WITHDRAWAL_GRACE_MS = 24 * 3600 * 1000;

const MAX_CAPABILITIES_PER_DEVICE = 512;

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
   * @param replaces see DeviceRegistry.describe.
   * @returns the device, or undefined when nothing has changed. @throws HubError `invalid`.
   */
  describe(description: ComponentDescription, replaces: readonly string[] = []): DeviceRecord | undefined {
    const known =
      this.#inventory.byComponentId.get(description.id) ??
      findPredecessor(
        description,
        this.#deviceNamed(description.device.identifiers)?.components ?? [],
        replaces,
      );
    // A repeated payload is no news. It does not bring back what a person deleted, either: retained configs are
    // repeated at every start.
    if (known && known.withdrawnAtMs === null && jsonEqual(known.description, description)) return undefined;
    const device = known?.device ?? this.#deviceNamed(description.device.identifiers);
    const added = description.capabilities.filter(({ kind }) => !known?.byKind.has(kind)).length;
    if (added > 0 && (device?.byName.size ?? 0) + added > MAX_CAPABILITIES_PER_DEVICE) {
      throw new HubError(
        'invalid',
        `the device of ${description.id} has more than ${MAX_CAPABILITIES_PER_DEVICE} capabilities`,
      );
    }
    if (!known) checkWithdrawn(this.#inventory, this.#clock.nowMs() - WITHDRAWAL_GRACE_MS);
    const names = nameCapabilities(description, device, known);
    const components = (device?.components ?? []).map((component) =>
      component === known ? { ...namedComponent(component), description, names } : namedComponent(component),
    );
    const firstId = known?.firstId ?? firstIdFor(description, device);
    if (!known) components.push({ description, firstId, names });
    const people = this.#personKeys(device);
    const written = this.#graph.transaction((graph, tx) => {
      const { discovered, entityId } = this.#writeEntity(
        graph,
        description,
        device,
        components,
        people.personKeys,
      );
      const row = { key: device?.row.key ?? insertDevice(tx, entityId), entityId, discovered, ...people };
      updateDevice(tx, row);
      for (const identifier of description.device.identifiers) insertIdentifier(tx, identifier, row.key);
      if (known) updateComponent(tx, known.key, description);
      const componentKey = known?.key ?? insertComponent(tx, { deviceKey: row.key, firstId, description });
      const capabilities = [...names]
        .filter(([kind]) => !known?.byKind.has(kind))
        .map(([kind, name]) => {
          const capability = { deviceKey: row.key, componentKey, kind, name };
          return { kind, name, key: insertCapability(tx, capability) };
        });
      if (description.device.suggestedArea !== null) {
        this.#suggestRoom(graph, entityId, description.device.suggestedArea);
      }
      const isNew = device === undefined;
      joinParents(
        description,
        { entityId, isNew, inventory: this.#inventory },
        { graph: this.#graph, writer: graph },
      );
      return { row, componentKey, firstId, capabilities };
    });
    return this.#remember(description, device, known, written);
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
    const components = this.#deviceNamed(identifiers)?.components ?? [];
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

  #deviceNamed(identifiers: readonly string[]): DeviceRecord | undefined {
    for (const identifier of identifiers) {
      const device = this.#inventory.byIdentifier.get(identifier);
      if (device) return device;
    }
    return undefined;
  }

  /** Which content keys belong to people by now, from the versions that were made since the last look. */
  #personKeys(device: DeviceRecord | undefined): Pick<DeviceRow, 'personKeys' | 'seenSeq'> {
    if (!device) return { personKeys: [], seenSeq: 0 };
    let { personKeys, seenSeq } = device.row;
    for (;;) {
      const versions = this.#graph.versions(device.row.entityId, seenSeq);
      if (versions.length === 0) return { personKeys, seenSeq };
      for (const version of versions) {
        seenSeq = version.seq;
        if (!isPersonsVersion(version)) continue;
        const [parentVersion] = version.parentVersions;
        const parent =
          parentVersion === undefined ? undefined : this.#graph.version(version.id, parentVersion);
        if (parent) personKeys = personKeysAfter(personKeys, parseContent(version), parseContent(parent));
      }
    }
  }

  /** Creates, revives or updates the entity; writes no version when the content stays as it is. */
  #writeEntity(
    graph: GraphWriter,
    description: ComponentDescription,
    device: DeviceRecord | undefined,
    components: readonly NamedComponent[],
    personKeys: readonly string[],
  ): { discovered: Record<string, unknown>; entityId: string } {
    const discovered = discoveredContent(
      components.map((component) => component.description),
      description,
      describedCapabilities(components),
    );
    const latest = device && graph.latest(device.row.entityId);
    const current = latest ? parseContent(lastContent(graph, latest)) : {};
    const content = mergeContent(current, discovered, device?.row.discovered ?? {}, personKeys);
    if (latest && latest.contentJson !== null) {
      if (!jsonEqual(content, current)) graph.replaceContent(latest.id, content, HUB_AUTHOR);
      return { discovered, entityId: latest.id };
    }
    const created = graph.createEntity({
      ...(device ? { id: device.row.entityId } : {}),
      ...entityKindOf(description),
      content,
      author: HUB_AUTHOR,
    });
    return { discovered, entityId: created.id };
  }

  /** Discovery proposes a room once; where a person has ever placed the device, the proposal is moot. */
  #suggestRoom(graph: GraphWriter, entityId: string, area: string): void {
    if (this.#graph.hadRelationship(entityId, 'located_in')) return;
    const room =
      this.#findRoom(area) ??
      graph.createEntity({
        entityType: 'room',
        content: { name: area },
        author: HUB_AUTHOR,
        sourceType: 'mqtt',
      }).id;
    graph.putRelationship({
      fromEntityId: entityId,
      toEntityId: room,
      relationshipType: 'located_in',
      properties: {},
      author: HUB_AUTHOR,
    });
  }

  #findRoom(area: string): string | undefined {
    const wanted = area.trim().toLocaleLowerCase();
    let cursor: string | undefined;
    do {
      const page = this.#graph.list({ entityType: 'room' }, 500, cursor);
      for (const room of page.items) {
        const { name } = parseContent(room);
        if (typeof name === 'string' && name.trim().toLocaleLowerCase() === wanted) return room.id;
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return undefined;
  }

  /** Brings the memory up to what was committed. */
  #remember(
    description: ComponentDescription,
    knownDevice: DeviceRecord | undefined,
    knownComponent: ComponentRecord | undefined,
    written: {
      row: DeviceRow;
      componentKey: number;
      firstId: string;
      capabilities: readonly { key: number; kind: CapabilityKind; name: string }[];
    },
  ): DeviceRecord {
    const device = knownDevice ?? this.#inventory.addDevice(written.row);
    if (!knownDevice) {
      const { name, manufacturer, model } = written.row.discovered;
      this.#log.info({ entity: written.row.entityId, name, manufacturer, model }, 'a device was found');
    }
    device.row = written.row;
    for (const identifier of description.device.identifiers) {
      if (!this.#inventory.byIdentifier.has(identifier)) this.#inventory.byIdentifier.set(identifier, device);
    }
    const component =
      knownComponent ??
      this.#inventory.addComponent(device, {
        key: written.componentKey,
        firstId: written.firstId,
        description,
        available: true,
        withdrawnAtMs: null,
      });
    this.#inventory.renameComponent(component, description);
    component.withdrawnAtMs = null;
    for (const row of written.capabilities) this.#inventory.addCapability(component, row);
    device.capabilities = describedCapabilities(device.components.map(namedComponent));
    return device;
  }
}

/** The version whose content counts: of a deleted device what it was before, so that what people said comes back too. */
function lastContent(graph: GraphWriter, latest: EntityVersion): EntityVersion {
  const [parent] = latest.parentVersions;
  if (latest.contentJson !== null || parent === undefined) return latest;
  return graph.version(latest.id, parent) ?? latest;
}
