import { Socket } from 'node:net';

import type { Peer } from 'crossws';
import type { Duplex } from 'node:stream';

import type { Principal } from '../access/types.ts';
import type { Logger } from '../base/log.ts';
import type { Visible } from '../graph/graph.ts';
import type { StateChange } from '../devices/types.ts';
import type { LiveCounters } from './types.ts';
import type { Handshake } from './upgrade.ts';

import { newId } from '../base/ids.ts';
import { pongFrame, textFrame } from './frame.ts';
import { stateChangeMessage } from './messages.ts';
import { Pace } from './pace.ts';
import { Subscriptions, type Subscription } from './subscriptions.ts';

/** A client with more than this waiting reads too slowly (PROTOCOL.md section 3). */
export const SLOW_BYTES = 1024 * 1024;
/** A slow client that still asks for answers and does not read them is cut off here. */
const HOPELESS_BYTES = 2 * SLOW_BYTES;
/** With more than this waiting a ping is not answered: whoever does not read would be sent pongs without end. */
const MAX_BEFORE_PONG_BYTES = 16 * 1024;
/** Events that are kept for a slow client. */
const MAX_WAITING_EVENTS = 200;
/** Many messages for one client share a system call up to this size. */
const CORKED_BYTES = 64 * 1024;

/** `readyState` of a WebSocket that may be written to. */
const OPEN = 1;

/** What a client has missed and is being sent before anything else, up to where the connection follows from. */
export interface Replay {
  readonly subscription: Subscription;
  afterSeq: number;
}

/** One WebSocket, from its upgrade to its close: who it is, what it follows and how far it has come. */
export class Connection {
  readonly id = newId();
  readonly handshake: Handshake;
  readonly subscriptions = new Subscriptions();
  readonly log: Logger;
  readonly pace = new Pace();
  readonly #peer: Peer;
  readonly #socket: Duplex;
  readonly #websocket: Peer['websocket'];
  readonly #counters: LiveCounters;
  /** Undefined until the token was accepted. */
  principal: Principal | undefined;
  token: string | undefined;
  /** What is seen of the home by whoever is limited to rooms; undefined where that is everything. */
  visible: Visible | undefined;
  /** The device that the client named, in the address or with its token. */
  deviceId: string | undefined;
  /** Messages that came while the token was being looked at. */
  readonly early: string[] = [];
  verifying = false;
  /** Facts up to here were sent, or were not for this client. */
  seq = 0;
  /** What subscriptions with a `since` still lack. */
  replays: Replay[] = [];
  commandsUnderWay = 0;
  pingsMissed = 0;
  /** Closes the connection when no token came in time, or the token has expired. */
  deadline: NodeJS.Timeout | undefined;
  #slow = false;
  #closing = false;
  /** Of a slow client: the last value per capability, and events by themselves. */
  readonly #states = new Map<string | StateChange, StateChange>();
  #waitingEvents = 0;

  /** @param socket the one below the peer: messages are written to it as whole frames, beside the peer's own */
  constructor(
    peer: Peer,
    { socket, handshake }: { readonly socket: Duplex; readonly handshake: Handshake },
    log: Logger,
    counters: LiveCounters,
  ) {
    this.#peer = peer;
    this.#counters = counters;
    this.#socket = socket;
    this.#websocket = peer.websocket;
    this.handshake = handshake;
    this.deviceId = handshake.deviceId ?? undefined;
    this.log = log.child({ connection: this.id });
  }

  /** Too much is waiting to be read by the client. */
  get slow(): boolean {
    return this.#slow;
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Where the client is, as an IP address. */
  get address(): string {
    return (this.#socket instanceof Socket ? this.#socket.remoteAddress : undefined) ?? 'unknown';
  }

  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends an answer or an announcement. */
  send(message: object): void {
    this.sendFrame(textFrame(JSON.stringify(message)));
    if (this.waitingBytes > HOPELESS_BYTES) this.terminate('a client does not read its answers');
  }

  /** Sends a message that was framed once for all connections. */
  sendFrame(frame: Buffer): void {
    // Nothing may follow a close frame, which the peer also sends by itself when the client says goodbye.
    if (this.#closing || this.#websocket.readyState !== OPEN) return;
    const socket = this.#socket;
    socket.write(frame);
    this.#counters.sent += 1;
    if (socket.writableCorked > 0 && socket.writableLength > CORKED_BYTES) {
      socket.uncork();
      socket.cork();
    }
    if (socket.writableLength > SLOW_BYTES && !this.#slow) {
      this.#slow = true;
      this.#counters.slowed += 1;
      this.log.info(
        { waiting_bytes: socket.writableLength },
        'a client reads too slowly; it will be told to sync',
      );
    }
  }

  /** Gathers what `send` sends, so that many small messages take one system call. */
  together(send: () => void): void {
    this.#socket.cork();
    try {
      send();
    } finally {
      this.#socket.uncork();
    }
  }

  /**
   * Sends a state; `frame` is its message, framed once for all connections. For a slow client the last value is kept,
   * and the first events: what was pressed so long ago that hundreds came after it is no news any more.
   */
  sendState(change: StateChange, frame: Buffer): void {
    if (!this.#slow) this.sendFrame(frame);
    else if (!change.isEvent) this.#states.set(`${change.entityId}\n${change.capability}`, change);
    else if (this.#waitingEvents < MAX_WAITING_EVENTS) {
      this.#waitingEvents += 1;
      this.#states.set(change, change);
    }
  }

  /**
   * The client has read everything that was waiting. One that was slow is told from where it has to sync, and what
   * was dropped for it is forgotten up to `headSeq`; then it gets the states that it missed.
   */
  drained(headSeq: number, cursorOf: (seq: number) => string, sees: (entityId: string) => boolean): void {
    if (!this.#slow) return;
    this.#slow = false;
    if (this.seq < headSeq || this.#states.size > 0 || this.replays.length > 0) {
      // A replay that was cut off began before everything else that the client has.
      const from = Math.min(this.seq, ...this.replays.map(({ afterSeq }) => afterSeq));
      this.send({ type: 'resync_required', cursor: cursorOf(from) });
    }
    this.replays = [];
    this.seq = headSeq;
    const states = [...this.#states.values()];
    this.#states.clear();
    this.#waitingEvents = 0;
    for (const state of states) {
      if (sees(state.entityId)) this.sendState(state, stateChangeMessage(state));
    }
  }

  ping(): void {
    this.#peer.ping();
  }

  /** The client has said something; false where that is not to be looked at. One that floods the hub is cut off. */
  heard(): boolean {
    if (this.#closing) return false;
    this.#counters.received += 1;
    this.pingsMissed = 0;
    if (this.pace.take()) return true;
    // Without a goodbye: until that is answered the flood would go on.
    this.terminate('a client sends too many messages');
    return false;
  }

  /** Answers a ping, or leaves it to the next one (RFC 6455, 5.5.3). */
  pong(data: Uint8Array): void {
    if (this.waitingBytes <= MAX_BEFORE_PONG_BYTES) this.sendFrame(pongFrame(data));
  }

  /** Says goodbye with a close code. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.deadline);
    this.#peer.close(code, reason);
  }

  /** Ends the connection without a goodbye, which would not be read. */
  terminate(reason: string): void {
    this.#closing = true;
    clearTimeout(this.deadline);
    this.#counters.cutOff += 1;
    this.log.info({ reason }, 'a connection was cut off');
    this.#peer.terminate();
  }
}
