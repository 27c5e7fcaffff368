import { quantile } from '../measure.ts';

/** The lowest and the highest of the runs' ratios. */
export function spread(ratios: readonly number[]): string {
  return `${quantile(ratios, 0).toFixed(2)} to ${quantile(ratios, 1).toFixed(2)}`;
}
