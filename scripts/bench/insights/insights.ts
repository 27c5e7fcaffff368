import type { Result } from '../measure.ts';

import { benchEnergy } from './energy.ts';
import { benchHabits } from './habits.ts';
import { benchRollup } from './rollup.ts';

/** What conclusions from the history of a home cost. */
export async function benchInsights(): Promise<Result[]> {
  return [...(await benchEnergy()), ...(await benchHabits()), ...(await benchRollup())];
}
