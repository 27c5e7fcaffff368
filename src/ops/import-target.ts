import type { Graph, GraphWriter } from '../graph/graph.ts';
import type { StoredVersion } from '../graph/types.ts';
import type { EntityRecord, RelationshipRecord } from './format.ts';

/** The current version of an entity, or of an edge, as far as an import asks for it. */
export interface Head {
  readonly version: string;
  readonly seq: number;
}

export interface EntityHead extends Head {
  readonly entityType: string;
}

export interface EdgeHead extends Head {
  readonly open: boolean;
}

/** What an import needs of the graph. A dry run puts a memory in the place of the writer. */
export interface ImportTarget {
  /** The state of an entity, a tombstone included; undefined while there is none. */
  entity(id: string): EntityHead | undefined;
  /** Whether the id was ever used. */
  isKnown(id: string): boolean;
  holdsVersion(id: string, version: string): boolean;
  /** Stores a version, and returns its seq. The vocabulary of the record is in the stored spelling. */
  insertVersion(record: EntityRecord, current: boolean): number;
  /** The lowest seq among the open edges at an entity. */
  firstOpenEdge(id: string): number | undefined;
  edge(id: string): EdgeHead | undefined;
  holdsEdgeVersion(id: string, version: string): boolean;
  insertEdgeVersion(record: RelationshipRecord, current: boolean): number;
}

/** Writes, inside one transaction. */
export class WriterTarget implements ImportTarget {
  readonly #graph: Graph;
  readonly #writer: GraphWriter;
  /** The entity that was asked for last: its insertion follows, and need not look it up again. */
  #head: { id: string; stored: StoredVersion | undefined } | undefined;

  constructor(graph: Graph, writer: GraphWriter) {
    this.#graph = graph;
    this.#writer = writer;
  }

  entity(id: string): EntityHead | undefined {
    const stored = this.#writer.head(id);
    this.#head = { id, stored };
    return stored?.entity;
  }

  isKnown(id: string): boolean {
    return this.#graph.keyOf(id) !== undefined;
  }

  holdsVersion(id: string, version: string): boolean {
    return this.#writer.heldAs(id, version) !== undefined;
  }

  insertVersion(record: EntityRecord, current: boolean): number {
    const head = this.#head?.id === record.id ? (this.#head.stored ?? null) : undefined;
    this.#head = undefined;
    return this.#writer.insertVersion(
      {
        id: record.id,
        version: record.version,
        entityType: record.entity_type,
        changeType: record.change_type,
        parentVersions: record.parent_versions,
        contentJson: record.contentJson,
        author: { userId: record.user_id, deviceId: record.device_id },
        sourceType: record.source_type,
        timestamp: record.timestamp,
        current,
        takenOver: { validMicros: record.validMicros },
      },
      head,
    ).entity.seq;
  }

  firstOpenEdge(id: string): number | undefined {
    const seqs = this.#graph.relationshipsOf(id).map(({ seq }) => seq);
    return seqs.length === 0 ? undefined : Math.min(...seqs);
  }

  edge(id: string): EdgeHead | undefined {
    const latest = this.#writer.relationship(id);
    return latest && { version: latest.version, seq: latest.seq, open: latest.validToMicros === null };
  }

  holdsEdgeVersion(id: string, version: string): boolean {
    return this.#writer.relationshipHeldAs(id, version) !== undefined;
  }

  insertEdgeVersion(record: RelationshipRecord, current: boolean): number {
    this.#writer.insertRelationshipVersion({
      id: record.id,
      version: record.version,
      parentVersions: record.parent_versions,
      fromEntityId: record.from_entity_id,
      toEntityId: record.to_entity_id,
      relationshipType: record.relationship_type,
      propertiesJson: record.propertiesJson,
      author: { userId: record.user_id, deviceId: record.device_id },
      validFrom: record.valid_from,
      validTo: record.valid_to,
      current,
      takenOver: {
        createdMicros: record.createdMicros,
        validFromMicros: record.validFromMicros,
        validToMicros: record.validToMicros,
      },
    });
    return this.#writer.lastSeq;
  }
}

/** Remembers what a writer would have stored, over the graph as it is. Its memory grows with the ids, not the versions. */
export class RehearsalTarget implements ImportTarget {
  readonly #graph: Graph;
  readonly #entities = new Map<string, EntityHead>();
  readonly #archived = new Set<string>();
  readonly #edges = new Map<string, EdgeHead>();
  #lastSeq: number;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#lastSeq = graph.committedSeq;
  }

  entity(id: string): EntityHead | undefined {
    return this.#entities.get(id) ?? this.#graph.latest(id);
  }

  isKnown(id: string): boolean {
    return this.#entities.has(id) || this.#archived.has(id) || this.#graph.keyOf(id) !== undefined;
  }

  holdsVersion(id: string, version: string): boolean {
    return this.#graph.heldAs(id, version) !== undefined;
  }

  insertVersion(record: EntityRecord, current: boolean): number {
    this.#lastSeq += 1;
    const { id, version, entity_type: entityType } = record;
    if (current) this.#entities.set(id, { version, entityType, seq: this.#lastSeq });
    else if (!this.#entities.has(id)) this.#archived.add(id);
    return this.#lastSeq;
  }

  firstOpenEdge(): undefined {
    return undefined;
  }

  edge(id: string): EdgeHead | undefined {
    const written = this.#edges.get(id);
    if (written) return written;
    const latest = this.#graph.relationship(id);
    return latest && { version: latest.version, seq: latest.seq, open: latest.validToMicros === null };
  }

  holdsEdgeVersion(id: string, version: string): boolean {
    return this.#graph
      .relationshipVersions(id, 0, Number.MAX_SAFE_INTEGER)
      .some((edge) => edge.version === version);
  }

  insertEdgeVersion(record: RelationshipRecord, current: boolean): number {
    this.#lastSeq += 1;
    const { id, version, validToMicros } = record;
    if (current) this.#edges.set(id, { version, seq: this.#lastSeq, open: validToMicros === null });
    return this.#lastSeq;
  }
}
