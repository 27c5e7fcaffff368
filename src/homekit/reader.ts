import type { Db } from '../base/db.ts';
import type { Place } from './rules.ts';

/** What is remembered about one component of a device. */
export interface RememberedService {
  readonly entityId: string;
  readonly component: string;
  readonly tile: string | null;
  readonly name: string | null;
  /** 0 or 1. */
  readonly openingInverted: number;
  /** 0 or 1. */
  readonly tiltInverted: number;
}

/** The JSON text kept under a hap-nodejs key, or undefined. */
export function readStoredText(db: Db, key: string): string | undefined {
  return db.get<{ value: string }>('SELECT value FROM hap_storage WHERE key = ?', key)?.value;
}

/** The places that devices have on the bridges, or had until they were removed. */
export function readPlaces(db: Db): Map<string, Place> {
  const rows = db.all<{ entity_id: string; bridge: number; freed_at: number | null }>(
    'SELECT entity_id, bridge, freed_at FROM hap_accessory ORDER BY assigned_at, entity_id',
  );
  return new Map(
    rows.map(({ entity_id: id, bridge, freed_at: freed }) => [id, { bridge, isFreed: freed !== null }]),
  );
}

/** The devices that a person keeps out of Apple Home. */
export function readExcluded(db: Db): Set<string> {
  const rows = db.all<{ entity_id: string }>('SELECT entity_id FROM hap_excluded');
  return new Set(rows.map((row) => row.entity_id));
}

/** A further bridge, as its columns hold it. */
export interface BridgeRow {
  readonly number: number;
  readonly username: string;
  /** As `Secrets.seal` wrote it. */
  readonly secret: string;
  readonly port: number | null;
  /** 0 or 1. */
  readonly alone: number;
}

/** The bridges after the first. */
export function readBridges(db: Db): BridgeRow[] {
  return db.all<BridgeRow>('SELECT number, username, secret, port, alone FROM hap_bridge ORDER BY number');
}

export function readRememberedServices(db: Db): RememberedService[] {
  return db.all<RememberedService>(
    `SELECT entity_id AS entityId, component, tile, name, opening_inverted AS openingInverted,
       tilt_inverted AS tiltInverted
     FROM hap_service ORDER BY entity_id, component`,
  );
}
