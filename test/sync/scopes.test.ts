import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Author } from '../../src/graph/types.ts';

import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, principal, TestPhone, type Answer, type SyncHome } from './sync-home.ts';

const anna: Author = { userId: 'anna', deviceId: 'tablet' };
const V1_1 = 'inbetweenies-v1.1';
let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  make('house', 'home');
  make('kitchen', 'room');
  make('cellar', 'room');
  for (const id of ['lamp', 'kettle', 'boiler']) make(id, 'device');
  join('kitchen', 'house', 'part_of');
  join('cellar', 'house', 'part_of');
  join('lamp', 'kitchen');
  join('kettle', 'kitchen');
  join('boiler', 'cellar');
  await home.graph.settled();
  phone = new TestPhone(home, 'ben-phone', { userId: 'ben', protocol: V1_1 });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function make(id: string, entityType: string): void {
  home.graph.transaction((writer) =>
    writer.createEntity({ id, entityType, content: { name: id }, author: anna, sourceType: 'manual' }),
  );
}

function join(from: string, to: string, relationshipType = 'located_in'): string {
  return home.graph.transaction(
    (writer) =>
      writer.putRelationship({
        id: `${from}-${to}`,
        fromEntityId: from,
        toEntityId: to,
        relationshipType,
        properties: {},
        author: anna,
      }).id,
  );
}

function rename(id: string, name: string): void {
  home.graph.transaction((writer) => writer.replaceContent(id, { name }, anna));
}

/** Syncs as Ben, who is limited to the kitchen. */
async function sync(
  changes: readonly unknown[] = [],
  extra: object = {},
  rooms: readonly string[] | null = ['kitchen'],
): Promise<Answer> {
  await home.graph.settled();
  const who = { ...principal('ben'), ...(rooms ? { rooms } : {}) };
  const answer = JSON.parse(await home.sync.exchange(who, phone.body(changes, extra))) as Answer;
  phone.clock = answer.vector_clock;
  return answer;
}

function idsOf(answer: Answer): string[] {
  return [...answer.changes.map((change) => change.entity_id), ...edgesOf(answer)].sort();
}

function edgesOf(answer: Answer): string[] {
  return answer.relationship_changes.map((edge) => edge.relationship_id);
}

const IN_KITCHEN = ['house', 'kettle', 'kettle-kitchen', 'kitchen', 'kitchen-house', 'lamp', 'lamp-kitchen'];

describe('a sync of somebody who is limited to rooms', () => {
  test('brings what is in them, without a digest, and nothing of the rest', async () => {
    const answer = await sync();
    expect(idsOf(answer)).toEqual(IN_KITCHEN);
    expect(answer).toMatchObject({ digest: null, resync: false, has_more: false });
    const text = JSON.stringify(answer);
    for (const hidden of ['boiler', 'cellar']) expect(text).not.toContain(hidden);

    rename('boiler', 'Boiler');
    rename('lamp', 'Lamp');
    const next = await sync();
    expect(idsOf(next)).toEqual(['lamp']);
    expect(next.resync).toBe(false);
    expect(idsOf(await sync())).toEqual([]);
  });

  test('tells no other client’s entry of the clock', async () => {
    const other = new TestPhone(home, 'anna-phone', { protocol: V1_1 });
    await other.sync([other.create('garage', { name: 'Garage' })]);
    expect(Object.keys((await sync()).vector_clock)).toEqual(['server']);
    const lamp = home.graph.latest('lamp');
    await sync([update('lamp', lamp?.version, { name: 'Lamp' })]);
    expect(Object.keys((await sync()).vector_clock).sort()).toEqual(['ben-phone', 'server']);
  });

  test('begins anew when something comes into the rooms or leaves them', async () => {
    await sync();
    join('boiler', 'kitchen');
    const came = await sync();
    expect(came.resync).toBe(true);
    expect(idsOf(came)).toEqual(['boiler', 'boiler-kitchen', ...IN_KITCHEN].sort());
    expect((await sync()).resync).toBe(false);

    home.graph.transaction((writer) => writer.deleteEntity('kettle', anna));
    const left = await sync();
    expect(left.resync).toBe(true);
    expect(idsOf(left)).not.toContain('kettle');
  });

  test('begins anew when the limit is set, moved or lifted', async () => {
    const whole = await sync([], {}, null);
    // What all phones in the house hold now must not be taken for what is seen in a room, or the other way round.
    expect(whole.digest).not.toBeNull();
    for (const [rooms, rows] of [
      [['kitchen'], 7],
      [['cellar'], 5],
      [[], 1],
      [null, 11],
    ] as const) {
      const answer = await sync([], {}, rooms);
      expect(answer.resync).toBe(true);
      expect(idsOf(answer), JSON.stringify(rooms)).toHaveLength(rows);
    }
  });

  test('takes changes of what is in the rooms, and refuses all others alike', async () => {
    const version = (id: string): string | undefined => home.graph.latest(id)?.version;
    const answer = await sync([
      update('lamp', version('lamp'), { name: 'Lamp' }),
      update('boiler', version('boiler'), { name: 'Mine' }),
      update('nothing', 'v0', { name: 'Mine' }),
      phone.create('mine', { name: 'Mine' }),
      phone.create('cellar', { name: 'Mine' }),
      { ...update('boiler', version('boiler'), {}), change_type: 'delete', content: null },
    ]);
    expect(answer.applied).toHaveLength(1);
    const reasons = answer.rejected.map(({ code, message }) => ({ code, message }));
    expect(answer.rejected.map(({ entity_id: id }) => id)).toEqual([
      'boiler',
      'nothing',
      'mine',
      'cellar',
      'boiler',
    ]);
    expect(new Set(reasons.map((reason) => JSON.stringify(reason)))).toEqual(
      new Set([
        JSON.stringify({
          code: 'FORBIDDEN',
          message: 'your account is limited to some rooms: it changes what is in them, and adds nothing',
        }),
      ]),
    );
    expect(home.graph.entity('boiler')?.contentJson).toBe('{"name":"boiler"}');
    expect(home.graph.entity('mine')).toBeUndefined();
    expect(home.graph.entity('lamp')?.contentJson).toBe('{"name":"Lamp"}');
  });

  test('takes away what is in the rooms, and neither them nor the home', async () => {
    await sync();
    const remove = (id: string): object => ({
      ...update(id, home.graph.latest(id)?.version, {}),
      change_type: 'delete',
      content: null,
    });
    const removal = remove('kettle');
    const answer = await sync([removal, remove('kitchen'), remove('house')]);
    expect(answer.applied).toHaveLength(1);
    expect(answer.rejected.map(({ entity_id: id, code }) => `${id} ${code}`)).toEqual([
      'kitchen FORBIDDEN',
      'house FORBIDDEN',
    ]);
    expect(answer.resync, 'what they took away is out of their sight').toBe(true);
    const again = await sync([removal]);
    expect(again.applied, 'the answer may have been lost').toEqual(answer.applied);
  });

  test('joins what is in the rooms, and leads no edge in or out', async () => {
    join('kettle', 'boiler', 'depends_on');
    await sync();
    const answer = await sync([], {
      relationship_changes: [
        phone.edge('new', 'lamp', 'kettle', { relationship_type: 'controls' }),
        phone.edge('out', 'lamp', 'boiler', { relationship_type: 'controls' }),
        phone.edge('nowhere', 'lamp', 'nothing', { relationship_type: 'controls' }),
        phone.edge('kettle-boiler', 'kettle', 'lamp', { relationship_type: 'depends_on' }),
        phone.edge('boiler-cellar', 'boiler', 'kitchen', { change_type: 'update' }),
        { ...ending('lamp-kitchen'), to_entity_id: 'cellar', change_type: 'update', valid_to: null },
        ending('boiler-cellar'),
        ending('no-such-edge'),
      ],
    });
    expect(answer.applied_relationships).toHaveLength(1);
    expect(
      answer.rejected_relationships.map(({ relationship_id: id, code }) => `${id} ${code}`).sort(),
    ).toEqual(
      ['out', 'nowhere', 'kettle-boiler', 'boiler-cellar', 'lamp-kitchen', 'boiler-cellar', 'no-such-edge']
        .map((id) => `${id} FORBIDDEN`)
        .sort(),
    );
    expect(home.graph.relationship('lamp-kitchen')).toMatchObject({ toEntityId: 'kitchen', validToMs: null });
    expect(home.graph.relationship('boiler-cellar')?.validToMs).toBeNull();
    expect(edgesOf(answer)).not.toContain('kettle-boiler');
  });

  test('ends an edge of what is in the rooms: then that is out of sight too', async () => {
    await sync();
    const end = { relationship_changes: [ending('kettle-kitchen')] };
    const answer = await sync([], end);
    expect(answer.applied_relationships).toHaveLength(1);
    expect((await sync([], end)).applied_relationships, 'the answer may have been lost').toHaveLength(1);
    expect(answer.resync).toBe(true);
    expect(idsOf(answer)).toEqual(['house', 'kitchen', 'kitchen-house', 'lamp', 'lamp-kitchen']);
  });

  test('is told of conflicts about what is in the rooms alone', async () => {
    const other = new TestPhone(home, 'anna-phone', { protocol: V1_1 });
    for (const id of ['lamp', 'boiler']) {
      const seen = home.graph.latest(id)?.version;
      rename(id, `${id} of the tablet`);
      await other.sync([{ ...update(id, seen, { name: `${id} of the phone` }), user_id: 'anna' }]);
    }
    const rooms = ['kitchen'];
    expect((await home.sync.conflicts(0, 10)).map(({ view }) => view.conflict.entityId)).toEqual([
      'lamp',
      'boiler',
    ]);
    expect((await home.sync.conflicts(0, 10, { rooms })).map(({ view }) => view.conflict.entityId)).toEqual([
      'lamp',
    ]);
    expect(await home.sync.conflicts(0, 10, { rooms: [] })).toEqual([]);
  });
});

let count = 0;
function update(id: string, parent: string | undefined, content: Record<string, unknown>): object {
  count += 1;
  return {
    change_type: 'update',
    entity_id: id,
    entity_version: `u${count}`,
    content,
    timestamp: '2026-01-01T00:00:00Z',
    parent_versions: parent === undefined ? [] : [parent],
    user_id: 'ben',
    device_id: 'ben-phone',
  };
}

function ending(id: string): object {
  count += 1;
  const latest = home.graph.relationship(id);
  return {
    change_type: 'delete',
    relationship_id: id,
    relationship_version: `x${count}`,
    parent_versions: latest ? [latest.version] : [],
    timestamp: '2026-01-01T00:00:00Z',
    user_id: 'ben',
    device_id: 'ben-phone',
  };
}
