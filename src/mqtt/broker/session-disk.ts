import type { Tx } from '../../base/db.ts';
import type { QueuedRow, SessionRow } from '../reader.ts';
import type { Queued, Session, SessionOptions } from './session.ts';

import { deleteQueued, deleteSession, writeQueued, writeSession } from '../writer.ts';

/** What one transaction writes: the event loop must not stand still for a queue that has grown overnight. */
const ROWS_PER_WRITE = 250;
const BYTES_PER_WRITE = 1024 * 1024;
const RETRY_MS = 10_000;
const NEXT_PART_MS = 10;

/** What of a session is not on disk as it is in memory. */
interface Pending {
  /** The session's own row. */
  head: boolean;
  readonly toWrite: Set<Queued>;
  readonly toDelete: Set<number>;
  /** By `seq`, what is on disk. */
  readonly written: Set<number>;
}

/** One row's change, and what to note once it is committed. */
interface Change {
  readonly bytes: number;
  readonly run: (tx: Tx) => void;
  readonly committed: () => void;
}

/** Follows the sessions in memory and writes what has changed, a little later and only as it is by then. */
export class SessionDisk implements Disposable {
  readonly #options: SessionOptions;
  readonly #pending = new Map<Session, Pending>();
  readonly #dirty = new Set<Session>();
  readonly #dropped = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #warned = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** It was read from disk as it is. */
  known(session: Session): void {
    for (const { seq } of session.queue) this.#of(session).written.add(seq);
  }

  /** Its own row has changed. */
  touch(session: Session): void {
    this.#of(session).head = true;
    this.#mark(session);
  }

  queued(session: Session, queued: Queued): void {
    this.#of(session).toWrite.add(queued);
    this.#mark(session);
  }

  removed(session: Session, queued: Queued): void {
    const pending = this.#of(session);
    pending.toWrite.delete(queued);
    if (!pending.written.has(queued.seq)) return;
    pending.toDelete.add(queued.seq);
    this.#mark(session);
  }

  drop(session: Session): void {
    this.#pending.delete(session);
    this.#dirty.delete(session);
    this.#dropped.add(session.clientId);
    this.#schedule(this.#soonMs);
  }

  /** Writes everything. A disk that refuses is logged and tried again: the broker lives on. */
  flush(): void {
    while (this.#writePart());
  }

  /** Writes the rest. */
  [Symbol.dispose](): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #soonMs(): number {
    return this.#options.soonMs ?? 1_000;
  }

  #of(session: Session): Pending {
    let pending = this.#pending.get(session);
    if (!pending) {
      pending = { head: false, toWrite: new Set(), toDelete: new Set(), written: new Set() };
      this.#pending.set(session, pending);
    }
    return pending;
  }

  #mark(session: Session): void {
    this.#dirty.add(session);
    this.#schedule(this.#soonMs);
  }

  #schedule(delayMs: number): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#writePart()) this.#schedule(NEXT_PART_MS);
    }, delayMs);
    this.#timer.unref();
  }

  /** One transaction. True when there is more. */
  #writePart(): boolean {
    const changes: Change[] = [];
    let bytes = 0;
    for (const change of this.#changes()) {
      changes.push(change);
      bytes += change.bytes;
      if (changes.length >= ROWS_PER_WRITE || bytes >= BYTES_PER_WRITE) break;
    }
    if (changes.length === 0) return false;
    try {
      this.#options.store.write((tx) => {
        for (const change of changes) change.run(tx);
      });
    } catch (error) {
      if (!this.#warned) {
        this.#options.log.warn({ err: error }, 'MQTT sessions could not be written; trying again');
      }
      this.#warned = true;
      this.#schedule(RETRY_MS);
      return false;
    }
    this.#warned = false;
    for (const change of changes) change.committed();
    return this.#dirty.size > 0 || this.#dropped.size > 0;
  }

  /** Dropped ones first: another session may have the same client id by now. */
  *#changes(): Generator<Change> {
    for (const clientId of this.#dropped) {
      yield {
        bytes: 0,
        run: (tx) => deleteSession(tx, clientId),
        committed: () => this.#dropped.delete(clientId),
      };
    }
    for (const session of this.#dirty) {
      const pending = this.#of(session);
      yield* changesOf(session, pending);
      // The last change of a session: only with it is the session clean.
      yield {
        bytes: 0,
        run: () => undefined,
        committed: () => {
          if (!pending.head && pending.toWrite.size === 0 && pending.toDelete.size === 0) {
            this.#dirty.delete(session);
          }
        },
      };
    }
  }
}

function* changesOf(session: Session, pending: Pending): Generator<Change> {
  const { clientId } = session;
  if (pending.head) {
    const row = toRow(session);
    yield {
      bytes: row.subscriptions.length,
      run: (tx) => writeSession(tx, row),
      committed: () => (pending.head = false),
    };
  }
  for (const seq of pending.toDelete) {
    yield {
      bytes: 0,
      run: (tx) => deleteQueued(tx, clientId, seq),
      committed: () => {
        pending.toDelete.delete(seq);
        pending.written.delete(seq);
      },
    };
  }
  for (const queued of pending.toWrite) {
    const row = toQueuedRow(queued);
    yield {
      bytes: row.payload.length,
      run: (tx) => writeQueued(tx, clientId, row),
      committed: () => {
        pending.toWrite.delete(queued);
        pending.written.add(queued.seq);
      },
    };
  }
}

function toRow({ clientId, owner, subscriptions, offlineSinceMs }: Session): SessionRow {
  const list = [...subscriptions].map(([topic, { record }]) => ({ topic, ...record }));
  return { clientId, owner, subscriptions: JSON.stringify(list), offlineSinceMs };
}

function toQueuedRow({ seq, packet }: Queued): QueuedRow {
  const messageId = packet.messageId ?? null;
  if (packet.cmd === 'pubrel') return { seq, topic: '', payload: Buffer.alloc(0), qos: 0, messageId };
  const { topic = '', payload = Buffer.alloc(0), qos = 1 } = packet;
  return { seq, topic, payload, qos, messageId };
}
