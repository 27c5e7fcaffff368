import * as z from 'zod';

import type { AuditAction } from '../../access/types.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { pageOf, pageQuery } from '../paging.ts';
import { empty, json, type Reply } from '../reply.ts';
import { route, type Call, type Route } from '../route.ts';
import { pageSchema } from '../schemas.ts';
import { NO_STORE } from './auth.ts';
import { originOf } from './author.ts';

interface MqttUser {
  readonly name: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly enabled: boolean;
  readonly createdMs: number;
  readonly connections: number;
}

interface MqttUserInput {
  readonly password?: string | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly subscribe?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
}

interface ToldMqttUser {
  readonly user: MqttUser;
  /** Where one was made up. */
  readonly password: string | null;
}

/** Who may use the hub's own broker. */
export interface MqttUserDirectory {
  list(): MqttUser[];
  create(user: MqttUserInput & { readonly name: string }): Promise<ToldMqttUser>;
  change(
    name: string,
    change: MqttUserInput & { readonly newPassword?: boolean | undefined },
  ): Promise<ToldMqttUser>;
  delete(name: string): Promise<void>;
}

type MqttUsersContext = Pick<HttpOptions, 'access' | 'mqttUsers'>;

const filtersBody = z
  .array(z.string())
  .describe('Topic filters; %u stands for the user name, %c for the client id');
const rights = {
  publish: filtersBody.optional().describe('What it may publish to; default everything (`#`)'),
  subscribe: filtersBody.optional().describe('What it may subscribe to; default everything (`#`)'),
  enabled: z.boolean().optional(),
};
const createBody = z.strictObject({
  name: z.string().describe('1 to 64 letters, digits or . _ @ -'),
  password: z.string().optional().describe('At least 8 characters; without it one is made up'),
  ...rights,
});
const changeBody = z.strictObject({
  password: z.string().optional(),
  new_password: z.boolean().optional().describe('Have another password made up'),
  ...rights,
});

const userFields = {
  name: z.string(),
  publish: z.array(z.string()),
  subscribe: z.array(z.string()),
  enabled: z.boolean(),
  created_at: z.string(),
  connections: z.int().describe('Clients that are connected as this user'),
};
const userSchema = z.object(userFields).meta({ id: 'MqttUser' });
const toldSchema = z
  .object({
    ...userFields,
    password: z.string().nullable().describe('Where one was made up; it is shown this once'),
  })
  .meta({ id: 'ToldMqttUser' });

const USER_PARAMS = { name: { description: 'The name of an MQTT user', example: 'kitchen-lamp' } };

/** Logins of the embedded broker for single devices, with rights of their own. */
export function mqttUserRoutes({ access, mqttUsers }: MqttUsersContext): Route[] {
  const running = (): MqttUserDirectory => {
    if (mqttUsers) return mqttUsers;
    throw new HubError(
      'conflict',
      'The hub runs no MQTT broker of its own (mqtt.mode is not "embedded"); the broker in use has its own users.',
    );
  };
  const record = (action: AuditAction, call: Call, target: string, changed: readonly string[] = []): void => {
    const details = changed.length > 0 ? { changed } : {};
    access.audit.record({ action, by: call.principal, from: originOf(call), target, details });
  };
  return [
    route({
      method: 'GET',
      path: '/api/mqtt/users',
      authority: 'system:admin',
      summary: 'The users of the embedded MQTT broker, by name',
      query: pageQuery,
      answer: { status: 200, schema: pageSchema(userSchema) },
      handle: ({ query }) => {
        const { items, nextCursor } = pageOf(running().list(), query, (_, index) => index + 1);
        return json({ items: items.map(userJson), next_cursor: nextCursor }, { headers: NO_STORE });
      },
    }),
    route({
      method: 'POST',
      path: '/api/mqtt/users',
      authority: 'system:admin',
      summary: 'Makes an MQTT user; a password that is made up is shown this once',
      body: createBody,
      example: { name: 'kitchen-lamp', publish: ['lamps/%u/#'], subscribe: ['lamps/%u/set'] },
      answer: { status: 201, schema: toldSchema },
      handle: async (call) => {
        const told = await running().create(call.body);
        record('mqtt_user.create', call, told.user.name);
        return toldReply(told, 201);
      },
    }),
    route({
      method: 'PATCH',
      path: '/api/mqtt/users/{name}',
      authority: 'system:admin',
      summary: 'Changes the rights or the password of an MQTT user, and disconnects its clients at once',
      params: USER_PARAMS,
      body: changeBody,
      example: { enabled: false },
      answer: { status: 200, schema: toldSchema },
      handle: async (call) => {
        const { new_password: newPassword, ...rest } = call.body;
        const told = await running().change(call.param('name'), { ...rest, newPassword });
        record('mqtt_user.change', call, told.user.name, Object.keys(call.body));
        return toldReply(told, 200);
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/mqtt/users/{name}',
      authority: 'system:admin',
      summary: 'Ends an MQTT user, its clients and its sessions, at once',
      params: USER_PARAMS,
      answer: { status: 204, schema: null },
      handle: async (call) => {
        await running().delete(call.param('name'));
        record('mqtt_user.delete', call, call.param('name'));
        return empty(204);
      },
    }),
  ];
}

function toldReply({ user, password }: ToldMqttUser, status: number): Reply {
  return json({ ...userJson(user), password }, { status, headers: NO_STORE });
}

function userJson({ createdMs, ...user }: MqttUser): object {
  return { ...user, created_at: toIso(createdMs) };
}
