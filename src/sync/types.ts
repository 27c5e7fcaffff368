import type { ChangeType } from '../graph/types.ts';

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
export const CONFLICT_TYPES = ['already_exists', 'not_found', 'delete_update', 'version_conflict'] as const;
export type ConflictType = (typeof CONFLICT_TYPES)[number];

/** A change that lost and waits for somebody to decide: it is stored and readable, and not the state. */
export interface Conflict {
  readonly conflictId: string;
  readonly entityId: string;
  readonly type: ConflictType;
  /** The version that lost; the newest of them where others descend from it. */
  readonly remoteVersion: string;
  /** Every version that lost in it. */
  readonly lostVersions: readonly string[];
  /** Who made the remote version. */
  readonly userId: string;
  readonly deviceId: string;
  /** ms since the Unix epoch. */
  readonly createdAtMs: number;
  /** Null while it is open. */
  readonly resolved: ResolvedConflict | null;
}

export const RESOLUTIONS = ['keep_local', 'accept_remote', 'merge'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export interface ResolvedConflict {
  readonly atMs: number;
  readonly resolution: Resolution;
  /** What was made of it. */
  readonly version: string;
  readonly userId: string;
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
  /** Entities and edges whose current row is not what the client holds now, to be sent whatever its cursor says. */
  readonly owedEntities: Set<string>;
  readonly owedRelationships: Set<string>;
  /** What the client holds because it sent it: not to be sent back. */
  readonly pushed: { readonly id: string; readonly version: string }[];
  /** Versions of the client that were stored. */
  stored: number;
  /** The rows that the push wrote, where they are nothing but what the client sent; null where others are among them. */
  ownRows: { readonly firstSeq: number; readonly lastSeq: number } | null;
  /** How many edits were joined with what others had done meanwhile. */
  merges: number;
  /** The last version that was stored as applied; null when none was. */
  newest: string | null;
}

/** What the hub knows about a client that syncs. */
export interface SyncDevice {
  readonly deviceId: string;
  readonly userId: string;
  readonly protocol: string;
  /** When a sync last worked, ms since the Unix epoch; null when none has yet. */
  readonly lastSyncMs: number | null;
  /** The newest version that this device has pushed; null when it never pushed. */
  readonly clockValue: string | null;
  /** The seq of the last cursor that it was given. */
  readonly cursorSeq: number;
  /** Why its last sync did not work wholly, for a person; null when it did. */
  readonly lastError: string | null;
  /**
   * It begins from zero when it comes with a cursor from before this time, ms since the Unix epoch: somebody has asked for
   * that. Null where nobody has.
   */
  readonly startsOverMs: number | null;
}

export interface DeviceStatus extends SyncDevice {
  /** How many rows it would be sent now. */
  readonly pendingChanges: number;
  /** It has a live WebSocket. */
  readonly isOnline: boolean;
  /** Of its changes, how many wait for somebody to decide. */
  readonly openConflicts: number;
}

/** The live connections of devices, as far as syncing needs them. */
export interface LiveDevices {
  isOnline(deviceId: string): boolean;
  /** Asks a device to sync now. @returns to how many of its connections it was said. */
  requestSync(deviceId: string, direction: SyncDirection): number;
}

export const DIRECTIONS = ['up', 'down', 'both'] as const;
export type SyncDirection = (typeof DIRECTIONS)[number];
