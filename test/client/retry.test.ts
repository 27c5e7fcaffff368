import { describe, expect, test } from 'vitest';

import type { HttpInit } from '../../src/client/environment.ts';

import { Backoff } from '../../src/client/backoff.ts';
import { ClientError, Session, type Status } from '../../src/client/client.ts';
import { callHub } from '../../src/client/http.ts';
import { allApplied, ManualTime, ok, scripted, settled } from './support.ts';

describe('back-off', () => {
  test('doubles to its limit, half of it by chance, and never undercuts the hub', () => {
    let chance = 0;
    const backoff = new Backoff({ firstMs: 1000, maxMs: 8000, random: () => chance });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([500, 1000, 2000, 4000, 4000]);
    chance = 1;
    expect(backoff.next()).toBe(8000);
    expect(backoff.next(30_000)).toBe(30_000);
    backoff.reset();
    expect(backoff.next()).toBe(1000);
  });

  test('a sync that fails is tried again ever later, keeps the queue, and starts small after a success', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    const statuses: Status[] = [];
    client.on('status', (status) => statuses.push(status));
    await client.home.createEntity({ entityType: 'note', content: {} });
    client.start();
    await settled();
    for (const waitMs of [1000, 2000, 4000]) {
      const before = hub.bodies.length;
      await client.home.createEntity({ entityType: 'note', content: {} });
      await time.advance(waitMs - 1);
      expect(hub.bodies.length).toBe(before);
      await time.advance(1);
      expect(hub.bodies.length).toBe(before + 1);
    }
    expect(await client.home.pending()).toHaveLength(4);
    expect(statuses.slice(0, 3)).toEqual(['offline', 'syncing', 'offline']);
    hub.replies(ok(), allApplied());
    await time.advance(8000);
    expect(await client.home.pending()).toEqual([]);
    expect(client.status).toBe('polling');
    hub.replies(new TypeError('gone again'));
    await client.home.createEntity({ entityType: 'note', content: {} });
    await settled();
    const before = hub.bodies.length;
    await time.advance(1000);
    expect(hub.bodies.length).toBe(before + 1);
  });

  test.each([
    ['30', 30_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ])('Retry-After: %s is honoured, and an edit meanwhile changes nothing', async (retryAfter, waitMs) => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    hub.replies(
      { status: 503, body: { detail: 'the disk is full' }, headers: { 'retry-after': retryAfter } },
      ok(),
    );
    client.start();
    await settled();
    await client.home.createEntity({ entityType: 'note', content: {} });
    await time.advance(waitMs - 1);
    expect(hub.bodies).toHaveLength(1);
    hub.replies(allApplied());
    await time.advance(1);
    expect(hub.bodies).toHaveLength(3);
  });

  test('what the hub would refuse each time is not repeated, but said', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    hub.replies({ status: 400, body: { code: 'PROTOCOL_VERSION_MISMATCH', detail: 'no such protocol' } });
    client.start();
    await settled();
    await time.advance(120_000);
    expect(hub.bodies).toHaveLength(1);
    expect(errors).toMatchObject([{ kind: 'refused', code: 'PROTOCOL_VERSION_MISMATCH' }]);
    await client.home.createEntity({ entityType: 'note', content: {} });
    await settled();
    expect(hub.bodies).toHaveLength(2);
  });

  test('a login that has ended waits for a person', async () => {
    let signedIn = false;
    const { client, hub, time } = await scripted({
      tokens: async () => {
        if (!signedIn) throw new ClientError('signed_out', 'log in');
        return { value: 'token' };
      },
    });
    await using _ = client;
    hub.replies(ok());
    client.start();
    await settled();
    await time.advance(3_600_000);
    expect(client.status).toBe('signed_out');
    expect(hub.bodies).toEqual([]);
    signedIn = true;
    client.wake();
    await settled();
    expect(client.status).toBe('polling');
  });

  test('it syncs from time to time when nothing happens', async () => {
    const { client, hub, time } = await scripted({ syncEveryMs: 60_000 });
    await using _ = client;
    hub.replies(ok());
    client.start();
    await settled();
    await time.advance(180_000);
    expect(hub.bodies.length).toBe(4);
  });
});

describe('requests', () => {
  const hubUrl = 'http://hub.test';

  /** Answers with the statuses given, and says who asked with what. */
  function answering(...replies: [number, unknown][]) {
    const asked: [string, string | undefined][] = [];
    const time = new ManualTime();
    const environment = {
      ...time.environment,
      openSocket: () => ({ send: () => undefined, close: () => undefined }),
      randomBytes: (count: number) => new Uint8Array(count),
      fetch: async (url: string, init: HttpInit) => {
        asked.push([url.replace(hubUrl, ''), init.headers['authorization']]);
        const [status, body] = replies.shift() ?? [200, {}];
        return new Response(JSON.stringify(body), { status });
      },
    };
    return { asked, environment, time };
  }

  test('a token that the hub refuses is renewed once, by one renewal for all who wait', async () => {
    const tokens = { access_token: 'new', refresh_token: 'r2', expires_in: 3600, user_id: 'anna' };
    const { asked, environment } = answering([401, {}], [401, {}], [200, tokens]);
    const kept: unknown[] = [];
    const session = new Session({
      hubUrl,
      tokens: {
        accessToken: 'old',
        refreshToken: 'r1',
        expiresAtMs: Number.MAX_SAFE_INTEGER,
        userId: 'anna',
      },
      onTokens: (renewed) => void kept.push(renewed),
      environment,
    });
    const ask = async () =>
      await callHub(environment, hubUrl, { method: 'GET', path: '/api/a', tokens: session.provide });
    await Promise.all([ask(), ask()]);
    expect(asked).toEqual([
      ['/api/a', 'Bearer old'],
      ['/api/a', 'Bearer old'],
      ['/api/auth/refresh', undefined],
      ['/api/a', 'Bearer new'],
      ['/api/a', 'Bearer new'],
    ]);
    expect(kept).toHaveLength(1);
    expect(session.tokens).toMatchObject({ accessToken: 'new', refreshToken: 'r2' });
  });

  test('a renewed token that is refused too ends the login', async () => {
    const { asked, environment } = answering([401, {}], [401, {}]);
    const tokens = async (stale?: string) => ({ value: stale === undefined ? 'a' : 'b' });
    const call = callHub(environment, hubUrl, { method: 'GET', path: '/api/a', tokens });
    await expect(call).rejects.toMatchObject({ kind: 'signed_out', status: 401 });
    expect(asked).toHaveLength(2);
  });

  test('each kind of refusal has its kind of error', async () => {
    const kinds = new Map<number, string>([
      [400, 'refused'],
      [403, 'forbidden'],
      [404, 'refused'],
      [409, 'refused'],
      [429, 'busy'],
      [500, 'busy'],
      [507, 'busy'],
    ]);
    for (const [status, kind] of kinds) {
      const { environment } = answering([status, { detail: 'why', code: 'CODE', field: 'f' }]);
      const call = callHub(environment, hubUrl, { method: 'GET', path: '/api/a' });
      await expect(call).rejects.toMatchObject({ kind, status, message: 'why', code: 'CODE', field: 'f' });
    }
  });

  test('an answer that does not come is waited for no longer than said', async () => {
    const { environment, time } = answering();
    const call = callHub(
      {
        ...environment,
        fetch: async (_url, { signal }) =>
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')));
          }),
      },
      hubUrl,
      { method: 'GET', path: '/api/a', timeoutMs: 500 },
    );
    const failed = expect(call).rejects.toMatchObject({ kind: 'offline', timedOut: true });
    await time.advance(500);
    await failed;
  });

  test('a page of a hotel is no hub', async () => {
    const { environment } = answering();
    const call = callHub(
      { ...environment, fetch: async () => new Response('<html>Welcome</html>') },
      hubUrl,
      { method: 'GET', path: '/api/a' },
    );
    await expect(call).rejects.toMatchObject({ kind: 'protocol' });
  });
});
