import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import {
  constants,
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { MAX_JSON_DEPTH } from '../../src/base/json.ts';
import { silentLogger } from '../../src/base/log.ts';
import { negotiateEncoding } from '../../src/http/encoding.ts';
import { HttpServer, SERVER_LIMITS } from '../../src/http/server.ts';
import { problemOf, startTestApi, type TestApi } from './support.ts';

const MIB = 1024 * 1024;

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Unlike fetch it unpacks nothing and adds no headers of its own. */
async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer | string,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = httpRequest(
    `${api.url}${path}`,
    { method, headers: { authorization: `Bearer ${api.token}`, ...headers }, agent: false },
    (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    },
  );
  request.on('error', reject);
  request.end(body);
  return await promise;
}

const SYNC = '/api/sync/inbetweenies';

describe('packed bodies', () => {
  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
    ['identity', (body: Buffer) => body],
  ])('a request in %s is understood', async (encoding, pack) => {
    const body = { changes: [], text: 'ä'.repeat(10_000) };
    const answer = await send(
      'POST',
      SYNC,
      { 'content-encoding': encoding },
      pack(Buffer.from(JSON.stringify(body))),
    );
    expect(answer.status).toBe(200);
    expect(api.sync.seen.map((seen) => seen.body)).toEqual([body]);
    expect(api.sync.seen[0]?.principal.username).toBe('admin');
  });

  test.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
    ['br', brotliDecompressSync],
  ] as const)(
    'an answer comes in %s when the header or, without it, the body asks for it',
    async (encoding, unpack) => {
      api.sync.answer = JSON.stringify({ changes: 'x'.repeat(100_000) });
      const byHeader = await send('POST', SYNC, { 'accept-encoding': encoding }, '{"compression":null}');
      const byBody = await send('POST', SYNC, {}, JSON.stringify({ compression: encoding }));
      for (const answer of [byHeader, byBody]) {
        expect(answer.headers['content-encoding']).toBe(encoding);
        expect(answer.headers['vary']).toBe('Accept-Encoding');
        expect(answer.body.length).toBeLessThan(2000);
        expect(Number(answer.headers['content-length'])).toBe(answer.body.length);
        expect(unpack(answer.body).toString()).toBe(api.sync.answer);
      }
      const headerWins = await send(
        'POST',
        SYNC,
        { 'accept-encoding': 'identity' },
        JSON.stringify({ compression: encoding }),
      );
      expect(headerWins.headers['content-encoding']).toBeUndefined();
      expect(headerWins.body.toString()).toBe(api.sync.answer);
    },
  );

  test.each([
    ['gzip, br;q=0.5', 'gzip'],
    ['br, gzip, zstd', 'zstd'],
    ['zstd;q=0, br;q=0.8, gzip;q=0.9', 'gzip'],
    ['*', 'zstd'],
    ['identity', null],
    ['gzip;q=0', null],
    ['deflate', null],
    ['gzip;q=nonsense', null],
    ['', null],
  ])('Accept-Encoding %j means %s', (header, encoding) => {
    expect(negotiateEncoding(header)).toBe(encoding);
  });

  test('an encoding that nobody speaks is 415', async () => {
    const answer = await send('POST', SYNC, { 'content-encoding': 'compress' }, 'x');
    expect(answer.status).toBe(415);
    expect(answer.headers['accept-encoding']).toBe('gzip, zstd, br');
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
  ])('a body that is not the %s it says is 400', async (encoding, pack) => {
    const answer = await send('POST', SYNC, { 'content-encoding': encoding }, 'this is plain text');
    expect(answer.status).toBe(400);
    const whole = pack(Buffer.from('{"changes":[]}'));
    const cut = await send('POST', SYNC, { 'content-encoding': encoding }, whole.subarray(0, -6));
    expect(cut.status).toBe(400);
    expect(api.sync.seen).toEqual([]);
  });
});

describe('sizes', () => {
  const text = (bytes: number): string => `{"text":"${'x'.repeat(bytes - 11)}"}`;

  test('sync takes 10 MiB and not a byte more, whatever the packing', async () => {
    expect((await send('POST', SYNC, {}, text(10 * MIB))).status).toBe(200);
    expect((await send('POST', SYNC, { 'content-encoding': 'gzip' }, gzipSync(text(10 * MIB)))).status).toBe(
      200,
    );
    for (const answer of [
      await send('POST', SYNC, {}, text(10 * MIB + 1)),
      await send('POST', SYNC, { 'content-encoding': 'gzip' }, gzipSync(text(10 * MIB + 1))),
    ]) {
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'TOO_LARGE' });
    }
  });

  test('other bodies may have 1 MiB, whether their length is told or not', async () => {
    const path = '/api/entities';
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await send('POST', path, headers, text(MIB + 1));
      expect(answer.status).toBe(413);
    }
  });

  test.each([
    ['gzip', (body: Buffer) => gzipSync(body, { level: 1 })],
    ['zstd', (body: Buffer) => zstdCompressSync(body)],
    ['br', (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } })],
  ])('a bomb in %s is stopped at the limit', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(300 * MIB));
    expect(bomb.length).toBeLessThan(2 * MIB);
    const before = process.memoryUsage().rss;
    const answer = await send('POST', SYNC, { 'content-encoding': encoding }, bomb);
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * MIB);
  });

  test('a frame that demands a huge window is refused before it gets one', async () => {
    const frame = zstdCompressSync(Buffer.alloc(1000));
    // Frame header descriptor without a single segment, and a window descriptor of 2^(10+17) bytes = 128 MiB.
    const hostile = Buffer.concat([
      frame.subarray(0, 4),
      Buffer.from([0x00, 17 << 3]),
      Buffer.from([0x01, 0, 0]),
    ]);
    const answer = await send('POST', SYNC, { 'content-encoding': 'zstd' }, hostile);
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).toMatch(/memory/);
  });

  test('a refused upload leaves the hub answering and the connection is not used again', async () => {
    const head = `POST /api/entities HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${api.token}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const answer = await api.raw(head + chunk.repeat(17) + 'GET /health HTTP/1.1\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 (413|400) /);
    expect(answer.match(/^HTTP\/1\.1/gm)).toHaveLength(1);
    expect((await fetch(`${api.url}/health`)).status).toBe(200);
  });
});

describe('connections', () => {
  /** The beginning of the hub's answer; '' when it has closed the connection. */
  async function answerOf(socket: Socket): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.once('data', (data: Buffer) => resolve(data.toString('latin1')));
    socket.once('close', () => resolve(''));
    socket.on('error', () => undefined);
    return await promise;
  }
  const HEALTH = 'GET /health HTTP/1.1\r\nhost: hub\r\n\r\n';
  const UPGRADE = 'GET /ws/anna HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';

  test('600 WebSockets leave room for everybody else', async () => {
    await using many = await startTestApi({
      upgrade: (_, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    });
    const sockets: Socket[] = [];
    for (let n = 0; n < 600; n++) {
      const socket = many.connect();
      socket.write(UPGRADE);
      expect(await answerOf(socket), `WebSocket ${n}`).toMatch(/^HTTP\/1\.1 101/);
      sockets.push(socket);
    }
    expect((await many.call('GET', '/health')).status).toBe(200);
    expect(sockets.some(({ destroyed }) => destroyed)).toBe(false);
    for (const socket of sockets) socket.destroy();
  });

  async function smallServer(fetch: () => Promise<Response>): Promise<HttpServer> {
    return await HttpServer.listen({
      host: '127.0.0.1',
      port: 0,
      fetch,
      upgrade: (_, socket) => socket.destroy(),
      log: silentLogger,
      limits: { ...SERVER_LIMITS, maxPlainConnections: 2 },
    });
  }

  test('where all places are taken, who has been idle for longest gives way', async () => {
    await using server = await smallServer(async () => await Promise.resolve(new Response('ok')));
    const dribbling = connect(server.port, '127.0.0.1');
    await once(dribbling, 'connect');
    dribbling.write('GET /health HT');
    const cut = answerOf(dribbling);
    const sockets: Socket[] = [];
    for (let n = 0; n < 2; n++) {
      const socket = connect(server.port, '127.0.0.1');
      socket.write(HEALTH);
      expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 200/);
      sockets.push(socket);
    }
    expect(await cut).toBe('');
    for (const socket of sockets) {
      socket.write(HEALTH);
      expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 200/);
      socket.destroy();
    }
  });

  test('where each has a request under way, a new one is turned away until one is answered', async () => {
    const go = Promise.withResolvers<void>();
    const asked: (() => void)[] = [];
    await using server = await smallServer(async () => {
      asked.pop()?.();
      await go.promise;
      return new Response('ok');
    });
    const answers: Promise<string>[] = [];
    for (let n = 0; n < 2; n++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      asked.push(resolve);
      const socket = connect(server.port, '127.0.0.1');
      socket.write(HEALTH);
      answers.push(answerOf(socket).finally(() => socket.destroy()));
      await promise;
    }
    const third = connect(server.port, '127.0.0.1');
    third.write(HEALTH);
    expect(await answerOf(third)).toBe('');
    go.resolve();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200/);
    const fourth = connect(server.port, '127.0.0.1');
    fourth.write(HEALTH);
    expect(await answerOf(fourth)).toMatch(/^HTTP\/1\.1 200/);
    fourth.destroy();
  });
});

describe('JSON from outside', () => {
  test.each([
    ['', 'empty'],
    ['{', 'JSON'],
    ['{"a":1,}', 'JSON'],
    ['undefined', 'JSON'],
    ['['.repeat(100_000), `${MAX_JSON_DEPTH} levels`],
    [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, `${MAX_JSON_DEPTH} levels`],
    ['[]', 'object'],
    ['null', 'object'],
    ['"text"', 'object'],
  ])('%.20j is refused and says why', async (body, why) => {
    const answer = await send('POST', SYNC, { 'content-type': 'application/json' }, body);
    expect(answer.status).toBe(400);
    const problem = JSON.parse(answer.body.toString()) as { code: string; detail: string };
    expect(problem.code).toBe('VALIDATION_ERROR');
    expect(problem.detail).toContain(why);
    expect(api.sync.seen).toEqual([]);
  });

  test('a body that is not UTF-8 is refused', async () => {
    const answer = await send('POST', SYNC, {}, Buffer.from([0x22, 0xff, 0xfe, 0x22]));
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).toContain('UTF-8');
  });
});

test('those that dribble bodies hold up no large sync', async () => {
  const slow = Array.from({ length: 4 }, () => api.connect());
  for (const socket of slow) {
    socket.write(
      'POST /api/auth/login HTTP/1.1\r\nhost: hub\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
    );
    socket.on('error', () => undefined);
  }
  // Their connections are cut after a minute: longer than this test may take.
  for (let n = 0; n < 3; n++) {
    expect((await api.call('POST', SYNC, { text: 'x'.repeat(400_000) })).status).toBe(200);
  }
  for (const socket of slow) socket.destroy();
});

test("the sync engine's own codes reach the client", async () => {
  api.sync.answer = null;
  const me = (await (await api.call('GET', '/api/auth/me')).json()) as { user_id: string };
  const response = await api.call('POST', SYNC, {
    protocol_version: 'inbetweenies-v1',
    device_id: 'phone',
    user_id: me.user_id,
    vector_clock: { server: 'yesterday' },
    changes: [],
  });
  expect(response.status).toBe(400);
  expect(await problemOf(response)).toMatchObject({
    code: 'INVALID_VECTOR_CLOCK',
    field: 'vector_clock.server',
  });
});

describe('HEAD', () => {
  test('answers as GET would, without the body', async () => {
    for (const path of ['/health', '/api/entities']) {
      const got = await send('GET', path);
      const head = await send('HEAD', path);
      expect([head.status, head.body.length]).toEqual([200, 0]);
      expect(head.headers['content-length']).toBe(got.headers['content-length']);
      expect(head.headers['content-type']).toBe('application/json');
    }
    expect((await send('HEAD', '/api/entities', { authorization: '' })).status).toBe(401);
    expect((await send('HEAD', '/nothing')).status).toBe(404);
  });
});
