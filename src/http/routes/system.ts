import * as z from 'zod';

import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { toIso } from '../../base/clock.ts';
import { HubError } from '../../base/errors.ts';
import { json } from '../reply.ts';
import { route } from '../route.ts';

type SystemContext = Pick<HttpOptions, 'clock' | 'notReady' | 'version'>;

const healthSchema = z.object({
  status: z.literal('healthy'),
  service: z.literal('funkygibbon'),
  version: z.string(),
  timestamp: z.string(),
});

export function systemRoutes({ clock, notReady, version }: SystemContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/',
      authority: 'public',
      summary: 'What answers here',
      answer: {
        status: 200,
        schema: z.object({
          name: z.literal('FunkyGibbon'),
          version: z.string(),
          status: z.literal('ready'),
        }),
      },
      handle: () => json({ name: 'FunkyGibbon', version, status: 'ready' }),
    }),
    route({
      method: 'GET',
      path: '/health',
      authority: 'public',
      summary: 'Whether the process is alive, and what it is',
      answer: { status: 200, schema: healthSchema },
      handle: () =>
        json({
          status: 'healthy',
          service: 'funkygibbon',
          version,
          timestamp: toIso(clock.nowMs()),
        }),
    }),
    route({
      method: 'GET',
      path: '/ready',
      authority: 'public',
      summary: 'Whether the hub can do its work; 503 while it cannot',
      answer: { status: 200, schema: z.object({ status: z.literal('ready') }) },
      handle: () => {
        const reason = notReady?.() ?? null;
        if (reason !== null) throw new HubError('unavailable', reason);
        return json({ status: 'ready' });
      },
    }),
  ];
}
