import type { Logger } from '../base/log.ts';
import type { Graph } from '../graph/graph.ts';
import type { Connection } from './connection.ts';
import type { Placements } from './placements.ts';
import type { Scopes } from './scopes.ts';
import type { Subscription } from './subscriptions.ts';
import type { LiveCursors } from './types.ts';

import { FactPages, type Fact, type FactPage } from './fact-pages.ts';
import { isInSight } from './scopes.ts';
import { matchesEdge, matchesEntity } from './subscriptions.ts';

/** Work that is done before the event loop gets a turn; sending a small message is 1. */
const WORK_PER_TURN = 500;
/** Work that is done at once when a change is durable: a household's phones. Others wait until its sender has its ack. */
const WORK_AT_ONCE = 150;
/** Sending so many bytes costs as much again as sending. */
const BYTES_PER_WORK = 8192;
/** What reading a page costs. */
const READ_WORK = 30;
/** A replay goes on only when less than this is waiting: what was missed must not make a healthy client slow. */
const REPLAY_WAITING_BYTES = 256 * 1024;

export interface FactFeedOptions {
  graph: Graph;
  cursor: LiveCursors;
  scopes: Scopes;
  placements: Placements;
  /** The connections that have said who they are. */
  connections: ReadonlySet<Connection>;
  log: Logger;
}

/**
 * Tells connections what changed in the graph, each from its own cursor, in the order of seq and durable only. It goes
 * round all connections; a round takes several turns of the event loop when there is much to send.
 */
export class FactFeed implements Disposable {
  readonly #options: FactFeedOptions;
  readonly #following: Disposable;
  readonly #pages: FactPages;
  /** The round under way: whom it has yet to come to. */
  #round: SetIterator<Connection> | undefined;
  /** There is something to do for somebody whom the round has passed. */
  #again = false;
  #scheduled: NodeJS.Immediate | undefined;
  #disposed = false;

  constructor(options: FactFeedOptions) {
    this.#options = options;
    this.#pages = new FactPages(options.graph, options.cursor);
    this.#following = options.graph.follow(() => this.#durable());
  }

  /** Looks, on a later turn of the event loop, for what each connection has not been sent. */
  wake(): void {
    if (this.#disposed) return;
    this.#again = true;
    this.#schedule();
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#turn(WORK_PER_TURN);
    });
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#following[Symbol.dispose]();
    clearImmediate(this.#scheduled);
    this.#pages.forget();
  }

  /** The first phones hear of it at once. Whatever else becomes durable on this turn goes out together, on the next. */
  #durable(): void {
    this.#options.placements.forget();
    const first = this.#scheduled === undefined;
    this.wake();
    if (first) queueMicrotask(() => this.#turn(WORK_AT_ONCE));
  }

  #turn(maxWork: number): void {
    if (this.#disposed) return;
    if (!this.#round) {
      if (!this.#again) return;
      this.#again = false;
      this.#round = this.#options.connections.values();
    }
    const { headSeq } = this.#options.graph;
    let work = 0;
    while (work < maxWork) {
      const { done, value: connection } = this.#round.next();
      if (done === true) {
        this.#round = undefined;
        this.#pages.forget();
        break;
      }
      const upToDate = connection.seq >= headSeq && connection.replays.length === 0;
      if (upToDate || connection.slow || connection.closing) continue;
      const { reads } = this.#pages;
      try {
        if (connection.visible) this.#options.scopes.refresh(connection);
        work += connection.replays.length > 0 ? this.#replay(connection) : this.#follow(connection);
      } catch (error) {
        // Reading failed (the disk): all stay where they are, and the next change tries again.
        this.#options.log.error({ err: error }, 'changes could not be read for the connections');
        this.#round = undefined;
        this.#again = false;
        this.#pages.forget();
        return;
      }
      work += (this.#pages.reads - reads) * READ_WORK;
    }
    if (this.#round || this.#again) this.#schedule();
  }

  /** Returns the work that it was. */
  #follow(connection: Connection): number {
    const page = this.#pages.after(connection.seq);
    let work = 0;
    sendAll(connection, page, (fact) => {
      if (!this.#wants(connection, fact)) return true;
      // What does not fit any more is not sent: the cursor stays before it, and the client will be told so.
      if (connection.slow) return false;
      work += this.#sendFact(connection, fact);
      connection.seq = fact.seq;
      return true;
    });
    if (connection.slow) return work;
    connection.seq = page.scannedSeq;
    if (page.hasMore) this.#again = true;
    return work;
  }

  /** Sends what subscriptions with a `since` lack; several at a time are one stream, in the order of seq. */
  #replay(connection: Connection): number {
    const { replays } = connection;
    // It goes on when the client has read that.
    if (connection.waitingBytes > REPLAY_WAITING_BYTES) return 0;
    let scanned = Math.min(...replays.map(({ afterSeq }) => afterSeq));
    const page = this.#pages.after(scanned);
    let work = 0;
    const whole = sendAll(connection, page, (fact) => {
      if (connection.waitingBytes > REPLAY_WAITING_BYTES) return false;
      // What changed since the subscription comes by following.
      if (fact.seq > connection.seq) return true;
      const { visible } = connection;
      const wanted =
        (!visible || isInSight(visible, fact)) &&
        replays.some(
          ({ afterSeq, subscription }) => afterSeq < fact.seq && this.#concerns(subscription, fact),
        );
      if (wanted) work += this.#sendFact(connection, fact);
      scanned = fact.seq;
      return true;
    });
    if (whole) scanned = page.scannedSeq;
    for (const replay of replays) replay.afterSeq = Math.max(replay.afterSeq, scanned);
    if (scanned >= connection.seq) connection.replays = [];
    this.#again = true;
    return work;
  }

  #sendFact(connection: Connection, fact: Fact): number {
    const frame = this.#pages.frameOf(fact, connection.visible?.hash);
    connection.sendFrame(frame);
    return 1 + frame.length / BYTES_PER_WORK;
  }

  #wants(connection: Connection, fact: Fact): boolean {
    const { subscriptions, visible } = connection;
    if (visible && !isInSight(visible, fact)) return false;
    const { placements } = this.#options;
    if ('edge' in fact.row) return subscriptions.wantsEdge(fact.row.edge, placements);
    return (
      subscriptions.wantsEntity(fact.row.entity.id, placements) ||
      fact.leftRooms.some((room) => subscriptions.wantsRoom(room))
    );
  }

  #concerns(subscription: Subscription, fact: Fact): boolean {
    const { placements } = this.#options;
    if ('edge' in fact.row) return matchesEdge(subscription, fact.row.edge, placements);
    return (
      matchesEntity(subscription, fact.row.entity.id, placements) ||
      (subscription.kind === 'room_id' && fact.leftRooms.includes(subscription.of))
    );
  }
}

/** Calls `send` for each fact of the page until it answers false; returns whether it came to the end. */
function sendAll(connection: Connection, { facts }: FactPage, send: (fact: Fact) => boolean): boolean {
  const [only] = facts;
  if (facts.length === 1 && only) return send(only);
  let whole = true;
  connection.together(() => {
    whole = facts.every(send);
  });
  return whole;
}
