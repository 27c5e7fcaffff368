import * as z from 'zod';

import type { JsonObject } from '../../base/json.ts';
import type { PushedEdge, PushedEntity, RequestV2 } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { isPlainText } from '../../base/text.ts';
import {
  checkId,
  checkVersion,
  encodeAnyContent,
  isTooLarge,
  MAX_CONTENT_BYTES,
  parseTimeMicros,
  wholeTime,
} from '../../graph/graph.ts';
import { RELATIONSHIP_TYPES } from '../../graph/types.ts';
import { MalformedRequest } from './errors.ts';
import { compareVersions } from './rules.ts';
import { PROTOCOL_V2 } from './types.ts';

/** Changes of one request, and edges of one request: each is a row of one transaction. */
export const MAX_CHANGES = 10_000;
/** Each costs a lookup inside the transaction; of more the newest are kept. */
const MAX_PARENTS = 1000;

const word = (max: number): z.ZodString =>
  z.string().max(max).refine(isPlainText, 'must not hold control characters');
const lowerCase = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);
const foldedWord = z.preprocess(lowerCase, word(64).min(1));
const syncType = z.preprocess(lowerCase, z.enum(['full', 'delta', 'entities', 'relationships']));
const changeType = z.preprocess(lowerCase, z.enum(['create', 'update', 'delete']));

/** Not `z.record`: content must reach the graph key by key as it was sent. */
const jsonObject = z
  .custom<JsonObject>(isJsonObject, 'must be a JSON object')
  .meta({ type: 'object', additionalProperties: true });

const graphId = z.string().superRefine((id, context) => note(context, () => checkId(id, 'the id')));
const version = z.string().superRefine((text, context) => note(context, () => checkVersion(text, 'it')));
/** Some name a version '' that has none. */
const parent = z.string().superRefine((text, context) => {
  if (text !== '') note(context, () => checkVersion(text, 'it'));
});

const envelopeSchema = z.object({
  protocol_version: z.literal(PROTOCOL_V2).nullish(),
  device_id: word(128).min(1),
  user_id: word(128),
  sync_type: syncType,
  vector_clock: jsonObject.nullish(),
  changes: z.array(z.unknown()).nullish(),
  cursor: z.union([z.string(), z.number()]).nullish(),
  filters: z
    .object({
      entity_types: z.array(z.string()).max(1000).nullish(),
      since: z
        .string()
        .refine((text) => parseTimeMicros(wholeTime(text)) !== undefined, 'must be an ISO 8601 time')
        .nullish(),
      modified_by: z.array(z.string()).max(1000).nullish(),
    })
    .nullish(),
});

const entitySchema = z.object({
  id: graphId,
  version,
  entity_type: foldedWord,
  name: z.string(),
  content: jsonObject,
  source_type: foldedWord,
  user_id: word(128),
  parent_versions: z.array(parent).nullish(),
});

const edgeSchema = z.object({
  id: graphId,
  from_entity_id: graphId,
  from_entity_version: version,
  to_entity_id: graphId,
  to_entity_version: version,
  relationship_type: word(64),
  properties: jsonObject.nullish(),
});

/** An entity without an id stands for none: a client sends that along with edges. */
const changeSchema = z.object({
  change_type: changeType,
  entity: z.preprocess(
    (entity) => (isJsonObject(entity) && entity['id'] === '' ? null : entity),
    entitySchema.nullish(),
  ),
  relationships: z.array(edgeSchema).nullish(),
});

/** A whole request, as the API's document shows it; its parts are checked one by one, in slices. */
export const syncRequestV2Schema = envelopeSchema.extend({ changes: z.array(changeSchema).nullish() });

/**
 * Checks the outer shape of a request.
 * @throws HubError `invalid` (PROTOCOL_VERSION_MISMATCH, or for a cursor), `too_large`; MalformedRequest naming the field.
 */
export function parseRequest(body: unknown): RequestV2 {
  checkProtocol(body);
  const envelope = parse(envelopeSchema, body, '');
  const changes = envelope.changes ?? [];
  if (changes.length > MAX_CHANGES) throw tooMany('changes', changes.length);
  const filters = envelope.filters ?? {};
  const isDelta = envelope.sync_type === 'delta';
  return {
    deviceId: envelope.device_id,
    userId: envelope.user_id,
    syncType: envelope.sync_type,
    vectorClock: envelope.vector_clock ?? { clocks: {} },
    changes,
    filter: {
      entityTypes: orNull(filters.entity_types)?.map((type) => type.toLowerCase()) ?? null,
      modifiedBy: orNull(filters.modified_by),
    },
    sinceMicros: isDelta && filters.since ? (parseTimeMicros(wholeTime(filters.since)) ?? null) : null,
    cursor: parseCursor(envelope.cursor ?? ''),
  };
}

/** One change of a request: a version of an entity, or none, and edges. */
export interface PushedChange {
  readonly entity: PushedEntity | null;
  readonly edges: readonly PushedEdge[];
}

/**
 * @throws MalformedRequest naming the change, HubError `invalid` for an unknown type of edge, `too_large`.
 */
export function parseChange(change: unknown, index: number): PushedChange {
  const parsed = parse(changeSchema, change, `changes.${index}`);
  const { entity } = parsed;
  return {
    entity: entity ? toPushedEntity(parsed.change_type, entity, index) : null,
    edges: (parsed.relationships ?? []).map((edge) => toPushedEdge(edge, index)),
  };
}

/** @throws HubError `too_large`. */
export function checkEdgeCount(count: number): void {
  if (count > MAX_CHANGES) throw tooMany('relationships', count);
}

function checkProtocol(body: unknown): void {
  if (!isJsonObject(body)) throw new MalformedRequest('the body must be a JSON object', 'body');
  const protocol = body['protocol_version'] ?? PROTOCOL_V2;
  if (protocol === PROTOCOL_V2) return;
  throw new HubError('invalid', 'Unsupported protocol version', {
    field: 'protocol_version',
    code: 'PROTOCOL_VERSION_MISMATCH',
  });
}

/** Those that there can be; of too many the newest. Versions are compared as texts (INBETWEENIES-V2.md V4). */
function parentsOf(sent: readonly string[]): readonly string[] {
  const parents = sent.filter((parent) => parent !== '');
  if (parents.length <= MAX_PARENTS) return parents;
  const newest = new Set(parents.toSorted((a, b) => compareVersions(b, a)).slice(0, MAX_PARENTS));
  return [...new Set(parents)].filter((parent) => newest.has(parent));
}

function parseCursor(cursor: string | number): number | null {
  if (cursor === '') return null;
  if (!/^\s*[+-]?\d{1,30}\s*$/.test(String(cursor))) {
    throw new HubError(
      'invalid',
      `cursor must be a server_seq integer, got '${String(cursor).slice(0, 40)}'`,
      { field: 'cursor' },
    );
  }
  return Math.min(Math.max(Number(cursor), 0), Number.MAX_SAFE_INTEGER);
}

function toPushedEntity(
  changeType: PushedEntity['changeType'],
  entity: z.infer<typeof entitySchema>,
  index: number,
): PushedEntity {
  return {
    changeType,
    id: entity.id,
    version: entity.version,
    entityType: entity.entity_type,
    sourceType: entity.source_type,
    userId: entity.user_id,
    parentVersions: parentsOf(entity.parent_versions ?? []),
    // A type's rules only warn here: one odd row would hold up a whole client.
    contentJson:
      changeType === 'delete'
        ? null
        : named(index, entity.id, () => encodeAnyContent({ ...entity.content, name: entity.name })),
  };
}

function toPushedEdge(edge: z.infer<typeof edgeSchema>, index: number): PushedEdge {
  const relationshipType = edge.relationship_type.toLowerCase();
  if (!(RELATIONSHIP_TYPES as readonly string[]).includes(relationshipType)) {
    throw new HubError(
      'invalid',
      `Unknown relationship_type: ${edge.relationship_type} (changes.${index}, ${edge.id})`,
      { field: `changes.${index}.relationships` },
    );
  }
  const propertiesJson = JSON.stringify(edge.properties ?? {});
  if (isTooLarge(propertiesJson)) {
    throw new HubError(
      'too_large',
      `changes.${index}: the properties of ${edge.id} are larger than ${MAX_CONTENT_BYTES / 1024} KiB`,
      { field: `changes.${index}.relationships` },
    );
  }
  return {
    id: edge.id,
    fromEntityId: edge.from_entity_id,
    fromVersion: edge.from_entity_version,
    toEntityId: edge.to_entity_id,
    toVersion: edge.to_entity_version,
    relationshipType,
    propertiesJson,
  };
}

/** Runs `task`, and says of which change it speaks when it refuses. */
function named<T>(index: number, id: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    throw new HubError(error.kind, `changes.${index} (${id}): ${error.message}`, {
      field: `changes.${index}.entity`,
      cause: error,
    });
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown, path: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = [path, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.');
  const id = idOf(value, issue?.path ?? []);
  const where = id === undefined ? field || 'the body' : `${field} (${id})`;
  throw new MalformedRequest(`${where}: ${issue?.message ?? 'not as expected'}`, field || 'body');
}

/** Which entity or edge of a change cannot be read, for whoever looks for it. */
function idOf(change: unknown, [part, index]: readonly PropertyKey[]): string | undefined {
  if (!isJsonObject(change)) return undefined;
  const { entity, relationships } = change;
  const edge: unknown =
    part === 'relationships' && Array.isArray(relationships) ? relationships[Number(index)] : undefined;
  const faulty = edge ?? entity;
  const id = isJsonObject(faulty) ? faulty['id'] : undefined;
  return typeof id === 'string' ? id.slice(0, 128) : undefined;
}

function note(context: z.core.$RefinementCtx, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
}

/** An empty list of what is wanted means that nothing was chosen. */
function orNull(list: readonly string[] | null | undefined): readonly string[] | null {
  return list && list.length > 0 ? list : null;
}

function tooMany(what: string, count: number): HubError {
  return new HubError(
    'too_large',
    `a request may hold ${MAX_CHANGES} ${what}, this one has ${count}; send them in parts`,
    { field: 'changes' },
  );
}
