import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { noQuery } from '../paging.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';
import { jsonObject } from '../schemas.ts';
import { originOf } from './author.ts';

type MqttContext = Pick<HttpOptions, 'access' | 'diagnosis'>;

const MAX_SNIFF_SECONDS = 60;
const MAX_TOPICS = 1_000;

const nullableText = z.string().nullable();
const deviceRef = z.object({ entity_id: z.string(), name: z.string() });
const statusSchema = z
  .object({
    mode: z.enum(['embedded', 'external', 'off']),
    url: nullableText,
    connected: z.boolean(),
    since: nullableText.describe('Since when it is connected, or not'),
    components: z.int(),
    unsupported: z.int(),
    problems: z.array(
      z.object({
        kind: z.enum(['broker_unreachable', 'offline']),
        message: z.string().describe('A sentence for a person'),
        topic: nullableText.describe('Where it was said'),
        since: nullableText,
        devices: z.array(deviceRef).describe('What cannot be reached because of it'),
      }),
    ),
  })
  .meta({ id: 'MqttStatus' });
const ghostsQuery = z.strictObject({
  silent_hours: z.coerce
    .number()
    .min(0)
    .max(24 * 365)
    .default(24)
    .describe('Not heard of for so long, in this run of the hub; 0: not once'),
});
const ghostSchema = z
  .object({
    topic: z.string(),
    device: deviceRef.nullable(),
    components: z.array(z.string()),
    announced_at: z.string(),
    last_heard_at: nullableText,
  })
  .meta({ id: 'Ghost' });
const clearBody = z.strictObject({ topics: z.array(z.string().min(1).max(1024)).min(1).max(MAX_TOPICS) });
const sniffBody = z.strictObject({ seconds: z.int().min(1).max(MAX_SNIFF_SECONDS).default(10) });
const sniffSchema = z.looseObject({ seconds: z.int(), messages: z.int() }).meta({ id: 'SniffReport' });
const explainSchema = z
  .looseObject({
    entity_id: z.string(),
    name: z.string(),
    available: z.boolean(),
    components: z.array(jsonObject),
  })
  .meta({ id: 'Explanation' });

/** What a person asks about MQTT: what is wrong, what nobody understood, where a value comes from. */
export function mqttRoutes({ access, diagnosis }: MqttContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/mqtt',
      authority: 'home:read',
      summary: 'Whether the MQTT broker and what hangs on it can be reached, one line for each cause',
      query: noQuery,
      answer: { status: 200, schema: statusSchema },
      handle: () => json(diagnosis.mqtt()),
    }),
    route({
      method: 'GET',
      path: '/api/mqtt/ghosts',
      authority: 'system:admin',
      summary: 'Descriptions that the broker keeps while nothing is heard of their devices',
      query: ghostsQuery,
      answer: { status: 200, schema: z.object({ items: z.array(ghostSchema) }) },
      handle: ({ query }) => json({ items: diagnosis.ghosts(query.silent_hours) }),
    }),
    route({
      method: 'POST',
      path: '/api/mqtt/ghosts/clear',
      authority: 'system:admin',
      summary:
        'Has the broker forget descriptions; what they described is removed a day later unless it returns',
      body: clearBody,
      example: { topics: ['homeassistant/light/old_lamp/config'] },
      answer: { status: 200, schema: z.object({ cleared: z.int() }) },
      handle: (call) => {
        const { topics } = call.body;
        diagnosis.clearGhosts(topics);
        const details = { topics: topics.slice(0, 20), count: topics.length };
        access.audit.record({ action: 'mqtt.forget', by: call.principal, from: originOf(call), details });
        return json({ cleared: topics.length });
      },
    }),
    route({
      method: 'POST',
      path: '/api/mqtt/sniff',
      authority: 'system:admin',
      summary: 'Listens for a while and tells what of all messages the hub did not understand',
      body: sniffBody,
      bodyOptional: true,
      example: { seconds: 1 },
      answer: { status: 200, schema: sniffSchema },
      handle: async ({ body }) => json(await diagnosis.sniff(body)),
    }),
    route({
      method: 'GET',
      path: '/api/devices/{id}/explain',
      authority: 'system:admin',
      summary:
        'Where each value of a device comes from: topic, template, last message, last error, Apple Home',
      params: { id: { description: 'The id of a device', example: 'lamp' } },
      query: noQuery,
      answer: { status: 200, schema: explainSchema },
      handle: (call) => json(diagnosis.explain(call.param('id'))),
    }),
  ];
}
