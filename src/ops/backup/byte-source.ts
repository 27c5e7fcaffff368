/** Takes bytes from a stream in the pieces that a format has, holding little more than one piece. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or all that are left where there are fewer. */
  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let missing = length;
    while (missing > 0 && (await this.#fill())) {
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  /** A piece of what comes next, of any length up to `atMost`; empty at the end. */
  async some(atMost: number): Promise<Uint8Array> {
    if (!(await this.#fill())) return new Uint8Array();
    const piece = this.#rest.subarray(0, atMost);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** A line of ASCII without its end, or undefined where none ends within `limit` bytes. */
  async line(limit: number): Promise<string | undefined> {
    const pieces: Uint8Array[] = [];
    for (let length = 0; length <= limit && (await this.#fill());) {
      const end = this.#rest.indexOf(10);
      const piece = end < 0 ? this.#rest : this.#rest.subarray(0, end);
      length += piece.length;
      pieces.push(piece);
      this.#rest = this.#rest.subarray(end < 0 ? piece.length : end + 1);
      if (end >= 0) return length <= limit ? Buffer.concat(pieces).toString('latin1') : undefined;
    }
    return undefined;
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Everything that is left. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    for (let piece = await this.some(Infinity); piece.length > 0; piece = await this.some(Infinity))
      yield piece;
  }

  /** Lets go of the stream; nothing more is read. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else this.#rest = next.value;
    }
    return this.#rest.length > 0;
  }
}
