import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test, vi } from 'vitest';

import { StartError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/log.ts';
import { PASSWORD, problemOf, startTestApi } from './support.ts';

describe('paths and methods', () => {
  test('what is not there is 404, whatever it looks like', async () => {
    await using api = await startTestApi();
    for (const path of [
      '/nothing',
      '/api',
      '/api/',
      '/api/nothing',
      '/favicon.ico',
      '/..%2f..%2fetc/passwd',
      '/%00',
      '/ws/x',
    ]) {
      const response = await api.call('GET', path);
      expect([path, response.status]).toEqual([path, 404]);
      const problem = await problemOf(response);
      expect(problem.code).toBe('NOT_FOUND');
      expect(problem.detail).not.toContain('passwd');
    }
  });

  test('a path that is not well-formed is 400 with everything that an answer carries', async () => {
    await using api = await startTestApi({ rateLimitPerMinute: 600 });
    const answer = await api.raw(
      'GET /api/entities/%E0%A4%A HTTP/1.1\r\nhost: hub\r\nconnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/"code":"VALIDATION_ERROR"/);
    expect(answer).toMatch(/x-request-id: /);
    expect(answer).toMatch(/x-ratelimit-limit: 100/);
  });

  test('a known path with a wrong method is 405 and says which are right', async () => {
    await using api = await startTestApi();
    const response = await api.call('POST', '/api/entities/x', {});
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, PUT, PATCH, DELETE');
    expect((await problemOf(response)).code).toBe('METHOD_NOT_ALLOWED');
    expect((await api.call('DELETE', '/health')).status).toBe(405);
    expect((await api.call('HEAD', '/api/auth/login')).status).toBe(405);
    const options = await api.call('OPTIONS', '/health');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD']);
  });

  test('an id may hold anything that a path can', async () => {
    await using api = await startTestApi();
    await api.call('POST', '/api/entities', { entity_type: 'note', content: {}, id: 'a:b~c._-D' });
    for (const id of ['a:b~c._-D', 'a%3Ab%7Ec._-D', '%61:b~c._-D']) {
      expect([id, (await api.call('GET', `/api/entities/${id}`)).status]).toEqual([id, 200]);
    }
    expect((await api.call('GET', '/api/entities/a%2Fb')).status).toBe(404);
    expect((await api.call('GET', `/api/entities/${'x'.repeat(10_000)}`)).status).toBe(404);
  });
});

describe('every answer', () => {
  test('carries a request id: the one of the client where it is harmless', async () => {
    await using api = await startTestApi();
    const mine = await api.call('GET', '/nothing', undefined, { 'x-request-id': 'abc-123' });
    expect(mine.headers.get('x-request-id')).toBe('abc-123');
    expect((await problemOf(mine)).request_id).toBe('abc-123');
    for (const odd of ['x'.repeat(65), 'a b', '<script>', '']) {
      const response = await api.call('GET', '/health', undefined, { 'x-request-id': odd });
      expect(response.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    }
  });

  test('forbids guessing at its type, and keeping what is private', async () => {
    await using api = await startTestApi();
    const response = await api.call('GET', '/api/entities');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('private, no-cache');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('is a problem document when something is wrong', async () => {
    await using api = await startTestApi();
    const problem = await problemOf(await api.call('GET', '/api/entities/none'));
    expect(problem).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no entity none.',
      error: 'There is no entity none.',
      code: 'NOT_FOUND',
      request_id: expect.any(String) as string,
    });
  });

  test('leaks nothing of a mistake of ours; the log has it under the request id', async () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'debug',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    });
    await using api = await startTestApi({ log });
    vi.spyOn(api.devices, 'list').mockImplementation(() => {
      throw new Error('secret detail in /etc/somewhere');
    });
    const response = await api.call('GET', '/api/devices');
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toMatch(/secret|somewhere|at .*\.ts/);
    const { request_id } = JSON.parse(text) as { request_id: string };
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const failure = logged.find((record) => record['level'] === 'error');
    expect(failure).toMatchObject({ request_id, err: { message: 'secret detail in /etc/somewhere' } });
    const answered = logged.find((record) => record['msg'] === 'answered a request');
    expect(answered).toMatchObject({ request_id, method: 'GET', path: '/api/devices', status: 500 });
  });

  test('and no log line holds a token or a password', async () => {
    const lines: string[] = [];
    const log = createLogger({
      level: 'trace',
      format: 'json',
      destination: { write: (line: string) => void lines.push(line) },
    });
    await using api = await startTestApi({ log });
    await api.call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
    await api.call('POST', '/api/auth/login', { username: PASSWORD, password: PASSWORD });
    await api.call('GET', `/api/entities?cursor=${api.token}`);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect(lines.join('')).not.toContain(PASSWORD);
    expect(lines.join('')).not.toContain(api.token);
  });
});

describe('rate limits', () => {
  test('each user and each address has a window of its own that slides', async () => {
    await using api = await startTestApi({ rateLimitPerMinute: 5 });
    const remaining: (string | null)[] = [];
    for (let i = 0; i < 5; i++) {
      const response = await fetch(`${api.url}/health`);
      expect(response.headers.get('x-ratelimit-limit')).toBe('5');
      remaining.push(response.headers.get('x-ratelimit-remaining'));
      api.clock.advance(2000);
    }
    expect(remaining).toEqual(['4', '3', '2', '1', '0']);
    const refused = await fetch(`${api.url}/health`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('50');
    expect(refused.headers.get('x-ratelimit-reset')).toBe('50');
    expect((await problemOf(refused)).code).toBe('RATE_LIMIT_EXCEEDED');
    expect((await api.call('GET', '/health')).status).toBe(200);

    api.clock.advance(50_000);
    expect((await fetch(`${api.url}/health`)).status).toBe(200);
    expect((await fetch(`${api.url}/health`)).status).toBe(429);
  });

  test('a token that is not valid counts against the address, which gets at most 100', async () => {
    await using api = await startTestApi({ rateLimitPerMinute: 600 });
    const strange = { authorization: 'Bearer strange' };
    const first = await api.call('GET', '/api/entities', undefined, strange);
    expect([first.status, first.headers.get('x-ratelimit-limit')]).toEqual([401, '100']);
    const known = await api.call('GET', '/api/entities');
    expect([known.status, known.headers.get('x-ratelimit-limit')]).toEqual([200, '600']);
    for (let i = 0; i < 99; i++) await api.call('GET', '/nothing', undefined, strange);
    expect((await api.call('GET', '/nothing', undefined, strange)).status).toBe(429);
  });

  test('X-Forwarded-For counts only where a proxy of ours wrote it', async () => {
    const ask = async (url: string, forwarded: string): Promise<string | null> => {
      const response = await fetch(`${url}/health`, { headers: { 'x-forwarded-for': forwarded } });
      return response.headers.get('x-ratelimit-remaining');
    };
    await using direct = await startTestApi({ rateLimitPerMinute: 9 });
    expect([await ask(direct.url, '1.1.1.1'), await ask(direct.url, '2.2.2.2')]).toEqual(['8', '7']);
    await using behind = await startTestApi({ rateLimitPerMinute: 9, trustedProxies: ['127.0.0.0/8'] });
    expect([await ask(behind.url, '1.1.1.1'), await ask(behind.url, '2.2.2.2')]).toEqual(['8', '8']);
    expect(await ask(behind.url, '9.9.9.9, 2.2.2.2, 127.0.0.5')).toBe('7');
    expect(await ask(behind.url, 'garbage')).toBe('8');
  });
});

describe('CORS', () => {
  const origin = 'https://panel.example';
  const preflight = { origin, 'access-control-request-method': 'PATCH', authorization: '' };

  test('a configured origin may call, another may not', async () => {
    await using api = await startTestApi({ corsOrigins: [origin] });
    const granted = await api.call('OPTIONS', '/api/entities/x', undefined, preflight);
    expect(granted.status).toBe(204);
    expect(granted.headers.get('access-control-allow-origin')).toBe(origin);
    expect(granted.headers.get('access-control-allow-methods')).toContain('PATCH');
    expect(granted.headers.get('access-control-allow-headers')).toContain('Authorization');
    const call = await api.call('GET', '/api/entities', undefined, { origin });
    expect(call.headers.get('access-control-allow-origin')).toBe(origin);
    expect(call.headers.get('vary')).toContain('Origin');
    const failed = await api.call('GET', '/nothing', undefined, { origin });
    expect(failed.headers.get('access-control-allow-origin')).toBe(origin);

    for (const other of ['https://panel.example.evil', 'http://panel.example', 'null']) {
      const refused = await api.call('OPTIONS', '/api/entities/x', undefined, {
        ...preflight,
        origin: other,
      });
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      expect(refused.headers.get('access-control-allow-methods')).toBeNull();
    }
  });

  test('with none configured nothing is said', async () => {
    await using api = await startTestApi();
    const response = await api.call('OPTIONS', '/api/entities/x', undefined, preflight);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('listening', () => {
  test('a port in use stops the start and says what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const start = startTestApi({ port });
    await expect(start).rejects.toBeInstanceOf(StartError);
    await expect(start).rejects.toThrow(new RegExp(`port ${port} is in use.*http.port`));
    other.close();
  });

  test('an address that is not ours, and a proxy that is no address, stop it too', async () => {
    await expect(startTestApi({ host: '203.0.113.7' })).rejects.toThrow(/http.host/);
    await expect(startTestApi({ trustedProxies: ['proxy.local'] })).rejects.toThrow(/http.trusted_proxies/);
    await expect(startTestApi({ trustedProxies: ['10.0.0.0/99'] })).rejects.toThrow(/http.trusted_proxies/);
  });

  test('the address that it tells can be called, also when it listens everywhere', async () => {
    await using api = await startTestApi({ host: '0.0.0.0' });
    expect(api.url).toBe(`http://127.0.0.1:${api.http.port}`);
    expect((await fetch(`${api.url}/health`)).status).toBe(200);
  });
});
