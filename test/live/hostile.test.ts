import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { LiveOptions } from '../../src/live/live.ts';

import { temporaryFolder } from '../support/store.ts';
import { Client, openLiveHome, QUICKLY, refusedStatus, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function reopen(overrides: Partial<LiveOptions>): Promise<void> {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path, overrides);
}

const PING = Buffer.concat([Buffer.from([0x89, 0x80 | 125]), Buffer.alloc(4), Buffer.alloc(125)]);
const PONG = Buffer.concat([Buffer.from([0x8a, 0x80]), Buffer.alloc(4)]);
const FIRST_PIECE = Buffer.from([0x01, 0x80, 0, 0, 0, 0]);
const EMPTY_PIECE = Buffer.from([0x00, 0x80, 0, 0, 0, 0]);

/** A WebSocket of somebody who has not said who they are, on a socket that says whatever it likes. */
async function rawWebSocket(): Promise<Socket> {
  const socket = connect(hub.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    'GET /ws/anna HTTP/1.1\r\nhost: hub\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
  );
  await once(socket, 'data');
  return socket;
}

/** Writes until the other side has closed; returns how much went out. */
async function flood(socket: Socket, piece: Buffer, mostBytes: number): Promise<number> {
  const many = Buffer.concat(Array.from({ length: 1000 }, () => piece));
  let sent = 0;
  while (!socket.destroyed && sent < mostBytes) {
    sent += many.length;
    if (socket.write(many)) continue;
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve).once('close', resolve);
    });
  }
  return sent;
}

describe('floods by somebody who has not said who they are', () => {
  const MOST = 64 * 1024 * 1024;

  test('pieces of a message that never ends close the connection', async () => {
    const socket = await rawWebSocket();
    const answer = once(socket, 'data');
    socket.write(Buffer.concat([FIRST_PIECE, ...Array.from({ length: 1000 }, () => EMPTY_PIECE)]));
    // A close frame with 1008.
    expect(await answer).toEqual([Buffer.from('880203f0', 'hex')]);
    socket.destroy();
  });

  test.each([
    ['pings that are not read', PING],
    ['pongs that nobody asked for', PONG],
  ])('%s end the connection and hold no memory', async (_, piece) => {
    const good = await Client.connect(hub.port, 'ben');
    const socket = await rawWebSocket();
    socket.pause();
    expect(await flood(socket, piece, MOST)).toBeLessThan(MOST);
    await good.settle();
    expect(hub.live.connections).toBe(1);
  });
});

describe('floods by somebody who may look into the home', () => {
  test('messages without end cut the connection off', async () => {
    const client = await Client.connect(hub.port, 'gast');
    const ended = once(client.socket, 'close');
    const text = JSON.stringify({ type: 'ping' });
    for (let n = 0; n < 20_000; n++) client.socket.send(text);
    await ended;
    expect(client.of('pong').length).toBeLessThan(2000);
  });

  test('a thousand subscriptions in one breath are no flood', async () => {
    const client = await Client.connect(hub.port);
    for (let n = 0; n < 1000; n++) client.send({ type: 'subscribe', entity_id: `lamp-${n}` });
    await vi.waitFor(() => expect(client.of('subscribed')).toHaveLength(1000), QUICKLY);
  });

  test('pings are answered with what they brought', async () => {
    const client = await Client.connect(hub.port);
    const answered = once(client.socket, 'pong');
    client.socket.ping('are you there?');
    expect(String(await answered)).toBe('are you there?');
  });
});

describe('where all places are taken', () => {
  test('who has many gives one to who has few, and to nobody else', async () => {
    await reopen({ maxConnections: 4 });
    const many: Client[] = [];
    for (let n = 0; n < 4; n++) many.push(await Client.connect(hub.port, 'gast'));
    const gone = once(many[0]?.socket ?? expect.fail(), 'close');
    const anna = await Client.connect(hub.port, 'anna');
    await gone;
    await anna.settle();
    expect(hub.live.connections).toBe(4);
    // Three of one against one of the other: that is no many.
    const second = new Client(hub.port, 'anna', { headers: { authorization: 'Bearer anna-token' } });
    expect(await refusedStatus(second)).toBe(503);
    const more = new Client(hub.port, 'gast', { headers: { authorization: 'Bearer guest-token' } });
    expect(await refusedStatus(more)).toBe(503);
    const stranger = new Client(hub.port, 'anna');
    expect(await refusedStatus(stranger)).toBe(503);
  });
});
