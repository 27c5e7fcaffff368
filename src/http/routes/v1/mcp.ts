import * as z from 'zod';

import type { Tools } from '../../../tools/tools.ts';
import type { Route } from '../../route.ts';
import type { HttpOptions } from '../../types.ts';

import { HubError } from '../../../base/errors.ts';
import { HttpProblem, toProblem } from '../../problem.ts';
import { json, jsonText } from '../../reply.ts';
import { route } from '../../route.ts';
import { jsonObject } from '../../schemas.ts';
import { INVALID_INPUT } from './schemas.ts';

const toolSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    parameters: jsonObject.describe('JSON Schema of the arguments'),
  })
  .meta({ id: 'Tool' });

const PARAMS = { name: { description: 'The name of a tool', example: 'get_devices_in_room' } } as const;

/** What a tool can refuse, as v2 clients know it: 400 whatever the reason. A hub in trouble keeps its own status. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid', 'not_found', 'conflict', 'too_large']);

/** The tools of Inbetweenies v2 over REST. */
export function mcpV1Routes({ access, tools }: Pick<HttpOptions, 'access'> & { tools: Tools }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/mcp/tools',
      authority: 'home:read',
      summary: 'The tools that there are',
      answer: { status: 200, schema: z.object({ tools: z.array(toolSchema), count: z.int() }) },
      handle: () => {
        const all = tools.list();
        return json({ tools: all, count: all.length });
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/mcp/tools/{name}',
      authority: 'home:read',
      summary: 'One tool',
      params: PARAMS,
      answer: { status: 200, schema: toolSchema },
      handle: (call) => {
        const name = call.param('name');
        const found = tools.describe(name);
        if (!found) throw new HubError('not_found', `Tool '${name.slice(0, 64)}' not found`);
        return json(found);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/mcp/tools/{name}',
      authority: 'home:read',
      summary: 'Runs a tool; one that changes the home needs graph:write',
      params: PARAMS,
      body: z.object({ arguments: jsonObject }),
      ...INVALID_INPUT,
      example: { arguments: { room_id: 'kitchen' } },
      answer: {
        status: 200,
        schema: z.object({ success: z.literal(true), result: jsonObject }),
      },
      handle: async (call) => {
        const name = call.param('name');
        const { principal } = call;
        if (tools.mutates(name) && !access.allows(principal, 'graph:write')) {
          throw new HubError('forbidden', `The role ${principal.role} may not change the home with ${name}.`);
        }
        const author = { userId: principal.userId, deviceId: 'mcp' };
        try {
          return jsonText(`{"success":true,"result":${await tools.call(name, call.body.arguments, author)}}`);
        } catch (error) {
          if (!(error instanceof HubError) || !REFUSALS.has(error.kind)) throw error;
          throw new HttpProblem(400, toProblem(error).code, error.message);
        }
      },
    }),
  ];
}
