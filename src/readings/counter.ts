/**
 * Says by how much a counter really rose, from its readings in order. What was not watched is not counted: neither the
 * rise across a gap, which would land in one bucket, nor what a counter had before its first reading.
 *
 * A drop is no reset yet: many devices say 0 once when they start. When the old count comes next, the drop never
 * happened; when a second reading is low too, counting goes on from there. Where the old count returns even after that,
 * in one leap, it is not counted again.
 */
export class CounterWatch {
  /** The count that is believed; undefined before the first reading. */
  #level: number | undefined;
  /** A lower reading that the next one has to confirm. */
  #drop: number | undefined;
  /** The count before the last confirmed reset, until it is reached again. */
  #before: number | undefined;
  #isFirstZero = false;
  #isUnwatched = false;

  /** What comes next was not watched from the reading before on. */
  interrupt(): void {
    this.#isUnwatched = true;
  }

  /** @returns by how much the counter rose since the reading before, as far as that is known. */
  take(value: number): number {
    const level = this.#level;
    if (level === undefined) {
      // A lone 0 may be the word of a device that starts, and the whole meter would be counted after it.
      if (value === 0 && !this.#isFirstZero) this.#isFirstZero = true;
      else this.#level = value;
      this.#isUnwatched = false;
      return 0;
    }
    if (value >= level) return this.#climb(level, value);
    if (this.#drop === undefined) {
      this.#drop = value;
      return 0;
    }
    const from = Math.min(this.#drop, value);
    this.#drop = undefined;
    this.#before = Math.max(level, this.#before ?? level);
    return this.#climb(from, value);
  }

  #climb(from: number, value: number): number {
    this.#drop = undefined;
    this.#level = value;
    const before = this.#before;
    const isReturn = before !== undefined && value >= before && value - from > before / 2;
    if (before !== undefined && value >= before) this.#before = undefined;
    const isUnwatched = this.#isUnwatched;
    this.#isUnwatched = false;
    return isUnwatched ? 0 : value - (isReturn ? before : from);
  }
}
