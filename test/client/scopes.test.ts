import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { HomeClient } from '../../src/client/client.ts';
import type { Hub } from '../../src/hub.ts';

import { HomeClient as Client, MemoryStore, Session } from '../../src/client/client.ts';
import { temporaryFolder } from '../support/store.ts';
import { clientOf, disposable, eventually, PASSWORD, startHubFor } from './support.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let owner: HomeClient & AsyncDisposable;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await startHubFor(folder.path);
  owner = await clientOf(hub.ready.http_url);
  for (const [id, entityType] of [
    ['kitchen', 'room'],
    ['cellar', 'room'],
    ['lamp', 'device'],
    ['boiler', 'device'],
  ] as const) {
    await owner.home.createEntity({ id, entityType, content: { name: id } });
  }
  await owner.sync();
  await join('lamp', 'kitchen');
  await join('boiler', 'cellar');
});
afterEach(async () => {
  await owner[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function join(from: string, to: string): Promise<void> {
  const body = { from_entity_id: from, to_entity_id: to, relationship_type: 'located_in' };
  await owner.call({ method: 'POST', path: '/api/relationships', body });
}

async function phoneOf(role: 'member' | 'guest'): Promise<HomeClient & AsyncDisposable> {
  const body = {
    username: role,
    password: PASSWORD,
    role,
    rooms: ['kitchen'],
    ...(role === 'guest' ? { expires_at: new Date(Date.now() + 3_600_000).toISOString() } : {}),
  };
  await owner.call({ method: 'POST', path: '/api/users', body });
  const hubUrl = hub.ready.http_url;
  const session = await Session.login({ hubUrl, username: role, password: PASSWORD });
  const store = new MemoryStore();
  return disposable(await Client.open({ hubUrl, store, tokens: session.provide }));
}

async function held(phone: HomeClient): Promise<string[]> {
  return (await phone.home.entities()).map(({ id }) => id).sort();
}

describe('a phone of somebody who is limited to rooms', () => {
  test.each(['member', 'guest'] as const)(
    'holds what is in them, and lets go of what leaves them (%s)',
    async (role) => {
      await using phone = await phoneOf(role);
      await phone.sync();
      expect(await held(phone)).toEqual(['kitchen', 'lamp']);

      await join('boiler', 'kitchen');
      await phone.sync();
      expect(await held(phone)).toEqual(['boiler', 'kitchen', 'lamp']);

      await join('lamp', 'cellar');
      await phone.sync();
      await phone.sync();
      expect(await held(phone)).toEqual(['boiler', 'kitchen']);
      expect(await phone.home.pending()).toEqual([]);
      expect((await phone.sync()).resynced).toBe(false);
    },
  );

  test('follows them live', async () => {
    await using phone = await phoneOf('member');
    phone.start();
    await eventually(async () => expect(await held(phone)).toEqual(['kitchen', 'lamp']));
    await join('boiler', 'kitchen');
    await eventually(async () => expect(await held(phone)).toEqual(['boiler', 'kitchen', 'lamp']));
    await join('lamp', 'cellar');
    await eventually(async () => expect(await held(phone)).toEqual(['boiler', 'kitchen']));
  });
});
