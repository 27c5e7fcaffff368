import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Author } from '../../src/graph/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';
import { actionsWithPhones, perform, THINGS } from './random-home.ts';

const anna: Author = { userId: 'anna', deviceId: 'phone-1' };
let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
  make('house', 'home');
  for (const room of ['kitchen', 'cellar']) make(room, 'room');
  for (const thing of ['lamp', 'bulb', 'boiler']) make(thing, 'device');
  join('kitchen', 'house', 'part_of');
  join('cellar', 'house', 'part_of');
  join('lamp', 'kitchen', 'located_in');
  join('bulb', 'lamp', 'part_of');
  join('boiler', 'cellar', 'located_in');
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

function join(fromEntityId: string, toEntityId: string, relationshipType: string): string {
  return home.graph.transaction(
    (writer) =>
      writer.putRelationship({ fromEntityId, toEntityId, relationshipType, properties: {}, author: anna }).id,
  );
}

function seen(...rooms: string[]): string[] {
  return [...home.graph.visibility.of(rooms).ids].sort();
}

describe('what is in some rooms', () => {
  test('is the rooms, the homes, and what lies in the rooms, through other things too', () => {
    expect(seen('kitchen')).toEqual(['bulb', 'house', 'kitchen', 'lamp']);
    expect(seen('cellar')).toEqual(['boiler', 'cellar', 'house']);
    expect(seen('cellar', 'kitchen')).toHaveLength(6);
    expect([...home.graph.visibility.of(['kitchen']).roots].sort()).toEqual(['house', 'kitchen']);
  });

  test('is the homes alone where there is no such room', () => {
    expect(seen()).toEqual(['house']);
    expect(seen('attic')).toEqual(['house']);
    make('attic', 'room');
    expect(seen('attic')).toEqual(['attic', 'house']);
  });

  test('does not grow by edges that do not say where something is', () => {
    join('boiler', 'lamp', 'controls');
    join('lamp', 'boiler', 'monitors');
    expect(seen('kitchen')).toEqual(['bulb', 'house', 'kitchen', 'lamp']);
  });

  test('ends in circles', () => {
    join('lamp', 'bulb', 'part_of');
    expect(seen('kitchen')).toEqual(['bulb', 'house', 'kitchen', 'lamp']);
  });

  test('is the same object until something comes into sight or goes out of it', () => {
    const before = home.graph.visibility.of(['kitchen']);
    home.graph.transaction((writer) => writer.replaceContent('lamp', { name: 'Lamp' }, anna));
    join('bulb', 'boiler', 'controls');
    make('note', 'note');
    expect(home.graph.visibility.of(['kitchen'])).toBe(before);
    join('boiler', 'kitchen', 'located_in');
    const after = home.graph.visibility.of(['kitchen']);
    expect(after.hash).not.toBe(before.hash);
    expect(after.ids.has('boiler')).toBe(true);
    join('boiler', 'cellar', 'located_in');
    expect(home.graph.visibility.of(['kitchen']).hash).toBe(before.hash);
  });

  test('notices a room, a thing and a home that are deleted and brought back', () => {
    const before = home.graph.visibility.of(['kitchen']).hash;
    for (const id of ['lamp', 'kitchen', 'house']) {
      home.graph.transaction((writer) => writer.deleteEntity(id, anna));
      expect(seen('kitchen')).not.toContain(id);
      home.graph.transaction((writer) => writer.restoreEntity(id, undefined, anna));
      expect(home.graph.visibility.of(['kitchen']).hash, id).toBe(before);
    }
  });

  test('has another hash when an edge between two seen things is led to an unseen one', () => {
    make('pump', 'device');
    for (const [from, to] of [
      ['bulb', 'boiler'],
      ['pump', 'boiler'],
    ] as const) {
      const id = join('bulb', 'lamp', 'controls');
      const before = home.graph.visibility.of(['kitchen']);
      home.graph.transaction((writer) =>
        writer.changeRelationship(
          id,
          { fromEntityId: from, toEntityId: to, relationshipType: 'controls', properties: {} },
          anna,
        ),
      );
      const after = home.graph.visibility.of(['kitchen']);
      expect([...after.ids].sort()).toEqual([...before.ids].sort());
      expect(after.hash, `${from} ${to}`).not.toBe(before.hash);
    }
  });

  test('agrees with a walk over all open edges, whatever was done to the home', async () => {
    await fc.assert(
      fc.asyncProperty(
        actionsWithPhones,
        fc.array(fc.nat(THINGS - 1), { maxLength: 3 }),
        async (list, of) => {
          using place = temporaryFolder();
          await using random = await openTestHome(place.path, new ManualClock());
          const rooms = of.map((which) => `thing-${which}`);
          for (const [step, action] of list.entries()) {
            perform(random, action, step);
            expect([...random.graph.visibility.of(rooms).ids].sort(), `step ${step}`).toEqual(
              walk(random, rooms),
            );
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

/** Follows each thing's edges until no step leads on; there is no home in the random graph. */
function walk({ graph }: TestHome, rooms: readonly string[]): string[] {
  const living = Array.from({ length: THINGS }, (_, which) => `thing-${which}`).filter((id) =>
    graph.entity(id),
  );
  const leadsThere = (id: string, passed: readonly string[]): boolean =>
    rooms.includes(id) ||
    graph
      .relationshipsOf(id, 'from')
      .filter(({ relationshipType }) => ['located_in', 'part_of'].includes(relationshipType))
      .some(({ toEntityId }) => !passed.includes(toEntityId) && leadsThere(toEntityId, [...passed, id]));
  return living.filter((id) => leadsThere(id, [])).sort();
}
