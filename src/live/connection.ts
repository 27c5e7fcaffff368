import type { Peer } from 'crossws';

import type { Principal } from '../access/types.ts';
import type { Logger } from '../base/log.ts';
import type { StateChange } from '../devices/types.ts';
import type { Handshake } from './upgrade.ts';

import { newId } from '../base/ids.ts';
import { stateChangeMessage } from './messages.ts';
import { Subscriptions, type Subscription } from './subscriptions.ts';

/** A client with more than this waiting reads too slowly (PROTOCOL.md section 3). */
export const SLOW_BYTES = 1024 * 1024;
/** A slow client that still asks for answers and does not read them is cut off here. */
const HOPELESS_BYTES = 2 * SLOW_BYTES;

/** ws would mark a Buffer as binary; a message built once for all is a Buffer and a text. */
const TEXT = { binary: false, compress: false };

/** What a client has missed and is being sent before anything else. */
export interface Replay {
  readonly subscription: Subscription;
  afterSeq: number;
  readonly untilSeq: number;
}

/** One WebSocket, from its upgrade to its close: who it is, what it follows and how far it has come. */
export class Connection {
  readonly id = newId();
  readonly handshake: Handshake;
  readonly subscriptions = new Subscriptions();
  readonly log: Logger;
  readonly #peer: Peer;
  /** Undefined until the token was accepted. */
  principal: Principal | undefined;
  token: string | undefined;
  /** Messages that came while the token was being looked at. */
  readonly early: string[] = [];
  verifying = false;
  /** Facts up to here were sent, or were not for this client. */
  seq = 0;
  /** What subscriptions with a `since` still lack, in the order in which they were made. */
  replays: Replay[] = [];
  commandsUnderWay = 0;
  pingsMissed = 0;
  /** Closes the connection when no token came in time, or the token has expired. */
  deadline: NodeJS.Timeout | undefined;
  #slow = false;
  #closing = false;
  /** Of a slow client: the last value per capability. */
  readonly #states = new Map<string, StateChange>();

  constructor(peer: Peer, handshake: Handshake, log: Logger) {
    this.#peer = peer;
    this.handshake = handshake;
    this.log = log.child({ connection: this.id });
  }

  /** Too much is waiting to be read by the client. */
  get slow(): boolean {
    return this.#slow;
  }

  get closing(): boolean {
    return this.#closing;
  }

  get waitingBytes(): number {
    return this.#peer.bufferedAmount;
  }

  /** Sends an answer or an announcement. */
  send(message: object): void {
    this.sendBytes(Buffer.from(JSON.stringify(message)));
    if (this.waitingBytes > HOPELESS_BYTES) this.terminate('a client does not read its answers');
  }

  /** Sends a message that was built once for all connections. */
  sendBytes(bytes: Buffer): void {
    if (this.#closing) return;
    const waiting = this.#peer.send(bytes, TEXT);
    if (typeof waiting === 'number' && waiting > SLOW_BYTES && !this.#slow) {
      this.#slow = true;
      this.log.info({ waiting_bytes: waiting }, 'a client reads too slowly; it will be told to sync');
    }
  }

  /** Sends a state; `bytes` is its message, built once for all connections. A slow client keeps the last value. */
  sendState(change: StateChange, bytes: Buffer): void {
    if (this.#slow) this.#states.set(`${change.entityId}\n${change.capability}`, change);
    else this.sendBytes(bytes);
  }

  /**
   * The client has read everything that was waiting. One that was slow is told from where it has to sync, and what
   * was dropped for it is forgotten up to `headSeq`; then it gets the states that it missed.
   */
  drained(headSeq: number, cursorOf: (seq: number) => string): void {
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
    for (const state of states) this.sendState(state, stateChangeMessage(state));
  }

  ping(): void {
    this.#peer.ping();
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
    this.log.info({ reason }, 'a connection was cut off');
    this.#peer.terminate();
  }
}
