import type { Db } from '../base/db.ts';

/** What is remembered about one component of a device. */
export interface RememberedService {
  readonly entityId: string;
  readonly component: string;
  readonly tile: string | null;
  readonly name: string | null;
}

/** The JSON text kept under a hap-nodejs key, or undefined. */
export function readStoredText(db: Db, key: string): string | undefined {
  return db.get<{ value: string }>('SELECT value FROM hap_storage WHERE key = ?', key)?.value;
}

/** The devices that have a place on the bridge. */
export function readAssignedEntities(db: Db): Set<string> {
  const rows = db.all<{ entity_id: string }>(
    'SELECT entity_id FROM hap_accessory ORDER BY assigned_at, entity_id',
  );
  return new Set(rows.map((row) => row.entity_id));
}

export function readRememberedServices(db: Db): RememberedService[] {
  return db.all<RememberedService>(
    'SELECT entity_id AS entityId, component, tile, name FROM hap_service ORDER BY entity_id, component',
  );
}
