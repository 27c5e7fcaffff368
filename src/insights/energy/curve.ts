import type { DeviceFold, Turns } from './device-analysis.ts';
import type { Grid } from './grid.ts';
import type { HomeCurve } from './peaks.ts';
import type { PriceVector } from './prices.ts';
import type { EnergyBucket, EnergyResolution } from './types.ts';

import { bucketEdges, QUARTER_MS } from './grid.ts';
import { costOf } from './prices.ts';
import { sumOf } from './quarters.ts';

/** A device that is known for less than this share does not make everything else look unknown. */
const COUNTS_FROM = 0.5;

/** What several devices used together. One that is hardly ever heard does not count for what is known. */
export async function curveOf(
  grid: Grid,
  folds: readonly DeviceFold[],
  untilMs: number,
  turns: Turns,
): Promise<HomeCurve> {
  const wh = new Float64Array(grid.count);
  const known = new Float64Array(grid.count);
  const pastMs = Math.max(1, untilMs - grid.fromMs);
  const heard = folds.filter(({ energy }) => energy.covered() >= COUNTS_FROM * pastMs);
  const counting = new Set(heard.length > 0 ? heard : folds);
  for (const fold of folds) {
    add(wh, fold.energy.wh, 1);
    if (counting.has(fold)) addKnown(known, fold.energy.coveredMs, 1 / counting.size);
    await turns.take();
  }
  return { grid, wh, known, endQuarter: Math.min(grid.count, grid.quarterOf(untilMs)) };
}

/** The same of one. */
export function curveOfOne(grid: Grid, { energy }: DeviceFold, untilMs: number): HomeCurve {
  const known = new Float64Array(grid.count);
  addKnown(known, energy.coveredMs, 1);
  const wh = Float64Array.from(energy.wh);
  return { grid, wh, known, endQuarter: Math.min(grid.count, grid.quarterOf(untilMs)) };
}

/** What the home used: what came from the grid and its own roof, without what it fed in. */
export function homeCurve(
  imported: HomeCurve,
  { mains, solars }: { mains: readonly DeviceFold[]; solars: readonly DeviceFold[] },
): HomeCurve {
  const curve = { ...imported, wh: imported.wh.slice() };
  for (const { energy } of solars) add(curve.wh, energy.wh, 1);
  for (const { exported } of mains) if (exported) add(curve.wh, exported.wh, -1);
  // Counters move at different moments: a quarter can seem to have fed in more than there was.
  for (let n = 0; n < curve.wh.length; n++) curve.wh[n] = Math.max(0, curve.wh[n] ?? 0);
  return curve;
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
    const isKnown = coverage > 0;
    buckets.push({
      startMs,
      endMs: grid.startOf(end),
      kwh: isKnown ? sumOf(wh, first, end) / 1000 : null,
      cost: isKnown ? costOf(paidWh, prices, first, end) : null,
      coverage,
    });
  }
  return buckets;
}

function add(into: Float64Array, values: Float32Array, factor: number): void {
  for (let n = 0; n < into.length; n++) into[n] = (into[n] ?? 0) + factor * (values[n] ?? 0);
}

/** Adds for which share of each quarter the energy is known. */
function addKnown(into: Float64Array, coveredMs: Float32Array, factor: number): void {
  for (let n = 0; n < into.length; n++) {
    into[n] = (into[n] ?? 0) + factor * Math.min(1, (coveredMs[n] ?? 0) / QUARTER_MS);
  }
}
