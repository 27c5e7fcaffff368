import { describe, expect, test } from 'vitest';

import { MemoryStore } from '../../src/client/client.ts';
import { allApplied, answer, cursor, ok, row, scripted, versions } from './support.ts';

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

  test('a hub that does not answer in time is sent ever fewer changes, and more again once it answers', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    for (let i = 0; i < 40; i++) await client.home.createEntity({ entityType: 'note', content: { i } });
    for (let i = 0; i < 3; i++) {
      hub.replies(ok(), { status: 504, body: {} });
      await expect(client.sync()).rejects.toMatchObject({ kind: 'busy', timedOut: true });
    }
    hub.replies(ok(), allApplied());
    expect(await client.sync()).toMatchObject({ applied: 40 });
    expect(hub.bodies.map(({ changes }) => changes.length)).toEqual([0, 40, 0, 20, 0, 10, 0, 10, 20, 10]);
    // Ten in the next request say nothing about what the hub can do; the limit is 40 still.
    for (let i = 0; i < 50; i++) await client.home.createEntity({ entityType: 'note', content: { i } });
    await client.sync();
    expect(hub.bodies.slice(10).map(({ changes }) => changes.length)).toEqual([40, 10]);
  });

  test('fewer than ten changes at a time are not sent because of a slow hub', async () => {
    const { client, hub } = await scripted();
    await using _ = client;
    for (let i = 0; i < 12; i++) await client.home.createEntity({ entityType: 'note', content: { i } });
    for (let i = 0; i < 4; i++) {
      hub.replies(ok(), { status: 504, body: {} });
      await expect(client.sync()).rejects.toMatchObject({ timedOut: true });
    }
    expect(hub.bodies.map(({ changes }) => changes.length)).toEqual([0, 12, 0, 10, 0, 10, 0, 10]);
  });

  test('an answer is not fresh any more when the clock was set back since', async () => {
    const { client, hub, time } = await scripted();
    await using _ = client;
    hub.replies(ok());
    await client.sync();
    time.turnBack(86_400_000);
    await client.home.createEntity({ entityType: 'note', content: {} });
    hub.replies(ok(), allApplied());
    await client.sync();
    expect(hub.bodies.map(({ changes }) => changes.length)).toEqual([0, 0, 1]);
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
