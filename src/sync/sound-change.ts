import type { ChangeType } from '../graph/types.ts';

import { isJsonObject, type JsonObject } from '../base/json.ts';
import { isDeviceId } from '../base/text.ts';
import { parseTimeMicros } from '../graph/graph.ts';

/** A merge has two; each costs a lookup inside the transaction. */
export const MAX_PARENTS = 32;
export const MAX_VERSION = 256;

/** A change of an entity, as the schema of the wire says it is. */
export interface WireEntityChange {
  readonly change_type: ChangeType;
  readonly entity_id: string;
  readonly entity_version: string;
  readonly entity_type?: string | null | undefined;
  readonly content?: JsonObject | null | undefined;
  readonly timestamp: string;
  readonly parent_versions?: string[] | undefined;
  readonly device_id?: string | null | undefined;
  readonly checksum?: string | null | undefined;
}

/**
 * Whether the schema finds nothing wrong with this change: a push may bring a thousand, and the schema takes longer for
 * each than SQLite does for its row. What is wrong, the schema says.
 */
export function isSoundChange(change: unknown): change is WireEntityChange {
  if (!isJsonObject(change)) return false;
  const { change_type, content, entity_type, parent_versions, timestamp, device_id } = change;
  const needsContent = change_type === 'create' || change_type === 'update';
  return (
    (needsContent || change_type === 'delete') &&
    typeof change['entity_id'] === 'string' &&
    typeof change['entity_version'] === 'string' &&
    isTextOrNothing(entity_type) &&
    !(change_type === 'create' && !entity_type) &&
    (isJsonObject(content) || (!needsContent && (content === undefined || content === null))) &&
    typeof timestamp === 'string' &&
    parseTimeMicros(timestamp) !== undefined &&
    (parent_versions === undefined || areVersions(parent_versions)) &&
    isTextOrNothing(device_id) &&
    (typeof device_id !== 'string' || isDeviceId(device_id)) &&
    isTextOrNothing(change['checksum'])
  );
}

function areVersions(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MAX_PARENTS &&
    value.every((version) => typeof version === 'string' && version.length <= MAX_VERSION)
  );
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}
