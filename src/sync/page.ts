import type { Graph } from '../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { Outcome, SyncRequest } from './types.ts';

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
 * what its filter leaves out, and in any case with the current row of everything that its changes lost against.
 */
export function readPage(
  graph: Graph,
  options: { afterSeq: number; request: SyncRequest; outcome: Outcome },
): SyncPage {
  const { outcome, request } = options;
  const withEdges = request.protocol === 'inbetweenies-v1.1';
  const page = graph.changesSince(options.afterSeq, {
    limit: MAX_ROWS,
    maxBytes: MAX_BYTES,
    edges: withEdges,
  });

  const lost = new Map<string, EntityVersion>();
  for (const { entityId } of outcome.conflicts) {
    const latest = graph.latest(entityId);
    if (latest) lost.set(entityId, latest);
  }
  const types = request.filter?.entityTypes ?? null;
  const excludeDeleted = request.filter?.excludeDeleted ?? false;
  const entities = page.entities.filter(
    (entity) =>
      !lost.has(entity.id) &&
      !outcome.pushed.has(versionKey(entity.id, entity.version)) &&
      (types === null || types.includes(entity.entityType)) &&
      !(excludeDeleted && entity.contentJson === null),
  );

  const lostEdges = new Map<string, RelationshipVersion>();
  for (const id of withEdges ? outcome.lostRelationships : []) {
    const latest = graph.relationship(id);
    if (latest) lostEdges.set(id, latest);
  }
  const relationships = page.relationships.filter(
    (edge) =>
      !lostEdges.has(edge.id) &&
      !outcome.pushed.has(versionKey(edge.id, edge.version)) &&
      !(excludeDeleted && edge.validToMs !== null),
  );
  const bySeq = (a: { seq: number }, b: { seq: number }): number => a.seq - b.seq;
  return {
    entities: lost.size > 0 ? [...entities, ...lost.values()].sort(bySeq) : entities,
    relationships: lostEdges.size > 0 ? [...relationships, ...lostEdges.values()].sort(bySeq) : relationships,
    scannedSeq: page.scannedSeq,
    hasMore: page.hasMore,
  };
}
