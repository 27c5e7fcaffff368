import type { Changes, ChangeType, EntityVersion, RelationshipVersion } from './types.ts';

import { HubError } from '../base/errors.ts';
import { isPlainText } from '../base/text.ts';
import { ENTITY_TYPES, RELATIONSHIP_TYPES } from './types.ts';

const ID = /^[A-Za-z0-9._:~-]{1,128}$/;

/** @throws HubError `invalid` unless `id` is 1 to 128 characters of `[A-Za-z0-9._:~-]`. */
export function checkId(id: string, field: string): void {
  if (!ID.test(id)) {
    throw new HubError('invalid', `${field} must be 1 to 128 characters of A-Z a-z 0-9 . _ : ~ -`, { field });
  }
}

/** @throws HubError `invalid` unless `version` is 1 to 256 characters without controls or lone surrogates. */
export function checkVersion(version: string, field: string): void {
  if (version.length === 0 || version.length > 256 || !isPlainText(version)) {
    throw new HubError('invalid', `${field} must be 1 to 256 characters without control characters`, {
      field,
    });
  }
}

/** The entity type in its stored spelling. @throws HubError `invalid` when it is not one of ENTITY_TYPES. */
export function toEntityType(text: string, field = 'entity_type'): string {
  const folded = text.toLowerCase();
  if (!(ENTITY_TYPES as readonly string[]).includes(folded)) {
    throw new HubError(
      'invalid',
      `${field} "${text.slice(0, 40)}" is unknown; it is one of ${ENTITY_TYPES.join(', ')}`,
      {
        field,
      },
    );
  }
  return folded;
}

/** @throws HubError `invalid` when the type is not one of RELATIONSHIP_TYPES. */
export function toRelationshipType(text: string, field = 'relationship_type'): string {
  const folded = text.toLowerCase();
  if (!(RELATIONSHIP_TYPES as readonly string[]).includes(folded)) {
    throw new HubError(
      'invalid',
      `${field} "${text.slice(0, 40)}" is unknown; it is one of ${RELATIONSHIP_TYPES.join(', ')}`,
      { field },
    );
  }
  return folded;
}

const CHANGE_TYPES: readonly ChangeType[] = ['create', 'update', 'delete'];

export function changeTypeCode(type: ChangeType): number {
  return CHANGE_TYPES.indexOf(type);
}

export function changeTypeOf(code: number): ChangeType {
  return CHANGE_TYPES[code] ?? 'update';
}

/**
 * When a version began to hold, in microseconds: the author's own time, but not later than when the hub received it,
 * and at least a microsecond after its newest parent (PROTOCOL.md section 1, "Two time axes").
 */
export function effectiveMicros(
  clientTime: string,
  receivedMicros: number,
  parentMicros: number | undefined,
): number {
  const claimed = parseTimeMicros(clientTime) ?? receivedMicros;
  const notLater = Math.min(claimed, receivedMicros);
  return parentMicros === undefined ? notLater : Math.max(notLater, parentMicros + 1);
}

const TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:[.,](\d{1,12}))?(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * RFC 3339 (a missing zone means UTC) as microseconds since the Unix epoch, or undefined when it is no time. A time before
 * 1970 comes from a clock that was never set and counts as 1970: year 1, which several platforms send for "none", would
 * not even fit into the integers that the database gives back.
 */
export function parseTimeMicros(text: string): number | undefined {
  const match = TIME.exec(text);
  if (!match) return undefined;
  const [, fraction = '', zone] = match;
  const ms = Date.parse(zone === undefined ? `${text}Z` : text);
  if (Number.isNaN(ms)) return undefined;
  const micros = Math.floor(ms / 1000) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return Math.max(micros, 0);
}

/** A time as it is read here: the seconds, or the whole time of the day, are zero where a caller leaves them out. */
export function wholeTime(text: string): string {
  return text
    .replace(/^\d{4}-\d{2}-\d{2}$/, '$&T00:00:00')
    .replace(/^(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})?$/i, '$1:00$2');
}

/** @throws HubError `invalid` unless `text` is an RFC 3339 time. */
export function checkTimestamp(text: string, field: string): void {
  if (parseTimeMicros(text) === undefined) {
    throw new HubError('invalid', `${field} must be an RFC 3339 time such as 2026-01-31T12:00:00Z`, {
      field,
    });
  }
}

/**
 * Joins two lists that are ordered by seq into one page. A list that was cut off at `limit + 1` rows cannot hide a row
 * of a lower seq: whatever lies above the last row taken is left for the next page.
 */
export function mergeBySeq(
  entities: readonly EntityVersion[],
  relationships: readonly RelationshipVersion[],
  options: { limit: number; maxBytes: number; untilSeq: number },
): Changes {
  const taken = { entities: [] as EntityVersion[], relationships: [] as RelationshipVersion[] };
  let e = 0;
  let r = 0;
  let bytes = 0;
  let scannedSeq = 0;
  while (e < entities.length || r < relationships.length) {
    const entity = entities[e];
    const relationship = relationships[r];
    const size = 200 + (entity?.contentJson?.length ?? 0);
    // The first row goes through whatever its size: a page that stays empty would never end.
    if (e + r > 0 && (e + r >= options.limit || bytes + size > options.maxBytes)) {
      return { ...taken, scannedSeq, hasMore: true };
    }
    if (entity && (!relationship || entity.seq < relationship.seq)) {
      taken.entities.push(entity);
      scannedSeq = entity.seq;
      bytes += size;
      e += 1;
    } else if (relationship) {
      taken.relationships.push(relationship);
      scannedSeq = relationship.seq;
      bytes += 200 + relationship.propertiesJson.length;
      r += 1;
    }
  }
  return { ...taken, scannedSeq: Math.max(scannedSeq, options.untilSeq), hasMore: false };
}
