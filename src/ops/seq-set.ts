/**
 * A set of row numbers that grow from one: a bit for each, so that a million rows take 125 KB.
 */
export class SeqSet {
  #bits = new Uint8Array(1024);

  add(seq: number): void {
    const byte = Math.floor(seq / 8);
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (seq % 8));
  }

  has(seq: number): boolean {
    return ((this.#bits[Math.floor(seq / 8)] ?? 0) & (1 << (seq % 8))) !== 0;
  }
}
