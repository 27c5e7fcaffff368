import type { Connection } from './connection.ts';
import type { SyncDirection } from '../sync/types.ts';
import type { NoticeLevel } from './types.ts';

import { CLOSE_GOING_AWAY, CLOSE_TOKEN } from './types.ts';
import { textFrame } from './frame.ts';

const MAX_PINGS_MISSED = 2;
/** Sessions that ended, kept for tokens that were being looked at in that moment. */
const ENDED_SESSIONS = 256;

/** Every open WebSocket, and what is said to many of them. */
export class Connections {
  readonly #open = new Set<Connection>();
  readonly #known = new Set<Connection>();
  readonly #endedSessions = new Set<string>();
  #allClosed: (() => void) | undefined;

  /** Those included that have not yet said who they are. */
  get size(): number {
    return this.#open.size;
  }

  /** Those that have said who they are. */
  get known(): ReadonlySet<Connection> {
    return this.#known;
  }

  has(connection: Connection): boolean {
    return this.#open.has(connection);
  }

  add(connection: Connection): void {
    this.#open.add(connection);
  }

  /** The connection has said who it is, by `connection.principal`. */
  admit(connection: Connection): void {
    const sessionId = connection.principal?.sessionId;
    // It was verified a moment ago, and the session has ended since.
    if (sessionId !== undefined && this.#endedSessions.has(sessionId)) closeEnded(connection);
    else this.#known.add(connection);
  }

  delete(connection: Connection): void {
    this.#known.delete(connection);
    this.#open.delete(connection);
    if (this.#open.size === 0) this.#allClosed?.();
  }

  /**
   * Where all places are taken, somebody who has many gives one to somebody who has few: else whoever may look into the
   * home could keep everybody else from it. False where nobody has many more than this user.
   */
  makeRoom(userId: string): boolean {
    const byUser = Map.groupBy(this.#known, ({ principal }) => principal?.userId);
    let most: readonly Connection[] = [];
    for (const theirs of byUser.values()) if (theirs.length > most.length) most = theirs;
    const own = byUser.get(userId)?.length ?? 0;
    const [oldest] = most;
    if (!oldest || most.length <= 2 * own + 1) return false;
    this.delete(oldest);
    oldest.terminate('its place was needed for somebody else');
    return true;
  }

  isOnline(deviceId: string): boolean {
    for (const connection of this.#known) if (isOf(connection, deviceId)) return true;
    return false;
  }

  /** Asks the device to sync. Returns how many connections were told. */
  requestSync(deviceId: string, direction: SyncDirection): number {
    let told = 0;
    for (const connection of this.#known) {
      if (!isOf(connection, deviceId)) continue;
      connection.send({ type: 'sync_requested', direction });
      told += 1;
    }
    return told;
  }

  /** Says something to the people at all connections. */
  notify(message: string, level: NoticeLevel): void {
    const frame = textFrame(JSON.stringify({ type: 'notice', level, message }));
    for (const connection of this.#known) connection.sendFrame(frame);
  }

  closeSession(sessionId: string): void {
    this.#endedSessions.add(sessionId);
    if (this.#endedSessions.size > ENDED_SESSIONS) {
      const [oldest] = this.#endedSessions;
      this.#endedSessions.delete(oldest ?? '');
    }
    for (const connection of this.#known) {
      if (connection.principal?.sessionId === sessionId) closeEnded(connection);
    }
  }

  /** Pings all; one that has not answered the last two is cut off. */
  ping(): void {
    for (const connection of this.#open) {
      if (connection.pingsMissed >= MAX_PINGS_MISSED) {
        connection.terminate('no answer to pings');
        continue;
      }
      connection.pingsMissed += 1;
      connection.ping();
    }
  }

  /** Says goodbye to all; resolves when the last is closed. */
  async close(): Promise<void> {
    if (this.#open.size === 0) return;
    const allClosed = new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
    for (const connection of this.#open) connection.close(CLOSE_GOING_AWAY, 'the hub is shutting down');
    await allClosed;
  }
}

function isOf(connection: Connection, deviceId: string): boolean {
  return connection.deviceId === deviceId && !connection.closing;
}

function closeEnded(connection: Connection): void {
  connection.close(CLOSE_TOKEN, 'the session has ended; log in again');
}
