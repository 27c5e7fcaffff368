import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { LiveOptions } from '../../src/live/live.ts';

import { temporaryFolder } from '../support/store.ts';
import { Client, openLiveHome, person, QUICKLY, refusedStatus, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;
const unhandled: unknown[] = [];
const noteUnhandled = (error: unknown): void => void unhandled.push(error);

async function open(overrides: Partial<LiveOptions> = {}): Promise<void> {
  await hub?.[Symbol.asyncDispose]();
  hub = await openLiveHome(folder.path, overrides);
}

beforeEach(async () => {
  folder = temporaryFolder();
  unhandled.length = 0;
  process.on('unhandledRejection', noteUnhandled);
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
  process.off('unhandledRejection', noteUnhandled);
  expect(unhandled).toEqual([]);
});

async function rawUpgrade(path: string, headers: string[] = [], allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ port: hub.port, host: '127.0.0.1', allowHalfOpen });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    [
      `GET ${path} HTTP/1.1`,
      'Host: hub',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
      '',
      '',
    ].join('\r\n'),
  );
  return socket;
}

describe('the token', () => {
  test('it comes as a bearer, and the hub says who is connected and from where', async () => {
    const client = await Client.connect(hub.port);
    expect(await client.next('connected')).toEqual({
      type: 'connected',
      user_id: 'anna',
      connection_id: expect.any(String),
      cursor: expect.stringContaining(`-${hub.home.graph.epoch}-`),
      timestamp: expect.any(String),
    });
  });

  test('it comes as an offered subprotocol, which the answer selects', async () => {
    const client = new Client(hub.port, 'anna', {}, ['other', 'bearer.anna-token']);
    await client.next('connected');
    expect(client.socket.protocol).toBe('bearer.anna-token');
  });

  test('it comes as the first message, and messages sent meanwhile wait for it', async () => {
    const client = new Client(hub.port);
    await once(client.socket, 'open');
    client.send({ type: 'auth', token: 'anna-token' });
    client.send({ type: 'subscribe', entity_id: '*' });
    await client.next('subscribed');
    expect(client.messages.map(({ type }) => type)).toEqual(['connected', 'subscribed']);
  });

  test('a bad token is 401 before the upgrade, another user’s is 403', async () => {
    const bad = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer stolen' } });
    expect(await refusedStatus(bad)).toBe(401);
    const basic = new Client(hub.port, 'anna', { headers: { authorization: 'Basic eA==' } });
    expect(await refusedStatus(basic)).toBe(401);
    const other = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer ben-token' } });
    expect(await refusedStatus(other)).toBe(403);
    expect(hub.live.connections).toBe(0);
  });

  test('as a first message a bad token closes with 4401 and another user’s with 4403', async () => {
    for (const [token, code] of [
      ['stolen', 4401],
      ['ben-token', 4403],
    ] as const) {
      const client = new Client(hub.port);
      await once(client.socket, 'open');
      const closed = client.closed();
      client.send({ type: 'auth', token });
      expect((await closed).code).toBe(code);
    }
  });

  test('anything else as a first message, or nothing in time, closes with 4401', async () => {
    await open({ authWithinMs: 50 });
    const wrong = new Client(hub.port);
    await once(wrong.socket, 'open');
    const closed = wrong.closed();
    wrong.send({ type: 'subscribe', entity_id: '*' });
    expect((await closed).code).toBe(4401);
    const silent = new Client(hub.port);
    expect((await silent.closed()).code).toBe(4401);
  });

  test('when it expires the connection closes with 4401, unless a fresh one came', async () => {
    const soon = hub.home.clock.nowMs() + 50;
    hub.tokens.set('short', person('anna', 'member', soon));
    const headers = { authorization: 'Bearer short' };
    const one = new Client(hub.port, 'anna', { headers });
    const two = new Client(hub.port, 'anna', { headers });
    await Promise.all([one.next('connected'), two.next('connected')]);
    two.send({ type: 'auth', token: 'anna-token' });
    await vi.waitFor(() => expect(two.of('connected')).toHaveLength(2));
    hub.home.clock.advance(50);
    expect((await one.closed()).code).toBe(4401);
    await two.settle();
  });

  test('when it is revoked the connection closes with 4401 at the next look', async () => {
    await open({ pingEveryMs: 20 });
    const client = await Client.connect(hub.port);
    const closed = client.closed();
    hub.tokens.delete('anna-token');
    expect((await closed).code).toBe(4401);
  });

  test('a verification that fails for the hub’s own reasons is 500 and no crash', async () => {
    hub.verify = async () => await Promise.reject(new Error('the database is on fire'));
    const client = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer anna-token' } });
    expect(await refusedStatus(client)).toBe(500);
  });
});

describe('the upgrade', () => {
  test('other paths are 404', async () => {
    for (const path of ['/', '/ws', '/ws/', '/ws/a/b', '/ws/%ZZ', '/api/health']) {
      const socket = await rawUpgrade(path);
      const [data] = (await once(socket, 'data')) as [Buffer];
      expect(data.toString(), path).toMatch(/^HTTP\/1\.1 404 /);
      socket.destroy();
    }
  });

  test('a refusal is a problem document like any answer of the API', async () => {
    const socket = await rawUpgrade('/ws/anna', ['Authorization: Bearer stolen', 'X-Request-ID: phone-7']);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const [head = '', body = ''] = answer.toString().split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(head).toContain('Content-Type: application/problem+json');
    expect(head).toContain('X-Request-ID: phone-7');
    expect(head).toContain('WWW-Authenticate: Bearer realm="funkygibbon"');
    const detail = 'the token is not valid; log in again';
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail,
      error: detail,
      code: 'AUTHENTICATION_FAILED',
      request_id: 'phone-7',
    });
    socket.destroy();
  });

  test.each([
    ['/elsewhere', [], 404, 'NOT_FOUND'],
    ['/ws/anna', ['Origin: http://evil.example'], 403, 'FORBIDDEN'],
    ['/ws/anna?device_id=', [], 400, 'VALIDATION_ERROR'],
    [`/ws/anna?device_id=${'x'.repeat(129)}`, [], 400, 'VALIDATION_ERROR'],
    ['/ws/anna?device_id=a%00b', [], 400, 'VALIDATION_ERROR'],
    ['/ws/anna?device_id=a&device_id=b', [], 400, 'VALIDATION_ERROR'],
    ['/ws/anna', ['Sec-WebSocket-Version: 12'], 400, 'VALIDATION_ERROR'],
  ])('%.30s with %j is refused with %i before the upgrade', async (path, headers, status, code) => {
    const socket = await rawUpgrade(path, headers);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const [head = '', body = ''] = answer.toString().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(body)).toMatchObject({ status, code, request_id: expect.any(String) });
    expect(hub.live.connections).toBe(0);
    socket.destroy();
  });

  test('a page of another origin is refused; the hub’s own and listed ones are let in', async () => {
    const headers = { authorization: 'Bearer anna-token' };
    for (const origin of ['http://evil.example', 'null', 'https://panel.example.evil.example']) {
      expect(await refusedStatus(new Client(hub.port, 'anna', { headers, origin })), origin).toBe(403);
    }
    const named = { headers: { ...headers, host: 'hub.local' } };
    const lookalike = new Client(hub.port, 'anna', { ...named, origin: 'http://hub.local.evil.example' });
    expect(await refusedStatus(lookalike)).toBe(403);
    await Client.connect(hub.port, 'anna', { ...named, origin: 'http://HUB.local' });
    for (const origin of ['https://panel.example', `http://127.0.0.1:${hub.port}`]) {
      await Client.connect(hub.port, 'anna', { headers, origin });
    }
  });

  test('a reset while the token is being looked at does no harm', async () => {
    const looking = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    hub.verify = async () => {
      looking.resolve();
      await go.promise;
      return person('anna');
    };
    const socket = await rawUpgrade('/ws/anna', ['Authorization: Bearer anna-token']);
    await looking.promise;
    const broken = once(socket, 'close');
    socket.resetAndDestroy();
    await broken;
    await new Promise((resolve) => setImmediate(resolve));
    go.resolve();
    hub.verify = async () => await Promise.resolve(person('anna'));
    await Client.connect(hub.port);
    expect(hub.live.connections).toBe(1);
  });

  test('garbage instead of a handshake or of frames ends that connection only', async () => {
    const client = await Client.connect(hub.port);
    const noKey = await rawUpgrade('/ws/anna', [
      'Sec-WebSocket-Key: short',
      'Authorization: Bearer anna-token',
    ]);
    const [answer] = (await once(noKey, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    noKey.destroy();

    const hostless = await rawUpgrade('/ws/anna', [
      'Host: \u007f bad host',
      'Authorization: Bearer anna-token',
    ]);
    hostless.destroy();

    const frames = await rawUpgrade('/ws/anna', ['Authorization: Bearer anna-token']);
    await once(frames, 'data');
    const ended = once(frames, 'close');
    frames.write(Buffer.from('ff ff ff ff ff ff ff ff'.replaceAll(' ', ''), 'hex'));
    frames.resume();
    await ended;
    await client.settle();
    await vi.waitFor(() => expect(hub.live.connections).toBe(1));
  });

  test('a message over 64 KiB closes with 1009', async () => {
    const client = await Client.connect(hub.port);
    const closed = client.closed();
    client.send(JSON.stringify({ type: 'ping', padding: 'x'.repeat(65 * 1024) }));
    expect((await closed).code).toBe(1009);
  });

  test('more connections than allowed are 503', async () => {
    await open({ maxConnections: 2 });
    await Client.connect(hub.port);
    await Client.connect(hub.port);
    const third = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer anna-token' } });
    expect(await refusedStatus(third)).toBe(503);
  });
});

describe('the connection', () => {
  test('bad JSON, binary messages and unknown types get an error and keep the connection', async () => {
    const client = await Client.connect(hub.port);
    client.send('{"type":');
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    client.send({ type: 'explode' });
    client.send({ type: 'toString' });
    client.send({ type: 'subscribe' });
    client.send({ type: 'subscribe', entity_id: 'a', room_id: 'b' });
    client.send('['.repeat(5000));
    await client.settle();
    expect(client.of('error').map(({ code }) => code)).toEqual([
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'UNKNOWN_TYPE',
      'UNKNOWN_TYPE',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
    ]);
    for (const { message } of client.of('error')) expect(message).toEqual(expect.any(String));
  });

  test('after a goodbye nothing is sent to a client that has not closed yet', async () => {
    const watching = await Client.connect(hub.port);
    await watching.subscribe({ entity_id: '*' });
    const leaving = await rawUpgrade('/ws/anna', ['Authorization: Bearer anna-token'], true);
    const received: Buffer[] = [];
    leaving.on('data', (data: Buffer) => received.push(data));
    const frame = (first: number, text: string): Buffer =>
      Buffer.concat([Buffer.from([first, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
    leaving.write(frame(0x81, '{"type":"subscribe","entity_id":"*"}'));
    await vi.waitFor(() => expect(Buffer.concat(received).includes('"subscribed"')).toBe(true), QUICKLY);
    const ended = once(leaving, 'end');
    leaving.write(frame(0x88, ''));
    await ended;
    hub.devices.report('lamp', 'on_off', true);
    await watching.next('state_change');
    // It is still open on its side, and the hub waits for it to close.
    expect(hub.live.connections).toBe(2);
    expect(Buffer.concat(received).subarray(-2)).toEqual(Buffer.from([0x88, 0]));
    leaving.end();
    await vi.waitFor(() => expect(hub.live.connections).toBe(1), QUICKLY);
  });

  test('ping is answered with pong', async () => {
    const client = await Client.connect(hub.port);
    client.send({ type: 'ping' });
    expect(await client.next('pong')).toEqual({ type: 'pong', timestamp: expect.any(String) });
  });

  test('a client that misses two pings is cut off, one that answers stays', async () => {
    await open({ pingEveryMs: 40 });
    const headers = { authorization: 'Bearer anna-token' };
    const dead = new Client(hub.port, 'anna', { autoPong: false, headers });
    let pings = 0;
    dead.socket.on('ping', () => (pings += 1));
    const closed = dead.closed();
    const alive = await Client.connect(hub.port);
    await closed;
    expect(pings).toBe(2);
    await alive.settle();
    expect(hub.live.connections).toBe(1);
  });

  test('at shutdown clients are told 1001, and those that do not answer are cut off', async () => {
    const client = await Client.connect(hub.port);
    const deaf = await rawUpgrade('/ws/anna', ['Authorization: Bearer anna-token']);
    await vi.waitFor(() => expect(hub.live.connections).toBe(2));
    const closed = client.closed();
    await hub.live[Symbol.asyncDispose]();
    expect((await closed).code).toBe(1001);
    expect(hub.live.connections).toBe(0);
    expect(hub.devices.followers).toBe(0);
    await hub.live[Symbol.asyncDispose]();
    const late = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer anna-token' } });
    expect(await refusedStatus(late)).toBe(503);
    deaf.destroy();
  });
});
