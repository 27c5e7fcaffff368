import type { Grid } from './grid.ts';

import { QUARTER_MS } from './grid.ts';

/** Energy of one device by quarters of an hour, and for how long each is known. What lies outside of the period is dropped. */
export class Quarters {
  readonly grid: Grid;
  /** A year of a hundred devices is in memory at once: four bytes are finer than any meter. */
  readonly wh: Float32Array;
  readonly coveredMs: Float32Array;

  constructor(grid: Grid) {
    this.grid = grid;
    this.wh = new Float32Array(grid.count);
    this.coveredMs = new Float32Array(grid.count);
  }

  /** Spreads energy evenly over a stretch of time. */
  addWh(fromMs: number, toMs: number, wh: number): void {
    if (wh !== 0) spread(this.grid, this.wh, fromMs, toMs, wh);
  }

  /** Notes that this much of a stretch is known. */
  cover(fromMs: number, toMs: number, coveredMs: number): void {
    spread(this.grid, this.coveredMs, fromMs, toMs, coveredMs);
  }

  /** Of the quarters from one up to another. */
  kwh(from = 0, to = this.grid.count): number {
    return sumOf(this.wh, from, to) / 1000;
  }

  covered(from = 0, to = this.grid.count): number {
    return sumOf(this.coveredMs, from, to);
  }
}

export function sumOf(values: Float32Array | Float64Array, from = 0, to = values.length): number {
  let sum = 0;
  for (let n = from; n < to; n++) sum += values[n] ?? 0;
  return sum;
}

function spread(grid: Grid, into: Float32Array, fromMs: number, toMs: number, amount: number): void {
  const first = grid.quarterOf(fromMs);
  const last = Math.ceil((toMs - grid.fromMs) / QUARTER_MS) - 1;
  if (first === last) {
    if (first >= 0 && first < into.length) into[first] = (into[first] ?? 0) + amount;
    return;
  }
  const perMs = amount / (toMs - fromMs);
  for (let quarter = Math.max(first, 0); quarter <= Math.min(last, into.length - 1); quarter++) {
    const startMs = grid.startOf(quarter);
    const lengthMs = Math.min(toMs, startMs + QUARTER_MS) - Math.max(fromMs, startMs);
    into[quarter] = (into[quarter] ?? 0) + perMs * lengthMs;
  }
}
