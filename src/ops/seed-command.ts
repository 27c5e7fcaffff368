import type { CommandIo } from './io.ts';
import type { Home } from './types.ts';

import { writeAll } from './io.ts';
import { reportText } from './report-text.ts';

export interface SeedOrder {
  readonly dryRun: boolean;
  /** Seed a home that has things of its own, too. */
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * `funkygibbon seed`: puts a made-up family home into the graph, for looking around.
 * @throws HubError `conflict` when the home has things of its own.
 */
export async function runSeed(home: Home, order: SeedOrder, io: CommandIo): Promise<void> {
  const report = await home.seed({ dryRun: order.dryRun, force: order.force, signal: io.signal });
  await writeAll(
    io.stdout,
    order.json ? `${JSON.stringify(report)}\n` : reportText(report, 'the made-up home'),
  );
}
