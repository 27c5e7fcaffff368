import { deriveKey, open, seal } from './crypto.ts';

/** What a frame carries at most (HomeKit Accessory Protocol, 6.5.2). */
export const MAX_FRAME = 1024;
const LENGTH_BYTES = 2;
const TAG_BYTES = 16;

/** The keys of one session, made by pair-verify. */
export interface SessionKeys {
  readonly fromAccessory: Buffer;
  readonly toAccessory: Buffer;
}

export function toSessionKeys(sharedSecret: Uint8Array): SessionKeys {
  return {
    fromAccessory: deriveKey(sharedSecret, 'Control-Salt', 'Control-Read-Encryption-Key'),
    toAccessory: deriveKey(sharedSecret, 'Control-Salt', 'Control-Write-Encryption-Key'),
  };
}

/** Seals what is sent. Each frame takes the next number as its nonce, so that none can be left out or sent twice. */
export class FrameSealer {
  readonly #key: Uint8Array;
  readonly #nonce = new CounterNonce();

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(bytes: Uint8Array): Buffer {
    const parts: Buffer[] = [];
    for (let offset = 0; offset < bytes.length; offset += MAX_FRAME) {
      const part = bytes.subarray(offset, offset + MAX_FRAME);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16LE(part.length);
      parts.push(length, seal(this.#key, this.#nonce.next(), part, length));
    }
    return Buffer.concat(parts);
  }
}

/** Opens what is received, in whatever pieces it comes; keeps at most one frame. */
export class FrameOpener {
  readonly #key: Uint8Array;
  readonly #nonce = new CounterNonce();
  #rest: Buffer = Buffer.alloc(0);

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** @throws Error when a frame is too long or was tampered with: nothing that follows can be trusted then. */
  push(received: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? received : Buffer.concat([this.#rest, received]);
    const opened: Buffer[] = [];
    let offset = 0;
    while (bytes.length - offset >= LENGTH_BYTES) {
      const length = bytes.readUInt16LE(offset);
      if (length > MAX_FRAME) throw new Error(`a frame of ${length} bytes, at most ${MAX_FRAME} are allowed`);
      const end = offset + LENGTH_BYTES + length + TAG_BYTES;
      if (end > bytes.length) break;
      const aad = bytes.subarray(offset, offset + LENGTH_BYTES);
      const text = open(this.#key, this.#nonce.next(), bytes.subarray(offset + LENGTH_BYTES, end), aad);
      if (!text) throw new Error('a frame that was not sealed with the key of this session');
      opened.push(text);
      offset = end;
    }
    this.#rest = Buffer.from(bytes.subarray(offset));
    return Buffer.concat(opened);
  }
}

/** Four zero bytes and a 64-bit counter, least significant byte first. */
class CounterNonce {
  #count = 0n;

  next(): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(this.#count, 4);
    this.#count += 1n;
    return nonce;
  }
}
