/**
 * The other end of the live benchmarks, as a process of its own: opens sockets, notes when messages arrive, and stops
 * reading where it is told to. It speaks to its parent in the messages of `readers-process.ts`.
 */
import { connect, type Socket } from 'node:net';

import type { Order, Report } from './readers-process.ts';

import { clientFrame, FrameReader } from './frames.ts';

interface Reader {
  readonly socket: Socket;
  stalled: boolean;
  resynced: boolean;
}

const readers: Readonly<Record<'raw' | 'live', Reader[]>> = { raw: [], live: [] };
/** The arrivals that are being waited for: of which sockets, how many, and what has come. */
let expecting: { kind: 'raw' | 'live'; skip: number; count: number; arrivals: number[] } | undefined;
let lastBytes = 0;
let resuming: { left: number } | undefined;

const report = (message: Report): void => void process.send?.(message);

function noteFrame(kind: 'raw' | 'live', index: number, length: number, head: Buffer): void {
  const reader = readers[kind][index];
  if (resuming && reader?.stalled && !reader.resynced && head.includes('"resync_required"')) {
    reader.resynced = true;
    resuming.left -= 1;
    if (resuming.left === 0) {
      resuming = undefined;
      for (const each of readers.live) each.stalled = false;
      report({ type: 'resumed' });
    }
    return;
  }
  if (!expecting || expecting.kind !== kind || index < expecting.skip) return;
  lastBytes = length;
  expecting.arrivals.push(Number(process.hrtime.bigint()) / 1e6);
  if (expecting.arrivals.length === expecting.count) {
    const { arrivals } = expecting;
    expecting = undefined;
    report({ type: 'arrived', arrivals, bytes: lastBytes });
  }
}

async function open(order: Extract<Order, { type: 'open' }>): Promise<void> {
  for (let index = 0; index < order.count; index++) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const at = readers[order.kind].length;
    const socket = typeof order.at === 'number' ? connect(order.at, '127.0.0.1') : connect(order.at);
    socket.setNoDelay(true);
    socket.on('connect', resolve);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('a connection was refused')));
    readers[order.kind].push({ socket, stalled: false, resynced: false });
    await promise;
    if (order.kind === 'live') await shakeHands(socket, order.subscribe);
    const frames = new FrameReader((length, head) => noteFrame(order.kind, at, length, head));
    socket.on('data', (chunk: Buffer) => frames.read(chunk));
  }
  report({ type: 'opened' });
}

/** Upgrades, subscribes, and returns when the hub has said `subscribed` to everything. */
async function shakeHands(socket: Socket, subscribe: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let text = '';
  const listen = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (!text.startsWith('HTTP/1.1 101')) reject(new Error(text));
    if ((text.match(/"type":"subscribed"/g) ?? []).length === subscribe.length && text.endsWith('}'))
      resolve();
  };
  socket.on('data', listen);
  const refused = (): void => reject(new Error('a connection was refused'));
  socket.on('close', refused);
  socket.write(
    'GET /ws/anna HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer anna-token\r\n\r\n',
  );
  for (const id of subscribe) socket.write(clientFrame(JSON.stringify({ type: 'subscribe', entity_id: id })));
  await promise;
  socket.off('data', listen);
  socket.off('close', refused);
}

process.on('message', (order: Order) => {
  switch (order.type) {
    case 'open':
      open(order).catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
      return;
    case 'expect':
      expecting = {
        kind: order.kind,
        skip: order.skip,
        count: readers[order.kind].length - order.skip,
        arrivals: [],
      };
      report({ type: 'expecting' });
      return;
    case 'stall':
      for (const reader of readers.live.slice(0, order.count)) {
        reader.stalled = true;
        reader.resynced = false;
        reader.socket.pause();
      }
      report({ type: 'stalled' });
      return;
    case 'resume':
      resuming = { left: readers.live.filter(({ stalled }) => stalled).length };
      for (const { socket, stalled } of readers.live) if (stalled) socket.resume();
      return;
  }
});
process.on('disconnect', () => process.exit(0));
