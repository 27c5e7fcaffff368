import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';

import { startTestApi, type TestApi } from './support.ts';

const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n';
const handshake = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n${KEY}${more}\r\n`;

async function isWell(api: TestApi): Promise<void> {
  expect((await fetch(`${api.url}/health`)).status).toBe(200);
}

describe('upgrades', () => {
  test('below /ws/ they are handed on, with their first bytes', async () => {
    const taken: { url: string | undefined; head: string }[] = [];
    await using api = await startTestApi({
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        taken.push({ url: request.url, head: head.toString() });
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      },
    });
    expect(await api.raw(`${handshake('/ws/alex')}first bytes`)).toMatch(/^HTTP\/1\.1 101 /);
    expect(taken).toEqual([{ url: '/ws/alex', head: 'first bytes' }]);
  });

  test('elsewhere they are 404 and the connection ends', async () => {
    await using api = await startTestApi();
    for (const path of ['/health', '/api/entities', '/ws', '/', '//ws/x']) {
      const answer = await api.raw(handshake(path));
      expect(answer, path).toMatch(/^HTTP\/1\.1 404 /);
      expect(answer).toMatch(/"code":"NOT_FOUND"/);
    }
    await isWell(api);
  });

  test('an offer to upgrade to something else is ignored and the request answered', async () => {
    await using api = await startTestApi();
    const answer = await api.raw(
      'GET /health HTTP/1.1\r\nhost: hub\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('they count like any request', async () => {
    await using api = await startTestApi({
      rateLimitPerMinute: 3,
      upgrade: (_, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    });
    const statuses: string[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await api.raw(handshake('/ws/alex'))).slice(9, 12));
    expect(statuses).toEqual(['101', '101', '101', '429']);
    const known = `sec-websocket-protocol: inbetweenies, bearer.${api.token}\r\n`;
    expect((await api.raw(handshake('/ws/alex', known))).slice(9, 12)).toBe('101');
  });

  test('a reset in the middle of one, at whatever moment, does not end the process', async () => {
    const sockets: Duplex[] = [];
    await using api = await startTestApi({ upgrade: (_, socket) => void sockets.push(socket) });
    for (let i = 0; i < 20; i++) {
      const socket = api.connect();
      await once(socket, 'connect');
      socket.write(handshake('/ws/alex', `authorization: Bearer ${api.token}\r\n`));
      if (i % 2 === 0) await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(i / 4));
      socket.resetAndDestroy();
    }
    await vi.waitFor(() => expect(sockets.every((socket) => socket.destroyed)).toBe(true));
    await isWell(api);
  });
});

describe('connections', () => {
  test('garbage, oversized and split headers are refused without harm', async () => {
    await using api = await startTestApi();
    expect(await api.raw('\u0016\u0003\u0001 this is TLS\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await api.raw(`GET /health HTTP/1.1\r\nhost: hub\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    const many = Array.from({ length: 3000 }, (_, i) => `h${i}: x\r\n`).join('');
    expect(await api.raw(`GET /health HTTP/1.1\r\nhost: hub\r\n${many}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled =
      'POST /api/auth/login HTTP/1.1\r\nhost: hub\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(await api.raw(`${smuggled}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    await isWell(api);
  });

  test('more headers than a hundred are refused', async () => {
    await using api = await startTestApi();
    const many = Array.from({ length: 150 }, (_, i) => `h${i}: x\r\n`).join('');
    const answer = await api.raw(
      `GET /api/entities HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n${many}authorization: Bearer ${api.token}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('a host that is none and an address in absolute form do no harm', async () => {
    await using api = await startTestApi();
    const ask = async (line: string, host: string): Promise<string> =>
      (await api.raw(`${line} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).slice(9, 12);
    expect(await ask('GET /health', 'a b<>')).toBe('200');
    expect(await ask('GET http://elsewhere/health', 'elsewhere')).toBe('200');
    expect(await ask('GET *', 'hub')).toMatch(/4../);
    expect(await ask('OPTIONS *', 'hub')).toMatch(/4../);
    expect(await ask('GET //health', 'hub')).toBe('404');
    expect(await ask('PROPFIND /health', 'hub')).toBe('404');
    await isWell(api);
  });

  test('a client that leaves in the middle of its body, or of the answer, is no error of ours', async () => {
    await using api = await startTestApi();
    for (const method of ['POST', 'PATCH']) {
      const socket = api.connect();
      await once(socket, 'connect');
      const path = method === 'POST' ? '/api/entities' : '/api/entities/x';
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${api.token}\r\ncontent-length: 1000\r\n\r\n{"half`,
      );
      await new Promise((resolve) => socket.write('', resolve));
      socket.resetAndDestroy();
    }
    await isWell(api);
    expect(api.graph.headSeq).toBe(0);
  });
});

describe('closing', () => {
  test('what is being answered is finished, and nothing is left open', async () => {
    const api = await startTestApi();
    const inside = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    vi.spyOn(api.sync, 'exchange').mockImplementation(async () => {
      inside.resolve();
      await finish.promise;
      return '{"late":true}';
    });
    const idle = api.connect();
    await once(idle, 'connect');
    const answer = api.call('POST', '/api/sync/inbetweenies', {});
    await inside.promise;
    const closed = api[Symbol.asyncDispose]();
    await expect(fetch(`${api.url}/health`)).rejects.toThrow();
    finish.resolve();
    const response = await answer;
    expect(await response.json()).toEqual({ late: true });
    expect(response.headers.get('connection')).toBe('close');
    await closed;
    await api.http[Symbol.asyncDispose]();
  });

  test('a request that never ends and an upgraded socket are cut', async () => {
    const sockets: Duplex[] = [];
    const api = await startTestApi({ upgrade: (_, socket) => void sockets.push(socket) });
    const inside = Promise.withResolvers<void>();
    vi.spyOn(api.sync, 'exchange').mockImplementation(async () => {
      inside.resolve();
      return await new Promise<string>(() => undefined);
    });
    const stuck = api.call('POST', '/api/sync/inbetweenies', {}).catch(() => 'cut');
    const socket = api.connect();
    socket.on('error', () => undefined);
    socket.write(handshake('/ws/alex'));
    await inside.promise;
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    await api[Symbol.asyncDispose]();
    expect(await stuck).toBe('cut');
    expect(sockets[0]?.destroyed).toBe(true);
  });
});
