import type { Tx } from '../base/db.ts';
import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { EntityVersion } from '../graph/types.ts';
import type { ComponentRecord, DeviceRecord, Inventory } from './inventory.ts';
import type { CapabilityKind, ComponentDescription } from './types.ts';

import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { jsonEqual } from '../base/json.ts';
import { parseContent } from '../graph/graph.ts';
import { HUB_AUTHOR } from '../graph/types.ts';
import { describedCapabilities, namedComponent } from './inventory.ts';
import { joinParents } from './parents.ts';
import { suggestRoom } from './rooms.ts';
import { discoveredContent, entityKindOf, isPersonsVersion, mergeContent, personKeysAfter } from './rules.ts';
import { findPredecessor, firstIdFor, nameCapabilities } from './succession.ts';
import { checkWithdrawn } from './withdrawn.ts';
import { insertCapability, insertComponent, insertDevice, insertIdentifier } from './writer.ts';
import { updateComponent, updateDevice } from './writer.ts';

const MAX_CAPABILITIES_PER_DEVICE = 512;

/** What is described, and the ids of components whose place it may take; see DeviceRegistry.describe. */
export interface Described {
  readonly description: ComponentDescription;
  readonly replaces: readonly string[];
}

interface TouchedDevice {
  readonly isNew: boolean;
  /** In the order in which they came. */
  readonly descriptions: ComponentDescription[];
}

/**
 * Descriptions on their way into one transaction. The memory follows each of them at once, because the next may be of the
 * same device; a device's entity is written once for all of them, when everything is taken. When the transaction fails,
 * `undo` brings the memory back to what is stored.
 */
export class Describing {
  readonly #graph: Graph;
  readonly #inventory: Inventory;
  readonly #withdrawnSinceMs: number;
  readonly #writer: GraphWriter;
  readonly #tx: Tx;
  readonly #touched = new Map<DeviceRecord, TouchedDevice>();
  readonly #undo: (() => void)[] = [];

  /** @param about with the time since when withdrawn components count for the limit of them */
  constructor(
    about: { graph: Graph; inventory: Inventory; withdrawnSinceMs: number },
    writer: GraphWriter,
    tx: Tx,
  ) {
    this.#withdrawnSinceMs = about.withdrawnSinceMs;
    this.#graph = about.graph;
    this.#inventory = about.inventory;
    this.#writer = writer;
    this.#tx = tx;
  }

  /** The devices that something was described of, and whether they were found by that. */
  get devices(): ReadonlyMap<DeviceRecord, { readonly isNew: boolean }> {
    return this.#touched;
  }

  /** @throws HubError `invalid` when the description cannot be taken. */
  take({ description, replaces }: Described): void {
    const { identifiers } = description.device;
    const named = this.#inventory.deviceNamed(identifiers);
    const known =
      this.#inventory.byComponentId.get(description.id) ??
      findPredecessor(description, named?.components ?? [], replaces);
    const found = known?.device ?? named;
    const added = description.capabilities.filter(({ kind }) => !known?.byKind.has(kind)).length;
    if (added > 0 && (found?.byName.size ?? 0) + added > MAX_CAPABILITIES_PER_DEVICE) {
      throw new HubError(
        'invalid',
        `the device of ${description.id} has more than ${MAX_CAPABILITIES_PER_DEVICE} capabilities`,
      );
    }
    if (!known) checkWithdrawn(this.#inventory, this.#withdrawnSinceMs);
    const names = nameCapabilities(description, found, known);
    const device = found ?? this.#addDevice();
    this.#touch(device, found === undefined).descriptions.push(description);
    for (const identifier of identifiers) this.#addIdentifier(identifier, device);
    const component = known
      ? this.#describeAnew(known, description)
      : this.#addComponent(device, description, firstIdFor(description, device));
    for (const [kind, name] of names)
      if (!component.byKind.has(kind)) this.#addCapability(component, kind, name);
  }

  /** Writes the entities, and joins them to rooms and bridges. */
  finish(): void {
    for (const [device, { descriptions }] of this.#touched) {
      const newest = descriptions.at(-1);
      if (newest) this.#writeDevice(device, newest);
    }
    const about = { graph: this.#graph, writer: this.#writer };
    for (const [{ row }, { isNew, descriptions }] of this.#touched) {
      for (const [index, description] of descriptions.entries()) {
        const { suggestedArea } = description.device;
        if (suggestedArea !== null) suggestRoom(row.entityId, suggestedArea, about);
        const isFirst = isNew && index === 0;
        joinParents(
          description,
          { entityId: row.entityId, isNew: isFirst, inventory: this.#inventory },
          about,
        );
      }
    }
  }

  /** To be called when the transaction was not committed. */
  undo(): void {
    for (const undo of this.#undo.toReversed()) undo();
  }

  #touch(device: DeviceRecord, isNew: boolean): TouchedDevice {
    const known = this.#touched.get(device);
    if (known) return known;
    const touched: TouchedDevice = { isNew, descriptions: [] };
    this.#touched.set(device, touched);
    const { row, capabilities } = device;
    this.#undo.push(() => Object.assign(device, { row, capabilities }));
    return touched;
  }

  #addDevice(): DeviceRecord {
    const entityId = newId();
    const key = insertDevice(this.#tx, entityId);
    this.#undo.push(() => this.#inventory.byEntityId.delete(entityId));
    return this.#inventory.addDevice({ key, entityId, discovered: {}, personKeys: [], seenSeq: 0 });
  }

  #addIdentifier(identifier: string, device: DeviceRecord): void {
    const { byIdentifier } = this.#inventory;
    if (byIdentifier.has(identifier)) return;
    insertIdentifier(this.#tx, identifier, device.row.key);
    byIdentifier.set(identifier, device);
    this.#undo.push(() => byIdentifier.delete(identifier));
  }

  #addComponent(device: DeviceRecord, description: ComponentDescription, firstId: string): ComponentRecord {
    const key = insertComponent(this.#tx, { deviceKey: device.row.key, firstId, description });
    const component = this.#inventory.addComponent(device, {
      key,
      firstId,
      description,
      available: true,
      withdrawnAtMs: null,
    });
    this.#undo.push(() => this.#inventory.removeComponent(component));
    return component;
  }

  #describeAnew(component: ComponentRecord, description: ComponentDescription): ComponentRecord {
    const { description: before, withdrawnAtMs } = component;
    updateComponent(this.#tx, component.key, description);
    this.#inventory.renameComponent(component, description);
    component.withdrawnAtMs = null;
    this.#undo.push(() => {
      this.#inventory.renameComponent(component, before);
      component.withdrawnAtMs = withdrawnAtMs;
    });
    return component;
  }

  #addCapability(component: ComponentRecord, kind: CapabilityKind, name: string): void {
    const { device, key: componentKey } = component;
    const key = insertCapability(this.#tx, { deviceKey: device.row.key, componentKey, kind, name });
    this.#inventory.addCapability(component, { key, kind, name });
    this.#undo.push(() => {
      component.byKind.delete(kind);
      device.byName.delete(name);
    });
  }

  /** @param newest wins where two components say something else */
  #writeDevice(device: DeviceRecord, newest: ComponentDescription): void {
    const components = device.components.map(namedComponent);
    const latest = this.#writer.latest(device.row.entityId);
    const personKeys = this.#personKeys(device, latest);
    device.capabilities = describedCapabilities(components);
    const discovered = discoveredContent(
      components.map(({ description }) => description),
      newest,
      device.capabilities,
    );
    const current = latest ? parseContent(this.#lastContent(latest)) : {};
    const content = mergeContent(current, discovered, device.row.discovered, personKeys);
    const written = this.#writeEntity(device.row.entityId, {
      kind: entityKindOf(newest),
      latest,
      content,
      isSame: jsonEqual(content, current),
    });
    device.row = { ...device.row, discovered, personKeys, seenSeq: written.seq };
    updateDevice(this.#tx, device.row);
  }

  /** Creates, revives or updates the entity; writes no version when the content stays as it is. */
  #writeEntity(
    id: string,
    about: {
      kind: ReturnType<typeof entityKindOf>;
      latest: EntityVersion | undefined;
      content: Record<string, unknown>;
      isSame: boolean;
    },
  ): EntityVersion {
    const { kind, latest, content, isSame } = about;
    if (latest && latest.contentJson !== null) {
      return isSame ? latest : this.#writer.replaceContent(id, content, HUB_AUTHOR);
    }
    return this.#writer.createEntity({ id, ...kind, content, author: HUB_AUTHOR });
  }

  /** Which content keys belong to people by now, from the versions that were made since the last look. */
  #personKeys({ row }: DeviceRecord, latest: EntityVersion | undefined): string[] {
    let { personKeys, seenSeq } = row;
    const untilSeq = latest?.seq ?? 0;
    while (seenSeq < untilSeq) {
      const versions = this.#graph.versions(row.entityId, seenSeq);
      if (versions.length === 0) break;
      for (const version of versions) {
        seenSeq = version.seq;
        if (!isPersonsVersion(version)) continue;
        const [parentVersion] = version.parentVersions;
        const parent =
          parentVersion === undefined ? undefined : this.#graph.version(version.id, parentVersion);
        if (parent) personKeys = personKeysAfter(personKeys, parseContent(version), parseContent(parent));
      }
    }
    return personKeys;
  }

  /** The version whose content counts: of a deleted device what it was before, so that what people said comes back too. */
  #lastContent(latest: EntityVersion): EntityVersion {
    const [parent] = latest.parentVersions;
    if (latest.contentJson !== null || parent === undefined) return latest;
    return this.#writer.version(latest.id, parent) ?? latest;
  }
}
