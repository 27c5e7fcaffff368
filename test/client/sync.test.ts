import { describe, expect, test } from 'vitest';

import { ClientError, MemoryStore } from '../../src/client/client.ts';
import { graphDigest } from '../../src/client/digest.ts';
import { allApplied, answer, cursor, ok, row, scripted, type SentBody } from './support.ts';

function versions(body: SentBody | undefined): (string | undefined)[] {
  return body?.changes.map(({ entity_version: version }) => version) ?? [];
}

describe('pulling', () => {
  test('never overwrites a pending edit, and keeps its parents; what the hub has is shown once it is answered', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('r', 'v1', { name: 'Hall', floor: 0 })] }));
    await client.sync();
    const mine = await client.home.updateEntity('r', { name: 'Entrance' });
    // The page before the push brings what somebody else did meanwhile.
    hub.replies(
      new TypeError('lost'),
      ok({ changes: [row('r', 'v2', { name: 'Lobby', floor: 0 }, ['v1'])] }),
    );
    await expect(client.sync()).rejects.toMatchObject({ kind: 'offline' });
    hub.replies((body) => {
      expect(body.changes).toMatchObject([
        { entity_version: mine.version, parent_versions: ['v1'], content: { name: 'Entrance' } },
      ]);
      return new TypeError('lost too');
    });
    await expect(client.sync()).rejects.toMatchObject({ kind: 'offline' });
    expect(await client.home.entity('r')).toEqual(mine);
    hub.replies(
      ok({ vector_clock: { server: cursor(2) } }),
      ok({
        conflicts: [
          {
            conflict_id: 'c1',
            entity_id: 'r',
            conflict_type: 'version_conflict',
            local_version: 'v2',
            remote_version: mine.version,
            resolution_hint: 'keep_local',
            conflict_details: {},
          },
        ],
        changes: [row('r', 'v2', { name: 'Lobby', floor: 0 }, ['v1'])],
      }),
    );
    const { reports } = await client.sync();
    expect(reports).toMatchObject([{ conflictId: 'c1', version: mine.version, outcome: 'conflict' }]);
    expect(await client.home.entity('r')).toMatchObject({ version: 'v2', content: { name: 'Lobby' } });
    expect(await client.home.reports()).toEqual(reports);
  });

  test('a merge that the hub made is shown, also when the edit was applied before and the answer was lost', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('r', 'v1', { name: 'Hall', floor: 0 })] }));
    await client.sync();
    const mine = await client.home.updateEntity('r', { name: 'Entrance' });
    const merged = row('r', 'm1', { name: 'Entrance', floor: 1 }, ['v2', mine.version]);
    hub.replies(allApplied({ changes: [merged], vector_clock: { server: cursor(5) } }));
    await client.sync();
    expect(await client.home.entity('r')).toMatchObject({ version: 'm1', content: { floor: 1 } });

    // This time a pull tells what came of the edit before its answer does.
    const next = await client.home.updateEntity('r', { name: 'Door' });
    const later = row('r', 'v9', { name: 'Gate', floor: 1 }, [next.version]);
    hub.replies(new TypeError('lost'));
    await expect(client.sync()).rejects.toThrow();
    hub.replies(ok({ changes: [later], vector_clock: { server: cursor(7) } }), (body) => {
      expect(versions(body)).toEqual([next.version]);
      return allApplied({ vector_clock: { server: cursor(7) } })(body);
    });
    await client.sync();
    expect(await client.home.entity('r')).toMatchObject({ version: 'v9', content: { name: 'Gate' } });
    expect(await client.home.pending()).toEqual([]);
  });

  test('edits made while a request is under way are pushed by the same sync', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok());
    await client.sync();
    const note = await client.home.createEntity({ entityType: 'note', content: { text: '1' } });
    let edited: Promise<unknown> | undefined;
    hub.replies((body) => {
      edited = client.home.updateEntity(note.id, { text: '2' });
      return allApplied()(body);
    }, allApplied());
    await client.sync();
    await edited;
    expect(await client.home.pending()).toEqual([]);
    expect(hub.bodies.flatMap(versions)).toHaveLength(2);
    expect(await client.home.entity(note.id)).toMatchObject({ content: { text: '2' } });
  });
});

describe('answers that a hub should not give', () => {
  test.each([
    ['no object', []],
    ['no cursor', answer({ vector_clock: {} })],
    ['a row without a version', answer({ changes: [{ entity_id: 'r' }] })],
    ['a change that is in no list', answer({ vector_clock: { server: cursor(9) } })],
  ])('%s: nothing is taken over, and it is tried again later', async (_name, body) => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok());
    await client.sync();
    await client.home.createEntity({ id: 'n', entityType: 'note', content: {} });
    hub.replies({ status: 200, body });
    await expect(client.sync()).rejects.toMatchObject({ kind: 'protocol', retryable: true });
    expect(await client.home.pending()).toHaveLength(1);
    hub.replies(ok(), (sent) => {
      expect(sent.vector_clock).toEqual({ server: cursor(1) });
      return allApplied()(sent);
    });
    await client.sync();
  });

  test('"there is more" for ever ends the sync', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ has_more: true }));
    await expect(client.sync()).rejects.toMatchObject({ kind: 'protocol' });
  });
});

describe('refusals', () => {
  test('a change that the hub finds malformed goes into a report, and the others go on', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok());
    await client.sync();
    for (const id of ['a', 'b', 'c']) await client.home.createEntity({ id, entityType: 'note', content: {} });
    const problem = { code: 'VALIDATION_ERROR', detail: 'no', field: 'changes.1.content' };
    hub.replies({ status: 400, body: problem }, allApplied());
    expect(await client.sync()).toMatchObject({
      applied: 2,
      reports: [{ id: 'b', outcome: 'rejected', code: 'VALIDATION_ERROR', message: 'no' }],
    });
    expect(await client.home.entity('b')).toBeNull();
  });

  test('a protocol that the hub does not speak loses no edit', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    await client.home.createEntity({ id: 'a', entityType: 'note', content: {} });
    hub.replies({ status: 400, body: { code: 'PROTOCOL_VERSION_MISMATCH', detail: 'no' } });
    await expect(client.sync()).rejects.toMatchObject({ kind: 'refused', retryable: false });
    expect(await client.home.pending()).toHaveLength(1);
  });

  test('a request that is too large is sent in smaller parts', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    for (let i = 0; i < 5; i++) await client.home.createEntity({ entityType: 'note', content: { i } });
    hub.replies(ok(), { status: 413, body: {} }, { status: 413, body: {} }, allApplied());
    expect(await client.sync()).toMatchObject({ applied: 5 });
    expect(hub.bodies.map(({ changes }) => changes.length)).toEqual([0, 5, 3, 2, 2, 1]);
  });

  test('a cursor that the hub does not understand is dropped: everything is pulled, and the rest pushed again', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    hub.replies(ok({ changes: [row('a', 'a1', {}), row('b', 'b1', {})] }));
    await client.sync();
    hub.replies(
      { status: 400, body: { code: 'INVALID_VECTOR_CLOCK', detail: 'what?' } },
      ok({ changes: [row('a', 'a1', {})] }),
      allApplied(),
    );
    expect(await client.sync()).toMatchObject({ resynced: true, applied: 1 });
    expect(hub.bodies.map(({ vector_clock: clock }) => clock['server'] ?? null)).toEqual([
      null,
      cursor(1),
      null,
      cursor(1),
    ]);
    expect(hub.bodies.at(-1)?.changes).toMatchObject([{ change_type: 'create', entity_id: 'b' }]);
  });

  test('the edits of one user are not pushed as another', async () => {
    const store = new MemoryStore();
    const first = await scripted({ store });
    first.hub.replies(ok());
    await first.client.sync();
    const second = await scripted({ store, userId: 'ben' });
    await expect(second.client.sync()).rejects.toMatchObject({ kind: 'other_user' });
    await second.client.close();
  });
});

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
      ['update', 'd'],
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
    expect(hub.bodies.at(-1)?.changes).toMatchObject([{ change_type: 'update', entity_version: 'a2' }]);
    expect(await client.home.entity('a')).toMatchObject({ version: 'a2' });
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
      override commit(batch: Parameters<MemoryStore['commit']>[0]): void {
        if (this.full) throw new Error('the disk is full');
        super.commit(batch);
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
