import type { ChangeType, EntityVersion } from '../graph/types.ts';

import type { JsonObject } from '../base/json.ts';

/** The protocols that this engine speaks; v1.1 adds edges and told conflicts (PROTOCOL.md section 2). */
export const PROTOCOLS = ['inbetweenies-v1', 'inbetweenies-v1.1'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What a client wants to be sent; null = everything. Entity types are lower-case and sorted. */
export interface SyncFilter {
  readonly entityTypes: readonly string[] | null;
  readonly excludeDeleted: boolean;
}

/** A request whose outer shape is right. The changes are still as sent: they are checked in slices. */
export interface SyncRequest {
  readonly protocol: Protocol;
  readonly deviceId: string;
  readonly userId: string;
  readonly vectorClock: ReadonlyMap<string, string>;
  readonly changes: readonly unknown[];
  readonly relationshipChanges: readonly unknown[];
  readonly syncToken: string | null;
  readonly filter: SyncFilter | null;
}

/** One change of an entity, its shape checked, its words not yet. */
export interface EntityChange {
  readonly changeType: ChangeType;
  readonly id: string;
  readonly version: string;
  /** As sent; null where it was left out. */
  readonly entityType: string | null;
  /** The keys to be set; null for a delete. */
  readonly content: JsonObject | null;
  /** RFC 3339 as sent. */
  readonly timestamp: string;
  readonly parentVersions: readonly string[];
  readonly deviceId: string;
  readonly checksum: string | null;
}

/** One change of an edge, its shape checked. What was left out is undefined, and null is a value. */
export interface RelationshipChange {
  readonly changeType: ChangeType;
  readonly id: string;
  readonly version: string;
  readonly parentVersions: readonly string[];
  readonly fromEntityId: string | undefined;
  readonly toEntityId: string | undefined;
  readonly relationshipType: string | undefined;
  readonly properties: JsonObject | undefined;
  readonly validFrom: string | undefined;
  readonly validTo: string | null | undefined;
  readonly timestamp: string;
  readonly deviceId: string;
}

/** Why two edits of one entity could not both become its state (PROTOCOL.md 2.1). */
export type ConflictType = 'already_exists' | 'not_found' | 'delete_update' | 'version_conflict';

/** A change that lost: it is stored and readable, and not the state. */
export interface Conflict {
  readonly conflictId: string;
  readonly type: ConflictType;
  readonly entityId: string;
  /** The hub's current version; null when the hub never had the entity. */
  readonly local: EntityVersion | null;
  /** The client's version that lost. */
  readonly remoteVersion: string;
  readonly resolutionHint: 'accept_remote' | 'keep_local';
  readonly conflictingFields: readonly string[];
  /** The conflicting fields as the client has them. */
  readonly clientValues: JsonObject;
  /** The conflicting fields as the hub has them. */
  readonly hubValues: JsonObject;
}

/** A well-formed change that cannot be accepted, and why. */
export interface Rejection {
  readonly id: string;
  readonly version: string;
  readonly code: string;
  readonly message: string;
}

/** What became of the changes of a request: each is in exactly one list. */
export interface Outcome {
  readonly applied: string[];
  readonly conflicts: Conflict[];
  readonly rejected: Rejection[];
  readonly appliedRelationships: string[];
  readonly rejectedRelationships: Rejection[];
  /** Ids of edges whose change lost; their current rows go into the answer. */
  readonly lostRelationships: string[];
  /** What the client holds because it sent it, as `versionKey`s: not to be sent back. */
  readonly pushed: Set<string>;
}

/** What the hub knows about a client that syncs. */
export interface SyncDevice {
  readonly deviceId: string;
  readonly userId: string;
  readonly protocol: string;
  /** ms since the Unix epoch. */
  readonly lastSyncMs: number;
  /** The newest version that this device has pushed; null when it never pushed. */
  readonly clockValue: string | null;
  /** The seq of the last cursor that it was given. */
  readonly cursorSeq: number;
  /** Why its last sync did not work wholly, for a person; null when it did. */
  readonly lastError: string | null;
}

export interface DeviceStatus {
  readonly deviceId: string;
  readonly lastSyncMs: number;
  readonly clockValue: string | null;
  /** How many rows it would be sent now. */
  readonly pendingChanges: number;
  readonly lastError: string | null;
}
