/** Normal quantile of a two-sided 95 % interval. */
const Z = 1.959964;
export const DAY_MINUTES = 1440;

/**
 * The lower end of Wilson's 95 % interval of a share.
 * @param hits may be no whole number, 0 to `trials`.
 */
export function wilsonLower(hits: number, trials: number): number {
  if (trials <= 0) return 0;
  const share = hits / trials;
  const z2 = Z * Z;
  const centre = share + z2 / (2 * trials);
  const half = Z * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials));
  return Math.max(0, (centre - half) / (1 + z2 / trials));
}

/** The chance of `hits` or more out of `trials`, each with the chance `chance`. */
export function binomialTail(hits: number, trials: number, chance: number): number {
  if (hits <= 0) return 1;
  if (chance <= 0) return 0;
  if (chance >= 1) return 1;
  let log = logChoose(trials, hits) + hits * Math.log(chance) + (trials - hits) * Math.log1p(-chance);
  let sum = 0;
  for (let k = hits; k <= trials; k++) {
    sum += Math.exp(log);
    log += Math.log((trials - k) / (k + 1)) + Math.log(chance) - Math.log1p(-chance);
  }
  return Math.min(1, sum);
}

/**
 * Which of the p-values stand when of all that stand at most a share `rate` may be wrong (Benjamini and Hochberg).
 * @param tried how many were tried in all, those that were not worth a p-value included.
 */
export function benjaminiHochberg(pValues: readonly number[], tried: number, rate: number): boolean[] {
  const ranked = pValues.toSorted((a, b) => a - b);
  let limit = -1;
  for (const [rank, p] of ranked.entries()) {
    if (p <= (rate * (rank + 1)) / Math.max(tried, pValues.length)) limit = p;
  }
  return pValues.map((p) => p <= limit);
}

/** By how much `minute` is after `centre` on a clock of 24 hours: -720 up to but not 720. */
export function circularDifference(minute: number, centre: number): number {
  return modulo(minute - centre + DAY_MINUTES / 2, DAY_MINUTES) - DAY_MINUTES / 2;
}

/** Whether two times of day are within so many minutes of each other. */
export function isNear(minute: number, other: number, within: number): boolean {
  return Math.abs(circularDifference(minute, other)) <= within;
}

/** Circular standard deviation of differences to a centre, minutes. */
export function circularSpread(differences: readonly number[]): number {
  if (differences.length === 0) return 0;
  const turn = (2 * Math.PI) / DAY_MINUTES;
  const cos = mean(differences.map((minutes) => Math.cos(minutes * turn)));
  const sin = mean(differences.map((minutes) => Math.sin(minutes * turn)));
  const length = Math.min(1, Math.hypot(cos, sin));
  return length === 0 ? DAY_MINUTES / 2 : Math.sqrt(-2 * Math.log(length)) / turn;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** The index of the first of the ascending numbers that is `least` or more. */
export function firstFrom(sorted: readonly number[], least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? Number.POSITIVE_INFINITY) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether one of the ascending numbers lies in the range, both ends included. */
export function hasWithin(sorted: readonly number[], from: number, to: number): boolean {
  return (sorted[firstFrom(sorted, from)] ?? Number.POSITIVE_INFINITY) <= to;
}

function logChoose(n: number, k: number): number {
  let log = 0;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return log;
}
