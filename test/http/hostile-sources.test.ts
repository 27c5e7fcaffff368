import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startTestApi, type TestApi } from './support.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startTestApi({ allowedHosts: ['hub.example'], corsOrigins: ['https://panel.example'] });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

/** A request with just these headers; the status, and the whole answer. */
async function send(
  line: string,
  headers: readonly string[],
  body = '',
): Promise<{ status: number; text: string }> {
  const all = [...headers, 'connection: close', `content-length: ${body.length}`];
  const text = await api.raw(`${line}\r\n${all.join('\r\n')}\r\n\r\n${body}`);
  return { status: Number(text.slice(9, 12)), text };
}

const me = (): string => `authorization: Bearer ${api.token}`;

describe('the name under which the hub is called', () => {
  test.each([
    '127.0.0.1:8000',
    '192.168.1.2',
    '[fd00::7]:8000',
    'localhost:8000',
    'hub',
    'funkygibbon.local:8000',
    'HUB.local.',
    'hub.example:8000',
    'HUB.example',
    hostname(),
  ])('may be %s', async (host) => {
    expect((await send('GET /api/entities HTTP/1.1', [`host: ${host}`, me()])).status).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:8000',
    'hub.example.evil.example',
    'xhub.example',
    'local.evil.example',
  ])('may not be %s, as an attacker can make it point here', async (host) => {
    const answer = await send('GET /api/entities HTTP/1.1', [`host: ${host}`, me()]);
    expect(answer.status).toBe(421);
    expect(answer.text).toContain('"code":"MISDIRECTED_REQUEST"');
    expect(answer.text).toContain('http.allowed_hosts');
    expect(answer.text).not.toContain('access-control');
  });

  test('is not needed by who asks whether the hub is well, and by nobody else', async () => {
    for (const path of ['/health', '/ready', '/health?x=1']) {
      expect((await send(`GET ${path} HTTP/1.0`, [])).status, path).toBe(200);
      expect((await send(`GET ${path} HTTP/1.1`, ['host: evil.example'])).status).toBe(200);
    }
    expect((await send('GET /api/entities HTTP/1.0', [me()])).status).toBe(400);
    expect((await send('GET / HTTP/1.0', [])).status).toBe(400);
    expect((await send('GET /health HTTP/1.1', [])).status).toBe(400);
    expect((await send('GET /healthy HTTP/1.1', ['host: evil.example'])).status).toBe(421);
  });

  test('is said once, and not another one in the address', async () => {
    const get = 'GET /api/entities HTTP/1.1';
    expect((await send(get, ['host: hub', 'Host: evil.example', me()])).status).toBe(400);
    expect((await send(get, ['host: hub', 'host: hub', me()])).status).toBe(400);
    for (const [target, status] of [
      ['http://hub/api/entities', 200],
      ['http://127.0.0.1:8000/api/entities', 200],
      ['http://evil.example/api/entities', 421],
      ['http://evil.example:8000/api/entities', 421],
      ['http://hub@evil.example/api/entities', 421],
    ] as const) {
      expect((await send(`GET ${target} HTTP/1.1`, ['host: hub', me()])).status, target).toBe(status);
    }
  });

  test('that is none at all is told so, without repeating it', async () => {
    const answer = await send('GET /api/entities HTTP/1.1', ['host: <script>', me()]);
    expect(answer.status).toBe(421);
    expect(answer.text).not.toContain('script');
  });

  test('counts for WebSockets too', async () => {
    const upgrade = ['connection: upgrade', 'upgrade: websocket', me()];
    const answer = await api.raw(
      `GET /ws/anna HTTP/1.1\r\nhost: evil.example\r\n${upgrade.join('\r\n')}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect(answer).toMatch(/x-content-type-options: nosniff/);
  });
});

describe('pages of other origins', () => {
  const login = JSON.stringify({ username: 'admin', password: 'wrong password' });
  const from = (origin: string): string[] => [
    'host: hub:8000',
    `origin: ${origin}`,
    'content-type: text/plain',
  ];

  test.each(['http://evil.example', 'http://hub:3000', 'null', 'http://hub.evil.example:8000', 'file://'])(
    '%s may not change anything, nor try passwords',
    async (origin) => {
      for (const [line, body] of [
        ['POST /api/auth/login HTTP/1.1', login],
        ['POST /api/auth/setup HTTP/1.1', '{}'],
        ['POST /api/entities HTTP/1.1', '{"entity_type":"note","content":{}}'],
        ['PATCH /api/entities/x HTTP/1.1', '{}'],
        ['PUT /api/entities/x HTTP/1.1', '{}'],
        ['DELETE /api/entities/x HTTP/1.1', ''],
      ] as const) {
        const answer = await send(line, [...from(origin), me()], body);
        expect([line, answer.status]).toEqual([line, 403]);
        expect(answer.text).toContain('http.cors_origins');
      }
      expect(api.graph.headSeq).toBe(0);
    },
  );

  test('the hub’s own, a listed one, and no page at all may', async () => {
    for (const origin of ['http://hub:8000', 'https://panel.example']) {
      expect((await send('POST /api/auth/login HTTP/1.1', from(origin), login)).status).toBe(401);
    }
    expect((await send('POST /api/auth/login HTTP/1.1', ['host: hub:8000'], login)).status).toBe(401);
  });

  test('what they ask for without changing anything is answered, and not theirs to read', async () => {
    const answer = await send('GET /api/entities HTTP/1.1', [...from('http://evil.example'), me()]);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('access-control-allow-origin');
    expect(answer.text).toContain('cross-origin-resource-policy: same-origin');
  });
});

test('every answer tells browsers to treat it as data, and nobody what answers', async () => {
  const answers = [
    await api.call('GET', '/health'),
    await api.call('GET', '/api/entities'),
    await api.call('GET', '/nothing'),
    await api.call('GET', '/api/entities', undefined, { authorization: '' }),
    await api.call('POST', '/api/entities', { entity_type: 1 }),
    await api.call('DELETE', '/health'),
    await api.call('OPTIONS', '/health'),
    await api.call('OPTIONS', '/api/entities', undefined, {
      origin: 'https://panel.example',
      'access-control-request-method': 'POST',
    }),
    await api.call('GET', '/api/entities/%E0%A4%A'),
  ];
  for (const { status, headers } of answers) {
    expect(Object.fromEntries(headers), String(status)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    for (const name of ['server', 'x-powered-by', 'strict-transport-security'])
      expect(headers.has(name)).toBe(false);
  }
});
