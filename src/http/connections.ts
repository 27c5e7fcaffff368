import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { networkOf } from './client-address.ts';

export interface ConnectionLimits {
  /** Connections that are not WebSockets. */
  readonly maxPlainConnections: number;
  /** All together. */
  readonly maxConnections: number;
  /** Of answers that their clients have not read yet. */
  readonly maxUnreadBytes: number;
}

/**
 * Requests that a client may send on one connection before it has the first answer. Node works on all of them at once
 * and keeps the answers: sixty-four kilobytes of small requests would make it hold hundreds of large answers.
 */
const MAX_UNDER_WAY = 8;

interface Place {
  /** The socket that was accepted. */
  readonly socket: Socket;
  readonly address: string;
  readonly network: string;
  /** To requests that are under way. */
  readonly answers: Set<ServerResponse>;
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
   * Where all places are taken, a connection of whoever has most of them gives way, and of those the one that has been
   * idle for longest: a client that opens many and dribbles must not keep the house out. One that has a request under
   * way is cut only for somebody who has fewer; else the new one is turned away.
   */
  admit(socket: Socket): void {
    const ends = endsOf(socket);
    const address = socket.remoteAddress ?? '';
    const place: Place = { socket, address, network: networkOf(address), answers: new Set() };
    const { maxPlainConnections, maxConnections } = this.#limits;
    const full = this.#plain.size + this.#upgraded.size >= maxConnections;
    if (this.#plain.size >= maxPlainConnections || full) {
      const leaving = this.#givesWayTo(place);
      if (leaving === undefined) {
        socket.destroy();
        return;
      }
      const [gone, { socket: cut }] = leaving;
      this.#forget(gone);
      cut.destroy();
    }
    this.#plain.set(ends, place);
    this.#idle.add(ends);
    socket.once('close', () => {
      // The same two ends may be in use again by now.
      if (this.#plain.get(ends)?.socket === socket) this.#forget(ends);
    });
  }

  /** By network first: of IPv6 addresses whoever has one has many. */
  #givesWayTo({ address, network }: Place): readonly [string, Place] | undefined {
    const all = [...this.#plain];
    const ofNetwork = most(Map.groupBy(all, ([, place]) => place.network));
    const candidates = most(Map.groupBy(ofNetwork, ([, place]) => place.address));
    const places = new Map(candidates);
    for (const ends of this.#idle) {
      const idle = places.get(ends);
      if (idle) return [ends, idle];
    }
    const [oldest] = candidates;
    if (!oldest) return undefined;
    const own = all.filter(([, place]) => place.network === network);
    const hasFewer =
      oldest[1].network === network
        ? own.filter(([, place]) => place.address === address).length < candidates.length
        : own.length < ofNetwork.length;
    return hasFewer ? oldest : undefined;
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
    if (place.answers.size >= MAX_UNDER_WAY) {
      place.socket.destroy();
      return false;
    }
    place.answers.add(response);
    this.#idle.delete(ends);
    response.once('close', () => {
      place.answers.delete(response);
      if (place.answers.size === 0 && this.#plain.get(ends) === place) this.#idle.add(ends);
    });
    return true;
  }

  /**
   * To be called where one more answer was made. Where too much was not read yet, whoever leaves most of it unread is cut
   * off: else one client could fill the memory with answers that it asks for and does not take.
   */
  limitUnread(): void {
    for (;;) {
      const unread = [...this.#plain.values()]
        .map((place) => ({ place, bytes: unreadBytes(place) }))
        .filter(({ bytes }) => bytes > 0);
      if (sumOf(unread) <= this.#limits.maxUnreadBytes) return;
      const ofNetwork = heaviest(Map.groupBy(unread, ({ place }) => place.network));
      const [most] = heaviest(Map.groupBy(ofNetwork, ({ place }) => place.address)).toSorted(
        (a, b) => b.bytes - a.bytes,
      );
      if (most === undefined) return;
      this.#forget(endsOf(most.place.socket));
      most.place.socket.destroy();
    }
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

function most<T>(groups: ReadonlyMap<string, T[]>): T[] {
  return [...groups.values()].reduce(
    (largest, group) => (group.length > largest.length ? group : largest),
    [],
  );
}

function endsOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

function unreadBytes({ answers }: Place): number {
  let bytes = 0;
  for (const answer of answers) bytes += answer.writableLength;
  return bytes;
}

type Unread = readonly { readonly place: Place; readonly bytes: number }[];

function sumOf(unread: Unread): number {
  return unread.reduce((sum, { bytes }) => sum + bytes, 0);
}

function heaviest(groups: ReadonlyMap<string, Unread>): Unread {
  return [...groups.values()].reduce((most, group) => (sumOf(group) > sumOf(most) ? group : most), []);
}
