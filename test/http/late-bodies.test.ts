import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { makePerson, type Person } from './people.ts';
import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
let ben: Person;
beforeEach(async () => {
  api = await startTestApi();
  api.sync.answer = null;
  await api.call('POST', '/api/entities', {
    id: 'kitchen',
    entity_type: 'room',
    content: { name: 'Kitchen' },
  });
  await api.call('POST', '/api/entities', { id: 'lamp', entity_type: 'device', content: { name: 'Lamp' } });
  ben = await makePerson(api, 'ben', 'member');
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

/** Sends a request but for the end of its body, lets something happen, and sends the rest. @returns the status. */
async function sendLate(
  [method, path, body]: readonly [string, string, unknown],
  meanwhile: () => Promise<unknown>,
): Promise<number> {
  const text = JSON.stringify(body);
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  const arrived: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => arrived.push(chunk));
  const closed = once(socket, 'close');
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${ben.token}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    'expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  // Now the hub has the headers, and waits for the body.
  await once(socket, 'data');
  expect(Buffer.concat(arrived).toString('latin1')).toMatch(/^HTTP\/1\.1 100 /);
  arrived.length = 0;
  socket.write(text.slice(0, 5));
  await meanwhile();
  if (socket.writable) socket.write(text.slice(5));
  await closed;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(arrived).toString('latin1'))?.[1]);
}

const rename = ['PATCH', '/api/entities/lamp', { content: { name: "Ben's" } }] as const;

describe('whoever loses their rights while their request is on its way', () => {
  test.each([
    ['deleted', 401, async () => await api.call('DELETE', `/api/users/${ben.id}`)],
    ['logged out', 401, async () => await ben.call('POST', '/api/auth/logout')],
    [
      'limited to a room',
      404,
      async () => await api.call('PATCH', `/api/users/${ben.id}`, { rooms: ['kitchen'] }),
    ],
  ] as const)('%s: changes nothing any more', async (_, status, meanwhile) => {
    const got = await sendLate(rename, meanwhile);
    expect(got).toBe(status);
    const lamp = (await (await api.call('GET', '/api/entities/lamp')).json()) as { content: unknown };
    expect(lamp.content).toEqual({ name: 'Lamp' });
  });

  test('by sync neither', async () => {
    const push = [
      'POST',
      '/api/sync/inbetweenies',
      {
        protocol_version: 'inbetweenies-v1.1',
        device_id: 'phone',
        user_id: ben.id,
        vector_clock: {},
        changes: [
          {
            change_type: 'create',
            entity_id: 'late',
            entity_version: '2026-01-01T00:00:00.000Z-phone',
            entity_type: 'note',
            content: { name: 'late' },
            timestamp: '2026-01-01T00:00:00Z',
            parent_versions: [],
          },
        ],
      },
    ] as const;
    expect(await sendLate(push, async () => await api.call('DELETE', `/api/users/${ben.id}`))).toBe(401);
    expect((await api.call('GET', '/api/entities/late')).status).toBe(404);
  });

  test('a slow request of somebody who still may is served', async () => {
    expect(await sendLate(rename, async () => await Promise.resolve())).toBe(200);
  });
});
