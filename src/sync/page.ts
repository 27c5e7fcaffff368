import type { Db } from '../base/db.ts';
import type { Graph, Visible } from '../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { Outcome, SyncRequest } from './types.ts';

import { readTogether } from '../base/db.ts';
import { versionKey } from './rules.ts';

/** Rows and bytes of content in one answer (PROTOCOL.md 2.2). */
const MAX_ROWS = 1000;
const MAX_BYTES = 4 * 1024 * 1024;

export interface SyncPage {
  readonly entities: readonly EntityVersion[];
  readonly relationships: readonly RelationshipVersion[];
  /** The highest durable seq that was looked at, rows left out on purpose included. */
  readonly scannedSeq: number;
  readonly hasMore: boolean;
}

/**
 * The current rows above `afterSeq` that this client is to be sent: without what it pushed in this same request and
 * what its filter leaves out, or what it is not to see, and in any case with the current row of everything that its changes lost against.
 * @param db of the graph's file
 */
export function readPage(
  graph: Graph,
  db: Db,
  options: { afterSeq: number; request: SyncRequest; outcome: Outcome; visible?: Visible | undefined },
): SyncPage {
  const { outcome, request } = options;
  const withEdges = request.protocol === 'inbetweenies-v1.1';
  const afterSeq = afterOwnRows(options.afterSeq, outcome);
  const page =
    afterSeq < graph.headSeq
      ? graph.changesSince(afterSeq, { limit: MAX_ROWS, maxBytes: MAX_BYTES, edges: withEdges })
      : { entities: [], relationships: [], scannedSeq: afterSeq, hasMore: false };
  const someRows = page.entities.length + page.relationships.length > 0;
  const pushed = new Set(someRows ? outcome.pushed.map(({ id, version }) => versionKey(id, version)) : []);
  const types = request.filter?.entityTypes ?? null;
  const excludeDeleted = request.filter?.excludeDeleted ?? false;

  const owed = new Set(outcome.owedEntities);
  const sees = seesOf(options.visible);
  const entities = page.entities.filter(
    (entity) =>
      sees(entity.id) &&
      (owed.delete(entity.id) ||
        (!pushed.has(versionKey(entity.id, entity.version)) &&
          (types === null || types.includes(entity.entityType)) &&
          !(excludeDeleted && entity.contentJson === null))),
  );
  const owedEdges = new Set(withEdges ? outcome.owedRelationships : []);
  const relationships = page.relationships.filter(
    (edge) =>
      sees(edge.fromEntityId, edge.toEntityId) &&
      (owedEdges.delete(edge.id) ||
        (!pushed.has(versionKey(edge.id, edge.version)) && !(excludeDeleted && edge.validToMs !== null))),
  );

  // The current rows that the page does not hold: the client's cursor has passed them long ago.
  const older: EntityVersion[] = [];
  const olderEdges: RelationshipVersion[] = [];
  if (owed.size + owedEdges.size > 0) {
    readTogether(db, () => {
      for (const id of owed) if (sees(id)) older.push(...listOf(graph.latest(id)));
      for (const id of owedEdges) {
        const edge = graph.relationship(id);
        if (edge && sees(edge.fromEntityId, edge.toEntityId)) olderEdges.push(edge);
      }
    });
  }
  const bySeq = (a: { seq: number }, b: { seq: number }): number => a.seq - b.seq;
  return {
    entities: older.length > 0 ? [...entities, ...older].sort(bySeq) : entities,
    relationships: olderEdges.length > 0 ? [...relationships, ...olderEdges].sort(bySeq) : relationships,
    scannedSeq: page.scannedSeq,
    hasMore: page.hasMore,
  };
}

/** A client that has seen everything before its push needs not be read what it has just sent. */
function afterOwnRows(afterSeq: number, { ownRows }: Outcome): number {
  return ownRows && afterSeq >= ownRows.firstSeq - 1 ? Math.max(afterSeq, ownRows.lastSeq) : afterSeq;
}

/** Whether all of some entities are in sight. */
function seesOf(visible: Visible | undefined): (...ids: readonly string[]) => boolean {
  return visible ? (...ids) => ids.every((id) => visible.ids.has(id)) : () => true;
}

function listOf<T>(row: T | undefined): T[] {
  return row === undefined ? [] : [row];
}
