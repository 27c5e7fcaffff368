import * as z from 'zod';

import type { ControlTasks } from '../cli/cli.ts';
import type { Diagnosis } from './diagnosis.ts';

const deviceArgs = z.object({ device: z.string() });
const ghostArgs = z.object({ silent_hours: z.number() });
const topicArgs = z.object({ topics: z.array(z.string()) });
const sniffArgs = z.object({ seconds: z.number().min(1).max(300) });

/** What the command line asks about devices, see `device-commands.ts`. */
export function diagnosisTasks(diagnosis: Diagnosis): ControlTasks {
  return {
    devices: async () => await Promise.resolve(diagnosis.list()),
    explain: async (args) => {
      const { device } = deviceArgs.parse(args);
      return await Promise.resolve(diagnosis.explain(diagnosis.find(device)));
    },
    mqtt: async () => await Promise.resolve(diagnosis.mqtt()),
    mqtt_ghosts: async (args) => await Promise.resolve(diagnosis.ghosts(ghostArgs.parse(args).silent_hours)),
    mqtt_forget: async (args) => {
      const { topics } = topicArgs.parse(args);
      diagnosis.clearGhosts(topics);
      return await Promise.resolve({ cleared: topics.length });
    },
    mqtt_sniff: async (args, { signal }) => await diagnosis.sniff({ ...sniffArgs.parse(args), signal }),
  };
}
