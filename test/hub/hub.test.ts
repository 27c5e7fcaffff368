import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { StartError } from '../../src/base/errors.ts';
import { startTestHub } from '../support/hub.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** A port that somebody else listens on. */
async function takenPort(): Promise<{ port: string } & AsyncDisposable> {
  const server: Server = createServer((socket) => socket.destroy());
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: String(address.port),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

describe('start and stop', () => {
  test('every part opens in order and closes again, twice asked', async () => {
    const hub = await startTestHub(folder.path);
    expect(hub.openParts).toEqual([
      'log',
      'data_dir',
      'database',
      'graph',
      'access',
      'devices',
      'readings',
      'sync',
      'activity',
      'mqtt',
      'homekit',
      'accessories',
      'automations',
      'suggestions',
      'jobs',
      'loop_watch',
      'health',
      'metrics',
      'http',
      'live',
      'control',
    ]);
    const health = await fetch(`${hub.ready.http_url}/health`);
    expect(await health.json()).toMatchObject({ status: 'healthy', service: 'funkygibbon' });
    await hub[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    expect(hub.openParts).toEqual([]);
    await expect(fetch(`${hub.ready.http_url}/health`)).rejects.toThrow();
  });

  test('identity, setup code and MQTT credentials are made once', async () => {
    const first = await startTestHub(folder.path);
    const { node_id: nodeId } = first.ready;
    const pairing = first.pairing();
    await first[Symbol.asyncDispose]();
    await using second = await startTestHub(folder.path);
    expect(second.ready.node_id).toBe(nodeId);
    expect(second.pairing()).toMatchObject({
      setupCode: pairing.setupCode,
      homekit: { pin: pairing.homekit?.pin, setupUri: pairing.homekit?.setupUri },
      mqtt: { username: pairing.mqtt?.username, password: pairing.mqtt?.password },
    });
    expect(pairing.setupCode).toMatch(/\S{6,}/);
  });

  test('whatever holds secrets is readable by the hub’s user only', async () => {
    await using _hub = await startTestHub(join(folder.path, 'data'));
    expect(statSync(join(folder.path, 'data')).mode & 0o077).toBe(0);
    expect(statSync(join(folder.path, 'data', 'mqtt-credentials.json')).mode & 0o077).toBe(0);
    expect(statSync(join(folder.path, 'data', 'hub.sock')).mode & 0o077).toBe(0);
  });

  test('the built-in broker speaks TLS with the certificate that the hub made for itself', async () => {
    await using hub = await startTestHub(folder.path, { FUNKYGIBBON_MQTT__TLS__PORT: '0' });
    const { tlsUrl = '', username = '', password = '' } = hub.pairing().mqtt ?? {};
    const ca = readFileSync(join(folder.path, 'tls-cert.pem'));
    const options = { username, password, reconnectPeriod: 0, checkServerIdentity: () => undefined };
    const device = await connectAsync(tlsUrl ?? '', { ...options, ca });
    await device.publishAsync('a', 'b', { qos: 1 });
    await device.endAsync(true);
    await expect(connectAsync(tlsUrl ?? '', options)).rejects.toThrow(/self-signed/);
  });

  test('the ready information holds no secret', async () => {
    await using hub = await startTestHub(folder.path);
    const text = JSON.stringify(hub.ready);
    const { setupCode, mqtt, homekit } = hub.pairing();
    for (const secret of [setupCode, mqtt?.password, homekit?.pin]) expect(text).not.toContain(secret);
  });
});

describe('a start that fails says which part and what to do, and releases everything', () => {
  test.each([
    ['http', 'FUNKYGIBBON_HTTP__PORT'],
    ['mqtt', 'FUNKYGIBBON_MQTT__PORT'],
    ['homekit', 'FUNKYGIBBON_HOMEKIT__PORT'],
  ])('%s port in use', async (part, variable) => {
    await using taken = await takenPort();
    const error: unknown = await startTestHub(folder.path, { [variable]: taken.port }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ part });
    expect(String(error)).toContain(taken.port);
    // All of it was released: the same folder opens again.
    await (await startTestHub(folder.path))[Symbol.asyncDispose]();
  });

  test('a data folder that cannot be made', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    await expect(startTestHub(join(folder.path, 'file', 'data'))).rejects.toThrow(
      /data_dir: .*choose another/,
    );
  });

  test.skipIf(process.getuid?.() === 0)('a data folder that cannot be written', async () => {
    mkdirSync(join(folder.path, 'data'));
    chmodSync(join(folder.path, 'data'), 0o500);
    await expect(startTestHub(join(folder.path, 'data'))).rejects.toThrow(/data_dir: .*writable/);
  });

  test('a second hub on the same folder', async () => {
    await using _first = await startTestHub(folder.path);
    await expect(startTestHub(folder.path)).rejects.toThrow(/another hub is running/);
  });

  test('a database that is none is refused and left as it is', async () => {
    const file = join(folder.path, 'funkygibbon.db');
    writeFileSync(file, 'a shopping list, and nothing that SQLite has ever written. '.repeat(40));
    const before = readFileSync(file, 'utf8');
    await expect(startTestHub(folder.path)).rejects.toThrow(/database: .*not a SQLite database/);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('credentials for the broker that cannot be read', async () => {
    writeFileSync(join(folder.path, 'mqtt-credentials.json'), '{"username":');
    await expect(startTestHub(folder.path)).rejects.toMatchObject({ part: 'mqtt', badConfiguration: true });
  });
});

test('without MQTT and HomeKit the rest works', async () => {
  await using hub = await startTestHub(folder.path, {
    FUNKYGIBBON_MQTT__MODE: 'off',
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
  });
  expect(hub.ready).toMatchObject({ mqtt_url: null, homekit: null });
  expect((await fetch(`${hub.ready.http_url}/ready`)).status).toBe(200);
});

test('a login that ends takes its open WebSocket with it, and a guest code those of its guests', async () => {
  const password = 'correct horse battery';
  await using hub = await startTestHub(folder.path, {
    FUNKYGIBBON_MQTT__MODE: 'off',
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: password,
  });
  await using phone = await Phone.login(hub.ready.http_url, 'phone', password);
  await using admin = await Phone.login(hub.ready.http_url, 'tablet', password);
  await phone.follow();
  const closed = phone.closed();
  await phone.call('POST', '/api/auth/logout');
  expect(await closed).toBe(4401);

  const { qr_data: code } = await admin.call<{ qr_data: { token: string } }>(
    'POST',
    '/api/v1/auth/guest/generate-qr',
    {},
  );
  await using guest = await Phone.enter(hub.ready.http_url, code.token);
  await guest.follow();
  const ended = guest.closed();
  await admin.call('POST', `/api/v1/auth/guest/revoke?token=${code.token}`);
  expect(await ended).toBe(4401);
});
