import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { HomekitDesk } from './homekit-desk.ts';

import { TERMINAL } from '../access/types.ts';

const chooseArgs = z.object({
  device: z.string(),
  excluded: z.boolean().optional(),
  bridge: z.int().min(1).max(1000).optional(),
  alone: z.literal(true).optional(),
  invert_opening: z.boolean().optional(),
  invert_tilt: z.boolean().optional(),
  component: z.string().optional(),
  renew: z.literal(true).optional(),
  confirm: z.literal(true).optional(),
});

/** What the command line asks and decides about Apple Home, see `homekit-command.ts`. */
export function homekitTasks(
  desk: HomekitDesk,
  diagnosis: Pick<Diagnosis, 'find'>,
  audit: Access['audit'],
): ControlTasks {
  return {
    homekit: async () => await Promise.resolve(desk.overview()),
    homekit_choose: async (args) => {
      const { device, confirm, ...asked } = chooseArgs.parse(args);
      const { invert_opening: invertOpening, invert_tilt: invertTilt, ...others } = asked;
      const target = diagnosis.find(device);
      const place = await desk.choose(target, { ...others, invertOpening, invertTilt, confirm });
      const details = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
      audit.record({ action: 'homekit.device', by: TERMINAL.principal, from: TERMINAL, target, details });
      return place;
    },
  };
}
