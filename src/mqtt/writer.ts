import type { Tx } from '../base/db.ts';
import type { QueuedRow, SessionRow, UserRow } from './reader.ts';
import type { Qos } from './types.ts';

/** Keeps the topic's last retained message. */
export function writeRetained(tx: Tx, topic: string, payload: Uint8Array, qos: Qos, nowMs: number): void {
  tx.run(
    `INSERT INTO mqtt_retained (topic, payload, qos, updated_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (topic) DO UPDATE SET payload = excluded.payload, qos = excluded.qos, updated_ms = excluded.updated_ms`,
    topic,
    payload,
    qos,
    nowMs,
  );
}

/** Forgets the topic's retained message. */
export function deleteRetained(tx: Tx, topic: string): void {
  tx.run('DELETE FROM mqtt_retained WHERE topic = ?', topic);
}

/** Makes a user or replaces all of it. */
export function writeUser(tx: Tx, user: UserRow): void {
  tx.run(
    `INSERT INTO mqtt_user (name, password_hash, publish_filters, subscribe_filters, enabled, created_ms)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash,
       publish_filters = excluded.publish_filters, subscribe_filters = excluded.subscribe_filters,
       enabled = excluded.enabled`,
    user.name,
    user.passwordHash,
    user.publish,
    user.subscribe,
    user.enabled,
    user.createdMs,
  );
}

export function deleteUser(tx: Tx, name: string): void {
  tx.run('DELETE FROM mqtt_user WHERE name = ?', name);
}

/** Keeps a session without its queue. */
export function writeSession(tx: Tx, session: SessionRow): void {
  tx.run(
    `INSERT INTO mqtt_session (client_id, owner, subscriptions, offline_since_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (client_id) DO UPDATE SET owner = excluded.owner, subscriptions = excluded.subscriptions,
       offline_since_ms = excluded.offline_since_ms`,
    session.clientId,
    session.owner,
    session.subscriptions,
    session.offlineSinceMs,
  );
}

/** Forgets a session and its queue. */
export function deleteSession(tx: Tx, clientId: string): void {
  tx.run('DELETE FROM mqtt_queued WHERE client_id = ?', clientId);
  tx.run('DELETE FROM mqtt_session WHERE client_id = ?', clientId);
}

export function writeQueued(tx: Tx, clientId: string, row: QueuedRow): void {
  tx.run(
    `INSERT INTO mqtt_queued (client_id, seq, topic, payload, qos, message_id) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (client_id, seq) DO UPDATE SET topic = excluded.topic, payload = excluded.payload,
       qos = excluded.qos, message_id = excluded.message_id`,
    clientId,
    row.seq,
    row.topic,
    row.payload,
    row.qos,
    row.messageId,
  );
}

export function deleteQueued(tx: Tx, clientId: string, seq: number): void {
  tx.run('DELETE FROM mqtt_queued WHERE client_id = ? AND seq = ?', clientId, seq);
}
