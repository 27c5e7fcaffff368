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
import { encodeContent } from './content-rules.ts';
import { readRelationship, readRelationshipHeldAs } from './edge-reader.ts';
import { EdgeWriter } from './edge-writer.ts';
import {
  readEntityKey,
  readHead,
  readHeldAs,
  readLastWithContent,
  readLatest,
  readTouchedSince,
  readVersion,
  readVersionMicros,
} from './entity-reader.ts';
import { changeTypeCode, checkId, checkVersion, effectiveMicros } from './rules.ts';
import { HASH_BITS, packParents, packVersion, versionHash } from './version-codec.ts';
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
    const known = input.id === undefined ? undefined : this.head(id);
    if (known && known.entity.contentJson !== null) {
      throw new HubError('conflict', `an entity with the id ${id} exists already`, { field: 'id' });
    }
    if (known && known.entity.entityType !== input.entityType) {
      throw new HubError(
        'invalid',
        `${id} was a ${known.entity.entityType} before it was deleted, and stays one`,
        { field: 'entity_type' },
      );
    }
    return this.#insertOwn(id, input.entityType, known ? 'update' : 'create', known, {
      contentJson: encodeContent(input.entityType, input.content),
      author: input.author,
      sourceType: input.sourceType,
    });
  }

  /** Replaces the whole content. @throws HubError `not_found` when there is no such entity. */
  replaceContent(id: string, content: Content, author: Author): EntityVersion {
    const head = this.#existing(id);
    const { entityType, sourceType } = head.entity;
    return this.#insertOwn(id, entityType, 'update', head, {
      contentJson: encodeContent(entityType, content),
      author,
      sourceType,
    });
  }

  /** Writes a tombstone and ends the entity's open edges. @throws HubError `not_found`. */
  deleteEntity(id: string, author: Author): EntityVersion {
    const head = this.#existing(id);
    return this.#insertOwn(id, head.entity.entityType, 'delete', head, {
      contentJson: null,
      author,
      sourceType: head.entity.sourceType,
    });
  }

  /**
   * Makes a new version with the content of an old one: of `version`, else of the last one before the tombstone. A
   * deleted entity is alive again then, with the edges that its tombstone ended; what holds already stays as it is.
   * @throws HubError `not_found` when there is no such entity or version, `invalid` when that version is a tombstone.
   */
  restoreEntity(id: string, version: string | undefined, author: Author): EntityVersion {
    const head = this.head(id);
    if (!head) throw new HubError('not_found', `there is no entity ${id}`);
    if (version === undefined && head.entity.contentJson !== null) return head.entity;
    const source = version === undefined ? readLastWithContent(this.#tx, id) : this.version(id, version);
    if (!source) {
      throw new HubError('not_found', `${id} has no version ${version ?? 'with a content'}`, {
        field: 'version',
      });
    }
    if (source.contentJson === null) {
      throw new HubError('invalid', 'that version is a tombstone: it holds no content', { field: 'version' });
    }
    if (source.contentJson === head.entity.contentJson) return head.entity;
    return this.#insertOwn(id, head.entity.entityType, 'update', head, {
      contentJson: source.contentJson,
      author,
      sourceType: head.entity.sourceType,
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
    const known = latest ? { key: latest.entityKey, isNew: false } : this.#keyOf(input, receivedMicros);
    const after = known.isNew ? undefined : this.#newestBefore(known.key, input, latest);
    const validMicros = this.#effectiveMicros(input, receivedMicros, after);
    this.#tx.run(
      `INSERT INTO entity_version (seq, entity_key, moment, version, change_type, current, author_key, source_type,
         client_time, parents, content)
       VALUES (?1, ?2, (CAST(?3 AS INTEGER) << ${HASH_BITS}) | CAST(?4 AS INTEGER), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
      seq,
      known.key,
      validMicros,
      versionHash(input.version),
      packVersion(input.version),
      changeTypeCode(input.changeType),
      input.current ? 1 : 0,
      this.#state.authorKey(input.author),
      input.sourceType,
      input.timestamp === toIso(Math.floor(validMicros / 1000)) ? null : input.timestamp,
      packParents(input.parentVersions),
      input.contentJson,
    );
    this.#state.rowWritten();
    if (input.current) this.#makeLatest(input, { entityKey: known.key, seq, validMicros }, latest);
    return { entity: toEntity(input, seq, validMicros, latest?.entity.createdAtMs), entityKey: known.key };
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
   * Puts right what a history from elsewhere left open, among the edges with a row after `afterSeq`: an edge at a deleted
   * end is ended, and a thing is in one place. @returns how many edges were ended.
   */
  settleEdges(afterSeq: number, author: Author): number {
    return this.#edges.settleSince(afterSeq, author);
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

  /**
   * Changes an open edge from now on: its interval ends and another begins, under the same id. Making it a `located_in`
   * ends the one that the entity had.
   * @throws HubError `invalid` for a self-edge, `not_found` when the edge or an end is unknown or deleted, `conflict` when
   * it has ended, or the ends are joined so already.
   */
  changeRelationship(
    id: string,
    to: { fromEntityId: string; toEntityId: string; relationshipType: string; properties: Content },
    author: Author,
  ): RelationshipVersion {
    return this.#edges.change(id, { ...to, propertiesJson: JSON.stringify(to.properties) }, author);
  }

  /** Ends an edge now; one that has ended stays as it is. @throws HubError `not_found`. */
  endRelationship(id: string, author: Author): RelationshipVersion {
    return this.#edges.end(id, author);
  }

  #insertOwn(
    id: string,
    entityType: string,
    changeType: NewEntityVersion['changeType'],
    head: StoredVersion | undefined,
    rest: Pick<NewEntityVersion, 'contentJson' | 'author' | 'sourceType'>,
  ): EntityVersion {
    const parentVersions = head ? [head.entity.version] : [];
    const input = {
      id,
      version: this.#state.versions.next(parentVersions),
      entityType,
      changeType,
      parentVersions,
      timestamp: toIso(this.#state.nowMs()),
      current: true,
      ...rest,
    };
    return this.insertVersion(input, head ?? null).entity;
  }

  /** The key of an entity without a current version, which is made where the id was never used. */
  #keyOf(input: NewEntityVersion, receivedMicros: number): { key: number; isNew: boolean } {
    const inserted = this.#tx.run(
      'INSERT INTO entity (id, entity_type, created_micros) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
      input.id,
      input.entityType,
      this.#effectiveMicros(input, receivedMicros, undefined),
    );
    if (inserted.changes === 1) return { key: inserted.lastInsertRowid, isNew: true };
    const key = readEntityKey(this.#tx, input.id);
    if (key === undefined) throw new Error(`the entity ${input.id} is neither new nor known`);
    // Only losers of conflicts are held: whoever makes the first state says what the entity is, and since when.
    if (input.current) {
      this.#tx.run(
        'UPDATE entity SET entity_type = ?, created_micros = ? WHERE key = ?',
        input.entityType,
        this.#effectiveMicros(input, receivedMicros, undefined),
        key,
      );
    }
    return { key, isNew: false };
  }

  #effectiveMicros(input: NewEntityVersion, receivedMicros: number, after: number | undefined): number {
    const { takenOver, timestamp, current } = input;
    if (!takenOver) return effectiveMicros(timestamp, receivedMicros, after);
    // A loser's time decides nothing and stays what it was.
    return current && after !== undefined
      ? Math.max(takenOver.validMicros, after + 1)
      : takenOver.validMicros;
  }

  #makeLatest(
    input: NewEntityVersion,
    row: { entityKey: number; seq: number; validMicros: number },
    before: StoredVersion | undefined,
  ): void {
    const deleted = input.contentJson === null;
    if (!before) {
      this.#tx.run(
        'INSERT INTO entity_latest (entity_key, seq, deleted) VALUES (?, ?, ?)',
        row.entityKey,
        row.seq,
        deleted ? 1 : 0,
      );
      return;
    }
    this.#tx.run(
      'UPDATE entity_latest SET seq = ?, deleted = ? WHERE entity_key = ?',
      row.seq,
      deleted ? 1 : 0,
      row.entityKey,
    );
    if (input.takenOver) return;
    if (deleted) this.#edges.endAllOf(input.id, input.author, row.validMicros);
    else if (before.entity.contentJson === null) {
      this.#edges.reopenAllOf(row.entityKey, input.author, row.validMicros);
    }
  }

  #existing(id: string): StoredVersion {
    const head = this.head(id);
    if (!head || head.entity.contentJson === null) {
      throw new HubError('not_found', `there is no entity ${id}`);
    }
    return head;
  }

  /**
   * The effective time that a version has to come after: of its newest parent and, when it becomes the state, of the
   * state that it supersedes. So the versions that were the state follow each other in time as they do in `seq`, and a
   * read of the present agrees with a read of the past that ends now.
   */
  #newestBefore(
    entityKey: number,
    input: NewEntityVersion,
    latest: StoredVersion | undefined,
  ): number | undefined {
    let newest = input.current ? latest?.entity.validMicros : undefined;
    for (const parent of input.parentVersions) {
      const micros =
        parent === latest?.entity.version
          ? latest.entity.validMicros
          : readVersionMicros(this.#tx, entityKey, parent);
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
    heldAs: input.current ? 'state' : 'loser',
    parentVersions: input.parentVersions,
    contentJson: input.contentJson,
    userId: input.author.userId,
    deviceId: input.author.deviceId,
    sourceType: input.sourceType,
    timestamp: input.timestamp,
    createdAtMs: createdAtMs ?? modifiedAtMs,
    modifiedAtMs,
    validMicros,
  };
}
