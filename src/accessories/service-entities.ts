import type { Store } from '../base/store.ts';
import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { Content } from '../graph/types.ts';
import type { ImportedAccessory, ImportedService } from './mapping.ts';
import type { ServiceEntityRow } from './reader.ts';

import { jsonEqual } from '../base/json.ts';
import { parseContent } from '../graph/graph.ts';
import { HUB_AUTHOR } from '../graph/types.ts';
import { componentIdOf } from './component-ids.ts';
import { characteristicName } from './hap-types.ts';
import { readServiceEntities } from './reader.ts';
import { writeServiceEntity } from './writer.ts';

/** Where an accessory stands in the graph. */
export interface PlacedAccessory {
  readonly entityId: string;
  readonly accessory: ImportedAccessory;
}

/** The `service` entities that are `part_of` the imported accessories, with the ids that HAP knows them by. */
export class ServiceEntities {
  readonly #store: Store;
  readonly #graph: Graph;

  constructor(store: Store, graph: Graph) {
    this.#store = store;
    this.#graph = graph;
  }

  /**
   * Brings the graph up to what an accessory told. Writes nothing where nothing is new.
   * @param isKept true for a component that is gone for now and may come back, ids and all
   */
  sync(
    pairingId: string,
    placed: readonly PlacedAccessory[],
    isKept: (componentId: string) => boolean,
  ): void {
    const known = this.#known(pairingId);
    const told = new Set<string>();
    const changes: ((graph: GraphWriter) => ServiceEntityRow | undefined)[] = [];
    for (const { entityId, accessory } of placed) {
      for (const service of accessory.services) {
        const component = componentIdOf(pairingId, service);
        told.add(component);
        const row = known.get(component);
        const discovered = toContent(service, component);
        if (this.#stands(row, discovered)) continue;
        changes.push((graph) => ({
          component,
          entityId: write(graph, row, discovered, entityId),
          discovered: JSON.stringify(discovered),
        }));
      }
    }
    for (const [component, row] of known) {
      if (told.has(component) || isKept(component) || !this.#isAlive(row.entityId)) continue;
      changes.push((graph) => {
        graph.deleteEntity(row.entityId, HUB_AUTHOR);
        return undefined;
      });
    }
    if (changes.length === 0) return;
    this.#graph.transaction((graph, tx) => {
      for (const change of changes) {
        const row = change(graph);
        if (row) writeServiceEntity(tx, row);
      }
    });
  }

  /** The pairing has ended. */
  remove(pairingId: string): void {
    this.sync(pairingId, [], () => false);
  }

  #known(pairingId: string): Map<string, ServiceEntityRow> {
    return new Map(readServiceEntities(this.#store.db, pairingId).map((row) => [row.component, row]));
  }

  /** What a person deleted does not come back until the accessory tells something new. */
  #stands(row: ServiceEntityRow | undefined, discovered: Content): boolean {
    if (!row || !jsonEqual(JSON.parse(row.discovered), discovered)) return false;
    const latest = this.#graph.entity(row.entityId);
    return latest !== undefined || !this.#wasDeletedByHub(row.entityId);
  }

  #isAlive(entityId: string): boolean {
    return this.#graph.entity(entityId) !== undefined;
  }

  #wasDeletedByHub(entityId: string): boolean {
    return this.#graph.versions(entityId, 0).at(-1)?.deviceId === HUB_AUTHOR.deviceId;
  }
}

/** Creates, revives or updates one; a name that a person gave stays. */
function write(
  graph: GraphWriter,
  row: ServiceEntityRow | undefined,
  discovered: Content,
  accessoryId: string,
): string {
  const latest = row && graph.latest(row.entityId);
  if (latest && latest.contentJson !== null) {
    const current = parseContent(latest);
    const before = JSON.parse(row.discovered) as Content;
    const name = current['name'] === before['name'] ? discovered['name'] : current['name'];
    graph.replaceContent(latest.id, { ...current, ...discovered, name }, HUB_AUTHOR);
    return latest.id;
  }
  const { id } = graph.createEntity({
    ...(latest ? { id: latest.id } : {}),
    entityType: 'service',
    content: discovered,
    author: HUB_AUTHOR,
    sourceType: 'homekit',
  });
  graph.putRelationship({
    fromEntityId: id,
    toEntityId: accessoryId,
    relationshipType: 'part_of',
    properties: {},
    author: HUB_AUTHOR,
  });
  return id;
}

function toContent(service: ImportedService, component: string): Content {
  const { aid, iid, type, typeName, primary, hidden, linked, capabilities, characteristics } = service;
  return {
    name: service.name ?? typeName ?? `Service ${iid}`,
    type,
    ...(typeName === null ? {} : { type_name: typeName }),
    aid,
    iid,
    primary,
    hidden,
    ...(linked.length > 0 ? { linked: [...linked] } : {}),
    component,
    capabilities: capabilities.map(({ kind }) => kind),
    characteristics: characteristics.map((one) => {
      const name = characteristicName(one.type);
      return {
        iid: one.iid,
        type: one.type,
        ...(name === undefined ? {} : { name }),
        perms: [...one.perms],
        ...(one.format === null ? {} : { format: one.format }),
      };
    }),
    source: 'homekit',
  };
}
