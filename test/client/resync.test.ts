import { describe, expect, test } from 'vitest';

import { MemoryStore } from '../../src/client/client.ts';
import { graphDigest } from '../../src/client/digest.ts';
import { allApplied, cursor, ok, row, scripted, versions } from './support.ts';

describe('resync', () => {
  test('pulls every page before it pushes, and survives a restart in between', async () => {
    const store = new MemoryStore();
    const before = await scripted({ store });
    before.hub.replies(
      ok({
        changes: [row('a', 'a1', {}), row('b', 'b1', {}), row('c', 'c1', {}), row('d', 'd2', {}, ['d1'])],
      }),
    );
    await before.client.sync();
    await before.client.home.createEntity({ id: 'n', entityType: 'note', content: {} });
    const again = { resync: true, has_more: true, vector_clock: { server: cursor(1, 'cc') } };
    await before.time.advance(60_000);
    before.hub.replies(ok({ ...again, changes: [row('a', 'a1', {})] }), new TypeError('lost'));
    await expect(before.client.sync()).rejects.toThrow();
    expect(versions(before.hub.bodies.at(-1))).toEqual([]);

    const after = await scripted({ store });
    await using _ = after.client;
    after.hub.replies(
      ok({
        vector_clock: { server: cursor(9, 'cc') },
        changes: [row('c', 'c2', {}, ['c1']), row('d', 'd1', {})],
      }),
      allApplied({ vector_clock: { server: cursor(12, 'cc') } }),
    );
    await after.client.sync();
    const [pull, push] = after.hub.bodies;
    expect(pull?.vector_clock['server']).toBe(cursor(1, 'cc'));
    expect(versions(pull)).toEqual([]);
    // What the hub has, or has gone on from, is not pushed; what it lost goes before what was made since.
    expect(push?.changes.map((change) => [change.change_type, change.entity_id])).toEqual([
      ['create', 'd'],
      ['create', 'b'],
      ['create', 'n'],
    ]);
    expect(push?.changes[0]).toMatchObject({ entity_version: 'd2', parent_versions: ['d1'] });
    expect(await after.client.home.entity('c')).toMatchObject({ version: 'c2' });
    expect(await after.client.home.entity('d')).toMatchObject({ version: 'd2' });
    expect(await after.client.home.pending()).toEqual([]);
  });

  test('what somebody else brought back meanwhile is not created a second time', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('a', 'a2', { n: 2 }, ['a1'])] }));
    await client.sync();
    hub.replies(ok({ resync: true, vector_clock: { server: cursor(0, 'cc') } }), new TypeError('lost'));
    await expect(client.sync()).rejects.toThrow();
    hub.replies(
      ok({ changes: [row('a', 'a1', { n: 1 })], vector_clock: { server: cursor(1, 'cc') } }),
      allApplied({ vector_clock: { server: cursor(2, 'cc') } }),
    );
    await client.sync();
    expect(hub.bodies.at(-1)?.changes).toMatchObject([{ change_type: 'create', entity_version: 'a2' }]);
    expect(await client.home.entity('a')).toMatchObject({ version: 'a2' });
  });

  test('what the hub lost is brought back as a whole, never as a patch', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    // The second version has a key less than the first one.
    hub.replies(ok({ changes: [row('a', 'a2', { name: 'Hall' }, ['a1'])] }));
    await client.sync();
    await time.advance(60_000);
    const restored = { vector_clock: { server: cursor(1, 'cc') } };
    const older = row('a', 'a1', { name: 'Hall', floor: 0 });
    hub.replies(ok({ ...restored, resync: true, changes: [older] }), allApplied(restored));
    await client.sync();
    expect(hub.bodies.at(-1)?.changes).toMatchObject([
      { change_type: 'create', entity_version: 'a2', parent_versions: ['a1'] },
    ]);
    expect(hub.bodies.at(-1)?.changes[0]?.content).toEqual({ name: 'Hall' });
  });

  test('what an edit was made from is brought back, also when the hub takes the edit without it', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('a', 'a2', { text: 'acked', n: 1 }, ['a1'])] }));
    await client.sync();
    const mine = await client.home.updateEntity('a', { colour: 'red' });
    const restored = { vector_clock: { server: cursor(3, 'cc') } };
    const merged = row('a', 'm', { text: 'old', n: 1, colour: 'red' }, ['a1', mine.version]);
    hub.replies(allApplied({ ...restored, resync: true, changes: [merged] }), allApplied(restored));
    await client.sync();
    expect(hub.bodies.slice(1).map(versions)).toEqual([[mine.version], ['a2']]);
    expect(hub.bodies.at(-1)?.changes).toMatchObject([
      { change_type: 'create', parent_versions: ['a1'], content: { text: 'acked', n: 1 } },
    ]);
    expect(await client.home.pending()).toEqual([]);
  });

  test('one version of two things goes in two requests', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('a', '1', {}), row('b', '1', {}), row('c', '2', {})] }));
    await client.sync();
    await time.advance(60_000);
    const restored = { vector_clock: { server: cursor(0, 'cc') } };
    hub.replies(ok({ ...restored, resync: true }), allApplied(restored));
    expect(await client.sync()).toMatchObject({ applied: 3 });
    expect(hub.bodies.slice(2).map(versions)).toEqual([['1'], ['1', '2']]);
  });

  test('a differing digest pulls everything, once in a while', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    const whole = [row('a', 'a1', {}), row('b', 'b1', {})];
    const digest = graphDigest([
      { id: 'b', version: 'b1' },
      { id: 'a', version: 'a1' },
    ]);
    hub.replies(ok({ changes: whole.slice(0, 1), digest }), ok({ changes: whole, digest }));
    expect(await client.sync()).toMatchObject({ digest: 'match', resynced: true });
    hub.replies(ok({ digest: 'another' }));
    expect(await client.sync()).toMatchObject({ digest: 'mismatch', resynced: false });
    await time.advance(600_000);
    hub.replies(ok({ digest: 'another' }), ok({ changes: whole.slice(0, 1) }), allApplied(), ok({ digest }));
    expect(await client.sync()).toMatchObject({ applied: 1, resynced: true });
    expect(await client.sync()).toMatchObject({ digest: 'match' });
  });
});
