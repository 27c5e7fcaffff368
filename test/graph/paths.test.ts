import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Author, Direction } from '../../src/graph/types.ts';

import { ManualClock, toIso } from '../../src/base/clock.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';
import { actions, perform, presentState, THINGS, type State } from './random-home.ts';

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

function make(...ids: readonly string[]): void {
  home.graph.transaction((graph) => {
    for (const id of ids) {
      graph.createEntity({
        id,
        entityType: 'note',
        content: { name: id },
        author: anna,
        sourceType: 'manual',
      });
    }
  });
}

function join(fromEntityId: string, toEntityId: string, relationshipType = 'part_of'): string {
  return home.graph.transaction(
    (graph) =>
      graph.putRelationship({ fromEntityId, toEntityId, relationshipType, properties: {}, author: anna }).id,
  );
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

async function pathOf(from: string, to: string, options = {}, maxDepth = 10): Promise<string[] | undefined> {
  const path = await home.graph.paths.path(from, to, maxDepth, options);
  return path?.entities.map(({ id }) => id);
}

describe('paths', () => {
  test('the shortest one is found, with its edges in order', async () => {
    make('a', 'b', 'c', 'd', 'e');
    join('a', 'b');
    const bc = join('b', 'c');
    const cd = join('c', 'd');
    const ab = join('a', 'd', 'controls');
    expect(await pathOf('a', 'c')).toHaveLength(3);
    const path = await home.graph.paths.path('a', 'c', 10, { relationshipTypes: ['part_of'] });
    expect(path?.relationships.map(({ id }) => id).at(-1)).toBe(bc);
    expect(await pathOf('a', 'd')).toEqual(['a', 'd']);
    home.graph.transaction((graph) => graph.endRelationship(ab, anna));
    expect(await pathOf('a', 'd')).toEqual(['a', 'b', 'c', 'd']);
    expect(await pathOf('a', 'd', {}, 2)).toBeUndefined();
    home.graph.transaction((graph) => graph.endRelationship(cd, anna));
    expect(await pathOf('a', 'd')).toBeUndefined();
    expect(await pathOf('a', 'a')).toEqual(['a']);
    expect(await pathOf('a', 'e')).toBeUndefined();
  });

  test('the direction counts where it is asked for', async () => {
    make('a', 'b', 'c');
    join('a', 'b');
    join('c', 'b');
    expect(await pathOf('a', 'c')).toEqual(['a', 'b', 'c']);
    expect(await pathOf('a', 'c', { direction: 'from' })).toBeUndefined();
    expect(await pathOf('a', 'b', { direction: 'from' })).toEqual(['a', 'b']);
    expect(await pathOf('a', 'b', { direction: 'to' })).toBeUndefined();
    expect(await pathOf('b', 'a', { direction: 'to' })).toEqual(['b', 'a']);
  });

  test('an end that is unknown or deleted is refused by name', async () => {
    make('a', 'b');
    await expect(pathOf('a', 'nobody')).rejects.toThrow(/nobody/);
    home.graph.transaction((graph) => graph.deleteEntity('b', anna));
    await expect(pathOf('b', 'a')).rejects.toThrow(/no entity b/);
  });

  test('deleting ends a way, restoring opens it again', async () => {
    make('a', 'b', 'c');
    join('a', 'b');
    join('b', 'c');
    expect(await pathOf('a', 'c')).toEqual(['a', 'b', 'c']);
    home.graph.transaction((graph) => graph.deleteEntity('b', anna));
    expect(await pathOf('a', 'c')).toBeUndefined();
    home.graph.transaction((graph) => graph.restoreEntity('b', undefined, anna));
    expect(await pathOf('a', 'c')).toEqual(['a', 'b', 'c']);
  });

  test('a way of the past is found in the past, and the present is not disturbed', async () => {
    make('a', 'b');
    const id = join('a', 'b');
    const before = toIso(home.clock.nowMs());
    home.clock.advance(1000);
    home.graph.transaction((graph) => graph.endRelationship(id, anna));
    await home.graph.settled();
    const moment = home.graph.history.moment(before);
    expect(await pathOf('a', 'b', { moment })).toEqual(['a', 'b']);
    expect(await pathOf('a', 'b')).toBeUndefined();
    const around = await home.graph.paths.neighbours('a', 10, { moment });
    expect(around.items.map(({ entity }) => entity.id)).toEqual(['b']);
  });
});

describe('surroundings', () => {
  test('neighbours come with their edges, as many as were asked for', async () => {
    make('hub', 'a', 'b', 'c');
    for (const id of ['a', 'b', 'c']) join(id, 'hub');
    const two = await home.graph.paths.neighbours('hub', 2);
    expect(two.items).toHaveLength(2);
    expect(two.truncated).toBe(true);
    const all = await home.graph.paths.neighbours('hub', 3, { direction: 'to' });
    expect(
      all.items.map(({ entity, relationship }) => [entity.id, relationship.fromEntityId]).toSorted(byText),
    ).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
    ]);
    expect(all.truncated).toBe(false);
    expect((await home.graph.paths.neighbours('hub', 3, { direction: 'from' })).items).toEqual([]);
  });

  test('a subgraph has every entity once, nearest first, and every edge among them', async () => {
    make('a', 'b', 'c', 'd');
    join('a', 'b');
    join('b', 'c');
    join('a', 'c', 'controls');
    join('c', 'd');
    const near = await home.graph.paths.subgraph('a', 1, 10);
    expect(near.entities.map(({ entity, distance }) => [entity.id, distance]).toSorted(byText)).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 1],
    ]);
    expect(near.relationships).toHaveLength(3);
    const few = await home.graph.paths.subgraph('a', 3, 2);
    expect(few.entities).toHaveLength(2);
    expect(few.truncated).toBe(true);
    for (const { fromEntityId, toEntityId } of few.relationships) {
      const ids = few.entities.map(({ entity }) => entity.id);
      expect(ids).toEqual(expect.arrayContaining([fromEntityId, toEntityId]));
    }
  });
});

/** Lengths of shortest paths, the slow and plain way, out of what a list of edges says. */
function lengths(state: State, from: string, direction: Direction): Map<string, number> {
  const found = new Map([[from, 0]]);
  for (let grown = true; grown;) {
    grown = false;
    for (const said of Object.values(state.edges)) {
      const [a = '', , b = ''] = said.split(' ');
      for (const [start, end, way] of [
        [a, b, 'from'],
        [b, a, 'to'],
      ] as const) {
        if (direction !== 'both' && direction !== way) continue;
        const length = found.get(start);
        if (length === undefined || length + 1 >= (found.get(end) ?? Number.POSITIVE_INFINITY)) continue;
        found.set(end, length + 1);
        grown = true;
      }
    }
  }
  return found;
}

test('paths agree with the file after whatever is done, asked at any time in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      actions,
      fc.constantFrom<Direction>('from', 'to', 'both'),
      fc.nat(THINGS - 1),
      fc.nat(7),
      async (list, direction, start, everyNth) => {
        using place = temporaryFolder();
        await using target = await openTestHome(place.path, new ManualClock());
        const check = async (moment?: ReturnType<typeof target.graph.history.present>): Promise<void> => {
          const state = presentState(target.graph);
          const from = `thing-${start}`;
          if (state.entities[from] === undefined) return;
          const expected = lengths(state, from, direction);
          for (const to of Object.keys(state.entities)) {
            const path = await target.graph.paths.path(from, to, 20, { direction, moment });
            expect(path?.relationships.length).toBe(expected.get(to));
            // A way that can be walked: each edge joins its two entities, in the right direction.
            path?.relationships.forEach((edge, index) => {
              const step = [path.entities[index]?.id, path.entities[index + 1]?.id];
              const onward = [edge.fromEntityId, edge.toEntityId];
              const ways = { from: [onward], to: [onward.toReversed()], both: [onward, onward.toReversed()] };
              expect(ways[direction]).toContainEqual(step);
            });
          }
          const around = await target.graph.paths.subgraph(from, 20, 100, { direction, moment });
          expect(
            around.entities.map(({ entity, distance }) => [entity.id, distance]).toSorted(byText),
          ).toEqual([...expected].toSorted(byText));
        };
        for (const [step, action] of list.entries()) {
          perform(target, action, step);
          if (step % (everyNth + 1) === 0) await check();
        }
        await check();
        await target.graph.settled();
        await check(target.graph.history.present());
      },
    ),
    { numRuns: 60 },
  );
});
