import type { Grid } from './grid.ts';
import type { HomeCurve } from './peaks.ts';
import type { PriceVector } from './prices.ts';
import type { Quarters } from './quarters.ts';
import type { EnergyBucket, EnergyResolution } from './types.ts';

import { bucketEdges, QUARTER_MS } from './grid.ts';
import { costOf } from './prices.ts';
import { sumOf } from './quarters.ts';

/** A device that is known for less than this share does not make everything else look unknown. */
const COUNTS_FROM = 0.5;

/** What several devices used together. They are added one by one, so that only the sum stays in memory. */
export class CurveSum {
  readonly #grid: Grid;
  readonly #untilMs: number;
  readonly #wh: Float64Array;
  /** Sums of shares known: of the devices that are heard for long enough, and of all. */
  readonly #heard: Float64Array;
  readonly #any: Float64Array;
  #heardCount = 0;
  #count = 0;

  constructor(grid: Grid, untilMs: number) {
    this.#grid = grid;
    this.#untilMs = untilMs;
    this.#wh = new Float64Array(grid.count);
    this.#heard = new Float64Array(grid.count);
    this.#any = new Float64Array(grid.count);
  }

  /**
   * Adds a device. One that is hardly ever heard counts for what is known only where all are like it.
   * @param wh what of its energy is in no other count
   */
  add(wh: Float32Array, energy: Quarters): void {
    const pastMs = Math.max(1, this.#untilMs - this.#grid.fromMs);
    for (let n = 0; n < wh.length; n++) this.#wh[n] = (this.#wh[n] ?? 0) + (wh[n] ?? 0);
    addShares(this.#any, energy.coveredMs);
    this.#count += 1;
    if (energy.covered() < COUNTS_FROM * pastMs) return;
    addShares(this.#heard, energy.coveredMs);
    this.#heardCount += 1;
  }

  /** Nothing may be added after it. */
  finish(): HomeCurve {
    const [known, count] =
      this.#heardCount > 0 ? [this.#heard, this.#heardCount] : [this.#any, Math.max(1, this.#count)];
    for (let n = 0; n < known.length; n++) known[n] = (known[n] ?? 0) / count;
    const grid = this.#grid;
    const endQuarter = Math.min(grid.count, grid.quarterOf(this.#untilMs));
    return { grid, wh: this.#wh, known, endQuarter };
  }
}

/** The curve of one device alone. */
export function curveOfOne(energy: Quarters, untilMs: number): HomeCurve {
  const curve = new CurveSum(energy.grid, untilMs);
  curve.add(energy.wh, energy);
  return curve.finish();
}

/** What goes in and out of a home, as far as it is metered. */
export interface HomeFlows {
  readonly imported: HomeCurve;
  readonly produced: HomeCurve | null;
  readonly exported: HomeCurve | null;
}

/**
 * What the home used: what came from the grid and its own roof, without what it fed in. Where the roof is not metered,
 * it is what came from the grid: what is fed in came from the roof, and is no part of that. It is known where every one
 * of these is.
 */
export function homeCurve({ imported, produced, exported }: HomeFlows): HomeCurve {
  if (!produced) return imported;
  const [wh, known] = [imported.wh.slice(), imported.known.slice()];
  // Counters move at different moments: a quarter can seem to have fed in more than there was. The next ones pay for it.
  let owed = 0;
  for (let n = 0; n < wh.length; n++) {
    known[n] = Math.min(known[n] ?? 0, produced.known[n] ?? 0, exported?.known[n] ?? 1);
    const used = (wh[n] ?? 0) + (produced.wh[n] ?? 0) - (exported?.wh[n] ?? 0) + owed;
    const isKnown = known[n] !== 0;
    wh[n] = isKnown ? Math.max(0, used) : 0;
    owed = isKnown ? Math.min(0, used) : 0;
  }
  return { ...imported, wh, known };
}

/** The curve in buckets, with what `paidWh` (default: the curve itself) costs. */
export function bucketsOf(
  { grid, wh, known }: HomeCurve,
  resolution: EnergyResolution,
  { prices, untilMs, paidWh = wh }: { prices: PriceVector; untilMs: number; paidWh?: Float64Array },
): EnergyBucket[] {
  const edges = bucketEdges(grid, resolution);
  const buckets: EnergyBucket[] = [];
  for (let n = 0; n + 1 < edges.length; n++) {
    const [first, end] = [edges[n] ?? 0, edges[n + 1] ?? 0];
    const startMs = grid.startOf(first);
    if (startMs >= untilMs) break;
    const pastMs = Math.min(grid.startOf(end), untilMs) - startMs;
    const coverage = Math.min(1, (sumOf(known, first, end) * QUARTER_MS) / pastMs);
    const kwh = sumOf(wh, first, end) / 1000;
    // A device that is hardly ever heard may be the only one that is known here.
    const isKnown = coverage > 0 || kwh > 0;
    buckets.push({
      startMs,
      endMs: grid.startOf(end),
      kwh: isKnown ? kwh : null,
      cost: isKnown ? costOf(paidWh, prices, first, end) : null,
      coverage,
    });
  }
  return buckets;
}

/** Keeps buckets of one device as numbers: as objects, those of a hundred devices would be large. */
export function packBuckets(buckets: readonly EnergyBucket[]): () => EnergyBucket[] {
  const starts = Float64Array.from(buckets, ({ startMs }) => startMs);
  const ends = Float64Array.from(buckets, ({ endMs }) => endMs);
  const kwhs = Float32Array.from(buckets, ({ kwh }) => kwh ?? Number.NaN);
  const costs = Float64Array.from(buckets, ({ cost }) => cost ?? Number.NaN);
  const coverages = Float32Array.from(buckets, ({ coverage }) => coverage);
  return () =>
    Array.from(starts, (startMs, n) => ({
      startMs,
      endMs: ends[n] ?? 0,
      kwh: numberOrNull(kwhs[n]),
      cost: numberOrNull(costs[n]),
      coverage: coverages[n] ?? 0,
    }));
}

function numberOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** Adds for which share of each quarter the energy is known. */
function addShares(into: Float64Array, coveredMs: Float32Array): void {
  for (let n = 0; n < into.length; n++) {
    into[n] = (into[n] ?? 0) + Math.min(1, (coveredMs[n] ?? 0) / QUARTER_MS);
  }
}
