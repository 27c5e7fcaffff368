import type { Db } from '../base/db.ts';

export interface RetainedRow {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
}

/** The retained messages of the embedded broker, by topic. */
export function readRetained(db: Db, limit: number): RetainedRow[] {
  return db.all<RetainedRow>('SELECT topic, payload, qos FROM mqtt_retained ORDER BY topic LIMIT ?', limit);
}

export interface UserRow {
  readonly name: string;
  readonly passwordHash: string;
  readonly publish: string;
  readonly subscribe: string;
  readonly enabled: number;
  readonly createdMs: number;
}

/** The named users of the embedded broker, by name. */
export function readUsers(db: Db): UserRow[] {
  return db.all<UserRow>(
    `SELECT name, password_hash AS passwordHash, publish_filters AS publish, subscribe_filters AS subscribe, enabled,
            created_ms AS createdMs
     FROM mqtt_user ORDER BY name`,
  );
}

export interface SessionRow {
  readonly clientId: string;
  readonly owner: string;
  readonly subscriptions: string;
  readonly offlineSinceMs: number | null;
}

/** The kept sessions, those of connected clients and then the latest first. */
export function readSessions(db: Db): SessionRow[] {
  return db.all<SessionRow>(
    `SELECT client_id AS clientId, owner, subscriptions, offline_since_ms AS offlineSinceMs
     FROM mqtt_session ORDER BY offline_since_ms IS NOT NULL, offline_since_ms DESC`,
  );
}

export interface QueuedRow {
  readonly seq: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly messageId: number | null;
}

/** What waits for a session's client, in the order of arrival. */
export function readQueued(db: Db, clientId: string, limit: number): QueuedRow[] {
  return db.all<QueuedRow>(
    'SELECT seq, topic, payload, qos, message_id AS messageId FROM mqtt_queued WHERE client_id = ? ORDER BY seq LIMIT ?',
    clientId,
    limit,
  );
}
