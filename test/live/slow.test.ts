import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { TestPhone } from '../sync/sync-home.ts';
import { temporaryFolder } from '../support/store.ts';
import { HomeEdits, idsOf, seqOf } from './home-edits.ts';
import { Client, openLiveHome, type LiveHome, type Message } from './live-home.ts';

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

describe('a client that reads too slowly', () => {
  test('it is told to sync from its last cursor, gets the last states, and goes on from there', async () => {
    const slow = await Client.connect(hub.port);
    const healthy = await Client.connect(hub.port, 'ben');
    await slow.subscribe({ entity_id: '*' });
    await healthy.subscribe({ entity_id: 'never' });
    slow.socket.pause();
    const text = 'x'.repeat(200 * 1024);
    // More than the kernel's buffers and the hub's limit hold together.
    for (let index = 0; index < 60; index++) {
      edits.createNotes([`n${index}`], text);
      await hub.home.graph.settled();
      await healthy.settle();
    }
    for (let level = 1; level <= 50; level++) hub.devices.report('lamp', 'brightness', level);
    for (const value of ['single', 'single', 'double']) hub.devices.press('button', value);
    await healthy.settle();
    slow.socket.resume();

    const resync = await slow.next('resync_required');
    const heard = slow.of('entity_change');
    expect(heard.length).toBeLessThan(60);
    expect(String(resync['cursor']).split('-').at(-1)).toBe(String(seqOf(heard.at(-1) as Message)));
    await slow.next('state_change', ({ value }) => value === 50);
    await slow.next('state_change', ({ value }) => value === 'double');
    // The last brightness, and every press.
    expect(slow.of('state_change').map(({ value }) => value)).toEqual([50, 'single', 'single', 'double']);

    const phone = new TestPhone(hub.home, 'phone-1');
    phone.clock = { server: String(resync['cursor']) };
    const missed = (await phone.pullAll()).flatMap(({ changes }) =>
      changes.map(({ entity_id }) => entity_id),
    );
    const all = [...heard.map(({ entity_id }) => entity_id), ...missed];
    expect(all).toEqual(Array.from({ length: 60 }, (_, index) => `n${index}`));

    edits.create('after');
    await slow.next('entity_change', ({ entity_id }) => entity_id === 'after');
  });

  test('of one large push it keeps what it was sent, and its cursor stands right behind that', async () => {
    const slow = await Client.connect(hub.port);
    const healthy = await Client.connect(hub.port, 'ben');
    await slow.subscribe({ entity_id: '*' });
    await healthy.subscribe({ entity_id: 'last' });
    slow.socket.pause();
    const ids = Array.from({ length: 400 }, (_, index) => `n${index}`);
    // Small enough that many are read at once: the limit is met in between.
    edits.createNotes([...ids, 'last'], 'x'.repeat(50_000));
    await healthy.next('entity_change');
    slow.socket.resume();
    const resync = await slow.next('resync_required');
    const heard = slow.of('entity_change');
    expect(heard.length).toBeLessThan(400);
    expect(idsOf(heard)).toEqual(ids.slice(0, heard.length));
    expect(seqOf(resync)).toBe(seqOf(heard.at(-1) as Message));
  });

  test('one that only asks and never reads is cut off', async () => {
    const client = await Client.connect(hub.port);
    await vi.waitFor(() => expect(hub.live.connections).toBe(1));
    client.socket.pause();
    const ping = JSON.stringify({ type: 'ping' });
    const ended = once(client.socket, 'close');
    const feed = setInterval(() => {
      for (let index = 0; index < 5000 && client.socket.readyState === client.socket.OPEN; index++) {
        client.socket.send(ping);
      }
    }, 5);
    await vi.waitFor(() => expect(hub.live.connections).toBe(0), { timeout: 15_000 });
    clearInterval(feed);
    client.socket.resume();
    client.socket.terminate();
    await ended;
  });
});
