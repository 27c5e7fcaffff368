import * as z from 'zod';

import type { Queued, Session, SessionOptions, StoredPacket } from './session.ts';

import { LIMITS } from '../limits.ts';
import { readQueued, readSessions, type QueuedRow } from '../reader.ts';
import { filterMatcher } from '../topics.ts';
import { SessionDisk } from './session-disk.ts';

/** Stands in the place of the broker's id in what was queued before a restart. */
const BEFORE_RESTART = 'before';
const EXPIRE_EVERY_MS = 60 * 60 * 1000;

const subscriptionsSchema = z.array(
  z.object({
    topic: z.string(),
    qos: z.literal([0, 1, 2]),
    rh: z.number().optional(),
    rap: z.boolean().optional(),
    nl: z.boolean().optional(),
  }),
);

/**
 * The sessions that outlive their connection, in memory and, written behind, on disk: what was subscribed to and what
 * waits for the client. What is acknowledged within a second never reaches the SD card.
 */
export class Sessions implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #disk: SessionDisk;
  /** Called when a session is gone. */
  onDrop: (session: Session) => void = () => undefined;
  #queuedBytes = 0;
  #nextSeq = 1;
  #expiring: NodeJS.Timeout | undefined;
  #warnedFull = false;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#disk = new SessionDisk(options);
  }

  /** Loads what was kept and is not too old. */
  static load(options: SessionOptions): Sessions {
    const sessions = new Sessions(options);
    for (const row of readSessions(options.store.db)) {
      const session: Session = {
        clientId: row.clientId,
        owner: row.owner,
        subscriptions: new Map(),
        queue: [],
        queueBytes: 0,
        // It was connected when the hub stopped without a word.
        offlineSinceMs: row.offlineSinceMs ?? options.clock.nowMs(),
      };
      if (sessions.#sessions.size >= LIMITS.sessions || sessions.#isOutdated(session)) {
        sessions.#disk.drop(session);
        continue;
      }
      sessions.#restore(session, row.subscriptions);
    }
    sessions.#expiring = setInterval(() => sessions.#expire(), EXPIRE_EVERY_MS);
    sessions.#expiring.unref();
    return sessions;
  }

  #restore(session: Session, subscriptions: string): void {
    const { store, log } = this.#options;
    const { success, data } = subscriptionsSchema.safeParse(parseJson(subscriptions));
    if (!success) {
      log.warn({ client: session.clientId }, 'a kept MQTT session could not be read and was dropped');
      this.#disk.drop(session);
      return;
    }
    for (const { topic, ...record } of data) {
      session.subscriptions.set(topic, { record, matches: filterMatcher(topic) });
    }
    for (const row of readQueued(store.db, session.clientId, LIMITS.queuedPerSession)) {
      const queued = { seq: row.seq, packet: toPacket(row) };
      session.queue.push(queued);
      this.#count(session, sizeOf(queued.packet));
      this.#nextSeq = Math.max(this.#nextSeq, row.seq + 1);
    }
    this.#sessions.set(session.clientId, session);
    this.#disk.known(session);
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** Makes a session of a connected client; others have to go where there are too many. */
  make(clientId: string, owner: string, isNamed: boolean): Session {
    const mine = isNamed ? [...this.#sessions.values()].filter((session) => session.owner === owner) : [];
    if (mine.length >= LIMITS.sessionsPerUser) this.drop(longestGone(mine));
    if (this.#sessions.size >= LIMITS.sessions) this.drop(longestGone([...this.#sessions.values()]));
    const session: Session = {
      clientId,
      owner,
      subscriptions: new Map(),
      queue: [],
      queueBytes: 0,
      offlineSinceMs: null,
    };
    this.#sessions.set(clientId, session);
    this.#disk.touch(session);
    return session;
  }

  drop(session: Session | undefined): void {
    if (!session || this.#sessions.get(session.clientId) !== session) return;
    this.#sessions.delete(session.clientId);
    this.#queuedBytes -= session.queueBytes;
    this.#disk.drop(session);
    this.onDrop(session);
  }

  /** To be called after each change of the subscriptions. */
  changed(session: Session): void {
    this.#disk.touch(session);
  }

  setOnline(clientId: string, isOnline: boolean): void {
    const session = this.#sessions.get(clientId);
    if (!session) return;
    session.offlineSinceMs = isOnline ? null : this.#options.clock.nowMs();
    this.#disk.touch(session);
  }

  /** Queues a message, unless there are too many. `packet` must not change afterwards, nor its payload. */
  enqueue(session: Session, packet: StoredPacket): void {
    const bytes = sizeOf(packet);
    if (session.queue.length >= LIMITS.queuedPerSession) return;
    if (session.queueBytes + bytes > LIMITS.queuedBytesPerSession) return;
    if (!this.#makeRoom(session, bytes)) return;
    const queued = { seq: this.#nextSeq, packet: { ...packet, messageId: undefined } };
    this.#nextSeq += 1;
    session.queue.push(queued);
    this.#count(session, bytes);
    this.#disk.queued(session, queued);
  }

  /** Whoever is away for longest loses all: what is left of a session with a hole would mislead. */
  #makeRoom(asking: Session, bytes: number): boolean {
    while (this.#queuedBytes + bytes > LIMITS.queuedBytes) {
      const away = [...this.#sessions.values()].filter(
        (session) => session !== asking && session.offlineSinceMs !== null && session.queueBytes > 0,
      );
      const lost = longestGone(away);
      if (!lost) return false;
      this.drop(lost);
      if (!this.#warnedFull) {
        this.#options.log.warn(
          { client: lost.clientId },
          'too much waits for MQTT clients that are away; those that are away for longest are forgotten',
        );
      }
      this.#warnedFull = true;
    }
    return true;
  }

  /** It goes out under this id. */
  sent(session: Session, queued: Queued, messageId: number | undefined): void {
    queued.packet.messageId = messageId;
    // Of QoS 1 the id need not be kept: after a restart the message is sent under another one.
    if (queued.packet.qos === 2) this.#disk.queued(session, queued);
  }

  /** Puts the release that is owed in the place of a message. */
  replace(session: Session, queued: Queued, packet: StoredPacket): void {
    this.#count(session, sizeOf(packet) - sizeOf(queued.packet));
    queued.packet = packet;
    this.#disk.queued(session, queued);
  }

  remove(session: Session, index: number): StoredPacket | undefined {
    const [removed] = session.queue.splice(index, 1);
    if (!removed) return undefined;
    this.#count(session, -sizeOf(removed.packet));
    this.#disk.removed(session, removed);
    return removed.packet;
  }

  /** Writes what is not on disk yet. */
  flush(): void {
    this.#disk.flush();
  }

  /** Writes the rest. Safe to call twice. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous, the disk is not
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#expiring);
    this.#disk[Symbol.dispose]();
  }

  #count(session: Session, bytes: number): void {
    session.queueBytes += bytes;
    this.#queuedBytes += bytes;
  }

  #expire(): void {
    for (const session of this.#sessions.values()) if (this.#isOutdated(session)) this.drop(session);
  }

  #isOutdated({ offlineSinceMs }: Session): boolean {
    return offlineSinceMs !== null && this.#options.clock.nowMs() - offlineSinceMs > LIMITS.sessionExpiryMs;
  }
}

export function sizeOf(packet: StoredPacket): number {
  return (packet.payload?.length ?? 0) + (packet.topic?.length ?? 0);
}

function longestGone(sessions: readonly Session[]): Session | undefined {
  return sessions.toSorted((one, other) => sinceMs(one) - sinceMs(other))[0];
}

function sinceMs({ offlineSinceMs }: Session): number {
  return offlineSinceMs ?? Infinity;
}

function toPacket({ seq, topic, payload, qos, messageId }: QueuedRow): StoredPacket {
  if (topic === '') return { cmd: 'pubrel', ...(messageId === null ? {} : { messageId }) };
  return {
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    qos: qos === 2 ? 2 : 1,
    retain: false,
    brokerId: BEFORE_RESTART,
    brokerCounter: seq,
    ...(messageId === null ? {} : { messageId }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
