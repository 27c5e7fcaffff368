import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { VersionSource } from '../base/ids.ts';
import type { Author, EntityVersion } from './types.ts';

import { toIso } from '../base/clock.ts';
import { MAX_MICROS } from './version-codec.ts';

export interface WriterContext {
  readonly clock: Clock;
  readonly versions: VersionSource;
  /** The seq that the first row of this transaction gets. */
  readonly firstSeq: number;
  /** When the last row before this transaction was stored, us since the Unix epoch. */
  readonly lastStoredMicros: number;
}

/** What the writers of one transaction share: the counter of rows, the hub's versions, the keys of authors. */
export class WriteState {
  readonly tx: Tx;
  readonly versions: VersionSource;
  readonly #clock: Clock;
  readonly #authorKeys = new Map<string, number>();
  /** What was written, row by row: an entity's version, or null for one of an edge. */
  readonly written: (EntityVersion | null)[] = [];
  #nextSeq: number;
  #lastStoredMicros: number;
  #iso = { ms: Number.NaN, text: '' };

  constructor(tx: Tx, context: WriterContext) {
    this.tx = tx;
    this.versions = context.versions;
    this.#clock = context.clock;
    this.#nextSeq = context.firstSeq;
    this.#lastStoredMicros = context.lastStoredMicros;
  }

  /** The seq of the last row written; `firstSeq - 1` when none was. */
  get lastSeq(): number {
    return this.#nextSeq - 1;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get lastStoredMicros(): number {
    return this.#lastStoredMicros;
  }

  /** When the row with `nextSeq` is stored: each row later than the one before it, whatever the wall clock does. */
  get nextStoredMicros(): number {
    return Math.min(Math.max(this.nowMicros(), this.#lastStoredMicros + 1), MAX_MICROS);
  }

  /** To be called once the row with `nextSeq` is in. @param row an entity's version, or null for one of an edge */
  rowWritten(row: EntityVersion | null, storedMicros: number): void {
    this.written.push(row);
    this.#nextSeq += 1;
    this.#lastStoredMicros = storedMicros;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  nowMicros(): number {
    return this.#clock.nowMs() * 1000;
  }

  /** RFC 3339; most rows of a transaction have the same time. */
  toIso(ms: number): string {
    if (ms !== this.#iso.ms) this.#iso = { ms, text: toIso(ms) };
    return this.#iso.text;
  }

  authorKey(author: Author): number {
    const cached = `${author.userId}\n${author.deviceId}`;
    let key = this.#authorKeys.get(cached);
    if (key === undefined) {
      key =
        this.tx.get<{ key: number }>(
          'SELECT key FROM author WHERE user_id = ? AND device_id = ?',
          author.userId,
          author.deviceId,
        )?.key ??
        this.tx.run('INSERT INTO author (user_id, device_id) VALUES (?, ?)', author.userId, author.deviceId)
          .lastInsertRowid;
      this.#authorKeys.set(cached, key);
    }
    return key;
  }
}
