import type { Graph, Visible } from '../graph/graph.ts';
import type { Connection } from './connection.ts';
import type { Fact } from './fact-pages.ts';
import type { LiveCursors } from './types.ts';

/** Keeps the connections of people who are limited to rooms to what is in them. Others have nothing to do with it. */
export class Scopes {
  readonly #graph: Graph;
  readonly #cursor: LiveCursors;

  constructor(graph: Graph, cursor: LiveCursors) {
    this.#graph = graph;
    this.#cursor = cursor;
  }

  /** Where the connection stands, as a cursor of what is seen by it. */
  cursorOf(connection: Connection, seq: number): string {
    return this.#cursor.headCursor(seq, connection.visible?.hash);
  }

  /** Notes what is seen by a connection that has just said who it is, or says so again. */
  begin(connection: Connection, isFirst: boolean): void {
    if (isFirst) connection.visible = this.#now(connection);
    else this.refresh(connection);
  }

  /**
   * Looks at what is seen by the connection now. What came into sight was told to nobody before, and what went out of it
   * is not taken back by any fact: where either has happened the client is told to sync.
   */
  refresh(connection: Connection): void {
    const before = connection.visible;
    const now = this.#now(connection);
    if (before === now) return;
    const cursor = this.cursorOf(connection, connection.seq);
    connection.visible = now;
    if (before?.hash === now?.hash) return;
    connection.replays = [];
    connection.send({ type: 'resync_required', cursor });
  }

  /** Whether an entity is seen at this very moment. */
  sees(connection: Connection, entityId: string): boolean {
    return this.#now(connection)?.ids.has(entityId) ?? true;
  }

  #now({ principal }: Connection): Visible | undefined {
    return principal?.rooms && this.#graph.visibility.of(principal.rooms);
  }
}

/** Whether a fact is about what is seen. */
export function isInSight({ ids }: Visible, { row }: Fact): boolean {
  return 'entity' in row
    ? ids.has(row.entity.id)
    : ids.has(row.edge.fromEntityId) && ids.has(row.edge.toEntityId);
}
