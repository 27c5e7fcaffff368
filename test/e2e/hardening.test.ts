import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildDaemon, Daemon } from '../support/daemon.ts';
import { Phone, type WireChange } from '../support/phone.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const env = { FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD, FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0' };

describe('what a signed-in client can do to the daemon', () => {
  const folder = temporaryFolder();
  let daemon: Daemon;
  let phone: Phone;

  beforeAll(async () => {
    await buildDaemon();
    daemon = await Daemon.start({ dataDir: folder.path, env });
    phone = await Phone.login(daemon.ready.http_url, 'phone-1', PASSWORD);
  }, 60_000);
  afterAll(async () => {
    await phone[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  function create(id: string, timestamp: string): WireChange {
    return {
      change_type: 'create',
      entity_id: id,
      entity_version: `${id}-1`,
      entity_type: 'note',
      content: { text: 'x' },
      timestamp,
      parent_versions: [],
      user_id: phone.userId,
      device_id: phone.deviceId,
    };
  }

  async function post(body: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<number> {
    const answer = await fetch(`${daemon.ready.http_url}/api/sync/inbetweenies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${phone.token}`, 'content-type': 'application/json', ...headers },
      body,
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  test('a time in the year 1 is kept as sent and harms nothing', async () => {
    const pushed = await phone.sync([create('zero-time', '0001-01-01T00:00:00Z')]);
    expect(pushed.applied).toEqual(['zero-time-1']);
    const { items } = await phone.call<{ items: { id: string; created_at: string }[] }>(
      'GET',
      '/api/entities',
    );
    expect(items.find(({ id }) => id === 'zero-time')?.created_at).toBe('1970-01-01T00:00:00.000Z');
    const other = await Phone.login(daemon.ready.http_url, 'phone-2', PASSWORD);
    const pulled = await other.sync();
    expect(pulled.changes.find(({ entity_id }) => entity_id === 'zero-time')?.timestamp).toBe(
      '0001-01-01T00:00:00Z',
    );
  });

  test.each(['hello 1', 'Jan 1', '2026', '2026-01-01'])('%s is no time', async (timestamp) => {
    await expect(phone.sync([create('no-time', timestamp)])).rejects.toThrow(/VALIDATION_ERROR/);
  });

  test('ten megabytes of empty objects in ten kilobytes are refused, and the daemon lives', async () => {
    const bomb = gzipSync(`{"changes":[${'{},'.repeat(3_400_000)}{}]}`);
    expect(bomb.length).toBeLessThan(20_000);
    expect(await post(new Uint8Array(bomb), { 'content-encoding': 'gzip' })).toBe(413);
    expect((await fetch(`${daemon.ready.http_url}/health`)).status).toBe(200);
  });

  test('eight large syncs at once are all answered', async () => {
    const answers = Array.from({ length: 8 }, async (_, n) => {
      const changes = Array.from({ length: 37 }, (_value, k) => ({
        ...create(`large-${n}-${k}`, new Date().toISOString()),
        content: { text: 'y'.repeat(250_000) },
        device_id: `many-${n}`,
      }));
      const body = {
        protocol_version: 'inbetweenies-v1',
        device_id: `many-${n}`,
        user_id: phone.userId,
        vector_clock: {},
        changes,
      };
      return await post(new TextEncoder().encode(JSON.stringify(body)), {});
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  test('a logged-out socket switches nothing any more', async () => {
    const leaving = await Phone.login(daemon.ready.http_url, 'phone-3', PASSWORD);
    await leaving.follow();
    // The hub closes it as soon as the login has ended.
    const closed = leaving.closed();
    const answer = await fetch(`${daemon.ready.http_url}/api/auth/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${leaving.token}` },
    });
    expect(answer.ok).toBe(true);
    leaving.send({ type: 'command', request_id: 'r', entity_id: 'x', capability: 'on_off', value: true });
    expect(await closed).toBe(4401);
    expect(leaving.messages.some(({ type }) => type === 'command_result')).toBe(false);
  });

  test('a filter that the hub does not know is refused, not ignored', async () => {
    await expect(phone.call('GET', '/api/entities?colour=red')).rejects.toThrow(/400.*colour/);
    await expect(phone.call('GET', '/api/entities?limit=many')).rejects.toThrow(/whole number from 1 to 500/);
  });

  test('a device that was deleted cannot come back as something else', async () => {
    await phone.call('POST', '/api/entities', {
      id: 'was-device',
      entity_type: 'device',
      content: { name: 'D' },
    });
    await fetch(`${daemon.ready.http_url}/api/entities/was-device`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${phone.token}` },
    });
    await expect(
      phone.call('POST', '/api/entities', { id: 'was-device', entity_type: 'note', content: {} }),
    ).rejects.toThrow(/was a device/);
  });

  test('what lost against an unknown id stays readable', async () => {
    const update = {
      ...create('never-there', new Date().toISOString()),
      change_type: 'update' as const,
      parent_versions: ['gone'],
    };
    const answer = await phone.sync([update]);
    expect(answer.conflicts).toEqual(['never-there']);
    const { items } = await phone.call<{ items: { version: string }[] }>(
      'GET',
      '/api/entities/never-there/versions',
    );
    expect(items.map(({ version }) => version)).toEqual(['never-there-1']);
  });

  test('the clock that is answered can always be sent back', async () => {
    for (let n = 0; n < 3; n++) {
      phone.clock = Object.fromEntries(
        [
          ...Object.entries(phone.clock),
          ...Array.from({ length: 500 }, (_, k) => [`stranger-${n}-${k}`, 'v']),
        ].slice(-1000),
      );
      await phone.sync();
      expect(Object.keys(phone.clock).length).toBeLessThanOrEqual(1000);
    }
    expect(phone.clock['server']).toBeDefined();
  });
});

test('a taken HTTP port ends the process with what to do', async () => {
  await buildDaemon();
  using folder = temporaryFolder();
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  const port = typeof address === 'object' && address ? String(address.port) : '';
  await expect(
    Daemon.start({ dataDir: folder.path, env: { ...env, FUNKYGIBBON_HTTP__PORT: port } }),
  ).rejects.toThrow(/ended \(1\)[^]*http: /);
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
});

test('a broker that refuses the password ends the process at once, with nothing left open', async () => {
  await buildDaemon();
  using folder = temporaryFolder();
  // MQTT 3.1.1 section 3.2: a CONNACK with return code 5, not authorized.
  const broker = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.from([0x20, 0x02, 0x00, 0x05])));
  });
  const listening = Promise.withResolvers<void>();
  broker.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = broker.address();
  const port = typeof address === 'object' && address ? String(address.port) : '';
  const refused: unknown = await Daemon.start({
    dataDir: folder.path,
    env: {
      ...env,
      FUNKYGIBBON_MQTT__MODE: 'external',
      FUNKYGIBBON_MQTT__URL: `mqtt://127.0.0.1:${port}`,
      FUNKYGIBBON_MQTT__USERNAME: 'devices',
      FUNKYGIBBON_MQTT__PASSWORD: 'guess',
    },
  }).catch((error: unknown) => error);
  expect(String(refused)).toMatch(/ended \(78\)[^]*mqtt\.password/);
  expect(String(refused)).not.toContain('Still open');
  const closed = Promise.withResolvers<void>();
  broker.close(() => closed.resolve());
  await closed.promise;
});
