import { afterEach, beforeEach, expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/log.ts';
import { ClientRecords } from '../../src/clients/clients.ts';
import { clientTables } from '../../src/clients/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';
import { startTestApi, type TestApi } from './support.ts';
import { logIn, logInAsGuest, type V2Client } from './v2-client.ts';

const NOW = '2026-01-01T00:00:00.000000+00:00';
const CREATE =
  '/sync-metadata/?client_id=tablet&server_url=http%3A%2F%2Fhub%3A8000&auth_token=very-secret-token';

let lines: string[];
let api: TestApi;
let client: V2Client;
beforeEach(async () => {
  lines = [];
  const destination = { write: (line: string) => void lines.push(line) };
  api = await startTestApi({ log: createLogger({ level: 'trace', format: 'json', destination }) });
  client = await logIn(api);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const FRESH = {
  id: 1,
  client_id: 'tablet',
  last_sync_time: null,
  last_sync_success: null,
  last_sync_error: null,
  sync_failures: 0,
  total_syncs: 0,
  total_conflicts: 0,
  server_url: 'http://hub:8000',
  sync_in_progress: false,
  next_retry_time: null,
  created_at: NOW,
  updated_at: NOW,
};

/** When the next try is due, in seconds from now. */
async function fail(): Promise<number> {
  const { status, body } = await client.call('POST', '/sync-metadata/tablet/sync-failure?error=no%20network');
  expect(status).toBe(200);
  return (Date.parse(String(body['next_retry'])) - api.clock.nowMs()) / 1000;
}

test('a client makes its record and finds it again', async () => {
  expect(await client.call('POST', CREATE)).toEqual({ status: 200, body: FRESH });
  expect((await client.call('GET', '/sync-metadata/tablet')).body).toEqual(FRESH);
  const list = await fetch(`${api.url}/api/v1/sync-metadata/?limit=10`, {
    headers: { authorization: `Bearer ${client.token}` },
  });
  expect(await list.json()).toEqual([FRESH]);
  api.clock.advance(1000);
  const moved = await client.call('POST', '/sync-metadata?client_id=tablet&server_url=http://other');
  expect(moved.body).toEqual({
    ...FRESH,
    server_url: 'http://other',
    updated_at: '2026-01-01T00:00:01.000000+00:00',
  });
});

test('the token that comes with it is kept nowhere', async () => {
  await client.call('POST', CREATE);
  const rows = api.store.db.all('SELECT * FROM client_sync_metadata');
  expect(JSON.stringify(rows)).toContain('tablet');
  expect(lines.join('\n')).toContain('answered a request');
  expect(JSON.stringify(rows) + lines.join('\n')).not.toContain('very-secret-token');
});

test('a sync that works is counted', async () => {
  await client.call('POST', CREATE);
  expect((await client.call('POST', '/sync-metadata/tablet/sync-start')).body).toEqual({
    status: 'sync_started',
    client_id: 'tablet',
  });
  expect((await client.call('GET', '/sync-metadata/tablet/status')).body).toMatchObject({
    last_sync: NOW,
    sync_in_progress: true,
    total_syncs: 0,
  });
  await fail();
  expect((await client.call('POST', '/sync-metadata/tablet/sync-success')).body).toEqual({
    status: 'sync_success',
    client_id: 'tablet',
  });
  expect((await client.call('GET', '/sync-metadata/tablet/status')).body).toEqual({
    client_id: 'tablet',
    last_sync: NOW,
    last_success: NOW,
    sync_failures: 0,
    total_syncs: 2,
    total_conflicts: 0,
    sync_in_progress: false,
    last_error: null,
    next_retry: null,
  });
});

test('after failures the wait doubles, up to 32 minutes', async () => {
  await client.call('POST', CREATE);
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) waits.push(await fail());
  expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 1920, 1920]);
  expect((await client.call('GET', '/sync-metadata/tablet')).body).toMatchObject({
    sync_failures: 9,
    last_sync_error: 'no network',
    next_retry_time: '2026-01-01T00:32:00.000000+00:00',
  });
  const named = '/sync-metadata/tablet/sync-failure?error=x&next_retry=2026-02-01T00:00:00Z';
  expect((await client.call('POST', named)).body['next_retry']).toBe('2026-02-01T00:00:00.000000+00:00');
});

test('what is not known has zeros for a status, and is not found otherwise', async () => {
  expect(await client.call('GET', '/sync-metadata/nobody/status')).toMatchObject({
    status: 200,
    body: { client_id: 'nobody', last_sync: null, sync_failures: 0, total_syncs: 0, sync_in_progress: false },
  });
  for (const [method, path] of [
    ['GET', '/sync-metadata/nobody'],
    ['POST', '/sync-metadata/nobody/sync-start'],
    ['POST', '/sync-metadata/nobody/sync-success'],
    ['POST', '/sync-metadata/nobody/sync-failure?error=x'],
    ['DELETE', '/sync-metadata/nobody'],
  ] as const) {
    expect([path, await client.call(method, path)]).toMatchObject([
      path,
      { status: 404, body: { detail: 'Sync metadata not found' } },
    ]);
  }
});

test('a record is forgotten when asked', async () => {
  await client.call('POST', CREATE);
  expect((await client.call('DELETE', '/sync-metadata/tablet')).body).toEqual({
    status: 'deleted',
    client_id: 'tablet',
  });
  expect((await client.call('GET', '/sync-metadata/tablet')).status).toBe(404);
});

test('an id that was given away names no other record later', async () => {
  await client.call('POST', CREATE);
  await client.call('DELETE', '/sync-metadata/tablet');
  expect((await client.call('POST', CREATE)).body).toEqual({ ...FRESH, id: 2 });
});

test('records of an older hub keep their ids', async () => {
  using folder = temporaryFolder();
  const [firstStep = ''] = clientTables.steps;
  const older = await openTestStore(folder.path, [{ owner: 'clients', steps: [firstStep] }]);
  older.write((tx) => {
    tx.run(
      `INSERT INTO client_sync_metadata VALUES (7, 'tablet', 'http://hub', 1, 2, 'no network', 3, 4, 1, 5, 6, 7)`,
    );
  });
  const before = older.db.all('SELECT * FROM client_sync_metadata');
  await older[Symbol.asyncDispose]();
  await using store = await openTestStore(folder.path, [clientTables]);
  expect(store.db.all('SELECT * FROM client_sync_metadata')).toEqual(before);
  const records = new ClientRecords({ store, clock: new ManualClock() });
  await records.remove('tablet');
  expect(await records.put('phone', 'http://hub')).toMatchObject({ id: 8 });
});

test.each([
  ['POST', '/sync-metadata?client_id=tablet'],
  ['POST', '/sync-metadata?server_url=x'],
  ['GET', '/sync-metadata?limit=0'],
  ['POST', '/sync-metadata/tablet/sync-failure'],
  ['POST', '/sync-metadata/tablet/sync-failure?error=x&next_retry=soon'],
])('%s %s is not well-formed', async (method, path) => {
  expect((await client.call(method, path)).status).toBe(422);
});

test('the clients that were quiet for longest are forgotten when there are too many', async () => {
  api.store.write((tx) => {
    for (let i = 0; i < 1000; i++) {
      tx.run(
        `INSERT INTO client_sync_metadata (client_id, server_url, failures, syncs, in_progress, created_ms, updated_ms)
         VALUES (?, '', 0, 0, 0, ?, ?)`,
        `client-${i}`,
        i,
        i,
      );
    }
  });
  expect((await client.call('POST', CREATE)).status).toBe(200);
  expect((await client.call('GET', '/sync-metadata/client-0')).status).toBe(404);
  expect((await client.call('GET', '/sync-metadata/client-1')).status).toBe(200);
});

test('guests may look and not write', async () => {
  await client.call('POST', CREATE);
  const guest = await logInAsGuest(api, client);
  expect((await guest.call('GET', '/sync-metadata/tablet')).status).toBe(200);
  expect((await guest.call('POST', CREATE)).status).toBe(403);
  expect((await guest.call('DELETE', '/sync-metadata/tablet')).status).toBe(403);
});
