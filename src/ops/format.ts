import { z } from 'zod';

import type { EntityVersion, HeldAs, RelationshipVersion } from '../graph/types.ts';
import type { ExportMode, ExportSummary } from './types.ts';

import { HubError } from '../base/errors.ts';
import { microsToVersionTime } from '../base/ids.ts';
import { MAX_JSON_DEPTH, parseJson, type JsonObject } from '../base/json.ts';
import { checkId, checkVersion, MAX_MICROS } from '../graph/graph.ts';

/**
 * The export format: NDJSON in UTF-8, one record a line, lines ended by a line feed.
 *
 * 1. a `header`;
 * 2. `entity` and `relationship` records, one for each version. With the mode `history` they stand in the order in which
 *    the hub committed them, with `current` all entities come first. Whatever a record names stands before it;
 * 3. an `end` with the numbers of records and the SHA-256 of all bytes before its line.
 *
 * Times of the hub (`valid_from`, `valid_to`, `created_at`) are RFC 3339 with microseconds; `timestamp` is the author's
 * own, as it was sent. A record's `content` or `properties` is its last key, and is the stored text letter by letter.
 * Users, passwords, tokens, keys, the state of devices and the HomeKit pairing are no part of the graph, nor of this.
 */
export const FORMAT = 'funkygibbon-graph';
export const FORMAT_VERSION = 1;

/** Longer lines are refused: a content has at most 256 KiB, and the rest of a record is small. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

const MICROS = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.(\d{6})(?:Z|\+00:00)$/;

const heldAs = z.enum(['state', 'loser']);
const text = z.string().max(1024);
const versions = z.array(z.string()).max(10_000);
const jsonObject = z.record(z.string(), z.unknown());

const headerSchema = z.object({
  record: z.literal('header'),
  format: z.string(),
  format_version: z.number(),
  mode: z.enum(['history', 'current']),
  exported_at: z.string(),
  hub_version: z.string(),
});

const entitySchema = z.object({
  record: z.literal('entity'),
  id: z.string(),
  version: z.string(),
  entity_type: z.string(),
  change_type: z.enum(['create', 'update', 'delete']),
  held_as: heldAs,
  parent_versions: versions,
  user_id: text,
  device_id: text,
  source_type: z.string(),
  timestamp: text,
  valid_from: z.string(),
  content: jsonObject.nullable(),
});

const relationshipSchema = z.object({
  record: z.literal('relationship'),
  id: z.string(),
  version: z.string(),
  held_as: heldAs,
  parent_versions: versions,
  from_entity_id: z.string(),
  to_entity_id: z.string(),
  relationship_type: z.string(),
  user_id: text,
  device_id: text,
  created_at: z.string(),
  valid_from: z.string(),
  valid_to: z.string().nullable(),
  properties: jsonObject,
});

const endSchema = z.object({
  record: z.literal('end'),
  entities: z.number(),
  relationships: z.number(),
  sha256: z.string(),
});

const recordSchema = z.discriminatedUnion('record', [
  headerSchema,
  entitySchema,
  relationshipSchema,
  endSchema,
]);

export type Header = z.infer<typeof headerSchema>;
export type End = z.infer<typeof endSchema>;
type EntityFields = z.infer<typeof entitySchema>;
type RelationshipFields = z.infer<typeof relationshipSchema>;

/** One version of an entity out of a file. Ids and versions are well-formed; the vocabulary is not checked yet. */
export interface EntityRecord extends EntityFields {
  readonly validMicros: number;
  /** The text of the content as it stands in the file; null in a tombstone. */
  readonly contentJson: string | null;
}

/** One version of an edge out of a file. */
export interface RelationshipRecord extends RelationshipFields {
  readonly createdMicros: number;
  readonly validFromMicros: number;
  readonly validToMicros: number | null;
  readonly propertiesJson: string;
}

export type FileRecord = Header | EntityRecord | RelationshipRecord | End;

export function headerLine(header: { mode: ExportMode; exportedAt: string; hubVersion: string }): string {
  return `${JSON.stringify({
    record: 'header',
    format: FORMAT,
    format_version: FORMAT_VERSION,
    mode: header.mode,
    exported_at: header.exportedAt,
    hub_version: header.hubVersion,
  })}\n`;
}

export function entityLine(entity: {
  readonly [
    K in Exclude<keyof EntityVersion, 'seq' | 'createdAtMs' | 'modifiedAtMs' | 'storedMicros'>
  ]: EntityVersion[K];
}): string {
  const head = entityHead({
    id: entity.id,
    version: entity.version,
    entity_type: entity.entityType,
    change_type: entity.changeType,
    held_as: entity.heldAs,
    parent_versions: entity.parentVersions,
    user_id: entity.userId,
    device_id: entity.deviceId,
    source_type: entity.sourceType,
    timestamp: entity.timestamp,
    valid_from: microsToVersionTime(entity.validMicros),
  });
  return `${head}${entity.contentJson === null ? 'null' : oneLine(entity.contentJson)}}\n`;
}

export function relationshipLine(edge: {
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
  readonly createdMicros: RelationshipVersion['createdMicros'];
  readonly validFromMicros: number;
  readonly validToMicros: number | null;
}): string {
  const head = relationshipHead({
    id: edge.id,
    version: edge.version,
    held_as: edge.heldAs,
    parent_versions: edge.parentVersions,
    from_entity_id: edge.fromEntityId,
    to_entity_id: edge.toEntityId,
    relationship_type: edge.relationshipType,
    user_id: edge.userId,
    device_id: edge.deviceId,
    created_at: microsToVersionTime(edge.createdMicros),
    valid_from: microsToVersionTime(edge.validFromMicros),
    valid_to: edge.validToMicros === null ? null : microsToVersionTime(edge.validToMicros),
  });
  return `${head}${oneLine(edge.propertiesJson)}}\n`;
}

export function endLine(summary: ExportSummary): string {
  return `${JSON.stringify({ record: 'end', ...summary })}\n`;
}

/**
 * Reads one line of a file. What the hub may yet refuse (an unknown type, an edge to nothing) is not looked at.
 * @throws HubError `invalid` naming the field.
 */
export function parseRecord(line: string): FileRecord {
  // The record itself is one level more than what it carries.
  const parsed = recordSchema.safeParse(parseJson(line, MAX_JSON_DEPTH + 1));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(issue?.path.join('.') || 'record', issue?.message ?? 'is not a record of this format');
  }
  const record = parsed.data;
  if (record.record === 'entity') return toEntityRecord(record, line);
  return record.record === 'relationship' ? toRelationshipRecord(record, line) : record;
}

function toEntityRecord(record: EntityFields, line: string): EntityRecord {
  checkNames(record);
  return {
    ...record,
    validMicros: toMicros(record.valid_from, 'valid_from'),
    contentJson: record.content && textOf(line, entityHead(record), record.content),
  };
}

function toRelationshipRecord(record: RelationshipFields, line: string): RelationshipRecord {
  checkNames(record);
  checkId(record.from_entity_id, 'from_entity_id');
  checkId(record.to_entity_id, 'to_entity_id');
  const validFromMicros = toMicros(record.valid_from, 'valid_from');
  const validToMicros = record.valid_to === null ? null : toMicros(record.valid_to, 'valid_to');
  if (validToMicros !== null && validToMicros < validFromMicros) {
    throw invalid('valid_to', 'is before valid_from');
  }
  return {
    ...record,
    createdMicros: toMicros(record.created_at, 'created_at'),
    validFromMicros,
    validToMicros,
    propertiesJson: textOf(line, relationshipHead(record), record.properties),
  };
}

/** Everything of an entity record up to where the text of its content begins. */
function entityHead(fields: {
  readonly [K in Exclude<keyof EntityFields, 'record' | 'content'>]: EntityFields[K] extends string[]
    ? readonly string[]
    : EntityFields[K];
}): string {
  const head = JSON.stringify({
    record: 'entity',
    id: fields.id,
    version: fields.version,
    entity_type: fields.entity_type,
    change_type: fields.change_type,
    held_as: fields.held_as,
    parent_versions: fields.parent_versions,
    user_id: fields.user_id,
    device_id: fields.device_id,
    source_type: fields.source_type,
    timestamp: fields.timestamp,
    valid_from: fields.valid_from,
  });
  return `${head.slice(0, -1)},"content":`;
}

/** Everything of a relationship record up to where the text of its properties begins. */
function relationshipHead(fields: {
  readonly [
    K in Exclude<keyof RelationshipFields, 'record' | 'properties'>
  ]: RelationshipFields[K] extends string[] ? readonly string[] : RelationshipFields[K];
}): string {
  const head = JSON.stringify({
    record: 'relationship',
    id: fields.id,
    version: fields.version,
    held_as: fields.held_as,
    parent_versions: fields.parent_versions,
    from_entity_id: fields.from_entity_id,
    to_entity_id: fields.to_entity_id,
    relationship_type: fields.relationship_type,
    user_id: fields.user_id,
    device_id: fields.device_id,
    created_at: fields.created_at,
    valid_from: fields.valid_from,
    valid_to: fields.valid_to,
  });
  return `${head.slice(0, -1)},"properties":`;
}

/** The text of a record's last value, letter by letter where the line has the form that the hub writes. */
function textOf(line: string, head: string, value: JsonObject): string {
  return line.startsWith(head) ? line.slice(head.length, -1) : JSON.stringify(value);
}

/** A stored text may hold line feeds, as blanks between values; a record is one line. */
function oneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? JSON.stringify(JSON.parse(json)) : json;
}

function checkNames(record: EntityFields | RelationshipFields): void {
  checkId(record.id, 'id');
  checkVersion(record.version, 'version');
  for (const parent of record.parent_versions) checkVersion(parent, 'parent_versions');
}

function toMicros(time: string, field: string): number {
  const match = MICROS.exec(time);
  const seconds = match ? Date.parse(`${match[1]}Z`) : Number.NaN;
  const micros = seconds * 1000 + Number(match?.[2]);
  if (micros >= 0 && micros <= MAX_MICROS) return micros;
  throw invalid(field, 'must be a time from 1970 to 2112 such as 2026-01-31T12:00:00.000000+00:00');
}

function invalid(field: string, message: string): HubError {
  return new HubError('invalid', `${field}: ${message}`, { field });
}
