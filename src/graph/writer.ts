import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { VersionSource } from '../base/ids.ts';
import type { Author, Content, EntityVersion, NewEntityVersion, RelationshipVersion } from './types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { readLatest, readOpenRelationships, readRelationship } from './reader.ts';
import { changeTypeCode, checkId, checkVersion, effectiveMicros, encodeContent } from './rules.ts';

export interface WriterContext {
  readonly clock: Clock;
  readonly versions: VersionSource;
  /** The seq that the first row of this transaction gets. */
  readonly firstSeq: number;
}

/**
 * Writes to the graph inside one transaction; made by `Graph.transaction`, dead after it. Every method is all or
 * nothing together with the rest of the transaction.
 */
export class GraphWriter {
  readonly #tx: Tx;
  readonly #context: WriterContext;
  #nextSeq: number;

  constructor(tx: Tx, context: WriterContext) {
    this.#tx = tx;
    this.#context = context;
    this.#nextSeq = context.firstSeq;
  }

  /** The seq of the last row written here; `firstSeq - 1` when none was. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  /** The current version as this transaction sees it, a tombstone included. */
  latest(id: string): EntityVersion | undefined {
    return readLatest(this.#tx, id);
  }

  /** Makes an entity; the id is new unless given. @throws HubError `conflict` when the id is in use. */
  createEntity(input: {
    id?: string;
    entityType: string;
    content: Content;
    author: Author;
    sourceType: string;
  }): EntityVersion {
    const id = input.id ?? newId();
    const known = this.latest(id);
    if (known && known.contentJson !== null) {
      throw new HubError('conflict', `an entity with the id ${id} exists already`, { field: 'id' });
    }
    return this.#insertOwn(id, input.entityType, known ? 'update' : 'create', known, {
      contentJson: encodeContent(input.entityType, input.content),
      author: input.author,
      sourceType: input.sourceType,
    });
  }

  /** Replaces the whole content. @throws HubError `not_found` when there is no such entity. */
  replaceContent(id: string, content: Content, author: Author): EntityVersion {
    const latest = this.#existing(id);
    return this.#insertOwn(id, latest.entityType, 'update', latest, {
      contentJson: encodeContent(latest.entityType, content),
      author,
      sourceType: latest.sourceType,
    });
  }

  /** Writes a tombstone and ends the entity's open edges. @throws HubError `not_found`. */
  deleteEntity(id: string, author: Author): EntityVersion {
    const latest = this.#existing(id);
    return this.#insertOwn(id, latest.entityType, 'delete', latest, {
      contentJson: null,
      author,
      sourceType: latest.sourceType,
    });
  }

  /** Stores a version made elsewhere (a phone's). The caller has decided that it may be current, or a loser. */
  insertVersion(input: NewEntityVersion): number {
    checkId(input.id, 'entity_id');
    checkVersion(input.version, 'entity_version');
    const receivedMicros = this.#context.clock.nowMs() * 1000;
    const known = this.#tx.get<{ key: number }>('SELECT key FROM entity WHERE id = ?', input.id);
    const validMicros = effectiveMicros(
      input.timestamp,
      receivedMicros,
      known && this.#parentMicros(known.key, input.parentVersions),
    );
    const seq = this.#nextSeq;
    const entityKey =
      known?.key ??
      this.#tx.run(
        'INSERT INTO entity (id, entity_type, latest_seq, deleted, created_micros) VALUES (?, ?, ?, ?, ?)',
        input.id,
        input.entityType,
        seq,
        0,
        validMicros,
      ).lastInsertRowid;
    this.#tx.run(
      `INSERT INTO entity_version (seq, entity_key, version, change_type, current, author_key, source_type,
         valid_micros, client_time, parents, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      entityKey,
      input.version,
      changeTypeCode(input.changeType),
      input.current ? 1 : 0,
      this.#authorKey(input.author),
      input.sourceType,
      validMicros,
      input.timestamp,
      JSON.stringify(input.parentVersions),
      input.contentJson,
    );
    this.#nextSeq += 1;
    if (input.current) {
      this.#tx.run(
        'UPDATE entity SET latest_seq = ?, deleted = ? WHERE key = ?',
        seq,
        input.contentJson === null ? 1 : 0,
        entityKey,
      );
      if (input.contentJson === null) this.#endEdgesOf(input.id, input.author);
    }
    return seq;
  }

  /**
   * Makes an edge that holds from now on. Making a `located_in` ends the one that the entity had: a thing is in one
   * place. An edge between the same ends and of the same type that is open already is returned as it is.
   * @throws HubError `invalid` for a self-edge, `not_found` when an end is unknown or deleted.
   */
  putRelationship(input: {
    id?: string;
    fromEntityId: string;
    toEntityId: string;
    relationshipType: string;
    properties: Content;
    author: Author;
  }): RelationshipVersion {
    if (input.fromEntityId === input.toEntityId) {
      throw new HubError('invalid', 'an entity cannot have a relationship with itself', {
        field: 'to_entity_id',
      });
    }
    this.#existing(input.fromEntityId);
    this.#existing(input.toEntityId);
    for (const open of readOpenRelationships(this.#tx, input.fromEntityId, 'from')) {
      if (open.relationshipType !== input.relationshipType) continue;
      if (open.toEntityId === input.toEntityId) return open;
      if (input.relationshipType === 'located_in') this.endRelationship(open.id, input.author);
    }
    const nowMicros = this.#context.clock.nowMs() * 1000;
    return this.#insertEdge(input.id ?? newId(), input, {
      parents: [],
      propertiesJson: JSON.stringify(input.properties),
      createdMicros: nowMicros,
      validFromMicros: nowMicros,
      validToMicros: null,
    });
  }

  /** Ends an edge now; one that has ended stays as it is. @throws HubError `not_found`. */
  endRelationship(id: string, author: Author): RelationshipVersion {
    const edge = readRelationship(this.#tx, id);
    if (!edge) throw new HubError('not_found', `there is no relationship ${id}`);
    if (edge.validToMs !== null) return edge;
    return this.#insertEdge(
      id,
      { ...edge, author },
      {
        parents: [edge.version],
        propertiesJson: edge.propertiesJson,
        createdMicros: edge.createdAtMs * 1000,
        validFromMicros: edge.validFromMs * 1000,
        validToMicros: Math.max(this.#context.clock.nowMs(), edge.validFromMs) * 1000,
      },
    );
  }

  #insertOwn(
    id: string,
    entityType: string,
    changeType: NewEntityVersion['changeType'],
    parent: EntityVersion | undefined,
    rest: Pick<NewEntityVersion, 'contentJson' | 'author' | 'sourceType'>,
  ): EntityVersion {
    const parentVersions = parent ? [parent.version] : [];
    this.insertVersion({
      id,
      version: this.#context.versions.next(parentVersions),
      entityType,
      changeType,
      parentVersions,
      timestamp: toIso(this.#context.clock.nowMs()),
      current: true,
      ...rest,
    });
    return this.#stored(id);
  }

  #insertEdge(
    id: string,
    ends: { fromEntityId: string; toEntityId: string; relationshipType: string; author: Author },
    row: {
      parents: readonly string[];
      propertiesJson: string;
      createdMicros: number;
      validFromMicros: number;
      validToMicros: number | null;
    },
  ): RelationshipVersion {
    checkId(id, 'relationship_id');
    const seq = this.#nextSeq;
    const fromKey = this.#entityKey(ends.fromEntityId);
    const toKey = this.#entityKey(ends.toEntityId);
    const open = row.validToMicros === null ? 1 : 0;
    this.#tx.run(
      `INSERT INTO relationship (id, latest_seq, from_key, to_key, relationship_type, open) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET latest_seq = excluded.latest_seq, from_key = excluded.from_key,
         to_key = excluded.to_key, relationship_type = excluded.relationship_type, open = excluded.open`,
      id,
      seq,
      fromKey,
      toKey,
      ends.relationshipType,
      open,
    );
    this.#tx.run(
      `INSERT INTO relationship_version (seq, relationship_key, version, current, author_key, from_key, to_key,
         relationship_type, valid_from_micros, valid_to_micros, created_micros, parents, properties)
       SELECT ?, key, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM relationship WHERE id = ?`,
      seq,
      this.#context.versions.next(row.parents),
      this.#authorKey(ends.author),
      fromKey,
      toKey,
      ends.relationshipType,
      row.validFromMicros,
      row.validToMicros,
      row.createdMicros,
      JSON.stringify(row.parents),
      row.propertiesJson,
      id,
    );
    this.#nextSeq += 1;
    const stored = readRelationship(this.#tx, id);
    if (!stored) throw new Error(`the relationship ${id} was written and is not there`);
    return stored;
  }

  #endEdgesOf(entityId: string, author: Author): void {
    for (const edge of readOpenRelationships(this.#tx, entityId, 'both'))
      this.endRelationship(edge.id, author);
  }

  #existing(id: string): EntityVersion {
    const latest = this.latest(id);
    if (!latest || latest.contentJson === null) throw new HubError('not_found', `there is no entity ${id}`);
    return latest;
  }

  #stored(id: string): EntityVersion {
    const latest = this.latest(id);
    if (!latest) throw new Error(`the entity ${id} was written and is not there`);
    return latest;
  }

  #entityKey(id: string): number {
    const row = this.#tx.get<{ key: number }>('SELECT key FROM entity WHERE id = ?', id);
    if (!row) throw new HubError('not_found', `there is no entity ${id}`);
    return row.key;
  }

  #parentMicros(entityKey: number, parents: readonly string[]): number | undefined {
    let newest: number | undefined;
    for (const parent of parents) {
      const row = this.#tx.get<{ valid_micros: number }>(
        'SELECT valid_micros FROM entity_version WHERE entity_key = ? AND version = ?',
        entityKey,
        parent,
      );
      if (row && (newest === undefined || row.valid_micros > newest)) newest = row.valid_micros;
    }
    return newest;
  }

  #authorKey(author: Author): number {
    const row = this.#tx.get<{ key: number }>(
      'SELECT key FROM author WHERE user_id = ? AND device_id = ?',
      author.userId,
      author.deviceId,
    );
    return (
      row?.key ??
      this.#tx.run('INSERT INTO author (user_id, device_id) VALUES (?, ?)', author.userId, author.deviceId)
        .lastInsertRowid
    );
  }
}
