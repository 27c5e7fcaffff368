import type { Tx } from '../base/db.ts';
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
