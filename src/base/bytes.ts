/** A stored block is not what was written. */
export class DamagedBlockError extends Error {
  override readonly name = 'DamagedBlockError';
}

/** The largest integer that is written, so that the difference of two fits into a varint. */
export const MAX_INTEGER = 2 ** 50;
const MAX_VARINT = 2 ** 53 - 1;

/** Appends numbers to a block that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits to a byte, the lowest first. */
  varint(value: number): void {
    if (!(value >= 0 && value <= MAX_VARINT)) throw new RangeError(`${value} cannot be written`);
    let left = value;
    while (left >= 128) {
      this.byte((left % 128) + 128);
      left = Math.floor(left / 128);
    }
    this.byte(left);
  }

  /** A whole number of either sign. */
  signed(value: number): void {
    this.varint(zigzag(value));
  }

  float32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(block: Uint8Array): void {
    this.#reserve(block.length);
    this.#bytes.set(block, this.#length);
    this.#length += block.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Takes numbers from a block; whatever is not there or not as it was written is a DamagedBlockError. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new DamagedBlockError('it ends too early');
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let n = 0; n < 8; n++) {
      const next = this.byte();
      value += (next % 128) * factor;
      if (next < 128) {
        if (value > MAX_VARINT) break;
        return value;
      }
      factor *= 128;
    }
    throw new DamagedBlockError('a number is too long');
  }

  signed(): number {
    const value = this.varint();
    return unzigzag(value);
  }

  float32(): number {
    this.#need(4);
    const value = this.#view.getFloat32(this.#at, true);
    this.#at += 4;
    return finite(value);
  }

  float64(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return finite(value);
  }

  bytes(length: number): Uint8Array {
    this.#need(length);
    const block = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return block;
  }

  /** How many follow, each of at least `minBytes`: a number that cannot be right must not make room for itself. */
  count(minBytes: number): number {
    const count = this.varint();
    if (count * minBytes > this.left) throw new DamagedBlockError('it holds less than it says');
    return count;
  }

  end(): void {
    if (this.left > 0) throw new DamagedBlockError('it goes on after its end');
  }

  #need(length: number): void {
    if (this.left < length) throw new DamagedBlockError('it ends too early');
  }
}

export function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new DamagedBlockError('a value is no number');
}

/** Decimals are tried up to this many; with more, values are written as they are in memory. */
const MAX_DECIMALS = 6;
const POWERS: readonly number[] = Array.from({ length: MAX_DECIMALS + 1 }, (_, n) => 10 ** n);
export const AS_FLOATS = 255;

/** The fewest decimals with which every value can be written as a whole number and read back the same; else AS_FLOATS. */
export function decimalsOf(values: readonly number[]): number {
  let decimals = 0;
  for (const value of values) {
    while (!isExact(value, decimals)) {
      decimals += 1;
      if (decimals > MAX_DECIMALS) return AS_FLOATS;
    }
  }
  // A value that is exact with few decimals need not be with more, where it is large.
  for (const value of values) if (!isExact(value, decimals)) return AS_FLOATS;
  return decimals;
}

export function toInteger(value: number, decimals: number): number {
  return Math.round(value * (POWERS[decimals] ?? 1));
}

export function fromInteger(value: number, decimals: number): number {
  return value / (POWERS[decimals] ?? 1);
}

/** @returns the decimals that a block says it has. */
export function readDecimals(from: ByteReader): number {
  const decimals = from.byte();
  if (decimals > MAX_DECIMALS && decimals !== AS_FLOATS) throw new DamagedBlockError('unknown decimals');
  return decimals;
}

function isExact(value: number, decimals: number): boolean {
  const integer = toInteger(value, decimals);
  return Math.abs(integer) <= MAX_INTEGER && fromInteger(integer, decimals) === value;
}
