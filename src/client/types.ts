/** A JSON object that nobody changes in place. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What the home graph is made of. */
export type Kind = 'entity' | 'relationship';

/** A thing of the home as one version of it says: a room, a device, a note. Never changed in place. */
export interface Entity {
  readonly kind: 'entity';
  readonly id: string;
  /** Opaque, unique per id. */
  readonly version: string;
  /** home, room, device, note, … */
  readonly entityType: string;
  /** Empty when deleted. */
  readonly content: JsonObject;
  /** The versions that this one supersedes; two = a merge, none = the first. */
  readonly parentVersions: readonly string[];
  /** A tombstone. */
  readonly deleted: boolean;
  /** RFC 3339, when its author made it. */
  readonly timestamp: string;
  /** Who made it; null where the hub did not say. */
  readonly userId: string | null;
  readonly deviceId: string | null;
}

/** A typed edge between two entities, true over `[validFrom, validTo)`. Never changed in place. */
export interface Relationship {
  readonly kind: 'relationship';
  readonly id: string;
  readonly version: string;
  readonly fromEntityId: string;
  readonly toEntityId: string;
  /** located_in, part_of, controls, … */
  readonly relationshipType: string;
  readonly properties: JsonObject;
  readonly parentVersions: readonly string[];
  /** RFC 3339. */
  readonly validFrom: string;
  /** RFC 3339; null while it holds. */
  readonly validTo: string | null;
  readonly timestamp: string;
  readonly userId: string | null;
  readonly deviceId: string | null;
}

export type Row = Entity | Relationship;

/** A change of an entity as it goes over the wire; who sends it is added on the way. */
export interface EntityWireChange {
  readonly change_type: 'create' | 'update' | 'delete';
  readonly entity_id: string;
  readonly entity_version: string;
  readonly entity_type: string;
  /** Of an update: only the keys that change. Null for a delete. */
  readonly content: JsonObject | null;
  readonly timestamp: string;
  readonly parent_versions: readonly string[];
  readonly device_id: string;
}

/** A change of a relationship as it goes over the wire. What is left out stays as it is. */
export interface RelationshipWireChange {
  readonly change_type: 'create' | 'update' | 'delete';
  readonly relationship_id: string;
  readonly relationship_version: string;
  readonly from_entity_id: string;
  readonly to_entity_id: string;
  readonly relationship_type: string;
  readonly properties: JsonObject;
  readonly valid_from: string;
  readonly valid_to: string | null;
  readonly timestamp: string;
  readonly parent_versions: readonly string[];
  readonly device_id: string;
}

/** A change that the hub has not answered for. It is sent again, unchanged, until it does. */
export interface PendingChange {
  readonly kind: Kind;
  readonly id: string;
  readonly version: string;
  /** Its place in the queue, ascending; the key in the store. */
  readonly order: number;
  /** An edit that the hub once had and lost; goes before the edits that were made on top of it. */
  readonly repair: boolean;
  readonly change: EntityWireChange | RelationshipWireChange;
  /** What the thing is with this change. */
  readonly row: Row;
}

/**
 * What is held of one thing. Without pending changes `row` is what the hub has. With some, `row` is what the person
 * sees, and `base` is what the hub was last heard to have (null = nothing): pulling never touches `row` then.
 */
export interface Held {
  readonly kind: Kind;
  readonly id: string;
  readonly row: Row | null;
  readonly base?: Row | null;
  /** The round of `Meta.generation` in which the hub last had it. */
  readonly generation: number;
}

/** A change that did not become the state, kept until the app dismisses it. */
export interface Report {
  readonly kind: Kind;
  readonly id: string;
  /** Of the change; names the report. */
  readonly version: string;
  /** `conflict`: kept at the hub, not the state. `rejected`: the hub does not have it. */
  readonly outcome: 'conflict' | 'rejected';
  /** Why: version_conflict, delete_update, UNKNOWN_ENDPOINT, VALIDATION_ERROR, … */
  readonly code: string;
  /** For a person. */
  readonly message: string;
  /** With which a conflict of an entity is resolved; null where there is none. */
  readonly conflictId: string | null;
  readonly change: EntityWireChange | RelationshipWireChange;
  /** What the thing would have been. */
  readonly row: Row;
}

/** What a replica knows besides its rows. */
export interface Meta {
  /** Counts the batches that the store has taken: a batch that was made from another one is refused. */
  readonly revision: number;
  readonly deviceId: string;
  /** Whose edits these are; null until the hub was first asked. */
  readonly userId: string | null;
  /** The clock of the last answer; its entry `server` is the cursor. */
  readonly vectorClock: Readonly<Record<string, string>>;
  /** Counts the times that everything was pulled from zero. */
  readonly generation: number;
  /** Everything is being pulled from zero: nothing is pushed until that is done. */
  readonly resyncing: boolean;
  readonly nextOrder: number;
  /** The last version made here. */
  readonly lastVersion: VersionMark;
  /** When a differing digest last made it pull everything, ms since the Unix epoch; 0 = never. */
  readonly repairedAtMs: number;
}

/** The moment (us since the Unix epoch) and the counter of a version. */
export interface VersionMark {
  readonly micros: number;
  readonly counter: number;
}

/** What became of one thing in the local store. */
export interface LocalChange {
  readonly kind: Kind;
  readonly id: string;
  readonly before: Row | null;
  /** Null when the thing is gone, as an edit of a create that the hub rejected. */
  readonly after: Row | null;
  /** Who caused it. */
  readonly origin: 'local' | 'hub';
}
