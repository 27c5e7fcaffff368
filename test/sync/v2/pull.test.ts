import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { temporaryFolder } from '../../support/store.ts';
import { openSyncHome, principal, TestPhone, type SyncHome } from '../sync-home.ts';
import { digestOf, entity, ids, served, TestClient, versionAt } from './client.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  client = new TestClient(home);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A home of `count` rooms. */
async function rooms(count: number): Promise<void> {
  const author = { userId: 'anna', deviceId: 'seed' };
  home.graph.transaction((writer) => {
    for (let i = 0; i < count; i++) {
      const content = { name: `Room ${i}` };
      writer.createEntity({ id: `room-${i}`, entityType: 'room', content, author, sourceType: 'manual' });
    }
  });
  await home.graph.settled();
}

describe('the request', () => {
  test.each([
    ['another protocol', { protocol_version: 'inbetweenies-v1' }, 'Unsupported protocol version'],
    ['a cursor that is no number', { cursor: 'abc' }, "cursor must be a server_seq integer, got 'abc'"],
  ])('R1, W9: %s is invalid', async (_, extra, message) => {
    await expect(client.send(client.body(extra))).rejects.toMatchObject({ name: 'HubError', message });
  });

  test.each([
    ['a list', []],
    ['nothing', null],
    ['no device', { device_id: undefined }],
    ['no user', { user_id: null }],
    ['an unknown sync_type', { sync_type: 'some' }],
    ['changes that are no list', { changes: {} }],
    ['a change of a wrong kind', { changes: [{ change_type: 'replace' }] }],
    ['a change that is none', { changes: [7] }],
    [
      'an entity without a user',
      { changes: [{ change_type: 'update', entity: { ...entity('a', 'v'), user_id: null } }] },
    ],
    [
      'a content that is a list',
      { changes: [{ change_type: 'update', entity: { ...entity('a', 'v'), content: [] } }] },
    ],
    ['an id with spaces', { changes: [{ change_type: 'update', entity: entity('a b', 'v') }] }],
    [
      'an edge without the version of an end',
      {
        changes: [
          {
            change_type: 'update',
            relationships: [
              {
                id: 'x',
                from_entity_id: 'a',
                to_entity_id: 'b',
                to_entity_version: 'v',
                relationship_type: 'controls',
              },
            ],
          },
        ],
      },
    ],
    ['a since that is no time', { filters: { since: 'yesterday' } }],
    ['a vector clock that is a text', { vector_clock: 'x' }],
  ])('R3, E5: %s is malformed', async (_, extra) => {
    const body = Array.isArray(extra) || extra === null ? extra : client.body(extra);
    await expect(client.send(body)).rejects.toMatchObject({ name: 'MalformedRequest' });
  });

  test('tolerance: no protocol_version, upper case, empty or missing clocks, unknown fields and types', async () => {
    await rooms(2);
    for (const extra of [
      { protocol_version: undefined },
      { sync_type: 'FULL' },
      { vector_clock: {} },
      { vector_clock: null },
      { filters: null },
      { filters: { entity_types: ['ROOM', 'sensor'], modified_by: [] } },
      { filters: { since: null, entity_types: [] } },
      { surprise: true, cursor: '' },
    ]) {
      expect([extra, ids(await client.send(client.body(extra)))]).toEqual([extra, ['room-0', 'room-1']]);
    }
  });

  test('W12: the vector clock comes back as it went in', async () => {
    const clock = { clocks: { a: '7' }, extra: [1, { deep: null }] };
    expect((await client.send(client.body({ vector_clock: clock }))).vector_clock).toEqual(clock);
  });
});

describe('4.8 what is told', () => {
  test('W1, W2, W4: since is exclusive, in any spelling of its zone, and goes by when the hub stored a row', async () => {
    await rooms(1);
    const { server_time: since } = await client.pull();
    expect(since).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    const naive = since.slice(0, -6);
    for (const text of [since, naive, `${naive}Z`]) expect(ids(await client.pull(text))).toEqual([]);
    await client.push([entity('old', '2001-01-01T00:00:00.000000+00:00-000000-anna')]);
    for (const text of [since, naive, `${naive}Z`]) expect(ids(await client.pull(text))).toEqual(['old']);
  });

  test('the watermark of a client that cuts it to milliseconds misses nothing, though the clock stands still', async () => {
    const told = new Set<string>();
    let since: string | undefined;
    for (let i = 0; i < 20; i++) {
      await client.push([entity(`e${i}`, `v-${i}`)]);
      const answer = await new TestClient(home, 'client-2').pull(since);
      for (const id of ids(answer)) told.add(id);
      since = new Date(answer.server_time).toISOString();
      if (i === 10) home.clock.jumpTo(home.clock.nowMs() - 86_400_000);
    }
    expect(told.size).toBe(20);
  });

  test('W3, W5: without since everything is told, each id once, tombstones too, losers never', async () => {
    await client.push([entity('a', versionAt(0)), entity('b', versionAt(0)), entity('c', versionAt(10))]);
    await client.delete(entity('b', versionAt(5), { parent_versions: [versionAt(0)] }));
    const { changes, cursor } = await client.push([entity('c', versionAt(1))]);
    expect(changes.map((change) => [change.change_type, change.entity.version])).toEqual([
      ['update', versionAt(0)],
      ['update', versionAt(10)],
      ['delete', versionAt(5)],
    ]);
    expect(cursor).toBeNull();
  });

  test('W6: filters by type and by author, for full too', async () => {
    await client.push([
      entity('a', 'v-1', { entity_type: 'device', user_id: 'ben' }),
      entity('b', 'v-1', { entity_type: 'accessory' }),
      entity('c', 'v-1'),
    ]);
    expect(ids(await client.pull(undefined, { entity_types: ['device'] }))).toEqual(['a', 'b']);
    expect(ids(await client.pull(undefined, { modified_by: ['ben'] }))).toEqual(['a']);
    expect(ids(await client.pull(undefined, { entity_types: ['room'], modified_by: ['ben'] }))).toEqual([]);
  });

  test('who sends no cursor gets everything in one answer', async () => {
    await rooms(1203);
    const answer = await client.pull();
    expect(new Set(ids(answer)).size).toBe(1203);
    expect(answer.cursor).toBeNull();
  });

  test.each(['full', 'delta'])('W7, W8: pages of 500 drain each row once, for %s', async (sync_type) => {
    await rooms(1203);
    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = '0';
    while (cursor !== null) {
      const answer = await client.send(
        client.body({ sync_type, cursor, filters: { since: '2099-01-01T00:00:00' } }),
      );
      seen.push(...ids(answer));
      sizes.push(answer.changes.length);
      cursor = answer.cursor;
    }
    expect(sizes).toEqual([500, 500, 203]);
    expect(new Set(seen).size).toBe(1203);
  });

  test('W7: filters come before pages', async () => {
    await rooms(600);
    await client.push([entity('lamp', 'v-1', { entity_type: 'device' })]);
    const answer = await client.pull(undefined, { entity_types: ['device'] }, { cursor: 3 });
    expect([ids(answer), answer.cursor]).toEqual([['lamp'], null]);
  });
});

describe('4.9 the digest', () => {
  test('is that of what the client holds, and of nothing in an empty home', async () => {
    const empty = await client.pull();
    expect(empty.state_digest).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    await rooms(700);
    await client.push([entity('snap', 'v-1', { entity_type: 'photo' }), entity('Z', 'v-1')]);
    await client.delete(entity('Z', 'v-2', { parent_versions: ['v-1'] }));
    const answer = await client.pull();
    expect(answer.state_digest).toBe(digestOf(answer.changes.map((change) => change.entity)));
    expect((await client.pull(answer.server_time)).state_digest).toBe(answer.state_digest);
  });
});

test('an answer is of one moment, whatever is written while it is read, and what follows it completes it', async () => {
  await rooms(1500);
  const rows = new Map<string, string>();
  let text = '';
  let writes = 0;
  const author = { userId: 'ben', deviceId: 'other' };
  for await (const chunk of await home.sync.v2.exchange(principal(), client.body())) {
    text += chunk;
    writes += 1;
    home.graph.transaction((writer) => {
      writer.replaceContent(`room-${1500 - writes * 50}`, { name: 'Changed' }, author);
      writer.replaceContent(`room-${writes}`, { name: 'Changed' }, author);
      writer.deleteEntity(`room-${1400 - writes}`, author);
      const content = { name: 'New' };
      writer.createEntity({ id: `new-${writes}`, entityType: 'room', content, author, sourceType: 'manual' });
    });
    await home.graph.settled();
  }
  expect(writes).toBeGreaterThan(5);
  const first = JSON.parse(text) as Awaited<ReturnType<TestClient['pull']>>;
  for (const change of first.changes) rows.set(change.entity.id, change.entity.version);
  expect(first.changes).toHaveLength(1500);
  expect(first.changes.every((change) => change.change_type === 'update')).toBe(true);
  const held = (): Iterable<{ id: string; version: string }> =>
    [...rows].map(([id, version]) => ({ id, version }));
  expect(digestOf(held())).toBe(first.state_digest);

  const next = await client.pull(first.server_time);
  for (const change of next.changes) rows.set(change.entity.id, change.entity.version);
  expect(rows.size).toBe(1500 + writes);
  expect(digestOf(held())).toBe(next.state_digest);
});

test('who stops reading stops the reading', async () => {
  await rooms(2000);
  const answer = await home.sync.v2.exchange(principal(), client.body());
  const chunks = answer[Symbol.asyncIterator]();
  expect((await chunks.next()).done).toBe(false);
  await chunks.return?.();
  expect(await chunks.next()).toEqual({ done: true, value: undefined });
});

test('a v1 phone and v2 clients converge on one graph', async () => {
  const phone = new TestPhone(home, 'phone');
  const kittenkong = new TestClient(home, 'kittenkong');
  const created = phone.create('kitchen', { name: 'Kitchen', floor: 1 });
  created.entity_version = '6f1c0c5e-9f0d-4b51-8a52-0d6f6a0f7c11';
  await phone.sync([created]);
  const told = served(await kittenkong.pull(), 'kitchen')?.entity;
  expect(told).toMatchObject({ version: created.entity_version, name: 'Kitchen', content: { floor: 1 } });
  if (!told) return;

  // Its parents are never advanced.
  await kittenkong.push([{ ...told, version: 'v-1767225600001', name: 'Galley', entity_type: 'ROOM' }]);
  const pulled = await phone.sync();
  expect(pulled.changes).toMatchObject([
    { entity_version: 'v-1767225600001', content: { name: 'Galley', floor: 1 } },
  ]);
  const seen = pulled.changes[0];
  if (!seen) return;
  await phone.sync([phone.update(seen, { floor: 2 })]);
  const { content } = served(await kittenkong.pull(), 'kitchen')?.entity ?? {};
  expect(content).toEqual({ name: 'Galley', floor: 2 });

  await kittenkong.push([entity('hall', 'v-5')]);
  const hall = (await phone.sync()).changes[0];
  if (!hall) return;
  await phone.sync([phone.delete(hall)]);
  expect(served(await kittenkong.pull(), 'hall')).toMatchObject({
    change_type: 'delete',
    entity: { content: { name: 'HALL', deleted: true } },
  });
});

test('the device is known afterwards, with its protocol and its last error', async () => {
  await client.push([entity('kitchen', 'v-1')]);
  const status = (): unknown => home.sync.status('client-1');
  expect(status()).toMatchObject({
    protocol: 'inbetweenies-v2',
    clockValue: 'v-1',
    lastError: null,
    pendingChanges: 0,
  });
  await client.push([entity('a b', 'v-1')]).catch(() => undefined);
  expect(status()).toMatchObject({ lastError: expect.stringContaining('a b') as string });
  expect(home.sync.v2.status('client-1')).toEqual({
    device_id: 'client-1',
    server_time: '2026-01-01T00:00:00.000000+00:00',
    protocol_version: 'inbetweenies-v2',
  });
});
