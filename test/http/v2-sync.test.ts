import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { AnswerV2, ChangeV2, EntityV2 } from '../sync/v2/client.ts';

import { TERMINAL } from '../../src/access/types.ts';
import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await api[Symbol.asyncDispose]();
});

const SYNC = '/api/v1/sync/';

/** What KittenKong of 2026-06 sends when it pulls for the first time. */
const KITTENKONG = {
  protocol_version: 'inbetweenies-v2',
  device_id: 'kittenkong-1',
  user_id: 'system',
  sync_type: 'full',
  vector_clock: { clocks: {} },
  changes: [] as unknown[],
};
/** What Blowing-Off sends, its nulls dropped. */
const BLOWING_OFF = { ...KITTENKONG, device_id: 'blowing-off', user_id: 'client-user' };

async function sync(body: unknown, path = SYNC, headers: Record<string, string> = {}): Promise<AnswerV2> {
  const response = await api.call('POST', path, body, headers);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text) as AnswerV2;
}

/** An edit as KittenKong queues it: upper-case words, its own kind of version, parents that it never advances. */
function edit(id: string, atMs: number, extra: Partial<EntityV2> = {}): ChangeV2 & { entity: EntityV2 } {
  return {
    change_type: 'update',
    entity: {
      id,
      version: `v-${atMs}`,
      entity_type: 'DEVICE',
      name: 'Lamp',
      content: { power: 'on' },
      source_type: 'MANUAL',
      user_id: 'system',
      parent_versions: [],
      ...extra,
    },
    relationships: [],
  };
}

async function rooms(count: number, text: string): Promise<void> {
  const author = { userId: 'anna', deviceId: 'seed' };
  api.graph.transaction((writer) => {
    for (let i = 0; i < count; i++) {
      const content = { name: `Room ${i}`, text };
      writer.createEntity({ id: `room-${i}`, entityType: 'room', content, author, sourceType: 'manual' });
    }
  });
  await api.graph.settled();
}

/** Unlike fetch it unpacks nothing, and hands out the answer before it is read. */
async function begin(headers: Record<string, string>, body: unknown): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest(
    `${api.url}${SYNC}`,
    { method: 'POST', agent: false, headers: { authorization: `Bearer ${api.token}`, ...headers } },
    resolve,
  );
  request.on('error', reject);
  request.end(JSON.stringify(body));
  return await promise;
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'end');
  return Buffer.concat(chunks);
}

describe('KittenKong', () => {
  test('pulls, edits again and again without advancing parents, and gets each of its pushes acknowledged', async () => {
    const first = await sync(KITTENKONG);
    expect(first).toMatchObject({ changes: [], conflicts: [], vector_clock: { clocks: {} } });
    expect(Number.isNaN(Date.parse(first.server_time))).toBe(false);
    for (const atMs of [1767225600001, 1767225600002, 1767225600003]) {
      const pushed = await sync({ ...KITTENKONG, sync_type: 'delta', changes: [edit('ent-1-abc', atMs)] });
      expect(pushed.changes.map(({ entity }) => [entity.id, entity.version])).toEqual([
        ['ent-1-abc', `v-${atMs}`],
      ]);
      expect(pushed.changes[0]).toMatchObject({
        change_type: 'update',
        entity: {
          entity_type: 'device',
          source_type: 'manual',
          checksum: null,
          content: { power: 'on', name: 'Lamp' },
        },
      });
    }
    const since = new Date(first.server_time).toISOString();
    const delta = { ...KITTENKONG, sync_type: 'delta', filters: { since, entity_types: ['device'] } };
    expect((await sync(delta)).changes).toHaveLength(1);
  });
});

describe('Blowing-Off', () => {
  test('pushes a delete without an entity, an edge alone and a source type of "None", and reads naive times', async () => {
    const version = (seconds: number): string =>
      `2026-01-01T00:00:0${seconds}.123456+00:00-000000-local-user`;
    const lamp = {
      ...edit('lamp', 0).entity,
      entity_type: 'device',
      source_type: 'None',
      version: version(1),
    };
    const hall = {
      ...lamp,
      id: 'hall',
      entity_type: 'room',
      version: '2026-01-01T00:00:00.1+00:00Z-local-user',
    };
    const { server_time: since } = await sync(BLOWING_OFF);
    const pushed = await sync({
      ...BLOWING_OFF,
      sync_type: 'delta',
      changes: [
        { change_type: 'delete', relationships: [] },
        { change_type: 'create', entity: lamp, relationships: [] },
        { change_type: 'create', entity: hall, relationships: [] },
      ],
    });
    expect(pushed.applied).toEqual(['lamp', 'hall']);
    expect(pushed.changes.map(({ entity }) => entity.source_type)).toEqual(['imported', 'imported']);

    const relationship = {
      id: 'edge-1',
      from_entity_id: 'lamp',
      from_entity_version: lamp.version,
      to_entity_id: 'hall',
      to_entity_version: hall.version,
      relationship_type: 'located_in',
      properties: {},
    };
    const changes = [{ change_type: 'update', relationships: [relationship] }];
    const joined = await sync({ ...BLOWING_OFF, sync_type: 'delta', changes });
    expect(joined).toMatchObject({ applied: [], applied_relationships: ['edge-1'] });

    const naive = since.replace('+00:00', '');
    const pulled = await sync({ ...BLOWING_OFF, sync_type: 'delta', filters: { since: naive } });
    expect(pulled.changes.map(({ entity }) => entity.id)).toEqual(['lamp', 'hall']);
    expect(pulled.changes[0]?.relationships).toMatchObject([relationship]);
  });
});

describe('the door', () => {
  test.each(['/api/v1/sync', '/api/v1/sync/'])('R5: %s answers directly', async (path) => {
    const response = await fetch(`${api.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Bearer ${api.token}` },
      body: JSON.stringify(KITTENKONG),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(Number(response.headers.get('content-length'))).toBe((await response.text()).length);
  });

  test.each(['', '/'])('status and conflicts answer, with "%s" at the end of the path too', async (slash) => {
    const get = async (path: string): Promise<unknown> => await (await api.call('GET', path)).json();
    expect(await get(`/api/v1/sync/status${slash}?device_id=kitten`)).toEqual({
      device_id: 'kitten',
      server_time: '1970-01-01T00:00:00.000000+00:00',
      protocol_version: 'inbetweenies-v2',
    });
    expect(await get(`/api/v1/sync/conflicts${slash}`)).toEqual({ conflicts: [] });
    const resolved = await api.call('POST', `/api/v1/sync/conflicts/x/resolve${slash}`, {});
    expect(resolved.status).toBe(404);
    expect(await resolved.json()).toMatchObject({ detail: 'there is no conflict x' });
    expect((await api.call('GET', `/api/v1/sync/status${slash}`)).status).toBe(422);
  });

  const change = { change_type: 'update', entity: edit('lamp', 1).entity, relationships: [] };
  const withEntity = (extra: object): object => ({
    ...KITTENKONG,
    changes: [{ ...change, entity: { ...change.entity, ...extra } }],
  });
  test.each([
    ['', 422],
    ['{', 422],
    ['null', 422],
    ['[]', 422],
    ['"text"', 422],
    ['{}', 422],
    ['['.repeat(1000), 422],
    [JSON.stringify({ ...KITTENKONG, protocol_version: 'inbetweenies-v1' }), 400],
    [JSON.stringify({ ...KITTENKONG, protocol_version: 7 }), 400],
    [JSON.stringify({ ...KITTENKONG, cursor: 'abc' }), 400],
    [JSON.stringify({ ...KITTENKONG, cursor: {} }), 422],
    [JSON.stringify({ ...KITTENKONG, changes: [null] }), 422],
    [JSON.stringify({ ...KITTENKONG, changes: 'all' }), 422],
    [JSON.stringify({ ...KITTENKONG, device_id: 'x'.repeat(129) }), 422],
    [JSON.stringify({ ...KITTENKONG, device_id: '\ud800' }), 422],
    [JSON.stringify({ ...KITTENKONG, filters: { since: 5 } }), 422],
    [JSON.stringify(withEntity({ version: '' })), 422],
    [JSON.stringify(withEntity({ user_id: null })), 422],
    [JSON.stringify(withEntity({ id: '../../etc' })), 422],
    [JSON.stringify(withEntity({ entity_type: '' })), 422],
    [JSON.stringify(withEntity({ content: { text: 'x'.repeat(300_000) } })), 413],
  ])('garbage %# is refused with a detail and never with 500', async (body, status) => {
    const response = await fetch(`${api.url}${SYNC}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(status);
    const { detail } = (await response.json()) as { detail: unknown };
    expect(typeof detail === 'string' && detail.length > 5).toBe(true);
    expect(api.graph.headSeq).toBe(0);
  });

  test('R2: without a token 401, and nothing is applied', async () => {
    const response = await fetch(`${api.url}${SYNC}`, {
      method: 'POST',
      body: JSON.stringify(withEntity({})),
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ detail: expect.any(String) as string });
    expect(api.graph.headSeq).toBe(0);
  });

  test('a guest pulls; what it pushes is refused as a whole', async () => {
    const { code } = await api.access.guestCodes.make(1, TERMINAL);
    const guest = await api.access.guestCodes.enter(code, { address: 'test' });
    const headers = { authorization: `Bearer ${guest.accessToken}` };
    expect((await sync(KITTENKONG, SYNC, headers)).changes).toEqual([]);
    const response = await api.call('POST', SYNC, withEntity({}), headers);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('guest') as string });
    expect(api.graph.headSeq).toBe(0);
  });
});

describe('a large home', () => {
  test.each([
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['zstd', 'zstd', zstdDecompressSync],
    ['identity', undefined, (packed: Buffer) => packed],
  ])('is streamed when the client accepts %s', async (accepted, encoding, unpack) => {
    await rooms(1500, 'ä'.repeat(300));
    const response = await begin({ 'accept-encoding': accepted }, KITTENKONG);
    expect(response.headers['content-encoding']).toBe(encoding);
    expect(response.headers['vary']).toBe('Accept-Encoding');
    expect(response.headers['transfer-encoding']).toBe('chunked');
    const answer = JSON.parse(unpack(await readAll(response)).toString()) as AnswerV2;
    expect(answer.changes).toHaveLength(1500);
    expect(answer).toMatchObject({
      cursor: null,
      state_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test.each(['gzip', 'identity'])(
    'is read no further once the client has gone away (%s)',
    async (encoding) => {
      // What can hardly be packed, and more of it than sockets buffer.
      const noise = Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * i * 7919) >> 5)).toString(
        'base64',
      );
      await rooms(3000, noise);
      const { v2 } = api.sync;
      const original = v2.exchange.bind(v2);
      const ended = Promise.withResolvers<number>();
      vi.spyOn(v2, 'exchange').mockImplementation(async (...given) => {
        const chunks = (await original(...given))[Symbol.asyncIterator]();
        let taken = 0;
        return {
          [Symbol.asyncIterator]: () => ({
            next: async () => {
              taken += 1;
              return await chunks.next();
            },
            return: async () => {
              ended.resolve(taken);
              await chunks.return?.();
              return { done: true, value: undefined };
            },
          }),
        };
      });
      const response = await begin({ 'accept-encoding': encoding }, KITTENKONG);
      await once(response, 'readable');
      response.destroy();
      // 36 MB in chunks of 64 KiB.
      expect(await ended.promise).toBeLessThan(400);
      expect((await api.call('GET', '/health')).status).toBe(200);
    },
  );

  test('what breaks before the first chunk is told as an error, what breaks later cuts the connection', async () => {
    await rooms(1500, 'x'.repeat(300));
    const { v2 } = api.sync;
    // eslint-disable-next-line require-yield -- it breaks before it yields
    vi.spyOn(v2, 'exchange').mockImplementationOnce(async () => await Promise.resolve(broken('')));
    expect((await api.call('POST', SYNC, KITTENKONG)).status).toBe(500);
    vi.spyOn(v2, 'exchange').mockImplementationOnce(
      async () => await Promise.resolve(broken('x'.repeat(100_000))),
    );
    const response = await begin({ 'accept-encoding': 'identity' }, KITTENKONG);
    await expect(readAll(response)).rejects.toThrow(/aborted|ECONNRESET/);
  });
});

async function* broken(first: string): AsyncGenerator<string> {
  if (first !== '') yield first;
  await Promise.resolve();
  throw new Error('the disk is gone');
}
