import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, TestPhone, type EdgeChange, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;
let other: TestPhone;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  phone = new TestPhone(home, 'phone-1', { protocol: 'inbetweenies-v1.1' });
  other = new TestPhone(home, 'phone-2', { protocol: 'inbetweenies-v1.1' });
  await phone.sync([
    phone.create('lamp', { name: 'Lamp' }, 'device'),
    phone.create('kitchen', { name: 'Kitchen' }),
    phone.create('hall', { name: 'Hall' }),
  ]);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function push(edges: EdgeChange[]): Promise<Awaited<ReturnType<TestPhone['sync']>>> {
  return await phone.sync([], { relationship_changes: edges });
}

describe('v1.1 relationship changes', () => {
  test('an edge is stored, answered as applied, and sent to others in one sequence with the entities', async () => {
    const edge = phone.edge('e1', 'lamp', 'kitchen', { properties: { shelf: 2 } });
    const answer = await push([edge]);
    expect(answer.applied_relationships).toEqual([edge.relationship_version]);
    expect(answer.relationship_changes).toEqual([]);
    const pulled = await other.sync();
    expect(pulled.changes).toHaveLength(3);
    expect(pulled.relationship_changes).toEqual([edge]);
  });

  test('an edge may point to an entity of the same batch', async () => {
    const answer = await phone.sync([phone.create('attic', { name: 'Attic' })], {
      relationship_changes: [phone.edge('e1', 'lamp', 'attic')],
    });
    expect(answer.applied_relationships).toHaveLength(1);
  });

  test('a v1 client is neither sent edges nor asked about them', async () => {
    await push([phone.edge('e1', 'lamp', 'kitchen')]);
    const old = new TestPhone(home, 'phone-3');
    const answer = await old.sync([], { relationship_changes: [{ nonsense: true }] });
    expect(answer.changes).toHaveLength(3);
    expect('relationship_changes' in answer).toBe(false);
    expect('applied_relationships' in answer).toBe(false);
    expect(await old.sync()).toMatchObject({ changes: [], resync: false });
  });

  test('unknown and deleted ends, self-edges and unknown types are rejected by name', async () => {
    const kitchen = home.graph.latest('kitchen');
    await phone.sync([
      {
        ...phone.create('kitchen', {}),
        change_type: 'delete',
        content: null,
        parent_versions: [String(kitchen?.version)],
      },
    ]);
    const answer = await push([
      phone.edge('e1', 'lamp', 'nowhere'),
      phone.edge('e2', 'lamp', 'kitchen'),
      phone.edge('e3', 'lamp', 'lamp'),
      phone.edge('e4', 'lamp', 'hall', { relationship_type: 'likes' }),
      phone.edge('e5', 'lamp', 'hall'),
    ]);
    expect(answer.rejected_relationships.map(({ relationship_id, code }) => [relationship_id, code])).toEqual(
      expect.arrayContaining([
        ['e1', 'UNKNOWN_ENDPOINT'],
        ['e2', 'ENDPOINT_DELETED'],
        ['e3', 'VALIDATION_ERROR'],
        ['e4', 'VALIDATION_ERROR'],
      ]),
    );
    expect(answer.applied_relationships).toHaveLength(1);
    expect(answer.sync_status).toBe('partial');
  });

  test('ending an edge is a new version and a retry is free', async () => {
    const edge = phone.edge('e1', 'lamp', 'kitchen');
    await push([edge]);
    home.clock.advance(1000);
    const end = phone.edge('e1', 'lamp', 'kitchen', {
      change_type: 'delete',
      parent_versions: [edge.relationship_version],
    });
    expect((await push([end])).applied_relationships).toEqual([end.relationship_version]);
    const seq = home.graph.committedSeq;
    expect((await push([end])).applied_relationships).toEqual([end.relationship_version]);
    expect(home.graph.committedSeq).toBe(seq);
    expect(home.graph.relationship('e1')?.validToMs).toBe(home.clock.nowMs());
    expect((await other.sync()).relationship_changes).toMatchObject([
      { change_type: 'delete', relationship_id: 'e1', valid_to: expect.any(String) },
    ]);
  });

  test('an update of an old version of an edge is kept, refused by name, and the current row is sent', async () => {
    const edge = phone.edge('e1', 'lamp', 'kitchen');
    await push([edge]);
    const update = { change_type: 'update', parent_versions: [edge.relationship_version] };
    await push([phone.edge('e1', 'lamp', 'kitchen', { ...update, properties: { shelf: 1 } })]);
    const late = other.edge('e1', 'lamp', 'kitchen', { ...update, properties: { shelf: 2 } });
    await other.sync();
    const answer = await other.sync([], { relationship_changes: [late] });
    expect(answer.rejected_relationships).toMatchObject([
      { relationship_id: 'e1', code: 'VERSION_CONFLICT' },
    ]);
    expect(answer.relationship_changes).toMatchObject([{ relationship_id: 'e1', properties: { shelf: 1 } }]);
  });

  test('a thing is in one place: the later of two open located_in edges stays', async () => {
    const first = phone.edge('e1', 'lamp', 'kitchen');
    await push([first]);
    home.clock.advance(60_000);
    await push([phone.edge('e2', 'lamp', 'hall')]);
    expect(home.graph.relationshipsOf('lamp', 'from').map(({ id }) => id)).toEqual(['e2']);

    const older = { valid_from: first.valid_from, timestamp: first.timestamp };
    const late = await push([phone.edge('e3', 'lamp', 'kitchen', older)]);
    expect(late.applied_relationships).toHaveLength(1);
    expect(home.graph.relationshipsOf('lamp', 'from').map(({ id }) => id)).toEqual(['e2']);
    expect(late.relationship_changes).toMatchObject([{ relationship_id: 'e3', change_type: 'delete' }]);
  });
});
