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

import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { encodeContent } from './content-rules.ts';
import { readRelationship, readRelationshipHeldAs, readRelationshipVersion } from './edge-reader.ts';
import { EdgeWriter } from './edge-writer.ts';
import {
  readBareHead,
  readHead,
  readHeldAs,
  readLastWithContent,
  readLatest,
  readTouchedSince,
  readVersion,
  type EntityHead,
} from './entity-reader.ts';
import { EntityWriter } from './entity-writer.ts';
import { WriteState } from './write-state.ts';

/**
 * Writes to the graph inside one transaction; made by `Graph.transaction`, dead after it. Every method is all or
 * nothing together with the rest of the transaction.
 */
export class GraphWriter {
  readonly #tx: Tx;
  readonly #state: WriteState;
  readonly #edges: EdgeWriter;
  readonly #entities: EntityWriter;

  constructor(tx: Tx, context: WriterContext) {
    this.#tx = tx;
    this.#state = new WriteState(tx, context);
    this.#edges = new EdgeWriter(this.#state);
    this.#entities = new EntityWriter(this.#state, this.#edges);
  }

  /** The seq of the last row written here; `firstSeq - 1` when none was. */
  get lastSeq(): number {
    return this.#state.lastSeq;
  }

  /** What was written so far, row by row: an entity's version, or null for one of an edge. */
  get written(): readonly (EntityVersion | null)[] {
    return this.#state.written;
  }

  /** When the last row was stored, us since the Unix epoch. */
  get lastStoredMicros(): number {
    return this.#state.lastStoredMicros;
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
    const known = input.id === undefined ? undefined : readBareHead(this.#tx, id);
    if (known && !known.deleted) {
      throw new HubError('conflict', `an entity with the id ${id} exists already`, { field: 'id' });
    }
    const { entityType, author, sourceType } = input;
    if (known && known.entityType !== entityType) {
      throw new HubError('invalid', `${id} was a ${known.entityType} before it was deleted, and stays one`, {
        field: 'entity_type',
      });
    }
    const contentJson = encodeContent(entityType, input.content);
    const changeType = known ? 'update' : 'create';
    return this.#entities.insertOwn(id, known, { entityType, changeType, contentJson, author, sourceType });
  }

  /** Replaces the whole content. @throws HubError `not_found` when there is no such entity. */
  replaceContent(id: string, content: Content, author: Author): EntityVersion {
    const head = this.#existing(id);
    const { entityType, sourceType } = head;
    const contentJson = encodeContent(entityType, content);
    return this.#entities.insertOwn(id, head, {
      entityType,
      changeType: 'update',
      contentJson,
      author,
      sourceType,
    });
  }

  /** Writes a tombstone and ends the entity's open edges. @throws HubError `not_found`. */
  deleteEntity(id: string, author: Author): EntityVersion {
    const head = this.#existing(id);
    const { entityType, sourceType } = head;
    return this.#entities.insertOwn(id, head, {
      entityType,
      changeType: 'delete',
      contentJson: null,
      author,
      sourceType,
    });
  }

  /**
   * Makes a new version with the content of an old one: of `version`, else of the last one before the tombstone. A
   * deleted entity is alive again then, with the edges that its tombstone ended; what holds already stays as it is.
   * @throws HubError `not_found` when there is no such entity or version, `invalid` when that version is a tombstone.
   */
  restoreEntity(id: string, version: string | undefined, author: Author): EntityVersion {
    const latest = this.latest(id);
    const head = readBareHead(this.#tx, id);
    if (!latest || !head) throw new HubError('not_found', `there is no entity ${id}`);
    if (version === undefined && !head.deleted) return latest;
    const source = version === undefined ? readLastWithContent(this.#tx, id) : this.version(id, version);
    if (!source) {
      throw new HubError('not_found', `${id} has no version ${version ?? 'with a content'}`, {
        field: 'version',
      });
    }
    const { contentJson } = source;
    if (contentJson === null) {
      throw new HubError('invalid', 'that version is a tombstone: it holds no content', { field: 'version' });
    }
    if (contentJson === latest.contentJson) return latest;
    const { entityType, sourceType } = head;
    return this.#entities.insertOwn(id, head, {
      entityType,
      changeType: 'update',
      contentJson,
      author,
      sourceType,
    });
  }

  /** The current version with its keys, as this transaction sees it; see `insertVersion`. */
  head(id: string): StoredVersion | undefined {
    return readHead(this.#tx, id);
  }

  version(id: string, version: string): EntityVersion | undefined {
    return readVersion(this.#tx, id, version);
  }

  /** The name of a next version of the hub's own, that sorts after these. */
  nextVersion(parents: readonly string[]): string {
    return this.#state.versions.next(parents);
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
    return this.#entities.insertVersion(input, head);
  }

  relationship(id: string): RelationshipVersion | undefined {
    return readRelationship(this.#tx, id);
  }

  relationshipVersion(id: string, version: string): RelationshipVersion | undefined {
    return readRelationshipVersion(this.#tx, id, version);
  }

  relationshipHeldAs(id: string, version: string): HeldAs | undefined {
    return readRelationshipHeldAs(this.#tx, id, version);
  }

  /**
   * Stores a version of an edge made elsewhere. The caller has decided that it may be current, and has checked its
   * ends and its properties. Returns its times as they were stored: not later than now. Of two open `located_in` edges of one entity the later by (time, version) stays open.
   */
  insertRelationshipVersion(input: NewRelationshipVersion): NonNullable<NewRelationshipVersion['takenOver']> {
    return this.#edges.insertVersion(input);
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

  #existing(id: string): EntityHead {
    const head = readBareHead(this.#tx, id);
    if (!head || head.deleted) throw new HubError('not_found', `there is no entity ${id}`);
    return head;
  }
}
