import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Author } from '../../src/graph/types.ts';

import { versionMicros } from '../../src/base/ids.ts';
import { homeEntityJson, parseContent } from '../../src/graph/graph.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

const anna: Author = { userId: 'anna', deviceId: 'phone-1' };
let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function createRoom(name: string): string {
  return home.graph.transaction(
    (graph) =>
      graph.createEntity({ entityType: 'room', content: { name }, author: anna, sourceType: 'manual' }).id,
  );
}

describe('versions', () => {
  test('an edit is a new row and the old one stays readable', () => {
    const id = createRoom('Kitchen');
    const before = home.graph.entity(id);
    home.graph.transaction((graph) => graph.replaceContent(id, { name: 'Galley' }, anna));
    const after = home.graph.entity(id);
    expect(after && parseContent(after)).toEqual({ name: 'Galley' });
    expect(after?.parentVersions).toEqual([before?.version]);
    expect(home.graph.version(id, String(before?.version))?.contentJson).toBe('{"name":"Kitchen"}');
    expect(home.graph.versions(id)).toHaveLength(2);
  });

  test('a version sorts after its parent even when the clock goes back', () => {
    const id = createRoom('Kitchen');
    const first = String(home.graph.entity(id)?.version);
    home.clock.jumpTo(Date.UTC(1970, 0, 2));
    home.graph.transaction((graph) => graph.replaceContent(id, { name: 'Galley' }, anna));
    const second = String(home.graph.entity(id)?.version);
    expect(second > first).toBe(true);
    expect(Number(versionMicros(second))).toBeGreaterThanOrEqual(Number(versionMicros(first)));
  });

  test('a tombstone hides the entity, ends its edges, and the id can be used again', () => {
    const lamp = home.graph.transaction((graph) => {
      const device = graph.createEntity({
        entityType: 'device',
        content: { name: 'Lamp' },
        author: anna,
        sourceType: 'manual',
      });
      return device.id;
    });
    const room = createRoom('Kitchen');
    home.graph.transaction((graph) =>
      graph.putRelationship({
        fromEntityId: lamp,
        toEntityId: room,
        relationshipType: 'located_in',
        properties: {},
        author: anna,
      }),
    );
    home.graph.transaction((graph) => graph.deleteEntity(lamp, anna));
    expect(home.graph.entity(lamp)).toBeUndefined();
    expect(home.graph.latest(lamp)?.contentJson).toBeNull();
    expect(home.graph.relationshipsOf(room)).toEqual([]);
    home.graph.transaction((graph) =>
      graph.createEntity({
        id: lamp,
        entityType: 'device',
        content: { name: 'Lamp again' },
        author: anna,
        sourceType: 'manual',
      }),
    );
    expect(home.graph.entity(lamp)?.id).toBe(lamp);
    expect(home.graph.versions(lamp)).toHaveLength(3);
  });

  test('a device without a name is refused and nothing is written', () => {
    const head = home.graph.versions('x').length;
    expect(() =>
      home.graph.transaction((graph) =>
        graph.createEntity({
          id: 'x',
          entityType: 'device',
          content: {},
          author: anna,
          sourceType: 'manual',
        }),
      ),
    ).toThrow(/needs a name/);
    expect(home.graph.versions('x')).toHaveLength(head);
  });

  test('the wire form holds the stored content as it is', () => {
    const id = createRoom('Kitchen "1"');
    const entity = home.graph.entity(id);
    const wire = JSON.parse(homeEntityJson(entity!)) as Record<string, unknown>;
    expect(wire).toMatchObject({
      id,
      entity_type: 'room',
      user_id: 'anna',
      source_type: 'manual',
      deleted_at: null,
      content: { name: 'Kitchen "1"' },
    });
  });
});

describe('relationships', () => {
  test('moving a device ends the old located_in', () => {
    const lamp = home.graph.transaction(
      (graph) =>
        graph.createEntity({
          entityType: 'device',
          content: { name: 'Lamp' },
          author: HUB_AUTHOR,
          sourceType: 'mqtt',
        }).id,
    );
    const [kitchen, cellar] = [createRoom('Kitchen'), createRoom('Cellar')];
    for (const room of [kitchen, cellar]) {
      home.graph.transaction((graph) =>
        graph.putRelationship({
          fromEntityId: lamp,
          toEntityId: room,
          relationshipType: 'located_in',
          properties: {},
          author: anna,
        }),
      );
    }
    expect(home.graph.relationshipsOf(lamp).map(({ toEntityId }) => toEntityId)).toEqual([cellar]);
    expect(home.graph.list({ roomId: cellar }, 10).items.map(({ id }) => id)).toEqual([lamp]);
    expect(home.graph.list({ roomId: kitchen }, 10).items).toEqual([]);
  });

  test('an edge to itself or to nothing is refused', () => {
    const room = createRoom('Kitchen');
    const edge = { fromEntityId: room, relationshipType: 'part_of', properties: {}, author: anna };
    expect(() => home.graph.transaction((g) => g.putRelationship({ ...edge, toEntityId: room }))).toThrow(
      /itself/,
    );
    expect(() => home.graph.transaction((g) => g.putRelationship({ ...edge, toEntityId: 'no' }))).toThrow(
      /no entity/,
    );
  });
});

describe('the change log', () => {
  test('followers see a change only once it is durable, and the head never runs ahead', async () => {
    const wake = vi.fn<() => void>();
    using _ = home.graph.follow(wake);
    const before = home.graph.headSeq;
    createRoom('Kitchen');
    expect(home.graph.headSeq).toBe(before);
    expect(home.graph.changesSince(before, { limit: 10, maxBytes: 1e6, edges: true }).entities).toEqual([]);
    await home.graph.settled();
    expect(home.graph.headSeq).toBe(before + 1);
    expect(wake).toHaveBeenCalled();
    expect(home.graph.changesSince(before, { limit: 10, maxBytes: 1e6, edges: true }).entities).toHaveLength(
      1,
    );
  });

  test('pages bring every current row once, entities and edges in one order', async () => {
    const ids = Array.from({ length: 25 }, (_, n) => createRoom(`Room ${n}`));
    for (const id of ids.slice(1)) {
      home.graph.transaction((graph) =>
        graph.putRelationship({
          fromEntityId: id,
          toEntityId: String(ids[0]),
          relationshipType: 'part_of',
          properties: {},
          author: anna,
        }),
      );
    }
    home.graph.transaction((graph) => graph.replaceContent(String(ids[3]), { name: 'Last' }, anna));
    await home.graph.settled();
    const seen: number[] = [];
    let cursor = 0;
    for (let pages = 0; pages < 20; pages++) {
      const page = home.graph.changesSince(cursor, { limit: 7, maxBytes: 1e6, edges: true });
      seen.push(...[...page.entities, ...page.relationships].map(({ seq }) => seq).toSorted((a, b) => a - b));
      cursor = page.scannedSeq;
      if (!page.hasMore) break;
    }
    expect(seen).toHaveLength(25 + 24);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(cursor).toBe(home.graph.headSeq);
  });

  test('everything is there after a restart, with the same epoch', async () => {
    const id = createRoom('Kitchen');
    await home.graph.settled();
    const { epoch, headSeq } = home.graph;
    await home[Symbol.asyncDispose]();
    home = await openTestHome(folder.path);
    expect(home.graph.epoch).toBe(epoch);
    expect(home.graph.headSeq).toBe(headSeq);
    expect(home.graph.entity(id)?.id).toBe(id);
  });
});

test('lists page through with a cursor, and a foreign cursor is refused', () => {
  const ids = Array.from({ length: 7 }, (_, n) => createRoom(`Room ${n}`));
  const first = home.graph.list({ entityType: 'room' }, 3);
  const second = home.graph.list({ entityType: 'room' }, 3, String(first.nextCursor));
  const third = home.graph.list({ entityType: 'room' }, 3, String(second.nextCursor));
  expect([...first.items, ...second.items, ...third.items].map(({ id }) => id)).toEqual(ids);
  expect(third.nextCursor).toBeNull();
  expect(() => home.graph.list({}, 3, 'rubbish')).toThrow(/cursor/);
});
