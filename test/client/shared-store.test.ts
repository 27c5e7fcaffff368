import { join } from 'node:path';
import { expect, test } from 'vitest';

import { MemoryStore, type LocalStore } from '../../src/client/client.ts';
import { FileStore } from '../../src/client/file-store.ts';
import { temporaryFolder } from '../support/store.ts';
import { allApplied, cursor, ManualTime, ok, row, scripted, ScriptedHub, versions } from './support.ts';

async function bothEdit(store: LocalStore): Promise<void> {
  const { client: one } = await scripted({ store });
  const { client: two } = await scripted({ store });
  const note = (text: string) => ({ entityType: 'note', content: { text } });
  // One knows nothing of these when it makes its first version.
  for (const id of ['e', 'f', 'g']) await two.home.createEntity({ id, ...note('two') });
  await one.home.createEntity({ id: 'a', ...note('one') });
  await two.home.createEntity({ id: 'b', ...note('two') });
  await Promise.all([
    one.home.updateEntity('a', { one: true }),
    two.home.updateEntity('a', { two: true }),
    one.home.createEntity({ id: 'c', ...note('one') }),
    two.home.createEntity({ id: 'd', ...note('two') }),
  ]);
  const pending = await one.home.pending();
  expect(pending.map(({ id }) => id).toSorted()).toEqual(['a', 'a', 'a', 'b', 'c', 'd', 'e', 'f', 'g']);
  expect(new Set(pending.map(({ order }) => order)).size).toBe(9);
  // Both make versions in the same moment, with the same name.
  expect(new Set(pending.map(({ version }) => version)).size).toBe(9);
  expect(await two.home.entity('a')).toMatchObject({ content: { text: 'one', one: true, two: true } });
  const chain = pending.filter(({ id }) => id === 'a');
  expect(chain.slice(1).map(({ row }) => row.parentVersions)).toEqual(
    chain.slice(0, 2).map(({ version }) => [version]),
  );
  await one.close();
}

test('of two clients with one store neither overwrites an edit of the other', async () => {
  await bothEdit(new MemoryStore());
  using folder = temporaryFolder();
  await bothEdit(await FileStore.open(join(folder.path, 'home.replica')));
});

test('an answer that is older than what the other client has pulled is asked for again', async () => {
  const store = new MemoryStore();
  const hub = new ScriptedHub();
  let meanwhile: (() => Promise<unknown>) | undefined;
  const { client: one } = await scripted({
    store,
    environment: {
      ...new ManualTime().environment,
      fetch: async (url, init) => {
        const answer = await hub.fetch(url, init);
        await meanwhile?.();
        return answer;
      },
    },
  });
  await using _ = one;
  hub.replies(ok({ changes: [row('r', 'v1', { name: 'Hall' })] }));
  await one.sync();
  await one.home.createEntity({ id: 'n', entityType: 'note', content: {} });

  const two = await scripted({ store });
  const newest = row('r', 'v3', { name: 'Newest' }, ['v2']);
  const later = { vector_clock: { server: cursor(3) } };
  two.hub.replies(ok({ ...later, changes: [newest] }), allApplied(later));
  meanwhile = async () => {
    meanwhile = undefined;
    await two.client.sync();
  };
  const older = row('r', 'v2', { name: 'Older' }, ['v1']);
  hub.replies(allApplied({ changes: [older], vector_clock: { server: cursor(2) } }), ok(later));
  await one.sync();
  expect(hub.bodies.map(versions).map((sent) => sent.length)).toEqual([0, 1, 0]);
  expect(hub.bodies.at(-1)?.vector_clock).toEqual({ server: cursor(3) });
  expect(await one.home.entity('r')).toMatchObject({ version: 'v3', content: { name: 'Newest' } });
  expect(await one.home.pending()).toEqual([]);
});

test('a store to which another program keeps writing is said so, and nothing is lost', async () => {
  class BusyStore extends MemoryStore {
    isBusy = false;
    override commit(batch: Parameters<MemoryStore['commit']>[0]): boolean {
      return !this.isBusy && super.commit(batch);
    }
  }
  const store = new BusyStore();
  const { client } = await scripted({ store });
  await using _ = client;
  await client.home.createEntity({ id: 'a', entityType: 'note', content: { n: 1 } });
  store.isBusy = true;
  await expect(client.home.updateEntity('a', { n: 2 })).rejects.toMatchObject({
    kind: 'shared_store',
    message: expect.stringContaining('two programs'),
  });
  store.isBusy = false;
  await client.home.updateEntity('a', { n: 3 });
  expect(await client.home.pending()).toHaveLength(2);
  expect(await client.home.entity('a')).toMatchObject({ content: { n: 3 } });
});
