import { expect, test, vi } from 'vitest';

import type { Access } from '../../src/access/access.ts';
import type { Call } from '../../src/http/route.ts';

import { mqttUserRoutes, type MqttUserDirectory } from '../../src/http/routes/mqtt-users.ts';

const LAMP = {
  name: 'lamp',
  publish: ['lamp/#'],
  subscribe: ['#'],
  enabled: true,
  createdMs: 0,
  connections: 2,
};

function setUp(mqttUsers: Partial<MqttUserDirectory> | null) {
  const record = vi.fn();
  const access = { audit: { record } } as unknown as Access;
  const routes = mqttUserRoutes({ access, mqttUsers: mqttUsers as MqttUserDirectory | null });
  const call = async (method: string, body: unknown = {}): Promise<{ status: number; body: unknown }> => {
    const found = routes.find((route) => route.method === method);
    if (!found) throw new Error('no such route');
    const principal = { userId: 'u', username: 'admin' };
    const made = {
      requestId: 'r',
      address: '127.0.0.1',
      principal,
      query: { limit: 50 },
      body,
      param: () => 'lamp',
    };
    const reply = await found.handle(made as unknown as Call);
    return {
      status: reply.status,
      body: typeof reply.body === 'string' ? (JSON.parse(reply.body) as unknown) : reply.body,
    };
  };
  return { record, call, routes };
}

test('each route is for administrators only', () => {
  const { routes } = setUp(null);
  expect(routes.map(({ method, path, authority }) => `${method} ${path} ${authority}`)).toEqual([
    'GET /api/mqtt/users system:admin',
    'POST /api/mqtt/users system:admin',
    'PATCH /api/mqtt/users/{name} system:admin',
    'DELETE /api/mqtt/users/{name} system:admin',
  ]);
});

test('a made-up password is told once and never audited', async () => {
  const create = vi.fn(async () => await Promise.resolve({ user: LAMP, password: 'made up' }));
  const { call, record } = setUp({ create, list: () => [LAMP] });
  const made = await call('POST', { name: 'lamp' });
  expect(made).toMatchObject({ status: 201, body: { name: 'lamp', password: 'made up', connections: 2 } });
  expect(JSON.stringify((await call('GET')).body)).not.toContain('made up');
  expect(record).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ action: 'mqtt_user.create', target: 'lamp', details: {} }),
  );
});

test('a change tells what was changed, not to what', async () => {
  const change = vi.fn(async () => await Promise.resolve({ user: LAMP, password: null }));
  const { call, record } = setUp({ change });
  await call('PATCH', { password: 'very secret', new_password: false });
  expect(change).toHaveBeenCalledWith('lamp', { password: 'very secret', newPassword: false });
  expect(record).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      action: 'mqtt_user.change',
      details: { changed: ['password', 'new_password'] },
    }),
  );
});

test('with an external broker it says where the users are', async () => {
  await expect(setUp(null).call('GET')).rejects.toMatchObject({ kind: 'conflict' });
});
