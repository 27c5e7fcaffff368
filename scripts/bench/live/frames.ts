/** How much of a payload is looked at to tell what a message is. */
const HEAD_BYTES = 32;
const TEXT = 1;

/** A server's text frame, whole: what a reference writes in place of the hub's messages. */
export function textFrame(payload: Buffer): Buffer {
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.from([0x81, length])
      : length < 65_536
        ? Buffer.from([0x81, 126, length >> 8, length & 0xff])
        : Buffer.from([
            0x81,
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ]);
  return Buffer.concat([header, payload]);
}

/** A client's text frame; masked with zeros, which changes nothing. Up to 125 bytes. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** Finds the text frames of a server in a stream, as cheaply as can be: it runs beside what is measured. */
export class FrameReader {
  readonly #onFrame: (length: number, head: Buffer) => void;
  #carry: Buffer | undefined;
  /** Bytes of the frame under way that are still to come. */
  #left = 0;
  #length = 0;
  #opcode = 0;
  #head: Buffer = Buffer.alloc(0);

  /** @param onFrame called when the last byte of a text frame is here, with its length as a whole and its first bytes */
  constructor(onFrame: (length: number, head: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  read(chunk: Buffer): void {
    let data = chunk;
    if (this.#carry) {
      data = Buffer.concat([this.#carry, chunk]);
      this.#carry = undefined;
    }
    let at = 0;
    while (at < data.length) {
      if (this.#left === 0 && !this.#begin(data, at)) {
        this.#carry = data.subarray(at);
        return;
      }
      const taken = Math.min(this.#left, data.length - at);
      this.#left -= taken;
      at += taken;
      if (this.#left === 0) this.#end();
    }
  }

  /** False when too little of the frame is here to know its length and what it is. */
  #begin(data: Buffer, at: number): boolean {
    const available = data.length - at;
    if (available < 2) return false;
    const short = (data[at + 1] ?? 0) & 0x7f;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (available < header) return false;
    const length =
      short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : data.readUInt32BE(at + 6);
    const head = Math.min(length, HEAD_BYTES);
    if (available < header + head) return false;
    this.#opcode = (data[at] ?? 0) & 0x0f;
    this.#head = data.subarray(at + header, at + header + head);
    this.#length = header + length;
    this.#left = this.#length;
    return true;
  }

  #end(): void {
    if (this.#opcode === TEXT) this.#onFrame(this.#length, this.#head);
  }
}
