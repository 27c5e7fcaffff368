import * as z from 'zod';

import type { Access, UserView } from '../access/access.ts';
import type { ControlTasks } from '../cli/cli.ts';

import { ROLES, TERMINAL } from '../access/types.ts';
import { HubError } from '../base/errors.ts';
import { userJson } from '../http/http.ts';

const role = z.enum(ROLES, { error: `A role is one of ${ROLES.join(', ')}.` });
const addArgs = z.object({
  username: z.string(),
  role,
  expires_at_ms: z.number().nullable(),
  password: z.string().optional(),
});
const changeArgs = z.object({ name: z.string(), role: role.optional(), password: z.string().optional() });
const removeArgs = z.object({ name: z.string() });

/** What the command line asks about people, see `user-command.ts`. Whoever may use it counts as the owner. */
export function userTasks({ users }: Pick<Access, 'users'>): ControlTasks {
  return {
    users: async () => await Promise.resolve(users.list().map(userJson)),
    users_add: async (args) => {
      const { username, role: asRole, expires_at_ms: expiresAtMs, password } = read(addArgs, args);
      const input = { username, role: asRole, expiresAtMs, ...(password !== undefined && { password }) };
      return userJson(await users.create(input, TERMINAL));
    },
    users_change: async (args) => {
      const { name, ...patch } = read(changeArgs, args);
      return userJson(await users.change(named(users, name).id, patch, TERMINAL));
    },
    users_remove: async (args) => {
      await users.delete(named(users, read(removeArgs, args).name).id, TERMINAL);
      return {};
    },
  };
}

function named(users: Access['users'], name: string): UserView {
  const found = users.findByName(name);
  if (found) return found;
  throw new HubError(
    'not_found',
    `Nobody here is called ${name.slice(0, 64)}. funkygibbon users shows who is.`,
  );
}

function read<T>(schema: z.ZodType<T>, args: unknown): T {
  const { success, data, error } = schema.safeParse(args);
  if (success) return data;
  throw new HubError('invalid', error.issues[0]?.message ?? 'The order cannot be read.');
}
