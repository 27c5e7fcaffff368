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

  test('where each side is acceptable and both together are not, somebody has to decide', async () => {
    const large = 'x'.repeat(150 * 1024);
    await phone.sync([phone.update(lamp, { a: large })]);
    const tooMuch = other.update(lamp, { b: large });
    const answer = await other.sync([tooMuch]);
    expect(answer.conflicts).toMatchObject([{ conflict_type: 'version_conflict' }]);
    expect(home.graph.version('lamp', tooMuch.entity_version)?.contentJson).toContain(large);
    // What is not acceptable by itself is rejected, as ever.
    const nameless = other.update(lamp, { name: '' });
    expect((await other.sync([nameless])).rejected).toMatchObject([{ code: 'VALIDATION_ERROR' }]);
    expect(home.graph.version('lamp', nameless.entity_version)).toBeUndefined();
  });

  test('an edit of an entity of another type does not mean this one', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const answer = await other.sync([{ ...other.update(lamp, { colour: 'red' }), entity_type: 'room' }]);
    expect(answer.rejected).toMatchObject([{ code: 'VALIDATION_ERROR' }]);
  });

  test('two sides that have merged each other differently conflict, whichever comes first', async () => {
    for (const [first, second] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const id = `criss-cross-${first}`;
      const base = phone.create(id, { name: 'x', k: 0 });
      const one = phone.update(base, { k: 1 });
      await phone.sync([base, one]);
      const two = other.update(base, { k: 2 });
      await other.sync([two]);
      const merges = {
        a: phone.update(one, { k: 1 }, [one.entity_version, two.entity_version]),
        b: other.update(two, { k: 2 }, [two.entity_version, one.entity_version]),
      };
      await phone.sync([merges[first]]);
      const answer = await other.sync([merges[second]]);
      expect([first, answer.conflicts]).toMatchObject([first, [{ conflict_type: 'version_conflict' }]]);
    }
  });

  test('a version that comes after what was made from it is applied, and opens no conflict', async () => {
    const early = other.update(lamp, { power: 12 });
    const later = other.update(early, { power: 13 });
    const answer = await other.sync([{ ...later, content: { name: 'Lamp', power: 9, effect: 'none' } }]);
    expect(answer.applied).toEqual([later.entity_version]);
    expect((await other.sync([early])).applied).toEqual([early.entity_version]);
    expect(await home.sync.conflicts(0, 10)).toEqual([]);
    expect(contentOf('lamp')).toMatchObject({ power: 9, effect: 'none' });
  });
});

describe('2.1.5 the sender and the hub hold the same content under a version', () => {
  test('a create on top of the latest version is stored as it was sent', async () => {
    const whole = {
      ...phone.create('lamp', { name: 'Lamp' }, 'device'),
      parent_versions: [lamp.entity_version],
    };
    expect((await phone.sync([whole])).applied).toEqual([whole.entity_version]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp' });
  });

  test('a create made from an older version says the whole content, and is merged', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const whole = {
      ...other.create('lamp', { name: 'Lamp', power: 9 }, 'device'),
      parent_versions: [lamp.entity_version],
    };
    expect((await other.sync([whole])).conflicts).toEqual([]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp', power: 11 });
    const stranger = other.create('lamp', { name: 'Lamp' }, 'device');
    expect((await other.sync([stranger])).conflicts).toMatchObject([{ conflict_type: 'already_exists' }]);
  });

  test('what was made of several versions comes back as the hub has it, where the two may differ', async () => {
    const state = phone.update(lamp, { power: 11 });
    await phone.sync([state]);
    const lost = other.update(lamp, { power: 12 });
    await other.sync([lost]);
    const both = other.update(lost, { colour: 'red' }, [lost.entity_version, state.entity_version]);
    const answer = await other.sync([both]);
    expect(answer.applied).toEqual([both.entity_version]);
    expect(answer.changes).toMatchObject([
      { content: { power: 11, colour: 'red' }, parent_versions: [both.entity_version] },
    ]);
    expect((await phone.sync()).changes).toMatchObject(answer.changes);
  });

  test('a deletion of what is deleted brings the tombstone that there is', async () => {
    const gone = phone.delete(lamp);
    await phone.sync([gone]);
    await other.pullAll();
    const again = await other.sync([other.delete(lamp)]);
    expect(again.changes).toMatchObject([{ entity_version: gone.entity_version, change_type: 'delete' }]);
  });

  test('an edge that begins tomorrow comes back as it is stored', async () => {
    await phone.sync([phone.create('hall', { name: 'Hall' })]);
    const tomorrow = new Date(home.clock.nowMs() + 86_400_000).toISOString();
    const edge = phone.edge('e9', 'lamp', 'hall', { valid_from: tomorrow });
    const answer = await phone.sync([], { relationship_changes: [edge] });
    expect(answer.relationship_changes).toMatchObject([
      {
        relationship_version: edge.relationship_version,
        valid_from: new Date(home.clock.nowMs()).toISOString(),
      },
    ]);
    expect((await other.sync()).relationship_changes).toEqual(answer.relationship_changes);
  });

  test('a late retry does not set the device back in the clock', async () => {
    const first = phone.update(lamp, { power: 10 });
    const second = phone.update(first, { power: 11 });
    await phone.sync([first, second]);
    expect((await phone.sync([first])).vector_clock['phone-1']).toBe(second.entity_version);
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
    expect(await home.sync.conflicts(0, 10)).toHaveLength(1);
  });

  test('the same in one batch', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const lost = other.update(lamp, { power: 12 });
    const next = other.update(lost, { power: 13 });
    const gone = other.delete(next);
    const answer = await other.sync([lost, next, gone]);
    expect(answer.conflicts).toHaveLength(3);
    expect(new Set((answer.conflicts as { conflict_id: string }[]).map((c) => c.conflict_id)).size).toBe(1);
    expect((await home.sync.conflicts(0, 10)).map(({ view }) => view.conflict.remoteVersion)).toEqual([
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
    expect(await home.sync.conflicts(0, 10)).toEqual([]);
    expect(contentOf('lamp')).toMatchObject({ power: 12 });
    expect((await other.sync([lost])).applied).toEqual([lost.entity_version]);
  });

  test('a second change made from the same loser opens a conflict of its own', async () => {
    await phone.sync([phone.update(lamp, { power: 11 })]);
    const lost = other.update(lamp, { power: 12 });
    await other.sync([lost, other.update(lost, { power: 13 }), other.update(lost, { power: 14 })]);
    expect(await home.sync.conflicts(0, 10)).toHaveLength(2);
  });

  test('a decision that somebody’s other edit has overtaken is merged, and closes every conflict that it names', async () => {
    const state = phone.update(lamp, { power: 11 });
    await phone.sync([state]);
    const lost = other.update(lamp, { power: 12 });
    const lostToo = other.update(lamp, { power: 13 });
    await other.sync([lost, lostToo]);
    expect(await home.sync.conflicts(0, 10)).toHaveLength(2);
    await phone.sync([phone.update(state, { colour: 'blue' })]);
    const versions = [state, lost, lostToo].map(({ entity_version: version }) => version);
    const decision = other.update(state, { power: 13 }, versions);
    const answer = await other.sync([decision]);
    expect(answer.applied).toEqual([decision.entity_version]);
    expect(contentOf('lamp')).toMatchObject({ power: 13, colour: 'blue' });
    expect(await home.sync.conflicts(0, 10)).toEqual([]);
  });

  test('making what was not found closes its conflict', async () => {
    const orphan = { ...other.update(lamp, { name: 'Ghost' }, ['unheard-of']), entity_id: 'ghost' };
    await other.sync([orphan]);
    expect(await home.sync.conflicts(0, 10)).toHaveLength(1);
    const made = {
      ...other.create('ghost', { name: 'Ghost' }, 'device'),
      parent_versions: [orphan.entity_version],
    };
    expect((await other.sync([made])).applied).toEqual([made.entity_version]);
    expect(await home.sync.conflicts(0, 10)).toEqual([]);
  });

  test('many conflicts about one large thing do not make a larger answer than the limit', async () => {
    const keys = Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`key-${n}`, n]));
    const big = phone.create('big', { name: 'Big', ...keys });
    await phone.sync([big, phone.update(big, { name: 'Bigger' })]);
    const deletions = Array.from({ length: 100 }, () => other.delete(big));
    const answer = await other.sync(deletions);
    expect(answer.conflicts).toHaveLength(100);
    expect(JSON.stringify(answer.conflicts).length).toBeLessThan(5 * 1024 * 1024);
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
    const { merged, conflicting } = mergeContents([base], ours, theirs);
    expect(JSON.stringify(merged)).toBe('{"__proto__":2,"list":[1,2],"same":{"a":1},"new":null}');
    expect(conflicting).toEqual([]);
    expect(mergeContents([base], ours, { ...theirs, gone: 2 }).conflicting).toEqual(['gone']);
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

  test('a time that is spelled otherwise is not a change', async () => {
    const [seen] = (await other.sync([], { vector_clock: {} })).relationship_changes.filter(
      ({ relationship_id: id }) => id === 'e1',
    );
    if (!seen) throw new Error('e1 did not come');
    home.clock.advance(1000);
    home.graph.transaction((writer) =>
      writer.changeRelationship(
        'e1',
        {
          fromEntityId: 'lamp',
          toEntityId: 'hall',
          relationshipType: 'located_in',
          properties: { shelf: 2 },
        },
        { userId: 'anna', deviceId: 'http' },
      ),
    );
    const change = {
      ...seen,
      change_type: 'update',
      relationship_version: 'respelled',
      parent_versions: [seen.relationship_version],
      valid_from: seen.valid_from.replace('Z', '000+00:00'),
      properties: { hook: true },
    };
    const answer = await other.sync([], { relationship_changes: [change] });
    expect(answer.rejected_relationships).toEqual([]);
    expect(answer.relationship_changes).toMatchObject([{ properties: { shelf: 2, hook: true } }]);
  });

  test('a merge that would hold an edge at a deleted end is rejected', async () => {
    const seen = home.graph.relationship('e1')?.version ?? '';
    await phone.sync([], {
      relationship_changes: [
        {
          ...phone.edge('e1', 'lamp', 'hall', { properties: { shelf: 2 }, parent_versions: [seen] }),
          change_type: 'update',
        },
      ],
    });
    const attic = home.graph.latest('attic');
    await phone.sync([
      {
        ...phone.create('attic', {}),
        change_type: 'delete',
        content: null,
        parent_versions: [attic?.version ?? ''],
      },
    ]);
    const moved = {
      ...other.edge('e1', 'lamp', 'attic', { properties: {}, parent_versions: [seen] }),
      change_type: 'update',
      valid_from: undefined,
    };
    const answer = await other.sync([], { relationship_changes: [moved] });
    expect(answer.rejected_relationships).toMatchObject([
      { relationship_id: 'e1', code: 'ENDPOINT_DELETED' },
    ]);
  });
});
