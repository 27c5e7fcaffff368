import type { Author, NewRelationshipVersion, RelationshipVersion } from './types.ts';
import type { WriteState } from './write-state.ts';

import { HubError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import {
  readEdgeRow,
  readEdgesToReopen,
  readOpenEdgesBetween,
  readOpenRelationships,
  readPlaces,
  readRelationship,
  type EdgeRow,
} from './edge-reader.ts';
import { readEntityKey, readHead } from './entity-reader.ts';

import { checkId, checkVersion, effectiveMicros, parseTimeMicros } from './rules.ts';

interface NewEdgeRow extends EdgeRow {
  parents: readonly string[];
  author: Author;
  current: boolean;
}

/** The edges' half of `GraphWriter`. */
export class EdgeWriter {
  readonly #state: WriteState;

  constructor(state: WriteState) {
    this.#state = state;
  }

  /** See `GraphWriter.putRelationship`. */
  put(input: {
    id?: string;
    fromEntityId: string;
    toEntityId: string;
    relationshipType: string;
    propertiesJson: string;
    author: Author;
  }): RelationshipVersion {
    const ends = this.#checkEnds(input.fromEntityId, input.toEntityId);
    for (const open of readOpenRelationships(this.#state.tx, input.fromEntityId, 'from')) {
      if (open.relationshipType !== input.relationshipType) continue;
      if (open.toEntityId === input.toEntityId) return open;
      if (input.relationshipType === 'located_in') this.end(open.id, input.author);
    }
    const nowMicros = this.#state.nowMicros();
    const id = input.id ?? newId();
    this.#insert({
      id,
      version: this.#state.versions.next([]),
      parents: [],
      ...ends,
      relationship_type: input.relationshipType,
      properties: input.propertiesJson,
      author: input.author,
      created_micros: nowMicros,
      valid_from_micros: nowMicros,
      valid_to_micros: null,
      current: true,
    });
    return this.#stored(id);
  }

  /** See `GraphWriter.changeRelationship`. */
  change(
    id: string,
    to: { fromEntityId: string; toEntityId: string; relationshipType: string; propertiesJson: string },
    author: Author,
  ): RelationshipVersion {
    const row = readEdgeRow(this.#state.tx, id);
    if (!row) throw new HubError('not_found', `there is no relationship ${id}`);
    if (row.valid_to_micros !== null) {
      throw new HubError('conflict', `${id} has ended; make a new relationship instead`);
    }
    const ends = this.#checkEnds(to.fromEntityId, to.toEntityId);
    for (const open of readOpenRelationships(this.#state.tx, to.fromEntityId, 'from')) {
      if (open.id === id || open.relationshipType !== to.relationshipType) continue;
      if (open.toEntityId === to.toEntityId) {
        throw new HubError('conflict', `these two are joined so already, by ${open.id}`);
      }
      if (to.relationshipType === 'located_in') this.end(open.id, author);
    }
    this.#insert({
      ...row,
      id,
      version: this.#state.versions.next([row.version]),
      parents: [row.version],
      ...ends,
      relationship_type: to.relationshipType,
      properties: to.propertiesJson,
      author,
      // What was said until now stays true of the time until now.
      valid_from_micros: Math.max(this.#state.nowMicros(), row.valid_from_micros),
      valid_to_micros: null,
      current: true,
    });
    return this.#stored(id);
  }

  /** See `GraphWriter.insertRelationshipVersion`. */
  insertVersion(input: NewRelationshipVersion): NonNullable<NewRelationshipVersion['takenOver']> {
    checkId(input.id, 'relationship_id');
    checkVersion(input.version, 'relationship_version');
    const latest = readEdgeRow(this.#state.tx, input.id);
    const times = input.takenOver ?? this.#timesOf(input, latest);
    const fromKey = this.#entityKey(input.fromEntityId);
    this.#insert({
      id: input.id,
      version: input.version,
      parents: input.parentVersions,
      from_key: fromKey,
      to_key: this.#entityKey(input.toEntityId),
      relationship_type: input.relationshipType,
      properties: input.propertiesJson,
      author: input.author,
      created_micros: times.createdMicros,
      valid_from_micros: times.validFromMicros,
      valid_to_micros: times.validToMicros,
      current: input.current,
    });
    const opens = input.current && times.validToMicros === null;
    if (opens && !input.takenOver && input.relationshipType === 'located_in') {
      this.#settlePlace(fromKey, input.author);
    }
    return times;
  }

  /** See `GraphWriter.settleEdges`. */
  settleSince(afterSeq: number, author: Author): number {
    const before = this.#state.lastSeq;
    const rows = readOpenEdgesBetween(this.#state.tx, afterSeq, before);
    for (const row of rows) if (row.dead === 1) this.end(row.id, author);
    const placed = rows.filter((row) => row.dead === 0 && row.relationship_type === 'located_in');
    for (const fromKey of new Set(placed.map((row) => row.from_key))) this.#settlePlace(fromKey, author);
    return this.#state.lastSeq - before;
  }

  /** When an edge begins and ends as a client says, within what the hub can have known. */
  #timesOf(
    input: NewRelationshipVersion,
    latest: EdgeRow | undefined,
  ): NonNullable<NewRelationshipVersion['takenOver']> {
    const receivedMicros = this.#state.nowMicros();
    const validFromMicros = effectiveMicros(input.validFrom, receivedMicros, undefined);
    const ended = input.validTo === null ? null : (parseTimeMicros(input.validTo) ?? receivedMicros);
    return {
      createdMicros: latest?.created_micros ?? receivedMicros,
      validFromMicros,
      validToMicros: ended === null ? null : Math.max(Math.min(ended, receivedMicros), validFromMicros),
    };
  }

  /** Ends an edge, now or at `atMicros`; one that has ended stays as it is. @throws HubError `not_found`. */
  end(id: string, author: Author, atMicros = this.#state.nowMicros()): RelationshipVersion {
    const row = readEdgeRow(this.#state.tx, id);
    if (!row) throw new HubError('not_found', `there is no relationship ${id}`);
    if (row.valid_to_micros !== null) return this.#stored(id);
    this.#insert({
      ...row,
      id,
      version: this.#state.versions.next([row.version]),
      parents: [row.version],
      author,
      valid_to_micros: Math.max(atMicros, row.valid_from_micros),
      current: true,
    });
    return this.#stored(id);
  }

  /** Ends every open edge at the entity at the very microsecond of its tombstone, so that restoring finds them again. */
  endAllOf(entityId: string, author: Author, tombstoneMicros: number): void {
    for (const edge of readOpenRelationships(this.#state.tx, entityId, 'both')) {
      this.end(edge.id, author, tombstoneMicros);
    }
  }

  /**
   * Opens again the edges that a tombstone ended, of this entity or of the other end, as far as both are there now; they
   * hold from `sinceMicros` on. Where the thing was put into another place meanwhile, it stays there.
   */
  reopenAllOf(entityKey: number, author: Author, sinceMicros: number): void {
    for (const row of readEdgesToReopen(this.#state.tx, entityKey)) {
      const isPlace = row.relationship_type === 'located_in';
      if (isPlace && readPlaces(this.#state.tx, row.from_key).length > 0) continue;
      this.#insert({
        ...row,
        version: this.#state.versions.next([row.version]),
        parents: [row.version],
        author,
        valid_from_micros: Math.max(row.valid_to_micros ?? 0, sinceMicros),
        valid_to_micros: null,
        current: true,
      });
    }
  }

  /** A thing is in one place: of its open `located_in` edges the later by (time, version) stays. */
  #settlePlace(fromKey: number, author: Author): void {
    const [stays, ...others] = readPlaces(this.#state.tx, fromKey);
    if (stays) for (const other of others) this.end(other.id, author, stays.valid_from_micros);
  }

  #insert(row: NewEdgeRow): void {
    checkId(row.id, 'relationship_id');
    const { tx } = this.#state;
    const seq = this.#state.nextSeq;
    const storedMicros = this.#state.nextStoredMicros;
    const known = tx.get<{ key: number; from_key: number; to_key: number }>(
      'SELECT key, from_key, to_key FROM relationship WHERE id = ?',
      row.id,
    );
    const key =
      known?.key ??
      tx.run(
        'INSERT INTO relationship (id, latest_seq, from_key, to_key, relationship_type, open) VALUES (?, ?, ?, ?, ?, 0)',
        row.id,
        -seq,
        row.from_key,
        row.to_key,
        row.relationship_type,
      ).lastInsertRowid;
    tx.run(
      `INSERT INTO relationship_version (seq, relationship_key, version, current, author_key, from_key, to_key,
         relationship_type, valid_from_micros, valid_to_micros, created_micros, parents, properties, stored_micros)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      seq,
      key,
      row.version,
      row.current ? 1 : 0,
      this.#state.authorKey(row.author),
      row.from_key,
      row.to_key,
      row.relationship_type,
      row.valid_from_micros,
      row.valid_to_micros,
      row.created_micros,
      JSON.stringify(row.parents),
      row.properties,
      storedMicros,
    );
    if (known) this.#noteFormerEnds(key, known, row);
    if (row.current) {
      tx.run(
        `UPDATE relationship SET latest_seq = ?, from_key = ?, to_key = ?, relationship_type = ?, open = ?
         WHERE key = ?`,
        seq,
        row.from_key,
        row.to_key,
        row.relationship_type,
        row.valid_to_micros === null ? 1 : 0,
        key,
      );
    }
    this.#state.rowWritten(null, storedMicros);
  }

  /** Ends that only a version which is not the latest has: reads of the past find the edge by them. */
  #noteFormerEnds(
    key: number,
    known: { from_key: number; to_key: number },
    row: { from_key: number; to_key: number; current: boolean },
  ): void {
    const [before, now] = row.current ? [known, row] : [row, known];
    for (const end of [before.from_key, before.to_key]) {
      if (end === now.from_key || end === now.to_key) continue;
      this.#state.tx.run(
        'INSERT INTO relationship_former_end (entity_key, relationship_key) VALUES (?, ?) ON CONFLICT DO NOTHING',
        end,
        key,
      );
    }
  }

  #stored(id: string): RelationshipVersion {
    const stored = readRelationship(this.#state.tx, id);
    if (!stored) throw new Error(`the relationship ${id} was written and is not there`);
    return stored;
  }

  #checkEnds(fromEntityId: string, toEntityId: string): { from_key: number; to_key: number } {
    if (fromEntityId === toEntityId) {
      throw new HubError('invalid', 'an entity cannot have a relationship with itself', {
        field: 'to_entity_id',
      });
    }
    const keyOf = (id: string): number => {
      const head = readHead(this.#state.tx, id);
      if (!head || head.entity.contentJson === null) {
        throw new HubError('not_found', `there is no entity ${id}`);
      }
      return head.entityKey;
    };
    return { from_key: keyOf(fromEntityId), to_key: keyOf(toEntityId) };
  }

  #entityKey(id: string): number {
    const key = readEntityKey(this.#state.tx, id);
    if (key === undefined) throw new HubError('not_found', `there is no entity ${id}`);
    return key;
  }
}
