import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { TestPhone } from '../sync/sync-home.ts';
import { temporaryFolder } from '../support/store.ts';
import { HomeEdits, idsOf, seqOf } from './home-edits.ts';
import { Client, openLiveHome, QUICKLY, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;
const edits = new HomeEdits(() => hub);

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** More than are served in one turn of the event loop. */
const SOCKETS = 520;
const PUSHES = 3;

test('every one of 520 sockets hears every push, in order, from one message built for all', async () => {
  const clients = await Promise.all(
    Array.from({ length: SOCKETS }, async () => await Client.connect(hub.port)),
  );
  await Promise.all(clients.map(async (client) => await client.subscribe({ entity_id: '*' })));
  const built = vi.spyOn(hub.home.sync, 'headCursor');
  const read = vi.spyOn(hub.home.graph, 'changesSince');
  const phone = new TestPhone(hub.home, 'phone-1');
  for (let n = 0; n < PUSHES; n++) {
    await phone.sync([phone.create(`room-${n}`, { name: `Room ${n}` })]);
    await vi.waitFor(() => {
      for (const client of clients) expect(client.of('entity_change')).toHaveLength(n + 1);
    }, QUICKLY);
  }
  for (const client of clients) {
    expect(idsOf(client.of('entity_change'))).toEqual(['room-0', 'room-1', 'room-2']);
    const seqs = client.of('entity_change').map(seqOf);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  }
  // A cursor is made for each message, and each message is read and made once, however many hear it.
  expect(built.mock.calls.filter(([seq]) => seq !== undefined)).toHaveLength(PUSHES);
  expect(read.mock.calls.length).toBeLessThan(PUSHES * 4);
}, 30_000);

test('those who stopped reading keep nobody waiting, and go on without a gap', async () => {
  const reading = await Promise.all(Array.from({ length: 30 }, async () => await Client.connect(hub.port)));
  await Promise.all(reading.map(async (client) => await client.subscribe({ entity_type: 'room' })));
  const stalled = await Promise.all(Array.from({ length: 6 }, async () => await Client.connect(hub.port)));
  await Promise.all(stalled.map(async (client) => await client.subscribe({ entity_id: '*' })));
  for (const client of stalled) client.socket.pause();
  const text = 'x'.repeat(250_000);
  // More than the kernel's buffers and the hub's limit hold together.
  for (let n = 0; n < 64; n++) {
    edits.createNotes([`n${n}`], text);
    edits.create(`room-${n}`, 'room');
    await Promise.all(
      reading.map(
        async (client) => await client.next('entity_change', ({ entity_id: id }) => id === `room-${n}`),
      ),
    );
  }
  for (const client of stalled) client.socket.resume();
  for (const client of stalled) {
    const resync = await client.next('resync_required');
    const last = client.of('entity_change').at(-1);
    expect(last && seqOf(last)).toBe(seqOf(resync));
    const phone = new TestPhone(hub.home, 'phone-1');
    phone.clock = { server: String(resync['cursor']) };
    const missed = (await phone.pullAll()).flatMap(({ changes }) => changes);
    expect(idsOf(client.of('entity_change')).length + missed.length).toBe(128);
  }
  edits.create('after', 'room');
  for (const client of [...reading, ...stalled]) {
    await client.next('entity_change', ({ entity_id: id }) => id === 'after');
  }
  for (const client of reading) {
    expect(client.of('resync_required')).toEqual([]);
    expect(client.of('entity_change')).toHaveLength(65);
  }
}, 30_000);

test.each([125, 126, 127, 65_535, 65_536, 200_001])(
  'a message of %i bytes is framed right',
  async (bytes) => {
    const client = await Client.connect(hub.port);
    const around = Buffer.byteLength(JSON.stringify({ type: 'notice', level: 'info', message: '' }));
    // Not all of one byte each.
    const message = `ä${'x'.repeat(bytes - around - 2)}`;
    const lengths: number[] = [];
    client.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) lengths.push(data.length);
    });
    hub.live.notify(message, 'info');
    expect(await client.next('notice')).toMatchObject({ message });
    await client.settle();
    expect(lengths[0]).toBe(bytes);
  },
);
