import * as z from 'zod';

import type { ControlTasks } from '../cli/cli.ts';
import type { Insights } from '../insights/insights.ts';

import { energyJson } from '../http/http.ts';

const energyArgs = z.object({ days: z.int().min(1).max(731) });

/** What the command line asks about energy, see `energy-command.ts`. */
export function energyTasks({ energy }: Pick<Insights, 'energy'>): ControlTasks {
  return {
    energy: async (args) => {
      const { days } = energyArgs.parse(args);
      const report = await energy.report({ span: { days }, resolution: 'day', visible: null });
      return energyJson(report);
    },
  };
}
