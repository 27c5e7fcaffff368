import type { Tx } from '../base/db.ts';
import type {
  Author,
  Content,
  EntityVersion,
  HeldAs,
  NewEntityVersion,
  NewRelationshipVersion,
  RelationshipVersion,
  StoredVersion,
} from './types.ts';
import type { WriterContext } from './write-state.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { EdgeWriter } from './edge-writer.ts';
import {
  readHead,
  readHeldAs,
  readLatest,
  readRelationship,
  readRelationshipHeldAs,
  readTouchedSince,
  readVersion,
} from './reader.ts';
import { changeTypeCode, checkId, checkVersion, effectiveMicros, encodeContent } from './rules.ts';
import { WriteState } from './write-state.ts';

/**
 * Writes to the graph inside one transaction; made by `Graph.transaction`, dead after it. Every method is all or
 * nothing together with the rest of the transaction.
 */
export class GraphWriter {
  readonly #tx: Tx;
  readonly #state: WriteState;
  readonly #edges: EdgeWriter;

  constructor(tx: Tx, context: WriterContext) {
    this.#tx = tx;
    this.#state = new WriteState(tx, context);
    this.#edges = new EdgeWriter(this.#state);
  }

  /** The seq of the last row written here; `firstSeq - 1` when none was. */
  get lastSeq(): number {
    return this.#state.lastSeq;
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
    if (known && known.entityType !== input.entityType) {
      throw new HubError('invalid', `${id} was a ${known.entityType} before it was deleted, and stays one`, {
        field: 'entity_type',
      });
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

  /** The current version with its keys, as this transaction sees it; see `insertVersion`. */
  head(id: string): StoredVersion | undefined {
    return readHead(this.#tx, id);
  }

  version(id: string, version: string): EntityVersion | undefined {
    return readVersion(this.#tx, id, version);
  }

  /** Whether a version is stored already, and as what. */
  heldAs(id: string, version: string): HeldAs | undefined {
    return readHeldAs(this.#tx, id, version);
  }

  /** The entities that got any version, losers of conflicts included, after `seq`. */
  touchedSince(seq: number): string[] {
    return readTouchedSince(this.#tx, seq);
  }

  /**
   * Stores a version made elsewhere (a phone's). The caller has decided that it may be current, or a loser, and has
   * checked its content. A tombstone ends the entity's open edges; what revives it opens them again. `head` is the
   * entity's latest version (null: it has none), where the caller knows it for certain.
   */
  insertVersion(input: NewEntityVersion, head?: StoredVersion | null): StoredVersion {
    checkId(input.id, 'entity_id');
    checkVersion(input.version, 'entity_version');
    const latest = head === undefined ? this.head(input.id) : (head ?? undefined);
    const receivedMicros = this.#state.nowMicros();
    const seq = this.#state.nextSeq;
    const { key: entityKey, isNew } = latest
      ? { key: latest.entityKey, isNew: false }
      : this.#keyOf(input, seq, effectiveMicros(input.timestamp, receivedMicros, undefined));
    const parentMicros = isNew ? undefined : this.#parentMicros(entityKey, input.parentVersions, latest);
    const validMicros = effectiveMicros(input.timestamp, receivedMicros, parentMicros);
    this.#tx.run(
      `INSERT INTO entity_version (seq, entity_key, version, change_type, current, author_key, source_type,
         valid_micros, client_time, parents, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      entityKey,
      input.version,
      changeTypeCode(input.changeType),
      input.current ? 1 : 0,
      this.#state.authorKey(input.author),
      input.sourceType,
      validMicros,
      input.timestamp,
      JSON.stringify(input.parentVersions),
      input.contentJson,
    );
    this.#state.rowWritten();
    if (input.current && !isNew) {
      this.#makeLatest(input, { entityKey, seq, validMicros }, latest);
    }
    return {
      entity: toEntity(input, seq, validMicros, latest?.entity.createdAtMs),
      entityKey,
      validMicros,
    };
  }

  relationship(id: string): RelationshipVersion | undefined {
    return readRelationship(this.#tx, id);
  }

  relationshipHeldAs(id: string, version: string): HeldAs | undefined {
    return readRelationshipHeldAs(this.#tx, id, version);
  }

  /**
   * Stores a version of an edge made elsewhere. The caller has decided that it may be current, and has checked its
   * ends and its properties. Of two open `located_in` edges of one entity the later by (time, version) stays open.
   */
  insertRelationshipVersion(input: NewRelationshipVersion): void {
    this.#edges.insertVersion(input);
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
    return this.#edges.put({ ...input, propertiesJson: JSON.stringify(input.properties) });
  }

  /** Ends an edge now; one that has ended stays as it is. @throws HubError `not_found`. */
  endRelationship(id: string, author: Author): RelationshipVersion {
    return this.#edges.end(id, author);
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
      version: this.#state.versions.next(parentVersions),
      entityType,
      changeType,
      parentVersions,
      timestamp: toIso(this.#state.nowMs()),
      current: true,
      ...rest,
    });
    return this.#stored(id);
  }

  /** The key of an entity without a current version, which is made where the id was never used. */
  #keyOf(input: NewEntityVersion, seq: number, validMicros: number): { key: number; isNew: boolean } {
    // A loser is all that is known of the entity: the pointer that leads to no row keeps it out of every state.
    const inserted = this.#tx.run(
      `INSERT INTO entity (id, entity_type, latest_seq, deleted, created_micros) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
      input.id,
      input.entityType,
      input.current ? seq : -seq,
      input.current && input.contentJson !== null ? 0 : 1,
      validMicros,
    );
    if (inserted.changes === 1) return { key: inserted.lastInsertRowid, isNew: true };
    return { key: this.#entityKey(input.id), isNew: false };
  }

  #makeLatest(
    input: NewEntityVersion,
    row: { entityKey: number; seq: number; validMicros: number },
    before: StoredVersion | undefined,
  ): void {
    this.#tx.run(
      'UPDATE entity SET latest_seq = ?, deleted = ? WHERE key = ?',
      row.seq,
      input.contentJson === null ? 1 : 0,
      row.entityKey,
    );
    if (before === undefined) {
      this.#tx.run(
        'UPDATE entity SET entity_type = ?, created_micros = ? WHERE key = ?',
        input.entityType,
        row.validMicros,
        row.entityKey,
      );
    } else if (input.contentJson === null) {
      this.#edges.endAllOf(input.id, input.author, row.validMicros);
    } else if (before.entity.contentJson === null) {
      const tombstone = { seq: before.entity.seq, micros: before.validMicros };
      this.#edges.reopenAllOf(row.entityKey, tombstone, input.author);
    }
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

  /** Effective time of the newest parent, or undefined when none of them is stored. */
  #parentMicros(
    entityKey: number,
    parents: readonly string[],
    latest: StoredVersion | undefined,
  ): number | undefined {
    let newest: number | undefined;
    for (const parent of parents) {
      const micros =
        parent === latest?.entity.version
          ? latest.validMicros
          : this.#tx.get<{ valid_micros: number }>(
              'SELECT valid_micros FROM entity_version WHERE entity_key = ? AND version = ?',
              entityKey,
              parent,
            )?.valid_micros;
      if (micros !== undefined && (newest === undefined || micros > newest)) newest = micros;
    }
    return newest;
  }
}

function toEntity(
  input: NewEntityVersion,
  seq: number,
  validMicros: number,
  createdAtMs: number | undefined,
): EntityVersion {
  const modifiedAtMs = Math.floor(validMicros / 1000);
  return {
    seq,
    id: input.id,
    version: input.version,
    entityType: input.entityType,
    changeType: input.changeType,
    parentVersions: input.parentVersions,
    contentJson: input.contentJson,
    userId: input.author.userId,
    deviceId: input.author.deviceId,
    sourceType: input.sourceType,
    timestamp: input.timestamp,
    createdAtMs: createdAtMs ?? modifiedAtMs,
    modifiedAtMs,
  };
}
