import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

import type { EdgeStretch, PlacedEdge } from './edges.ts';
import type { PlacedVersion, VersionRow } from './lineage.ts';

import { errorText, HubError } from '../../base/errors.ts';
import { microsToVersionTime } from '../../base/ids.ts';
import { isTooLarge, MAX_CONTENT_BYTES } from '../../graph/graph.ts';
import { noFindings } from '../findings.ts';
import { entityLine } from '../format.ts';
import { sizeText } from '../io.ts';
import { authorOf } from './author.ts';
import { edgeLine, edgeVersion } from './edge-line.ts';
import { placeEdges } from './edges.ts';
import { placeVersions } from './lineage.ts';
import { checkTables, isEntityType, isRelationshipType, nameFault } from './python-checks.ts';
import { toContent } from './python-content.ts';
import { PythonReader } from './python-reader.ts';
import { toJsonObject, toWord } from './python-values.ts';

const NAMED_BLOBS = 10;

/** What the edges have to know of an entity that was taken. */
interface TakenEntity {
  readonly entityType: string;
  readonly version: string;
  /** The tombstone, where it is deleted now: it comes after the edges, with those that it ends. */
  readonly tombstone: PlacedVersion | undefined;
}

/**
 * A database file of the Python FunkyGibbon (INBETWEENIES-V2.md) as the records of an export. The file is read and never
 * changed. The contents are read one at a time, so that large ones do not meet in memory.
 */
export class PythonDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #reader: PythonReader;
  readonly #nowMicros: number;
  readonly findings = noFindings();

  private constructor(db: DatabaseSync, nowMicros: number) {
    this.#db = db;
    this.#reader = new PythonReader(db);
    this.#nowMicros = nowMicros;
  }

  /**
   * Opens the file. A copy with the side files of an interrupted program may be finished by SQLite; an original is read as
   * it lies, without so much as a lock file beside it.
   * @throws HubError `invalid` when it is another kind of database.
   */
  static open(path: string, options: { isCopy: boolean; nowMs?: number }): PythonDatabase {
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    const nowMicros = (options.nowMs ?? Date.now()) * 1000;
    let db: DatabaseSync | undefined;
    try {
      db = options.isCopy ? new DatabaseSync(path) : new DatabaseSync(url, { readOnly: true });
      checkTables(db);
      return new PythonDatabase(db, nowMicros);
    } catch (error) {
      db?.close();
      if (error instanceof HubError) throw error;
      throw new HubError(
        'invalid',
        `The database cannot be read: ${errorText(error)}. Nothing was imported.`,
        {
          cause: error,
        },
      );
    }
  }

  /** @throws HubError `invalid` when SQLite finds it damaged. */
  verify(): void {
    const [row] = this.#db.prepare('PRAGMA quick_check(1)').all();
    const verdict = String(row?.['quick_check'] ?? 'no answer');
    if (verdict === 'ok') return;
    throw new HubError(
      'invalid',
      `The database is damaged (${verdict}). Nothing was imported. Copy it again while the old server is stopped, or take ` +
        'a backup of it.',
    );
  }

  /** The records, each a line without its line feed, in an order in which the graph can take them. */
  async *lines(): AsyncGenerator<string> {
    for (const line of this.#records()) yield line.trimEnd();
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  *#records(): Generator<string> {
    const taken = new Map<string, TakenEntity>();
    const nameless = this.#reader.namelessRows();
    if (nameless > 0) this.findings.refused.add('rows without an id or a version', '', nameless);
    for (const id of this.#reader.entityIds()) {
      const placed = this.#place(id);
      const last = placed.findLast(({ heldAs }) => heldAs === 'state');
      if (!last) continue;
      const tombstone = last.row.deleted ? last : undefined;
      const entityType = toWord(last.row.entityType);
      taken.set(id, { entityType, version: last.row.version, tombstone });
      for (const version of placed) {
        if (version !== tombstone) yield* this.#entity(id, entityType, version);
      }
    }
    const edges = placeEdges(
      this.#reader.edges((id) => taken.get(id)?.version).filter((row) => this.#mayBeTaken(row)),
      (id) => taken.has(id),
      this.#nowMicros,
      this.findings,
    );
    for (const edge of edges) yield* this.#edge(edge);
    yield* this.#tombstones(taken, edges);
    this.#tellOfTheRest();
  }

  /** The versions of an entity in their order; none where it is refused. */
  #place(id: string): PlacedVersion[] {
    const rows = this.#reader.versions(id);
    const idFault = nameFault(id, undefined);
    if (idFault !== undefined) {
      this.findings.refused.add(idFault, id, rows.length);
      return [];
    }
    const good = rows.filter(({ version, parents }) => {
      const fault = nameFault(id, [version, ...parents]);
      if (fault !== undefined) this.findings.refused.add(fault, `${id} ${version}`);
      return fault === undefined;
    });
    const placed = placeVersions(id, good, this.#nowMicros, this.findings);
    const type = placed.findLast(({ heldAs }) => heldAs === 'state')?.row.entityType ?? '';
    if (placed.length > 0 && !isEntityType(toWord(type))) {
      this.findings.refused.add(
        `entities of the type "${type}", which this hub does not know`,
        id,
        placed.length,
      );
      return [];
    }
    for (const { row } of placed) {
      if (row.entityType !== toWord(row.entityType))
        this.findings.folded.add('types in other spelling', row.entityType);
      if (toWord(row.entityType) !== toWord(type)) {
        this.findings.folded.add(
          'versions of another type, kept under the last one',
          `${id} ${row.entityType}`,
        );
      }
    }
    return placed;
  }

  *#entity(id: string, entityType: string, version: PlacedVersion): Generator<string> {
    const { row, heldAs, parents } = version;
    const contentJson = row.deleted ? null : this.#content(id, row);
    if (contentJson === undefined) return;
    yield entityLine({
      id,
      version: row.version,
      entityType,
      changeType: row.deleted ? 'delete' : parents.length === 0 ? 'create' : 'update',
      heldAs,
      parentVersions: parents,
      contentJson,
      ...authorOf(row),
      sourceType: toWord(row.sourceType),
      timestamp: microsToVersionTime(version.madeMicros),
      validMicros: version.validMicros,
    });
  }

  /** The text of a content, or undefined where the version is refused. */
  #content(id: string, row: VersionRow): string | undefined {
    const { name, content } = this.#reader.content(row.rowid);
    const json = toContent(name, content, () =>
      this.findings.folded.add(
        'files inside contents that are too large: left out, keep the old database',
        `${id} ${row.version}`,
      ),
    );
    if (json === undefined) {
      this.findings.refused.add('contents that are no JSON object', `${id} ${row.version}`);
    } else if (isTooLarge(json)) {
      this.findings.refused.add(
        `contents of more than ${MAX_CONTENT_BYTES / 1024} KiB`,
        `${id} ${row.version}`,
      );
      return undefined;
    }
    return json;
  }

  #mayBeTaken({
    id,
    relationshipType,
    from,
    to,
  }: {
    id: string;
    relationshipType: string;
    from: string;
    to: string;
  }): boolean {
    const fault =
      nameFault(id, undefined) ??
      (isRelationshipType(relationshipType)
        ? undefined
        : `relationships of the type "${relationshipType}", which this hub does not know`);
    if (fault !== undefined) this.findings.refused.add(fault, `${id} from ${from} to ${to}`);
    return fault === undefined;
  }

  *#edge(edge: PlacedEdge): Generator<string> {
    let parent: string | undefined;
    for (const [index, stretch] of edge.stretches.entries()) {
      const properties = toJsonObject(this.#reader.properties(stretch.row.rowid));
      if (properties === undefined) {
        this.findings.folded.add('properties that are no JSON object, left empty', edge.id);
      }
      const json = JSON.stringify(properties ?? {});
      if (isTooLarge(json)) {
        this.findings.refused.add(`properties of more than ${MAX_CONTENT_BYTES / 1024} KiB`, edge.id);
        continue;
      }
      const begun = edgeVersion(stretch.writtenMicros, index);
      yield edgeLine(edge, stretch, { version: begun, parent, propertiesJson: json, toMicros: null });
      parent = begun;
      if (stretch.toMicros === null) continue;
      const ended = edgeVersion(stretch.toMicros, index, 'end');
      yield edgeLine(edge, stretch, {
        version: ended,
        parent,
        propertiesJson: json,
        toMicros: stretch.toMicros,
      });
      parent = ended;
    }
  }

  /** The tombstones, each with the edges that it ends at once after it: so restoring the thing opens them again. */
  *#tombstones(taken: ReadonlyMap<string, TakenEntity>, edges: readonly PlacedEdge[]): Generator<string> {
    const dead = [...taken]
      .flatMap(([id, { tombstone, entityType }]) => (tombstone ? [{ id, tombstone, entityType }] : []))
      .sort((a, b) => a.tombstone.validMicros - b.tombstone.validMicros);
    const open = new Map<string, { edge: PlacedEdge; last: EdgeStretch }[]>();
    for (const edge of edges) {
      const last = edge.stretches.at(-1);
      if (!last || last.toMicros !== null) continue;
      for (const end of [last.row.from, last.row.to]) {
        if (!taken.get(end)?.tombstone) continue;
        open.set(end, [...(open.get(end) ?? []), { edge, last }]);
      }
    }
    for (const { id, tombstone, entityType } of dead) {
      this.#tellOfDeletion(id, tombstone);
      yield* this.#entity(id, entityType, tombstone);
      for (const { edge, last } of open.get(id) ?? []) {
        if (last.toMicros !== null) continue;
        last.toMicros = Math.max(tombstone.validMicros, last.fromMicros);
        const index = edge.stretches.length - 1;
        const propertiesJson = JSON.stringify(toJsonObject(this.#reader.properties(last.row.rowid)) ?? {});
        this.findings.folded.add('relationships of deleted things, ended with them', edge.id);
        yield edgeLine(edge, last, {
          version: edgeVersion(last.toMicros, index, 'end'),
          parent: edgeVersion(last.writtenMicros, index),
          propertiesJson,
          toMicros: last.toMicros,
        });
      }
    }
  }

  #tellOfDeletion(id: string, { row }: PlacedVersion): void {
    const content = toJsonObject(this.#reader.content(row.rowid).content);
    const reason = content?.['deleted_reason'];
    if (typeof reason === 'string') {
      this.findings.warnings.add(
        'things that were deleted for a reason: it stands only here',
        `${id}: ${reason}`,
      );
    }
  }

  #tellOfTheRest(): void {
    const blobs = this.#reader.blobs(NAMED_BLOBS);
    if (blobs.count > 0) {
      this.findings.warnings.add(
        `files (photos, documents) were NOT taken, ${sizeText(blobs.bytes)}: the hub has no place for them yet. Keep the ` +
          'old database',
        blobs.names.join(', '),
        blobs.count,
      );
    }
    for (const { name, rows } of this.#reader.otherTables()) {
      this.findings.warnings.add(
        'rows of tables that are no part of the graph were not taken',
        `${name} (${rows})`,
        rows,
      );
    }
  }
}
