import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { contentChecksum } from '../../src/sync/canonical-json.ts';
import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, principal, TestPhone, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;
let other: TestPhone;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  phone = new TestPhone(home, 'phone-1');
  other = new TestPhone(home, 'phone-2', { userId: 'ben' });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function contentOf(id: string): unknown {
  const json = home.graph.latest(id)?.contentJson;
  return json === undefined || json === null ? json : JSON.parse(json);
}

describe('2.1.1 retries', () => {
  test('a version that is held already is applied again and nothing is written', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([create]);
    const seq = home.graph.committedSeq;
    const again = await phone.sync([create]);
    expect(again.applied).toEqual([create.entity_version]);
    expect(again.sync_status).toBe('success');
    expect(home.graph.committedSeq).toBe(seq);
  });

  test('a version that is no longer the latest is still applied when it is sent again', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([create]);
    await phone.sync([phone.update(create, { name: 'Galley' })]);
    const again = await phone.sync([create]);
    expect(again.applied).toEqual([create.entity_version]);
    expect(contentOf('kitchen')).toEqual({ name: 'Galley' });
  });

  test('a change that lost is told as the same conflict when it is sent again', async () => {
    const phone11 = new TestPhone(home, 'phone-3', { protocol: 'inbetweenies-v1.1' });
    const create = other.create('kitchen', { name: 'Kitchen' });
    await other.sync([create]);
    await other.sync([other.update(create, { name: 'Galley' })]);
    const late = phone11.update(create, { name: 'Küche' });
    const first = await phone11.sync([late]);
    const seq = home.graph.committedSeq;
    const second = await phone11.sync([late]);
    expect(first.conflicts).toHaveLength(1);
    expect(second.conflicts).toEqual(first.conflicts);
    expect(home.graph.committedSeq).toBe(seq);
  });
});

describe('2.1.2 create', () => {
  test('an unknown id is stored, and another phone gets it', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen', colour: null });
    const pushed = await phone.sync([create]);
    expect(pushed.applied).toEqual([create.entity_version]);
    expect(pushed.changes).toEqual([]);
    const pulled = await other.sync();
    expect(pulled.changes).toEqual([create]);
  });

  test('a known id with another version is a conflict and both stay readable', async () => {
    await other.sync([other.create('kitchen', { name: 'Kitchen' })]);
    const mine = phone.create('kitchen', { name: 'Küche' });
    const answer = await phone.sync([mine]);
    expect(answer.applied).toEqual([]);
    expect(answer.conflicts).toEqual(['kitchen']);
    expect(answer.changes.map(({ content }) => content)).toEqual([{ name: 'Kitchen' }]);
    expect(home.graph.version('kitchen', mine.entity_version)?.contentJson).toBe('{"name":"Küche"}');
    expect(answer.sync_status).toBe('partial');
  });

  test('the author is the token’s user, whatever the change says', async () => {
    await phone.sync([{ ...phone.create('kitchen', { name: 'Kitchen' }), user_id: 'somebody' }]);
    expect(home.graph.entity('kitchen')).toMatchObject({ userId: 'anna', deviceId: 'phone-1' });
  });

  test('the entity type is folded to lower case', async () => {
    await phone.sync([phone.create('lamp', { name: 'Lamp' }, 'DEVICE')]);
    expect(home.graph.entity('lamp')?.entityType).toBe('device');
  });
});

describe('2.1.3 update', () => {
  test('a fast-forward patches: keys present replace, null is a value, the rest stays', async () => {
    const create = phone.create('lamp', { name: 'Lamp', room: 'x', power: 9 }, 'device');
    await phone.sync([create]);
    const update = phone.update(create, { name: 'Lamp 2', room: null });
    const answer = await phone.sync([update]);
    expect(answer.applied).toEqual([update.entity_version]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp 2', room: null, power: 9 });
    expect(home.graph.entity('lamp')?.parentVersions).toEqual([create.entity_version]);
  });

  test('an update whose parent is a tombstone revives the entity and its edges', async () => {
    const create = phone.create('lamp', { name: 'Lamp' }, 'device');
    await phone.sync([create, phone.create('kitchen', { name: 'Kitchen' })]);
    const edge = home.graph.transaction((writer) =>
      writer.putRelationship({
        fromEntityId: 'lamp',
        toEntityId: 'kitchen',
        relationshipType: 'located_in',
        properties: {},
        author: HUB_AUTHOR,
      }),
    );
    const gone = phone.delete(create);
    await phone.sync([gone]);
    expect(home.graph.relationship(edge.id)?.validToMs).not.toBeNull();
    await phone.sync([phone.update(gone, { name: 'Lamp again' })]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp again' });
    expect(home.graph.relationship(edge.id)?.validToMs).toBeNull();
  });

  test('an edge that was ended by a person stays ended when its entity comes back', async () => {
    const create = phone.create('lamp', { name: 'Lamp' }, 'device');
    await phone.sync([create, phone.create('kitchen', { name: 'Kitchen' })]);
    const edge = home.graph.transaction((writer) => {
      const put = writer.putRelationship({
        fromEntityId: 'lamp',
        toEntityId: 'kitchen',
        relationshipType: 'located_in',
        properties: {},
        author: HUB_AUTHOR,
      });
      return writer.endRelationship(put.id, HUB_AUTHOR);
    });
    const gone = phone.delete(create);
    await phone.sync([gone]);
    await phone.sync([phone.update(gone, { name: 'Lamp again' })]);
    expect(home.graph.relationship(edge.id)?.validToMs).not.toBeNull();
  });

  test('an unknown id is a conflict; the version is kept and a later create makes the entity', async () => {
    const orphan = phone.update(phone.create('ghost', { name: 'x' }), { name: 'y' });
    const answer = await phone.sync([orphan]);
    expect(answer.conflicts).toEqual(['ghost']);
    expect(answer.changes).toEqual([]);
    expect(home.graph.latest('ghost')).toBeUndefined();
    expect(home.graph.version('ghost', orphan.entity_version)?.contentJson).toBe('{"name":"y"}');
    expect((await other.sync()).changes).toEqual([]);

    const create = phone.create('ghost', { name: 'real' });
    expect((await phone.sync([create])).applied).toEqual([create.entity_version]);
    expect((await other.sync()).changes).toEqual([create]);
    expect(home.graph.versions('ghost')).toHaveLength(2);
  });

  test('an update that misses a deletion is a delete_update conflict', async () => {
    const phone11 = new TestPhone(home, 'phone-3', { protocol: 'inbetweenies-v1.1' });
    const create = other.create('kitchen', { name: 'Kitchen' });
    await other.sync([create]);
    await other.sync([other.delete(create)]);
    const answer = await phone11.sync([phone11.update(create, { name: 'Küche' })]);
    expect(answer.conflicts).toMatchObject([{ entity_id: 'kitchen', conflict_type: 'delete_update' }]);
    expect(answer.changes).toMatchObject([{ entity_id: 'kitchen', change_type: 'delete', content: null }]);
  });

  test('an update of an old version is a version_conflict that names the fields and both values', async () => {
    const phone11 = new TestPhone(home, 'phone-3', { protocol: 'inbetweenies-v1.1' });
    const create = other.create('kitchen', { name: 'Kitchen', floor: 1 });
    await other.sync([create]);
    const winner = other.update(create, { name: 'Galley' });
    await other.sync([winner]);
    home.clock.advance(5000);
    const loser = phone11.update(create, { name: 'Küche' });
    const answer = await phone11.sync([loser]);
    expect(answer.conflicts).toEqual([
      {
        conflict_id: expect.any(String),
        entity_id: 'kitchen',
        conflict_type: 'version_conflict',
        local_version: winner.entity_version,
        remote_version: loser.entity_version,
        resolution_hint: 'accept_remote',
        conflict_details: {
          conflicting_fields: ['name'],
          local_values: { name: 'Küche' },
          server_values: { name: 'Galley' },
          suggested_merge: { name: 'Küche', floor: 1 },
        },
      },
    ]);
    expect(contentOf('kitchen')).toEqual({ name: 'Galley', floor: 1 });
    expect(home.graph.version('kitchen', loser.entity_version)?.contentJson).toBe(
      '{"name":"Küche","floor":1}',
    );
  });

  test('a conflict brings the current row even to a client whose cursor is past it', async () => {
    const create = other.create('kitchen', { name: 'Kitchen' });
    await other.sync([create]);
    const winner = other.update(create, { name: 'Galley' });
    await other.sync([winner]);
    await phone.pullAll();
    const answer = await phone.sync([phone.update(create, { name: 'Küche' })]);
    expect(answer.changes.map(({ entity_version }) => entity_version)).toEqual([winner.entity_version]);
  });
});

describe('2.1.4 delete', () => {
  test('a delete of the latest version leaves a tombstone that others are told of', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([create]);
    await other.pullAll();
    const gone = phone.delete(create);
    expect((await phone.sync([gone])).applied).toEqual([gone.entity_version]);
    expect((await other.sync()).changes).toMatchObject([
      { entity_id: 'kitchen', change_type: 'delete', content: null, entity_type: 'room' },
    ]);
  });

  test('a delete of an unknown or deleted entity is applied', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([create]);
    await phone.sync([phone.delete(create)]);
    const again = other.delete(create);
    const unknown = other.delete(phone.create('never', { name: 'x' }));
    expect((await other.sync([again, unknown])).applied).toEqual([
      again.entity_version,
      unknown.entity_version,
    ]);
  });

  test('a delete that missed an edit is a conflict, never silent', async () => {
    const create = other.create('kitchen', { name: 'Kitchen' });
    await other.sync([create]);
    await other.sync([other.update(create, { name: 'Galley' })]);
    const answer = await phone.sync([phone.delete(create)]);
    expect(answer.conflicts).toEqual(['kitchen']);
    expect(contentOf('kitchen')).toEqual({ name: 'Galley' });
  });
});

describe('2.1 the batch', () => {
  test('a change whose parent is in the same batch comes after it', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    const first = phone.update(create, { name: 'Galley' });
    const second = phone.update(first, { floor: 2 });
    const answer = await phone.sync([second, first, create]);
    expect(answer.conflicts).toEqual([]);
    expect(answer.applied).toEqual([create.entity_version, first.entity_version, second.entity_version]);
    expect(contentOf('kitchen')).toEqual({ name: 'Galley', floor: 2 });
  });

  test('parents that form a ring do not hang the hub', async () => {
    const a = { ...phone.create('a', { name: 'a' }), parent_versions: ['w'] };
    const b = {
      ...phone.create('a', { name: 'b' }),
      entity_version: 'w',
      parent_versions: [a.entity_version],
    };
    const answer = await phone.sync([a, b]);
    expect(answer.applied.length + answer.conflicts.length).toBe(2);
  });

  test('a malformed change writes nothing of the batch and names the field', async () => {
    const good = phone.create('kitchen', { name: 'Kitchen' });
    const cases: [object, string][] = [
      [{ ...good, entity_id: 'b', entity_version: 'x', change_type: 'merge' }, 'changes.1.change_type'],
      [{ ...good, entity_id: 'b', entity_version: undefined }, 'changes.1.entity_version'],
      [{ ...good, entity_id: 'b', entity_version: 'x', content: null }, 'changes.1.content'],
      [{ ...good, entity_id: 'b', entity_version: 'x', content: ['a'] }, 'changes.1.content'],
      [{ ...good, entity_id: 'b', entity_version: 'x', entity_type: undefined }, 'changes.1.entity_type'],
      [{ ...good, entity_id: 'b', entity_version: 'x', timestamp: 'yesterday' }, 'changes.1.timestamp'],
      [{ ...good, entity_id: 'b' }, 'changes.1'],
    ];
    for (const [bad, field] of cases) {
      await expect(phone.sync([good, bad]), field).rejects.toMatchObject({
        kind: 'invalid',
        code: 'VALIDATION_ERROR',
        field,
      });
    }
    expect(home.graph.committedSeq).toBe(0);
  });

  test('more than 1000 changes, edges counted, are refused', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => phone.create(`r${index}`, { name: 'r' }));
    await expect(phone.sync(many)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', field: 'changes' });
    const phone11 = new TestPhone(home, 'phone-3', { protocol: 'inbetweenies-v1.1' });
    await expect(
      phone11.sync(many.slice(0, 1000), { relationship_changes: [phone11.edge('e', 'r0', 'r1')] }),
    ).rejects.toMatchObject({ field: 'changes' });
  });

  test('what is unacceptable is rejected with its reason and the others go on', async () => {
    const good = phone.create('kitchen', { name: 'Kitchen' });
    const summed = { ...phone.create('hall', { b: 2, a: 'ü' }), checksum: '' };
    summed.checksum = contentChecksum({ a: 'ü', b: 2 });
    const answer = await phone.sync([
      phone.create('lamp', { name: ' ' }, 'device'),
      phone.create('car', { name: 'Car' }, 'vehicle'),
      { ...phone.create('attic', { name: 'Attic' }), checksum: `sha256:${'0'.repeat(64)}` },
      phone.create('white space', { name: 'x' }),
      phone.create('big', { name: 'x'.repeat(300 * 1024) }),
      summed,
      good,
    ]);
    expect(answer.applied).toEqual([summed.entity_version, good.entity_version]);
    expect(answer.rejected.map(({ entity_id, code }) => [entity_id, code])).toEqual([
      ['lamp', 'VALIDATION_ERROR'],
      ['car', 'VALIDATION_ERROR'],
      ['attic', 'CHECKSUM_MISMATCH'],
      ['white space', 'VALIDATION_ERROR'],
      ['big', 'TOO_LARGE'],
    ]);
    expect(answer.rejected[0]?.message).toContain('name');
    expect(answer.sync_status).toBe('partial');
  });

  test('an update that would leave a device without a name is rejected', async () => {
    const create = phone.create('lamp', { name: 'Lamp' }, 'device');
    await phone.sync([create]);
    const answer = await phone.sync([phone.update(create, { name: '' })]);
    expect(answer.rejected).toMatchObject([{ entity_id: 'lamp', code: 'VALIDATION_ERROR' }]);
    expect(contentOf('lamp')).toEqual({ name: 'Lamp' });
  });

  test('content keys that JavaScript finds special are kept as they are', async () => {
    const content = JSON.parse('{"name":"x","__proto__":{"a":1},"constructor":2}') as Record<string, unknown>;
    await phone.sync([phone.create('kitchen', content)]);
    expect(home.graph.entity('kitchen')?.contentJson).toBe(
      '{"name":"x","__proto__":{"a":1},"constructor":2}',
    );
  });

  test('what the hub wrote while a large batch was being read is not overwritten', async () => {
    const rooms = Array.from({ length: 20 }, (_, index) => phone.create(`r${index}`, { name: 'r' }));
    await phone.sync(rooms);
    const transaction = home.graph.transaction.bind(home.graph);
    vi.spyOn(home.graph, 'transaction').mockImplementationOnce((body) => {
      transaction((writer) => writer.replaceContent('r7', { name: 'hub' }, HUB_AUTHOR));
      return transaction(body);
    });
    const answer = await phone.sync(rooms.map((room) => phone.update(room, { name: 'mine' })));
    expect(answer.conflicts).toEqual(['r7']);
    expect(contentOf('r7')).toEqual({ name: 'hub' });
    expect(contentOf('r8')).toEqual({ name: 'mine' });
  });

  test('a guest may pull and never push', async () => {
    const guest = principal('gast', 'guest');
    const visitor = new TestPhone(home, 'phone-9', { userId: 'gast' });
    await expect(
      home.sync.exchange(guest, visitor.body([visitor.create('a', { name: 'a' })])),
    ).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(home.sync.exchange(guest, visitor.body())).resolves.toContain('"changes":[]');
    expect(home.graph.committedSeq).toBe(0);
  });

  test('an answer waits for the disk', async () => {
    const create = phone.create('kitchen', { name: 'Kitchen' });
    await phone.sync([create]);
    expect(home.graph.headSeq).toBe(home.graph.committedSeq);
    expect(home.graph.headSeq).toBeGreaterThan(0);
  });
});
