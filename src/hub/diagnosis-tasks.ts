import * as z from 'zod';

import type { Access } from '../access/access.ts';
import type { AuditAction } from '../access/types.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { BrokerUsers } from '../mqtt/types.ts';
import type { Diagnosis } from './diagnosis.ts';

import { TERMINAL } from '../access/types.ts';
import { HubError } from '../base/errors.ts';

const deviceArgs = z.object({ device: z.string() });
const ghostArgs = z.object({ silent_hours: z.number() });
const topicArgs = z.object({ topics: z.array(z.string()) });
const sniffArgs = z.object({ seconds: z.number().min(1).max(300) });
const nameArgs = z.object({ name: z.string() });

/**
 * What the command line asks about devices, see `device-commands.ts`.
 * @param users null where the hub has no broker of its own
 */
export function diagnosisTasks(
  diagnosis: Diagnosis,
  users: BrokerUsers | null,
  audit: Access['audit'],
): ControlTasks {
  const running = (): BrokerUsers => {
    if (users) return users;
    throw new HubError('conflict', 'The hub runs no MQTT broker of its own: mqtt.mode is not "embedded".');
  };
  const record = (action: AuditAction, target: string): void =>
    audit.record({ action, by: TERMINAL.principal, from: TERMINAL, target });
  const recordForgotten = (topics: readonly string[]): void => {
    const details = { topics: topics.slice(0, 20), count: topics.length };
    audit.record({ action: 'mqtt.forget', by: TERMINAL.principal, from: TERMINAL, details });
  };
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
      recordForgotten(topics);
      return await Promise.resolve({ cleared: topics.length });
    },
    mqtt_users: async () => await Promise.resolve(running().list()),
    mqtt_user_add: async (args) => {
      const { user, password } = await running().create(nameArgs.parse(args));
      record('mqtt_user.create', user.name);
      return { name: user.name, password };
    },
    mqtt_user_remove: async (args) => {
      const { name } = nameArgs.parse(args);
      await running().delete(name);
      record('mqtt_user.delete', name);
      return {};
    },
    mqtt_sniff: async (args, { signal }) => await diagnosis.sniff({ ...sniffArgs.parse(args), signal }),
  };
}
