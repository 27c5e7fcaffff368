import type { Graph } from '../graph/graph.ts';
import type { EntityVersion } from '../graph/types.ts';
import type { Action, Definition } from './types.ts';

import { parseContent as contentOf } from '../graph/graph.ts';
import { idOf, parseContent } from './parse.ts';

const TYPES = ['automation', 'schedule'] as const;
const PAGE = 200;

/** The automations and schedules of the graph, read once and again when they change. */
export class Library {
  readonly #graph: Graph;
  readonly #byId = new Map<string, Definition>();
  #seenSeq: number;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#seenSeq = graph.headSeq;
    for (const entityType of TYPES) {
      let cursor: string | undefined;
      do {
        const page = graph.list({ entityType }, PAGE, cursor);
        for (const entity of page.items) this.#put(entity);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    }
  }

  all(): IterableIterator<Definition> {
    return this.#byId.values();
  }

  get(entityId: string): Definition | undefined {
    return this.#byId.get(entityId);
  }

  /** Takes what changed in the graph since the last call. @returns whether that was anything of ours. */
  refresh(): boolean {
    let concerned = false;
    let more = true;
    while (more) {
      const changes = this.#graph.changesSince(this.#seenSeq, { limit: 500, maxBytes: 4 << 20, edges: true });
      this.#seenSeq = changes.scannedSeq;
      more = changes.hasMore;
      const ids = new Set(
        changes.entities.filter(({ entityType }) => isOurs(entityType)).map(({ id }) => id),
      );
      for (const edge of changes.relationships)
        if (this.#byId.has(edge.fromEntityId)) ids.add(edge.fromEntityId);
      for (const id of ids) this.reload(id);
      concerned ||= ids.size > 0;
    }
    return concerned;
  }

  /** Reads one entity again, and what goes by its times. */
  reload(entityId: string): void {
    const entity = this.#graph.entity(entityId);
    if (entity && isOurs(entity.entityType)) this.#put(entity);
    else this.#byId.delete(entityId);
    for (const { entityId: other } of this.dependents(entityId)) {
      const dependent = this.#graph.entity(other);
      if (dependent) this.#put(dependent);
    }
  }

  /** What goes by the times of a schedule. */
  dependents(scheduleId: string): Definition[] {
    return [...this.#byId.values()].filter(({ triggers }) =>
      triggers.some((trigger) => trigger.type === 'schedule' && trigger.entityId === scheduleId),
    );
  }

  /** Those of them as they were before the latest version of their schedule, where nothing else has changed meanwhile. */
  dependentsBefore(scheduleId: string): Definition[] {
    const [parent] = this.#graph.entity(scheduleId)?.parentVersions ?? [];
    if (parent === undefined || this.#byId.get(scheduleId)?.version !== parent) return [];
    return this.dependents(scheduleId).filter(
      ({ entityId, version }) => this.#graph.entity(entityId)?.version === version,
    );
  }

  /** What an entity was before its latest version; undefined where that is the first, or followed on no single one. */
  previous(entityId: string): Definition | undefined {
    const latest = this.#graph.entity(entityId);
    const [parent, ...others] = latest?.parentVersions ?? [];
    if (parent === undefined || others.length > 0) return undefined;
    const version = this.#graph.version(entityId, parent);
    if (!version || version.contentJson === null || !isOurs(version.entityType)) return undefined;
    return this.define(version, contentOf(version));
  }

  /** What an entity of this content would be. */
  define(
    entity: Pick<EntityVersion, 'id' | 'version' | 'entityType' | 'modifiedAtMs'>,
    content: Record<string, unknown>,
  ): Definition {
    const entityType = entity.entityType === 'schedule' ? 'schedule' : 'automation';
    const parsed = parseContent(entityType, content);
    const linked = entityType === 'schedule' ? this.#linkedActions(entity.id) : [];
    const { name, enabled } = content;
    return {
      ...parsed,
      entityId: entity.id,
      version: entity.version,
      entityType,
      name: typeof name === 'string' && name.trim() !== '' ? name : entity.id,
      wanted: enabled !== false,
      actions: [...parsed.actions, ...linked],
      hash: idOf([
        content['triggers'] ?? content['trigger'],
        content['conditions'] ?? content['condition'],
        content['actions'] ?? content['action'],
        timesOf(content),
        linked,
        // Whoever moves the times of a schedule moves what goes by them.
        parsed.triggers.map((trigger) =>
          trigger.type === 'schedule' ? this.#timesOf(trigger.entityId) : null,
        ),
      ]),
      changedMs: entity.modifiedAtMs,
    };
  }

  #put(entity: EntityVersion): void {
    this.#byId.set(entity.id, this.define(entity, contentOf(entity)));
  }

  #timesOf(scheduleId: string): unknown {
    const schedule = this.#graph.entity(scheduleId);
    return schedule?.entityType === 'schedule' ? timesOf(contentOf(schedule)) : null;
  }

  /** The automations that an edge says a schedule runs. */
  #linkedActions(scheduleId: string): Action[] {
    const ids = this.#graph
      .relationshipsOf(scheduleId, 'from')
      .filter(({ relationshipType: type }) => type === 'controls' || type === 'manages')
      .map(({ toEntityId }) => toEntityId)
      .filter((id) => this.#graph.entity(id)?.entityType === 'automation');
    return [...new Set(ids)].toSorted().map((entityId) => ({ type: 'automation', entityId }));
  }
}

function isOurs(entityType: string): boolean {
  return entityType === 'automation' || entityType === 'schedule';
}

function timesOf(content: Record<string, unknown>): unknown {
  return [content['cron'], content['time'], content['days']];
}
