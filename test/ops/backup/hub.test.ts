import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import type { LoadedConfig } from '../../../src/config/config.ts';
import type { Hub } from '../../../src/hub.ts';

import { MemoryStore } from '../../../src/client/client.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { restoreHome } from '../../../src/hub/backup-home.ts';
import { clientOf, PASSWORD } from '../../client/support.ts';
import { Controller, structureOf, type PairingData } from '../../homekit/controller.ts';
import { startTestHub } from '../../support/hub.ts';
import { temporaryFolder } from '../../support/store.ts';

const SOON = { timeout: 20_000, interval: 20 };
const PASSPHRASE = 'a passphrase of twelve';
const ENV = {
  FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
  FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
  FUNKYGIBBON_HOMEKIT__ENABLED: 'true',
  FUNKYGIBBON_BACKUP__PASSPHRASE: PASSPHRASE,
};

interface BackupJson {
  readonly id: string;
  readonly path: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly status: string;
}

const old = temporaryFolder();
const next = temporaryFolder();
let hub: Hub;
let token: string;

async function login(at: Hub, username = 'admin', password = PASSWORD): Promise<string> {
  const answer = await fetch(`${at.ready.http_url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function call(method: string, path: string, body?: unknown, as = token): Promise<Response> {
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function announceLamp(at: Hub, login: { username: string; password: string }): Promise<void> {
  const device = await mqtt.connectAsync(at.ready.mqtt_url ?? '', { ...login, reconnectPeriod: 0 });
  const config = {
    name: null,
    unique_id: 'lamp',
    command_topic: 'lamp/set',
    state_topic: 'lamp',
    device: { identifiers: ['lamp'], name: 'Lamp' },
  };
  await device.publishAsync('homeassistant/light/lamp/light/config', JSON.stringify(config), {
    qos: 1,
    retain: true,
  });
  await device.endAsync(true);
}

function brokerLogin(at: Hub): { username: string; password: string } {
  const { mqtt: login } = at.pairing();
  if (!login) throw new Error('there is no broker');
  return { username: login.username, password: login.password };
}

function configFor(dataDir: string): LoadedConfig {
  return loadConfig({
    argv: ['--data-dir', dataDir, '--logging.level', 'silent'],
    env: {},
    cwd: dataDir,
    stderrIsTty: false,
    defaultFile: '/nonexistent/hub.yaml',
  });
}

beforeAll(async () => {
  hub = await startTestHub(old.path, ENV);
  token = await login(hub);
}, 60_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  for (const folder of [old, next]) folder[Symbol.dispose]();
});

test('a backup of the hub under load is the home on another machine, with every key and without a pairing', async () => {
  await announceLamp(hub, brokerLogin(hub));
  const bridge = await vi.waitFor(async () => {
    const { bridges } = (await (await call('GET', '/api/homekit')).json()) as {
      bridges: { port: number; pin: string; username: string; accessories: number }[];
    };
    expect(bridges[0]?.accessories).toBe(1);
    return bridges[0] as (typeof bridges)[0] & { number: number };
  }, SOON);
  let pairing: PairingData;
  let structure: readonly string[];
  {
    await using controller = await Controller.pair(bridge);
    pairing = controller.pairing;
    structure = (await controller.accessories()).map(structureOf).toSorted();
  }
  const store = new MemoryStore();
  await using phone = await clientOf(hub.ready.http_url, { store });
  const acked: string[] = [];
  const writer = { isDone: false };
  let id = 0;
  const write = async (): Promise<void> => {
    const name = `note ${id++}`;
    const answer = await call('POST', '/api/entities', { entity_type: 'note', content: { name } });
    if (answer.status === 201) acked.push(name);
  };
  for (let n = 0; n < 30; n++) await write();
  const before = [...acked];
  const writing = (async () => {
    while (!writer.isDone) {
      await write();
      await setImmediate();
    }
  })();
  const answer = await call('POST', '/api/system/backups');
  writer.isDone = true;
  await writing;
  expect(answer.status).toBe(201);
  const made = (await answer.json()) as BackupJson;
  expect(acked.length).toBeGreaterThan(before.length);
  const file = readFileSync(made.path);
  expect(made).toMatchObject({
    sha256: createHash('sha256').update(file).digest('hex'),
    size_bytes: file.length,
    status: 'good',
    encrypted: true,
  });
  await phone.sync();
  const late = await phone.home.createEntity({ entityType: 'note', content: { name: 'after the backup' } });
  expect(await phone.sync()).toMatchObject({ applied: 1 });
  const credentials = brokerLogin(hub);
  await phone.close();
  await hub[Symbol.asyncDispose]();

  const { config } = configFor(next.path);
  const io = { file: made.path, signal: new AbortController().signal, progress: () => undefined };
  await expect(restoreHome(config, { ...io, passphrase: 'not the right one' })).rejects.toThrow(
    'not the passphrase',
  );
  expect(readdirSync(next.path)).toEqual(['hub.lock']);
  const restored = await restoreHome(config, { ...io, passphrase: PASSPHRASE });
  expect(restored).toMatchObject({ keptIn: null, manifest: { home_name: 'Home', sealed: false } });
  const copy = new DatabaseSync(join(next.path, 'funkygibbon.db'), { readOnly: true });
  expect(copy.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  copy.close();

  const { node_id: nodeId } = hub.ready;
  hub = await startTestHub(next.path, ENV);
  token = await login(hub);
  expect(hub.ready.node_id).toBe(nodeId);
  expect(brokerLogin(hub)).toEqual(credentials);
  const notes = new Set<string>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = (await (
      await call('GET', `/api/entities?entity_type=note&limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`)
    ).json()) as { items: { content: { name: string } }[]; next_cursor: string | null };
    for (const { content } of page.items) notes.add(content.name);
    cursor = page.next_cursor;
  }
  expect(before.filter((name) => !notes.has(name))).toEqual([]);
  expect(notes.has('after the backup')).toBe(false);

  // The same bridge, without pairing.
  const answered = (await (await call('GET', '/api/homekit')).json()) as { bridges: (typeof bridge)[] };
  expect(answered.bridges[0]).toMatchObject({ username: bridge.username, paired: true });
  await using controller = new Controller({ ...bridge, port: Number(answered.bridges[0]?.port) }, pairing);
  expect((await controller.accessories()).map(structureOf).toSorted()).toEqual(structure);

  // A phone of before learns that this is another life, and brings back what was made since.
  await using again = await clientOf(hub.ready.http_url, { store });
  expect(await again.sync()).toMatchObject({ resynced: true });
  expect((await call('GET', `/api/entities/${late.id}`)).status).toBe(200);
  const audit = (await (await call('GET', '/api/audit?action=restore')).json()) as {
    items: { target: string }[];
  };
  expect(audit.items).toMatchObject([{ target: made.id, username: 'terminal' }]);
}, 90_000);

test('a restore over a home keeps the old one, and is refused while a hub holds the folder', async () => {
  const made = (await (await call('POST', '/api/system/backups')).json()) as BackupJson;
  const { config } = configFor(next.path);
  const order = {
    file: made.path,
    passphrase: PASSPHRASE,
    signal: new AbortController().signal,
    progress: () => undefined,
  };
  await expect(restoreHome(config, order)).rejects.toThrow('another hub is running');
  const created = await call('POST', '/api/entities', { entity_type: 'note', content: { name: 'lost' } });
  const { id } = (await created.json()) as { id: string };
  await hub[Symbol.asyncDispose]();
  const { keptIn } = await restoreHome(config, order);
  expect(readdirSync(String(keptIn)).toSorted()).toEqual(['funkygibbon.db', 'mqtt-credentials.json']);
  expect(readdirSync(next.path).filter((name) => name.startsWith('.') || name === 'restore.json')).toEqual(
    [],
  );
  hub = await startTestHub(next.path, ENV);
  token = await login(hub);
  expect((await call('GET', `/api/entities/${id}`)).status).toBe(404);
}, 60_000);

test('the owner alone carries one away or deletes it; others of the house do not even see them', async () => {
  for (const [username, role] of [
    ['anna', 'admin'],
    ['ben', 'member'],
  ]) {
    await call('POST', '/api/users', { username, password: PASSWORD, role });
  }
  const [anna, ben] = [await login(hub, 'anna'), await login(hub, 'ben')];
  const made = (await (await call('POST', '/api/system/backups', undefined, anna)).json()) as BackupJson;
  const path = `/api/system/backups/${made.id}`;
  expect((await call('GET', path, undefined, anna)).status).toBe(200);
  expect((await call('GET', path, undefined, ben)).status).toBe(403);
  for (const [method, at] of [
    ['GET', `${path}/download`],
    ['DELETE', path],
  ] as const) {
    expect((await call(method, at, undefined, anna)).status).toBe(403);
  }
  const verified = await call('POST', `${path}/verify`, undefined, anna);
  expect(await verified.json()).toMatchObject({ status: 'good' });
  const download = await call('GET', `${path}/download`);
  const bytes = Buffer.from(await download.arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(made.sha256);
  expect(Object.fromEntries(download.headers)).toMatchObject({
    'content-length': String(made.size_bytes),
    'content-disposition': `attachment; filename="${made.id}"`,
    'cache-control': 'no-store',
  });
  const gone = new AbortController();
  await fetch(`${hub.ready.http_url}${path}/download`, {
    headers: { authorization: `Bearer ${token}` },
    signal: gone.signal,
  });
  gone.abort();
  for (const id of ['..%2F..%2Fetc%2Fpasswd', 'mqtt-credentials.json', 'nothing']) {
    expect((await call('GET', `/api/system/backups/${id}/download`)).status).toBe(404);
  }
  expect((await call('DELETE', path)).status).toBe(204);
  expect((await call('GET', path)).status).toBe(404);
  // None is restored by the API: that is for the machine itself.
  expect((await call('POST', `${path}/restore`)).status).toBe(404);
  const { items } = (await (await call('GET', '/api/audit?limit=20')).json()) as {
    items: { action: string; username: string | null; target: string }[];
  };
  expect(
    items
      .filter(({ action }) => action.startsWith('backup'))
      .map(({ action, username }) => `${action} ${username}`),
  ).toEqual([
    'backup.delete admin',
    'backup.download admin',
    'backup.download admin',
    'backup.verify anna',
    'backup anna',
  ]);
}, 60_000);

test('the schedule makes one, which the job tells of', async () => {
  const { items } = (await (await call('GET', '/api/system/jobs')).json()) as { items: { name: string }[] };
  expect(items.find(({ name }) => name === 'backup')).toMatchObject({ schedule: '40 3 * * *' });
  await call('POST', '/api/system/jobs/backup/run');
  await vi.waitFor(async () => {
    const history = (await (await call('GET', '/api/system/jobs/history?name=backup')).json()) as {
      items: { state: string; summary: string }[];
    };
    expect(history.items[0]).toMatchObject({ state: 'done', summary: expect.stringContaining('read again') });
  }, SOON);
  const backups = (await (await call('GET', '/api/system/backups')).json()) as {
    items: { origin: string }[];
  };
  expect(backups.items[0]).toMatchObject({ origin: 'schedule', status: 'good' });
}, 60_000);
