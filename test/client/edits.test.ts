import { describe, expect, test } from 'vitest';

import { ClientError, MemoryStore } from '../../src/client/client.ts';
import { allApplied, ok, row, scripted } from './support.ts';

describe('edits', () => {
  test('what cannot be sent cannot be made, and leaves nothing behind', async () => {
    const { client } = await scripted();
    await using _ = client;
    const { home } = client;
    const invalid = expect.objectContaining({ kind: 'invalid' });
    const refusals: Promise<unknown>[] = [
      home.createEntity({ id: 'a b', entityType: 'note', content: {} }),
      home.createEntity({ entityType: '', content: {} }),
      home.createEntity({ entityType: 'note', content: { text: 'x'.repeat(300_000) } }),
      home.createEntity({ entityType: 'note', content: [] as unknown as Record<string, unknown> }),
      home.updateEntity('nobody', {}),
      home.deleteEntity('nobody'),
      home.createRelationship({ fromEntityId: 'a', toEntityId: 'a', relationshipType: 'part_of' }),
      home.endRelationship('nothing'),
    ];
    for (const refusal of refusals) await expect(refusal).rejects.toEqual(invalid);
    expect(await home.pending()).toEqual([]);
    await home.createEntity({ id: 'a', entityType: 'note', content: {} });
    await expect(home.createEntity({ id: 'a', entityType: 'note', content: {} })).rejects.toEqual(invalid);
  });

  test('a store that fails shows nothing of the edit, and the version is not used again', async () => {
    class FullStore extends MemoryStore {
      full = false;
      override commit(batch: Parameters<MemoryStore['commit']>[0]): boolean {
        if (this.full) throw new Error('the disk is full');
        return super.commit(batch);
      }
    }
    const store = new FullStore();
    const { client } = await scripted({ store });
    await using _ = client;
    const first = await client.home.createEntity({ id: 'a', entityType: 'note', content: { n: 1 } });
    store.full = true;
    await expect(client.home.updateEntity('a', { n: 2 })).rejects.toThrow('full');
    expect(await client.home.entity('a')).toEqual(first);
    store.full = false;
    const third = await client.home.updateEntity('a', { n: 3 });
    expect(first.version).toBe('2026-01-01T00:00:00.000000+00:00-000000-phone');
    expect(third.version).toBe('2026-01-01T00:00:00.000001+00:00-000001-phone');
    expect(third.parentVersions).toEqual([first.version]);
  });

  test('a client that is opened again in the same moment repeats no version', async () => {
    const store = new MemoryStore();
    const made: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      const { client } = await scripted({ store });
      made.push((await client.home.createEntity({ id, entityType: 'note', content: {} })).version);
      await client.close();
    }
    expect(new Set(made).size).toBe(3);
    expect(made.toSorted()).toEqual(made);
  });

  test('what the app does with its object afterwards does not change the edit', async () => {
    const { client } = await scripted();
    await using _ = client;
    const content = { tags: ['a'], left: undefined };
    await client.home.createEntity({ id: 'a', entityType: 'note', content });
    content.tags.push('b');
    expect(await client.home.entity('a')).toMatchObject({ content: { tags: ['a'] } });
    expect((await client.home.pending())[0]?.change).toMatchObject({ content: { tags: ['a'] } });
  });

  test('listeners hear what changed, and one that throws stops nothing', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    const heard: unknown[] = [];
    const errors: unknown[] = [];
    client.on('change', () => {
      throw new Error('a bug of the app');
    });
    const stop = client.on('change', (changes) => heard.push(...changes));
    client.on('error', (error) => errors.push(error));
    await client.home.createEntity({ id: 'a', entityType: 'note', content: {} });
    hub.replies(ok({ changes: [row('b', 'b1', {})] }), allApplied());
    await client.sync();
    stop();
    await client.home.deleteEntity('b');
    expect(heard).toMatchObject([
      { id: 'a', before: null, after: { kind: 'entity' }, origin: 'local' },
      { id: 'b', before: null, after: { version: 'b1' }, origin: 'hub' },
    ]);
    expect(errors).toHaveLength(3);
  });

  test('after it was closed, nothing is sent', async () => {
    const { client, hub } = await scripted();
    await client.close();
    await client.close();
    client.start();
    await expect(client.sync()).rejects.toBeInstanceOf(ClientError);
    expect(hub.bodies).toEqual([]);
  });
});
