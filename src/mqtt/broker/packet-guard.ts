/** Why a connection is cut off; for the log. */
export type Refusal = 'packet too large' | 'too many large packets' | 'too much before login' | 'not MQTT';

export interface GuardLimits {
  readonly packetBytes: number;
  readonly largePacketBytes: number;
  readonly largeBytes: number;
  readonly bytesBeforeLogin: number;
}

/** What all connections of a broker have announced as large and not finished sending. */
export interface LargeBytes {
  used: number;
}

/**
 * Follows the packet borders of one connection without keeping a byte, so that an announced giant is refused at its
 * first five bytes: the broker itself would collect all of it first (a 200 MB publish took 487 MB).
 */
export class PacketGuard implements Disposable {
  readonly #limits: GuardLimits;
  readonly #large: LargeBytes;
  #loggedIn = false;
  #received = 0;
  /** Bytes of the present packet still to come; 0 = a header begins. */
  #remaining = 0;
  /** What the present packet has taken of the common budget. */
  #taken = 0;
  /** Position within the header: 0 = the type byte, 1 to 4 = the length. */
  #headerAt = 0;
  #length = 0;

  constructor(limits: GuardLimits, large: LargeBytes) {
    this.#limits = limits;
    this.#large = large;
  }

  /** From now on only packets are limited, not their sum. */
  login(): void {
    this.#loggedIn = true;
  }

  /** Takes note of a chunk. Says why the connection must end, or undefined. */
  inspect(chunk: Uint8Array): Refusal | undefined {
    if (!this.#loggedIn) {
      this.#received += chunk.length;
      if (this.#received > this.#limits.bytesBeforeLogin) return 'too much before login';
    }
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const skipped = Math.min(this.#remaining, chunk.length - at);
        this.#remaining -= skipped;
        at += skipped;
        if (this.#remaining === 0) this[Symbol.dispose]();
        continue;
      }
      const refusal = this.#header(chunk[at] ?? 0);
      if (refusal) return refusal;
      at += 1;
    }
    return undefined;
  }

  /** Gives back what a packet that never ended has taken. */
  [Symbol.dispose](): void {
    this.#large.used -= this.#taken;
    this.#taken = 0;
  }

  /** MQTT 3.1.1 section 2.2.3: seven bits a byte, least significant first, at most four bytes. */
  #header(byte: number): Refusal | undefined {
    if (this.#headerAt === 0) {
      this.#headerAt = 1;
      this.#length = 0;
      return undefined;
    }
    this.#length += (byte & 0x7f) * 128 ** (this.#headerAt - 1);
    if (this.#length > this.#limits.packetBytes) return 'packet too large';
    if (byte & 0x80) {
      if (this.#headerAt === 4) return 'not MQTT';
      this.#headerAt += 1;
      return undefined;
    }
    this.#headerAt = 0;
    this.#remaining = this.#length;
    return this.#take(this.#length);
  }

  #take(bytes: number): Refusal | undefined {
    if (bytes <= this.#limits.largePacketBytes) return undefined;
    if (this.#large.used + bytes > this.#limits.largeBytes) return 'too many large packets';
    this.#large.used += bytes;
    this.#taken = bytes;
    return undefined;
  }
}
