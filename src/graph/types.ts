/** Entity types of PROTOCOL.md section 1. `app` and `photo` come from clients that exist. */
export const ENTITY_TYPES = [
  'home',
  'room',
  'device',
  'accessory',
  'service',
  'zone',
  'door',
  'window',
  'procedure',
  'manual',
  'note',
  'schedule',
  'automation',
  'app',
  'photo',
] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

export const SOURCE_TYPES = [
  'homekit',
  'matter',
  'manual',
  'imported',
  'generated',
  'google_home',
  'alexa',
  'mqtt',
] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

export const RELATIONSHIP_TYPES = [
  'located_in',
  'controls',
  'connects_to',
  'part_of',
  'manages',
  'documented_by',
  'procedure_for',
  'triggered_by',
  'depends_on',
  'contained_in',
  'monitors',
  'automates',
  'controlled_by_app',
  'has_blob',
  'has_photo',
] as const;
export type RelationshipType = (typeof RELATIONSHIP_TYPES)[number];

export type ChangeType = 'create' | 'update' | 'delete';

/** The JSON object that an entity is about. Unknown keys are kept. */
export type Content = Readonly<Record<string, unknown>>;

/** Who made a version: the person (or `hub`) and the client that sent it. */
export interface Author {
  readonly userId: string;
  readonly deviceId: string;
}

/** What the hub itself writes (devices that were discovered, rooms that they suggest). */
export const HUB_AUTHOR: Author = { userId: 'hub', deviceId: 'hub' };

/**
 * One version of an entity. `contentJson` is the stored JSON text, to be spliced into answers rather than parsed and
 * printed again; it is null for a tombstone.
 */
export interface EntityVersion {
  readonly seq: number;
  readonly id: string;
  readonly version: string;
  readonly entityType: string;
  readonly changeType: ChangeType;
  /** Whether it is or was the state, or lost a conflict. */
  readonly heldAs: HeldAs;
  readonly parentVersions: readonly string[];
  readonly contentJson: string | null;
  readonly userId: string;
  readonly deviceId: string;
  readonly sourceType: string;
  /** When the edit was made as its author said, RFC 3339 as sent. */
  readonly timestamp: string;
  /** When the first version of the entity was made, effective time in ms since the Unix epoch. */
  readonly createdAtMs: number;
  /** Effective time of this version in ms since the Unix epoch: not after its receipt, after its parents. */
  readonly modifiedAtMs: number;
  /** The same in us. */
  readonly validMicros: number;
  /** When the hub stored it, us since the Unix epoch: strictly increasing with `seq`, whatever the wall clock did. */
  readonly storedMicros: number;
}

/** One version of an edge; true over [validFrom, validTo). Times are ms, or us, since the Unix epoch. */
export interface RelationshipVersion {
  readonly seq: number;
  readonly id: string;
  readonly version: string;
  readonly heldAs: HeldAs;
  readonly parentVersions: readonly string[];
  readonly fromEntityId: string;
  readonly toEntityId: string;
  readonly relationshipType: string;
  readonly propertiesJson: string;
  readonly userId: string;
  readonly deviceId: string;
  /** When the first version of the edge was made. */
  readonly createdAtMs: number;
  readonly createdMicros: number;
  readonly validFromMs: number;
  readonly validFromMicros: number;
  /** Null while the edge lasts. */
  readonly validToMs: number | null;
  readonly validToMicros: number | null;
  /** When the hub stored it, as of `EntityVersion`. */
  readonly storedMicros: number;
}

/** A version to be stored, checked already. */
export interface NewEntityVersion {
  readonly id: string;
  readonly version: string;
  readonly entityType: string;
  readonly changeType: ChangeType;
  readonly parentVersions: readonly string[];
  /** The JSON text of the content; null for a tombstone. */
  readonly contentJson: string | null;
  readonly author: Author;
  readonly sourceType: string;
  /** RFC 3339 as the author said. */
  readonly timestamp: string;
  /** False for the loser of a conflict: kept and readable, not the latest. */
  readonly current: boolean;
  /**
   * For history that is taken over from another graph: its effective time in us, instead of the one that its receipt
   * here would give it; the edges that a tombstone ends come with that history too.
   */
  readonly takenOver?: { readonly validMicros: number };
}

/**
 * A version with what the file knows about it besides. Whoever has read it ahead of a transaction can hand it to
 * `GraphWriter.insertVersion` and spare the lookups there.
 */
export interface StoredVersion {
  readonly entity: EntityVersion;
  /** The entity's integer key inside the file. */
  readonly entityKey: number;
}

/** How a version that is already in the file is held: it is or was the state, or it lost a conflict. */
export type HeldAs = 'state' | 'loser';

/** A version of an edge made elsewhere, to be stored; its fields are checked already. */
export interface NewRelationshipVersion {
  readonly id: string;
  readonly version: string;
  readonly parentVersions: readonly string[];
  readonly fromEntityId: string;
  readonly toEntityId: string;
  readonly relationshipType: string;
  readonly propertiesJson: string;
  readonly author: Author;
  /** RFC 3339 as the author said. */
  readonly validFrom: string;
  /** RFC 3339 as the author said; null while the edge lasts. */
  readonly validTo: string | null;
  /** False for the loser of a conflict. */
  readonly current: boolean;
  /** For history that is taken over from another graph: its times in us, instead of what its receipt here would give. */
  readonly takenOver?: {
    readonly createdMicros: number;
    readonly validFromMicros: number;
    readonly validToMicros: number | null;
  };
}

/** A point on both time axes: what held at `micros`, as far as the rows up to `seq` tell. */
export interface Moment {
  /** Valid time, us since the Unix epoch. */
  readonly micros: number;
  readonly seq: number;
}

export interface EntityFilter {
  readonly entityType?: string;
  readonly sourceType?: string;
  /** Only what is located in this room. */
  readonly roomId?: string;
  /** Only entities with these internal keys. */
  readonly keys?: readonly number[];
  /** Only internal keys up to this one. */
  readonly untilKey?: number;
}

export type Direction = 'from' | 'to' | 'both';

export interface RelationshipFilter {
  /** Only edges that have this entity (by internal key) as the end that `direction` says; default both. */
  readonly entityKey?: number;
  readonly direction?: Direction;
  /** Only edges that have this entity too, at either end. */
  readonly otherKey?: number;
  /** Only edges with both ends among these internal keys. */
  readonly withinKeys?: readonly number[];
  readonly relationshipType?: string;
  /** Only internal keys up to this one. */
  readonly untilKey?: number;
}

/** A stretch of time over which an edge said one thing; us since the Unix epoch, `toMicros` exclusive, null = until now. */
export interface EdgeInterval {
  readonly relationship: RelationshipVersion;
  readonly fromMicros: number;
  readonly toMicros: number | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null at the end. */
  readonly nextCursor: string | null;
}

/** The current rows above a seq, oldest first, entities and edges in one sequence. */
export interface Changes {
  readonly entities: readonly EntityVersion[];
  readonly relationships: readonly RelationshipVersion[];
  /** The highest seq that was looked at; the next call starts after it. */
  readonly scannedSeq: number;
  readonly hasMore: boolean;
}
