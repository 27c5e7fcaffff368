import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** Connections that are not WebSockets. */
  readonly maxPlainConnections: number;
  /** All together. */
  readonly maxConnections: number;
}

/**
 * Requests that a client may send on one connection before it has the first answer. Node works on all of them at once
 * and keeps the answers: sixty-four kilobytes of small requests would make it hold hundreds of large answers.
 */
const MAX_UNDER_WAY = 8;

interface Place {
  /** The socket that was accepted. */
  readonly socket: Socket;
  underWay: number;
}

/**
 * The places of all servers together, so that a second port does not double what the machine has to hold.
 *
 * A connection is known by its two ends: what TLS hands on is another socket than the one that was accepted.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** What is not upgraded; and of that, the longest idle first, what has no request under way. */
  readonly #plain = new Map<string, Place>();
  readonly #idle = new Set<string>();
  readonly #upgraded = new Set<string>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /**
   * Where all places are taken, the connection that has been idle for longest gives way: a client that opens many and
   * dribbles must not keep the house out. Only where each has a request under way the new one is turned away.
   */
  admit(socket: Socket): void {
    const ends = endsOf(socket);
    const { maxPlainConnections, maxConnections } = this.#limits;
    const full = this.#plain.size + this.#upgraded.size >= maxConnections;
    if (this.#plain.size >= maxPlainConnections || full) {
      const [oldest] = this.#idle;
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      const idle = this.#plain.get(oldest);
      this.#forget(oldest);
      idle?.socket.destroy();
    }
    this.#plain.set(ends, { socket, underWay: 0 });
    this.#idle.add(ends);
    socket.once('close', () => {
      // The same two ends may be in use again by now.
      if (this.#plain.get(ends)?.socket === socket) this.#forget(ends);
    });
  }

  /**
   * A request has come with all its headers; until it is answered, its connection is not idle.
   * @returns false when there are too many on this connection, which is cut then.
   */
  serving(socket: Socket, response: ServerResponse): boolean {
    const ends = endsOf(socket);
    const place = this.#plain.get(ends);
    // It gave its place away while its request came in.
    if (place === undefined) return false;
    if (place.underWay >= MAX_UNDER_WAY) {
      place.socket.destroy();
      return false;
    }
    place.underWay += 1;
    this.#idle.delete(ends);
    response.once('close', () => {
      place.underWay -= 1;
      if (place.underWay === 0 && this.#plain.get(ends) === place) this.#idle.add(ends);
    });
    return true;
  }

  /** The connection leaves the plain ones for as long as it lives. */
  upgraded(socket: Socket): void {
    const ends = endsOf(socket);
    this.#forget(ends);
    this.#upgraded.add(ends);
    socket.once('close', () => this.#upgraded.delete(ends));
  }

  #forget(ends: string): void {
    this.#plain.delete(ends);
    this.#idle.delete(ends);
  }
}

function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
