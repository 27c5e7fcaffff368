import type { JsonObject } from '../../base/json.ts';
import type { GraphSnapshot } from '../../graph/graph.ts';
import type { ChangeType } from '../../graph/types.ts';

export const PROTOCOL_V2 = 'inbetweenies-v2';

/** Which rows a client wants. */
export interface RequestFilter {
  /** In the words of v2, lower-case; null = all. */
  readonly entityTypes: readonly string[] | null;
  /** Authors of the current row; null = all. */
  readonly modifiedBy: readonly string[] | null;
}

/** A request whose outer shape is right. The changes are still as sent: they are checked in slices. */
export interface RequestV2 {
  readonly deviceId: string;
  readonly userId: string;
  readonly syncType: string;
  /** Goes back as it came. */
  readonly vectorClock: JsonObject;
  readonly changes: readonly unknown[];
  readonly filter: RequestFilter;
  /** Only rows stored later than this, us since the Unix epoch; null = all. */
  readonly sinceMicros: number | null;
  /** Only rows above this seq, a page of them; null = everything in one answer. */
  readonly cursor: number | null;
}

/** A version of an entity as a client pushes it, checked. */
export interface PushedEntity {
  readonly changeType: ChangeType;
  readonly id: string;
  readonly version: string;
  /** Lower-case; one that the hub does not know is stored as it is. */
  readonly entityType: string;
  /** Lower-case, as sent. */
  readonly sourceType: string;
  readonly userId: string;
  readonly parentVersions: readonly string[];
  /** The JSON text to be stored; null in a delete. */
  readonly contentJson: string | null;
}

/** An edge as a client pushes it, checked; v2 pins its ends to versions. */
export interface PushedEdge {
  readonly id: string;
  readonly fromEntityId: string;
  readonly fromVersion: string;
  readonly toEntityId: string;
  readonly toVersion: string;
  readonly relationshipType: string;
  readonly propertiesJson: string;
}

/** A whole push: first all entities are applied, then all edges. */
export interface PushV2 {
  readonly entities: readonly PushedEntity[];
  readonly edges: readonly PushedEdge[];
}

/** Two edits of one entity met, and this is how it was decided (INBETWEENIES-V2.md 4.4). */
export interface ConflictRecord {
  readonly entity_id: string;
  /** Current before the push. */
  readonly local_version: string;
  readonly remote_version: string;
  readonly resolution_strategy: string;
  /** The one that is current now. */
  readonly resolved_version: string;
}

/** What became of a push. */
export interface OutcomeV2 {
  /** Entity ids that need not be sent again, in the order of their first success. */
  readonly applied: Set<string>;
  readonly appliedRelationships: Set<string>;
  readonly conflicts: ConflictRecord[];
  /** The newest version that was acknowledged; null when none was. */
  lastVersion: string | null;
}

/** What an answer is to hold: all of it durable, as of one moment. */
export interface AnswerPlan {
  readonly request: RequestV2;
  readonly outcome: OutcomeV2;
  readonly snapshot: GraphSnapshot;
  readonly afterSeq: number;
  /** Of the snapshot, us since the Unix epoch. */
  readonly serverMicros: number;
  /** On the monotonic clock. */
  readonly startedMs: number;
}
