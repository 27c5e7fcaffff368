import type { EdgeWriter } from './edge-writer.ts';
import type { EntityHead } from './entity-reader.ts';
import type { Author, EntityVersion, NewEntityVersion, StoredVersion } from './types.ts';
import type { WriteState } from './write-state.ts';

import { readEntityKey, readHead, readVersionMicros } from './entity-reader.ts';
import { changeTypeCode, checkId, checkVersion, effectiveMicros } from './rules.ts';
import { HASH_BITS, MAX_MICROS, packParents, packVersion, versionHash } from './version-codec.ts';

/** What a new version needs to know of the one that it follows. */
interface Before {
  readonly key: number;
  readonly version: string;
  readonly validMicros: number;
  readonly deleted: boolean;
}

interface NewRow {
  readonly version: string;
  readonly changeType: NewEntityVersion['changeType'];
  readonly parentVersions: readonly string[];
  readonly contentJson: string | null;
  readonly author: Author;
  readonly sourceType: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly current: boolean;
}

/** The entities' half of `GraphWriter`: rows of versions, and the pointer to the current one. */
export class EntityWriter {
  readonly #state: WriteState;
  readonly #edges: EdgeWriter;

  constructor(state: WriteState, edges: EdgeWriter) {
    this.#state = state;
    this.#edges = edges;
  }

  /** The hub's own next version of an entity, or with no head the first one. */
  insertOwn(
    id: string,
    head: EntityHead | undefined,
    row: Pick<NewRow, 'changeType' | 'contentJson' | 'author' | 'sourceType'> & { entityType: string },
  ): EntityVersion {
    checkId(id, 'entity_id');
    const parentVersions = head ? [head.version] : [];
    const version = this.#state.versions.next(parentVersions);
    const nowMicros = this.#state.nowMicros();
    const validMicros = Math.min(head ? Math.max(nowMicros, head.validMicros + 1) : nowMicros, MAX_MICROS);
    const newRow = {
      ...row,
      id,
      version,
      parentVersions,
      timestamp: this.#state.toIso(this.#state.nowMs()),
      current: true,
    };
    const key = head?.key ?? this.#keyOf(id, row.entityType, true, validMicros).key;
    const entity = this.#insertRow(key, newRow, validMicros, head?.createdMicros ?? validMicros);
    this.#makeLatest(key, head, { id, seq: entity.seq, validMicros, cascade: true, row: newRow });
    return entity;
  }

  /** See `GraphWriter.insertVersion`. */
  insertVersion(input: NewEntityVersion, known?: StoredVersion | null): StoredVersion {
    checkId(input.id, 'entity_id');
    checkVersion(input.version, 'entity_version');
    const latest = known === undefined ? readHead(this.#state.tx, input.id) : (known ?? undefined);
    const before = latest && toBefore(latest);
    const createdMicros = latest ? latest.entity.createdAtMs * 1000 : this.#effectiveMicros(input, undefined);
    const { key, isNew } = before
      ? { key: before.key, isNew: false }
      : this.#keyOf(input.id, input.entityType, input.current, createdMicros);
    const validMicros = isNew
      ? createdMicros
      : this.#effectiveMicros(input, this.#newestBefore(key, input, before));
    const entity = this.#insertRow(key, input, validMicros, createdMicros);
    if (input.current) {
      const cascade = input.takenOver === undefined;
      this.#makeLatest(key, before, { id: input.id, seq: entity.seq, validMicros, cascade, row: input });
    }
    return { entity, entityKey: key };
  }

  #insertRow(
    key: number,
    row: NewRow & { readonly id: string; readonly entityType: string },
    validMicros: number,
    createdMicros: number,
  ): EntityVersion {
    const seq = this.#state.nextSeq;
    const storedMicros = this.#state.nextStoredMicros;
    this.#state.tx.run(
      `INSERT INTO entity_version (seq, entity_key, moment, version, change_type, current, author_key, source_type,
         client_time, parents, content, stored_lag)
       VALUES (?1, ?2, (CAST(?3 AS INTEGER) << ${HASH_BITS}) | CAST(?4 AS INTEGER), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)`,
      seq,
      key,
      validMicros,
      versionHash(row.version),
      packVersion(row.version),
      changeTypeCode(row.changeType),
      row.current ? 1 : 0,
      this.#state.authorKey(row.author),
      row.sourceType,
      row.timestamp === this.#state.toIso(Math.floor(validMicros / 1000)) ? null : row.timestamp,
      packParents(row.parentVersions),
      row.contentJson,
      storedMicros - validMicros,
    );
    const entity = toEntity(row, { seq, storedMicros, validMicros, createdMicros });
    this.#state.rowWritten(entity, storedMicros);
    return entity;
  }

  /** The key of an entity without a current version, which is made where the id was never used. */
  #keyOf(
    id: string,
    entityType: string,
    isState: boolean,
    createdMicros: number,
  ): { key: number; isNew: boolean } {
    const { tx } = this.#state;
    const inserted = tx.run(
      'INSERT INTO entity (id, entity_type, created_micros) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
      id,
      entityType,
      createdMicros,
    );
    if (inserted.changes === 1) return { key: inserted.lastInsertRowid, isNew: true };
    const key = readEntityKey(tx, id);
    if (key === undefined) throw new Error(`the entity ${id} is neither new nor known`);
    // Only losers of conflicts are held: whoever makes the first state says what the entity is, and since when.
    if (isState) {
      tx.run(
        'UPDATE entity SET entity_type = ?, created_micros = ? WHERE key = ?',
        entityType,
        createdMicros,
        key,
      );
    }
    return { key, isNew: false };
  }

  #makeLatest(
    key: number,
    before: Before | undefined,
    made: { id: string; seq: number; validMicros: number; cascade: boolean; row: NewRow },
  ): void {
    const { tx } = this.#state;
    const deleted = made.row.contentJson === null;
    if (!before) {
      tx.run(
        'INSERT INTO entity_latest (entity_key, seq, deleted) VALUES (?, ?, ?)',
        key,
        made.seq,
        deleted ? 1 : 0,
      );
      return;
    }
    tx.run(
      'UPDATE entity_latest SET seq = ?, deleted = ? WHERE entity_key = ?',
      made.seq,
      deleted ? 1 : 0,
      key,
    );
    if (!made.cascade) return;
    if (deleted) this.#edges.endAllOf(made.id, made.row.author, made.validMicros);
    else if (before.deleted) this.#edges.reopenAllOf(key, made.row.author, made.validMicros);
  }

  #effectiveMicros(input: NewEntityVersion, after: number | undefined): number {
    const { takenOver, timestamp, current } = input;
    if (!takenOver) return Math.min(effectiveMicros(timestamp, this.#state.nowMicros(), after), MAX_MICROS);
    // A loser's time decides nothing and stays what it was.
    const earliest = current && after !== undefined ? after + 1 : 0;
    return Math.min(Math.max(takenOver.validMicros, earliest), MAX_MICROS);
  }

  /**
   * The effective time that a version has to come after: of its newest parent and, when it becomes the state, of the
   * state that it supersedes. So the versions that were the state follow each other in time as they do in `seq`, and a
   * read of the present agrees with a read of the past that ends now.
   */
  #newestBefore(key: number, input: NewEntityVersion, before: Before | undefined): number | undefined {
    let newest = input.current ? before?.validMicros : undefined;
    for (const parent of input.parentVersions) {
      const micros =
        parent === before?.version ? before.validMicros : readVersionMicros(this.#state.tx, key, parent);
      if (micros !== undefined && (newest === undefined || micros > newest)) newest = micros;
    }
    return newest;
  }
}

function toBefore({ entity, entityKey }: StoredVersion): Before {
  const { version, validMicros, contentJson } = entity;
  return { key: entityKey, version, validMicros, deleted: contentJson === null };
}

function toEntity(
  row: NewRow & { readonly id: string; readonly entityType: string },
  {
    seq,
    storedMicros,
    validMicros,
    createdMicros,
  }: { seq: number; storedMicros: number; validMicros: number; createdMicros: number },
): EntityVersion {
  return {
    seq,
    id: row.id,
    version: row.version,
    entityType: row.entityType,
    changeType: row.changeType,
    heldAs: row.current ? 'state' : 'loser',
    parentVersions: row.parentVersions,
    contentJson: row.contentJson,
    userId: row.author.userId,
    deviceId: row.author.deviceId,
    sourceType: row.sourceType,
    timestamp: row.timestamp,
    createdAtMs: Math.floor(createdMicros / 1000),
    modifiedAtMs: Math.floor(validMicros / 1000),
    validMicros,
    storedMicros,
  };
}
