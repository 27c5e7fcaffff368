import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { mergeContents } from '../../src/sync/merge.ts';
import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, TestPhone, type Change, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;
let other: TestPhone;
let lamp: Change;

/** Both phones hold the lamp. */
beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  phone = new TestPhone(home, 'phone-1', { protocol: 'inbetweenies-v1.1' });
  other = new TestPhone(home, 'phone-2', { userId: 'ben', protocol: 'inbetweenies-v1.1' });
  lamp = phone.create('lamp', { name: 'Lamp', power: 9, colour: 'white' }, 'device');
  await phone.sync([lamp]);
  await other.pullAll();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function contentOf(id: string): unknown {
  const json = home.graph.latest(id)?.contentJson;
  return json === undefined || json === null ? json : JSON.parse(json);
}

describe('2.1.3 three-way merge', () => {
  test('edits of different keys are both kept, in a version of the hub’s with both parents', async () => {
    const first = phone.update(lamp, { power: 11 });
    await phone.sync([first]);
    const second = other.update(lamp, { colour: 'red' });
    const answer = await other.sync([second]);

    expect(answer.applied).toEqual([second.entity_version]);
    expect(answer.conflicts).toEqual([]);
    expect(answer.sync_status).toBe('success');
    expect(answer.changes).toHaveLength(1);
    const [merge] = answer.changes;
    expect(merge).toMatchObject({
      entity_id: 'lamp',
      content: { name: 'Lamp', power: 11, colour: 'red' },
      parent_versions: [first.entity_version, second.entity_version],
      user_id: 'ben',
    });
    expect(merge?.entity_version).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]{15}\+00:00-\d{6}-hub$/);
    expect((await phone.sync()).changes).toEqual(answer.changes);
    expect(home.graph.version('lamp', second.entity_version)).toMatchObject({
      heldAs: 'loser',
      contentJson: '{"name":"Lamp","power":9,"colour":"red"}',
    });
  });

  test('the same edit on both sides is no conflict', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const answer = await other.sync([other.update(lamp, { power: 11, colour: 'red' })]);
    expect(answer.conflicts).toEqual([]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 11, colour: 'red' });
  });

  test('a key that a side sent without changing it does not undo the other side', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    await other.sync([other.update(lamp, { name: 'Lamp', power: 9, colour: 'red' })]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 11, colour: 'red' });
  });

  test('one key that both changed differently is a conflict; nothing of it becomes the state', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const loser = other.update(lamp, { power: 12, colour: 'red' });
    const answer = await other.sync([loser]);
    expect(answer.applied).toEqual([]);
    expect(answer.conflicts).toMatchObject([
      {
        conflict_type: 'version_conflict',
        conflict_details: {
          conflicting_fields: ['power'],
          local_values: { power: 12 },
          server_values: { power: 11 },
          suggested_merge: { name: 'Lamp', power: 11, colour: 'red' },
        },
      },
    ]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 11, colour: 'white' });
  });

  test('the base is the nearest common ancestor, however far the two have gone', async () => {
    let mine = lamp;
    const edits: Change[] = [];
    for (let power = 10; power < 90; power++) {
      mine = phone.update(mine, { power });
      edits.push(mine);
    }
    await phone.sync(edits);
    const theirs = other.update(lamp, { colour: 'blue' });
    const later = other.update(theirs, { colour: 'green', effect: 'none' });
    const answer = await other.sync([theirs, later]);
    expect(answer.conflicts).toEqual([]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 89, colour: 'green', effect: 'none' });
    // A phone that saw the 40th edit changes what came before it.
    const seen = edits[40] as Change;
    expect((await phone.sync([phone.update(seen, { name: 'Big lamp' })])).conflicts).toEqual([]);
    expect(contentOf('lamp')).toMatchObject({ name: 'Big lamp', power: 89, colour: 'green' });
  });

  test('without a common ancestor, disjoint or equal keys are compatible and others conflict', async () => {
    const stranger = (content: Record<string, unknown>): Change =>
      phone.update(lamp, content, ['unheard-of']);
    expect((await phone.sync([stranger({ effect: 'rainbow', power: 9 })])).conflicts).toEqual([]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 9, colour: 'white', effect: 'rainbow' });
    const answer = await phone.sync([stranger({ power: 10 })]);
    expect(answer.conflicts).toMatchObject([{ conflict_type: 'version_conflict' }]);
    expect(contentOf('lamp')).toMatchObject({ power: 9 });
  });

  test('a merge that cannot be accepted is rejected, and nothing of it is stored', async () => {
    const large = 'x'.repeat(150 * 1024);
    await phone.sync([phone.update(lamp, { a: large })]);
    const tooMuch = other.update(lamp, { b: large });
    const answer = await other.sync([tooMuch]);
    expect(answer.rejected).toMatchObject([{ entity_id: 'lamp', code: 'TOO_LARGE' }]);
    expect(home.graph.version('lamp', tooMuch.entity_version)).toBeUndefined();
  });
});

describe('2.1.1 and 2.1.5 retries of a merge', () => {
  test('a merged change that is sent again is applied, nothing is written, and the merge comes again', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const second = other.update(lamp, { colour: 'red' });
    const clock = other.clock;
    const first = await other.sync([second]);
    other.clock = clock;
    const seq = home.graph.committedSeq;
    const again = await other.sync([second]);
    expect(again.applied).toEqual([second.entity_version]);
    expect(again.changes).toEqual(first.changes);
    expect(home.graph.committedSeq).toBe(seq);
  });

  test('a merge comes in the same answer even when the page is full of other rows', async () => {
    const rooms = Array.from({ length: 1000 }, (_, i) => phone.create(`room-${i}`, { name: 'r' }));
    await phone.sync([phone.update(lamp, { power: 11 })]);
    await phone.sync(rooms.slice(0, 999));
    await phone.sync(rooms.slice(999));
    const answer = await other.sync([other.update(lamp, { colour: 'red' })]);
    expect(answer.has_more).toBe(true);
    expect(answer.changes.find(({ entity_id }) => entity_id === 'lamp')?.content).toEqual({
      name: 'Lamp',
      power: 11,
      colour: 'red',
    });
  });

  test('a chain of edits made offline is merged link by link and ends as the last of them', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const a = other.update(lamp, { colour: 'red' });
    const b = other.update(a, { colour: 'blue' });
    const c = other.update(b, { name: 'Ben’s lamp' });
    const answer = await other.sync([c, b, a]);
    expect(answer.applied).toEqual([a, b, c].map(({ entity_version }) => entity_version));
    expect(contentOf('lamp')).toEqual({ name: 'Ben’s lamp', power: 11, colour: 'blue' });
    expect(answer.changes).toHaveLength(1);
  });
});

describe('2.1.6 conflicts held', () => {
  test('what descends from the loser of an open conflict joins it as its new remote version', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const lost = other.update(lamp, { power: 12 });
    const next = other.update(lost, { colour: 'red' });
    const [first] = (await other.sync([lost])).conflicts as { conflict_id: string }[];
    const second = await other.sync([next]);
    expect(second.conflicts).toMatchObject([
      { conflict_id: first?.conflict_id, remote_version: next.entity_version },
    ]);
    // And the first loser, sent again, is told as the same conflict.
    const again = await other.sync([lost]);
    expect(again.conflicts).toEqual(second.conflicts);
    expect(home.sync.conflicts(0, 10)).toHaveLength(1);
  });

  test('the same in one batch', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const lost = other.update(lamp, { power: 12 });
    const next = other.update(lost, { power: 13 });
    const gone = other.delete(next);
    const answer = await other.sync([lost, next, gone]);
    expect(answer.conflicts).toHaveLength(3);
    expect(new Set((answer.conflicts as { conflict_id: string }[]).map((c) => c.conflict_id)).size).toBe(1);
    expect(home.sync.conflicts(0, 10).map(({ view }) => view.conflict.remoteVersion)).toEqual([
      gone.entity_version,
    ]);
    expect(contentOf('lamp')).toMatchObject({ power: 11 });
  });

  test('a version that a client made of both sides closes the conflict', async () => {
    const state = phone.update(lamp, { power: 11 });
    await phone.sync([state]);
    const lost = other.update(lamp, { power: 12 });
    await other.sync([lost]);
    const both = other.update(state, { power: 12 }, [state.entity_version, lost.entity_version]);
    expect((await other.sync([both])).applied).toEqual([both.entity_version]);
    expect(home.sync.conflicts(0, 10)).toEqual([]);
    expect(contentOf('lamp')).toMatchObject({ power: 12 });
    expect((await other.sync([lost])).applied).toEqual([lost.entity_version]);
  });
});

describe('mergeContents', () => {
  test('special keys, keys that one side removed, and nested values', () => {
    const base = JSON.parse('{"__proto__":1,"gone":1,"list":[1],"same":{"a":1}}') as Record<string, unknown>;
    const ours = JSON.parse('{"__proto__":2,"list":[1],"same":{"a":1}}') as Record<string, unknown>;
    const theirs = JSON.parse('{"__proto__":1,"gone":1,"list":[1,2],"same":{"a":1},"new":null}') as Record<
      string,
      unknown
    >;
    const { merged, conflicting } = mergeContents(base, ours, theirs);
    expect(JSON.stringify(merged)).toBe('{"__proto__":2,"list":[1,2],"same":{"a":1},"new":null}');
    expect(conflicting).toEqual([]);
    expect(mergeContents(base, ours, { ...theirs, gone: 2 }).conflicting).toEqual(['gone']);
  });
});

describe('edges merge like entities', () => {
  beforeEach(async () => {
    await phone.sync([phone.create('hall', { name: 'Hall' }), phone.create('attic', { name: 'Attic' })], {
      relationship_changes: [phone.edge('e1', 'lamp', 'hall', { properties: { shelf: 1 } })],
    });
    await other.pullAll();
  });

  test('properties that two phones changed are joined, and both get the join', async () => {
    const seen = home.graph.relationship('e1')?.version ?? '';
    const change = (from: TestPhone, properties: Record<string, unknown>): object => ({
      ...from.edge('e1', 'lamp', 'hall', { properties, parent_versions: [seen] }),
      change_type: 'update',
      valid_from: undefined,
      valid_to: undefined,
    });
    await phone.sync([], { relationship_changes: [change(phone, { shelf: 2 })] });
    const joining = change(other, { hook: true });
    const answer = await other.sync([], { relationship_changes: [joining] });
    expect(answer.rejected_relationships).toEqual([]);
    expect(answer.relationship_changes).toMatchObject([{ properties: { shelf: 2, hook: true } }]);
    expect((await phone.sync()).relationship_changes).toEqual(answer.relationship_changes);
    const seq = home.graph.committedSeq;
    const again = await other.sync([], { relationship_changes: [joining] });
    expect(again.applied_relationships).toHaveLength(1);
    expect(home.graph.committedSeq).toBe(seq);
  });

  test('the same property changed differently is refused, kept, and refused again when sent again', async () => {
    const seen = home.graph.relationship('e1')?.version ?? '';
    const change = (from: TestPhone, shelf: number): Record<string, unknown> => ({
      ...from.edge('e1', 'lamp', 'hall', { properties: { shelf }, parent_versions: [seen] }),
      change_type: 'update',
    });
    await phone.sync([], { relationship_changes: [change(phone, 2)] });
    const lost = change(other, 3);
    for (let round = 0; round < 2; round++) {
      const answer = await other.sync([], { relationship_changes: [lost] });
      expect(answer.rejected_relationships).toMatchObject([
        { relationship_id: 'e1', code: 'VERSION_CONFLICT' },
      ]);
      expect(answer.relationship_changes).toMatchObject([{ properties: { shelf: 2 } }]);
    }
    expect(home.graph.relationshipVersions('e1').map(({ heldAs }) => heldAs)).toEqual([
      'state',
      'state',
      'loser',
    ]);
  });
});
