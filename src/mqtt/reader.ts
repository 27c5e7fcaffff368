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
