import type { Logger } from '../base/log.ts';
import type { Graph } from '../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { Connection } from './connection.ts';
import type { Placements } from './placements.ts';
import type { LiveCursors } from './types.ts';

import { entityChangeMessage, relationshipChangeMessage } from './messages.ts';
import { matchesEdge, matchesEntity } from './subscriptions.ts';

/** Rows and bytes that are read at once. */
const PAGE_ROWS = 200;
const PAGE_BYTES = 1024 * 1024;
/** Messages that are sent before the event loop gets a turn. */
const SENDS_PER_TURN = 500;
/** A replay goes on only when less than this is waiting: what was missed must not make a healthy client slow. */
const REPLAY_WAITING_BYTES = 256 * 1024;

/** One change of the graph, and its message once somebody wants it. */
interface Fact {
  readonly seq: number;
  readonly row: { entity: EntityVersion } | { edge: RelationshipVersion };
  /** Rooms that a deleted entity was in: its edges ended with it. */
  readonly leftRooms: readonly string[];
  bytes: Buffer | undefined;
}

interface FactPage {
  readonly facts: readonly Fact[];
  readonly scannedSeq: number;
  readonly hasMore: boolean;
}

export interface FactFeedOptions {
  graph: Graph;
  cursor: LiveCursors;
  placements: Placements;
  /** The connections that have said who they are. */
  connections: ReadonlySet<Connection>;
  log: Logger;
}

/**
 * Tells connections what changed in the graph, each from its own cursor, in the order of seq and durable only. Rows are
 * read and messages built once for all that stand at the same place.
 */
export class FactFeed implements Disposable {
  readonly #options: FactFeedOptions;
  readonly #following: Disposable;
  #scheduled: NodeJS.Immediate | undefined;
  #disposed = false;

  constructor(options: FactFeedOptions) {
    this.#options = options;
    this.#following = options.graph.follow(() => {
      options.placements.forget();
      this.wake();
    });
  }

  /** Looks, on a later turn of the event loop, for what each connection has not been sent. */
  wake(): void {
    if (this.#disposed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#run();
    });
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#following[Symbol.dispose]();
    clearImmediate(this.#scheduled);
  }

  #run(): void {
    const pages = new Map<number, FactPage>();
    let sent = 0;
    let more = false;
    for (const connection of this.#options.connections) {
      if (connection.slow || connection.closing) continue;
      if (sent >= SENDS_PER_TURN) {
        more = true;
        break;
      }
      try {
        const step =
          connection.replays.length > 0 ? this.#replay(connection, pages) : this.#follow(connection, pages);
        sent += step.sent;
        more ||= step.more;
      } catch (error) {
        // Reading failed (the disk): this connection stays where it is, and the next change tries again.
        connection.log.error({ err: error }, 'changes could not be read for a connection');
      }
    }
    if (more) this.wake();
  }

  #follow(connection: Connection, pages: Map<number, FactPage>): { sent: number; more: boolean } {
    if (connection.seq >= this.#options.graph.headSeq) return { sent: 0, more: false };
    const page = this.#page(connection.seq, pages);
    let sent = 0;
    for (const fact of page.facts) {
      if (!this.#wants(connection, fact)) continue;
      // What does not fit any more is not sent: the cursor stays before it, and the client is told so.
      if (connection.slow) return { sent, more: false };
      connection.sendBytes(this.#bytes(fact));
      connection.seq = fact.seq;
      sent += 1;
    }
    connection.seq = page.scannedSeq;
    return { sent, more: page.hasMore };
  }

  #replay(connection: Connection, pages: Map<number, FactPage>): { sent: number; more: boolean } {
    const [replay] = connection.replays;
    if (!replay || connection.waitingBytes > REPLAY_WAITING_BYTES) return { sent: 0, more: false };
    const page = this.#page(replay.afterSeq, pages);
    const { placements } = this.#options;
    let sent = 0;
    for (const fact of page.facts) {
      // What changed since the subscription comes by following.
      if (fact.seq > replay.untilSeq) break;
      const wanted =
        'entity' in fact.row
          ? matchesEntity(replay.subscription, fact.row.entity.id, placements) ||
            (replay.subscription.kind === 'room_id' && fact.leftRooms.includes(replay.subscription.of))
          : matchesEdge(replay.subscription, fact.row.edge, placements);
      if (!wanted) continue;
      connection.sendBytes(this.#bytes(fact));
      sent += 1;
    }
    replay.afterSeq = page.scannedSeq;
    if (!page.hasMore || page.scannedSeq >= replay.untilSeq) connection.replays.shift();
    return { sent, more: connection.waitingBytes <= REPLAY_WAITING_BYTES };
  }

  #wants(connection: Connection, fact: Fact): boolean {
    const { subscriptions } = connection;
    const { placements } = this.#options;
    if (subscriptions.size === 0) return false;
    if ('edge' in fact.row) return subscriptions.wantsEdge(fact.row.edge, placements);
    return (
      subscriptions.wantsEntity(fact.row.entity.id, placements) ||
      fact.leftRooms.some((room) => subscriptions.wantsRoom(room))
    );
  }

  #page(afterSeq: number, pages: Map<number, FactPage>): FactPage {
    let page = pages.get(afterSeq);
    if (!page) {
      const changes = this.#options.graph.changesSince(afterSeq, {
        limit: PAGE_ROWS,
        maxBytes: PAGE_BYTES,
        edges: true,
      });
      const facts: Fact[] = changes.relationships.map((edge) => ({
        seq: edge.seq,
        row: { edge },
        leftRooms: [],
        bytes: undefined,
      }));
      for (const entity of changes.entities) {
        const leftRooms =
          entity.contentJson === null
            ? changes.relationships
                .filter((edge) => edge.fromEntityId === entity.id && edge.relationshipType === 'located_in')
                .map(({ toEntityId }) => toEntityId)
            : [];
        facts.push({ seq: entity.seq, row: { entity }, leftRooms, bytes: undefined });
      }
      facts.sort((a, b) => a.seq - b.seq);
      page = { facts, scannedSeq: changes.scannedSeq, hasMore: changes.hasMore };
      pages.set(afterSeq, page);
    }
    return page;
  }

  #bytes(fact: Fact): Buffer {
    if (!fact.bytes) {
      const cursor = this.#options.cursor.headCursor(fact.seq);
      fact.bytes =
        'entity' in fact.row
          ? entityChangeMessage(fact.row.entity, cursor)
          : relationshipChangeMessage(fact.row.edge, cursor);
    }
    return fact.bytes;
  }
}
