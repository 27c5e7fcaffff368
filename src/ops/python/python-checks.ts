import type { DatabaseSync } from 'node:sqlite';

import { HubError } from '../../base/errors.ts';
import { checkId, checkVersion } from '../../graph/graph.ts';
import { ENTITY_TYPES, RELATIONSHIP_TYPES } from '../../graph/types.ts';
import { columnsOf, tablesOf } from './python-reader.ts';

export function isEntityType(word: string): boolean {
  return (ENTITY_TYPES as readonly string[]).includes(word);
}

export function isRelationshipType(word: string): boolean {
  return (RELATIONSHIP_TYPES as readonly string[]).includes(word);
}

/** Why the hub cannot take an id or its versions, or undefined when it can. */
export function nameFault(id: string, versions: readonly string[] | undefined): string | undefined {
  try {
    if (versions) for (const version of versions) checkVersion(version, 'a version');
    else checkId(id, 'an id');
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return `rows with a name that the hub cannot take: ${error.message}`;
    throw error;
  }
}

/** @throws HubError `invalid` unless the tables are those of the Python FunkyGibbon's graph. */
export function checkTables(db: DatabaseSync): void {
  const tables = tablesOf(db);
  if (tables.includes('entity_version') && tables.includes('schema_version')) {
    throw new HubError(
      'invalid',
      'This is the database of a hub like this one. Start a hub on its folder (--data-dir) and use "funkygibbon export" ' +
        'there, then import what that writes.',
    );
  }
  const columns = columnsOf(db, 'entities');
  const wanted = ['id', 'version', 'entity_type', 'content'];
  if (wanted.every((name) => columns.has(name)) && tables.includes('entity_relationships')) return;
  throw new HubError(
    'invalid',
    `This is no graph database of the Python FunkyGibbon: its tables are ${tables.slice(0, 12).join(', ') || 'none'}. A ` +
      'database of before the graph (homes, rooms, accessories) has to be brought up to date by that program first.',
  );
}
