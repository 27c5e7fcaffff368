import type { EntityRecord, FileRecord, RelationshipRecord } from './format.ts';
import type { EntityHead, Head, ImportTarget } from './import-target.ts';
import type { ImportReport } from './types.ts';

import { HubError } from '../base/errors.ts';
import {
  contentIssue,
  isTooLarge,
  MAX_CONTENT_BYTES,
  toEntityType,
  toRelationshipType,
} from '../graph/graph.ts';
import { SOURCE_TYPES } from '../graph/types.ts';
import { Findings } from './findings.ts';
import { SeqSet } from './seq-set.ts';

/** A clock may be a little ahead; what lies further ahead than this comes from a clock that was wrong. */
const AHEAD_MICROS = 24 * 3600 * 1_000_000;

/**
 * Decides what becomes of each record of a file, in the order of the file. It writes through an ImportTarget and knows no
 * transaction.
 *
 * A state of the file becomes the hub's state when the hub has no state of the thing, when it names the hub's among its
 * parents, or when the hub's is itself an earlier state out of this file. The last is what makes an import that was
 * interrupted go on as if nothing had happened: what a run before it wrote is met again, and is the hub's state.
 * Everything else is kept beside, as the loser of a conflict is.
 */
export class Importer {
  /** The rows of the graph that are states of the file: a bit for each row, whatever the file holds. */
  readonly #states = new SeqSet();
  readonly #nowMicros: number;
  readonly #keptBeside = new Findings();
  readonly #folded = new Findings();
  readonly #refused = new Findings();
  readonly #warnings = new Findings();
  #entities = 0;
  #versions = 0;
  #relationships = 0;
  #held = 0;
  #unsettledSeq: number;

  /** @param headSeq the graph's last row before the import. */
  constructor(headSeq: number, nowMicros: number) {
    this.#unsettledSeq = headSeq;
    this.#nowMicros = nowMicros;
  }

  /** Edges with a row after this may join what is deleted, or put a thing into two places: see `settleEdges`. */
  get unsettledSeq(): number {
    return this.#unsettledSeq;
  }

  take(target: ImportTarget, record: FileRecord): void {
    if (record.record === 'entity') this.#takeEntity(target, record);
    else if (record.record === 'relationship') this.#takeRelationship(target, record);
  }

  refuse(what: string, example: string): void {
    this.#refused.add(what, example);
  }

  report(rest: { dryRun: boolean; ended: number }): ImportReport {
    const [keptBeside] = this.#keptBeside.list();
    return {
      dry_run: rest.dryRun,
      taken: { entities: this.#entities, versions: this.#versions, relationships: this.#relationships },
      held: this.#held,
      kept_beside: { count: keptBeside?.count ?? 0, examples: keptBeside?.examples ?? [] },
      ended: rest.ended,
      folded: this.#folded.list(),
      refused: this.#refused.list(),
      warnings: this.#warnings.list(),
    };
  }

  #takeEntity(target: ImportTarget, written: EntityRecord): void {
    const head = target.entity(written.id);
    if (head?.version === written.version) {
      if (written.held_as === 'state') this.#states.add(head.seq);
      // A run before this one may have ended before it could settle.
      if (written.contentJson === null) this.#lookAgainFrom(target.firstOpenEdge(written.id));
      this.#held += 1;
      return;
    }
    if (target.holdsVersion(written.id, written.version)) {
      this.#held += 1;
      return;
    }
    const record = this.#inOurWords(written, head);
    if (!record) return;
    const follows = this.#follows(head, record.parent_versions);
    const current = record.held_as === 'state' && follows;
    if (!head && !target.isKnown(record.id)) this.#entities += 1;
    // Its own edges of the file may be ended by rows that follow; those that the hub has besides are not.
    if (current && head && record.contentJson === null) this.#lookAgainFrom(target.firstOpenEdge(record.id));
    const seq = target.insertVersion(record, current);
    this.#versions += 1;
    if (current) this.#states.add(seq);
    else if (record.held_as === 'state') this.#noteKeptBeside(record.id, record.version);
    this.#warnOf(record, current);
  }

  /** The record in the hub's vocabulary, or undefined when it was refused. */
  #inOurWords(record: EntityRecord, head: EntityHead | undefined): EntityRecord | undefined {
    const name = `${record.id} (${record.entity_type})`;
    const entityType = known(() => toEntityType(record.entity_type));
    if (entityType === undefined) return this.#no('entities of a type that this hub does not know', name);
    if (head && head.entityType !== entityType) {
      return this.#no(
        'entities that are of another type in this hub',
        `${name} is a ${head.entityType} here`,
      );
    }
    if (record.contentJson !== null && isTooLarge(record.contentJson)) {
      return this.#no(`contents of more than ${MAX_CONTENT_BYTES / 1024} KiB`, `${name} ${record.version}`);
    }
    const lower = record.source_type.toLowerCase();
    const sourceType = (SOURCE_TYPES as readonly string[]).includes(lower) ? lower : 'imported';
    if (entityType === record.entity_type && sourceType === record.source_type) return record;
    if (entityType !== record.entity_type) this.#folded.add('types written in capitals', name);
    if (sourceType !== record.source_type) {
      this.#folded.add('sources in other words', `${record.source_type} to ${sourceType}`);
    }
    return { ...record, entity_type: entityType, source_type: sourceType };
  }

  #takeRelationship(target: ImportTarget, written: RelationshipRecord): void {
    const head = target.edge(written.id);
    if (head?.version === written.version) {
      if (written.held_as === 'state') this.#states.add(head.seq);
      if (head.open) this.#lookAgainFrom(head.seq);
      this.#held += 1;
      return;
    }
    if (target.holdsEdgeVersion(written.id, written.version)) {
      this.#held += 1;
      return;
    }
    const record = this.#edgeInOurWords(target, written);
    if (!record) return;
    const current = record.held_as === 'state' && this.#follows(head, record.parent_versions);
    const seq = target.insertEdgeVersion(record, current);
    this.#relationships += 1;
    if (current) this.#states.add(seq);
    else if (record.held_as === 'state') this.#noteKeptBeside(record.id, record.version);
  }

  #edgeInOurWords(target: ImportTarget, record: RelationshipRecord): RelationshipRecord | undefined {
    const { from_entity_id: from, to_entity_id: to } = record;
    const name = `${record.id} (${record.relationship_type} from ${from} to ${to})`;
    const relationshipType = known(() => toRelationshipType(record.relationship_type));
    if (relationshipType === undefined) {
      return this.#no('relationships of a type that this hub does not know', name);
    }
    if (from === to) return this.#no('relationships of a thing with itself', name);
    if (!target.isKnown(from) || !target.isKnown(to)) {
      return this.#no('relationships to something that is not there', name);
    }
    if (isTooLarge(record.propertiesJson)) {
      return this.#no(`properties of more than ${MAX_CONTENT_BYTES / 1024} KiB`, name);
    }
    if (relationshipType === record.relationship_type) return record;
    this.#folded.add('types written in capitals', name);
    return { ...record, relationship_type: relationshipType };
  }

  #follows(head: Head | undefined, parents: readonly string[]): boolean {
    return head === undefined || parents.includes(head.version) || this.#states.has(head.seq);
  }

  #noteKeptBeside(id: string, version: string): void {
    this.#keptBeside.add('kept beside', `${id} ${version}`);
  }

  #lookAgainFrom(seq: number | undefined): void {
    if (seq !== undefined) this.#unsettledSeq = Math.min(this.#unsettledSeq, seq - 1);
  }

  #warnOf(record: EntityRecord, current: boolean): void {
    if (record.validMicros > this.#nowMicros + AHEAD_MICROS) {
      this.#warnings.add(
        'versions from the future: a clock was wrong, there or here',
        `${record.id} ${record.valid_from}`,
      );
    }
    const issue = current && record.content ? contentIssue(record.entity_type, record.content) : undefined;
    if (issue) this.#warnings.add(`taken, but wants mending: ${issue.message}`, record.id);
  }

  #no(what: string, example: string): undefined {
    this.refuse(what, example);
  }
}

/** What `read` returns, or undefined where it says that the word is unknown. */
function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof HubError && error.kind === 'invalid') return undefined;
    throw error;
  }
}
