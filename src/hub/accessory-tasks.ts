import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { AccessoriesPart } from '../accessories/types.ts';
import type { ControlTasks } from '../cli/cli.ts';

import { TERMINAL } from '../access/types.ts';
import { HubError } from '../base/errors.ts';
import { accessoryJson } from '../http/http.ts';

const pairArgs = z.object({ id: z.string(), code: z.string() });
const removeArgs = z.object({ id: z.string(), force: z.boolean() });

/**
 * What the command line asks about HomeKit accessories, see `accessory-commands.ts`.
 * @param accessories null where HomeKit is off
 */
export function accessoryTasks(accessories: AccessoriesPart | null, audit: Access['audit']): ControlTasks {
  const running = (): AccessoriesPart => {
    if (accessories) return accessories;
    throw new HubError('conflict', 'HomeKit is switched off: homekit.enabled is false.');
  };
  const record = (action: 'accessory.pair' | 'accessory.remove', target: string): void =>
    audit.record({ action, by: TERMINAL.principal, from: TERMINAL, target: target.slice(0, 40) });
  return {
    accessories: async () => await Promise.resolve(running().list().map(accessoryJson)),
    accessories_pair: async (args) => {
      const { id, code } = pairArgs.parse(args);
      const paired = await running().pair(id, code);
      record('accessory.pair', id);
      return accessoryJson(paired);
    },
    accessories_remove: async (args) => {
      const { id, force } = removeArgs.parse(args);
      const { mustReset } = await running().remove(id, { force });
      record('accessory.remove', id);
      return { must_reset: mustReset };
    },
  };
}
