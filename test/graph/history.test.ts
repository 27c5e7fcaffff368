import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Difference } from '../../src/graph/graph.ts';
import type { Author, EntityVersion, Moment, RelationshipVersion } from '../../src/graph/types.ts';

import { ManualClock, toIso } from '../../src/base/clock.ts';
import { parseContent } from '../../src/graph/graph.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';
import { actions, actionsWithPhones, perform, presentState, stateOf, type State } from './random-home.ts';

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

function make(id: string, entityType: string, content: Record<string, unknown>): void {
  home.graph.transaction((graph) =>
    graph.createEntity({ id, entityType, content, author: anna, sourceType: 'manual' }),
  );
}

function join(
  fromEntityId: string,
  toEntityId: string,
  relationshipType = 'located_in',
): RelationshipVersion {
  return home.graph.transaction((graph) =>
    graph.putRelationship({ fromEntityId, toEntityId, relationshipType, properties: {}, author: anna }),
  );
}

async function at(iso: string): Promise<Moment> {
  await home.graph.settled();
  return home.graph.history.moment(iso);
}

function onDay(month: number, day = 1): void {
  home.clock.jumpTo(Date.UTC(2026, month - 1, day));
}

describe('an entity in the past', () => {
  test('is what it was, and not there before it was made or while it was deleted', async () => {
    onDay(2);
    make('lamp', 'device', { name: 'Lamp' });
    onDay(3);
    home.graph.transaction((graph) => graph.replaceContent('lamp', { name: 'Floor lamp' }, anna));
    onDay(4);
    home.graph.transaction((graph) => graph.deleteEntity('lamp', anna));
    onDay(5);
    home.graph.transaction((graph) => graph.restoreEntity('lamp', undefined, anna));
    onDay(6);
    const nameAt = async (iso: string): Promise<unknown> => {
      const entity = home.graph.history.entity('lamp', await at(iso));
      return entity && parseContent(entity)['name'];
    };
    expect(await nameAt('2026-01-31T23:59:59.999Z')).toBeUndefined();
    expect(await nameAt('2026-02-01T00:00:00Z')).toBe('Lamp');
    expect(await nameAt('2026-02-28T23:59:59.999Z')).toBe('Lamp');
    expect(await nameAt('2026-03-15T12:00:00+01:00')).toBe('Floor lamp');
    expect(await nameAt('2026-04-15T00:00:00Z')).toBeUndefined();
    expect(await nameAt('2026-05-01T00:00:00Z')).toBe('Floor lamp');
  });

  test('two edits within one millisecond are told apart, and its end shows the last', async () => {
    make('note', 'note', { n: 0 });
    for (let n = 1; n <= 3; n++) {
      home.graph.transaction((graph) => graph.replaceContent('note', { n }, anna));
    }
    const versions = home.graph.versions('note');
    expect(new Set(versions.map(({ validMicros }) => validMicros)).size).toBe(4);
    const now = home.graph.history.entity('note', await at(toIso(home.clock.nowMs())));
    expect(now && parseContent(now)).toEqual({ n: 3 });
  });

  test('a phone that was offline changes the past, and a loser does not', async () => {
    onDay(1);
    make('note', 'note', { text: 'first' });
    const first = String(home.graph.latest('note')?.version);
    onDay(3);
    const push = (version: string, text: string, current: boolean): void => {
      home.graph.transaction((graph) =>
        graph.insertVersion({
          id: 'note',
          version,
          entityType: 'note',
          changeType: 'update',
          parentVersions: [first],
          contentJson: JSON.stringify({ text }),
          author: anna,
          sourceType: 'manual',
          timestamp: '2026-02-01T08:00:00Z',
          current,
        }),
      );
    };
    push('lost', 'lost', false);
    push('kept', 'kept', true);
    const text = async (iso: string): Promise<unknown> => {
      const entity = home.graph.history.entity('note', await at(iso));
      return entity && parseContent(entity)['text'];
    };
    expect(await text('2026-02-01T07:59:59Z')).toBe('first');
    expect(await text('2026-02-01T08:00:00Z')).toBe('kept');
  });

  test('a time in the future, and what is no time, are refused by name', () => {
    for (const text of ['tomorrow', '2026-13-01T00:00:00Z', '2027-01-01T00:00:00Z', '']) {
      expect(() => home.graph.history.moment(text)).toThrow(expect.objectContaining({ field: 'at' }));
    }
  });

  test('what is not durable yet is not shown', async () => {
    const before = home.graph.history.moment(toIso(home.clock.nowMs()));
    make('note', 'note', {});
    expect(home.graph.history.entity('note', before)).toBeUndefined();
    expect(home.graph.history.entity('note', await at(toIso(home.clock.nowMs())))?.id).toBe('note');
  });
});

describe('edges in the past', () => {
  test('history answers where the lamp was in March', async () => {
    onDay(1);
    make('lamp', 'device', { name: 'Lamp' });
    for (const room of ['kitchen', 'cellar', 'attic']) make(room, 'room', { name: room });
    onDay(2);
    join('lamp', 'kitchen');
    onDay(3, 10);
    join('lamp', 'cellar');
    onDay(5);
    join('lamp', 'attic');
    onDay(6);
    await home.graph.settled();
    const micros = (iso: string): number => Date.parse(iso) * 1000;
    const march = home.graph.history.intervals('lamp', {
      direction: 'from',
      relationshipType: 'located_in',
      fromMicros: micros('2026-03-01T00:00:00Z'),
      toMicros: micros('2026-04-01T00:00:00Z'),
    });
    expect(march.map((stay) => [stay.relationship.toEntityId, stay.fromMicros, stay.toMicros])).toEqual([
      ['kitchen', micros('2026-02-01T00:00:00Z'), micros('2026-03-10T00:00:00Z')],
      ['cellar', micros('2026-03-10T00:00:00Z'), micros('2026-05-01T00:00:00Z')],
    ]);
    const inRoom = async (roomId: string, iso: string): Promise<string[]> => {
      const page = await home.graph.history.list({ roomId }, 10, undefined, await at(iso));
      return page.items.map(({ id }) => id);
    };
    expect(await inRoom('kitchen', '2026-03-09T00:00:00Z')).toEqual(['lamp']);
    expect(await inRoom('kitchen', '2026-03-10T00:00:00Z')).toEqual([]);
    expect(await inRoom('cellar', '2026-03-10T00:00:00Z')).toEqual(['lamp']);
  });

  test('an edge that was moved to another end is found from the end that it had', async () => {
    onDay(1);
    make('switch', 'device', { name: 'Switch' });
    make('lamp', 'device', { name: 'Lamp' });
    make('fan', 'device', { name: 'Fan' });
    const { id } = join('switch', 'lamp', 'controls');
    onDay(2);
    home.graph.transaction((graph) =>
      graph.changeRelationship(
        id,
        {
          fromEntityId: 'switch',
          toEntityId: 'fan',
          relationshipType: 'controls',
          properties: { button: 2 },
        },
        anna,
      ),
    );
    onDay(3);
    const lampKey = home.graph.keyOf('lamp')!;
    expect(home.graph.relationships({ entityKey: lampKey }, 10).items).toEqual([]);
    const then = await home.graph.history.relationships(
      { entityKey: lampKey },
      10,
      undefined,
      await at('2026-01-15T00:00:00Z'),
    );
    expect(then.items.map(({ toEntityId, propertiesJson }) => [toEntityId, propertiesJson])).toEqual([
      ['lamp', '{}'],
    ]);
    expect(home.graph.history.intervals('lamp', { direction: 'to' })).toHaveLength(1);
    expect(home.graph.relationshipVersions(id)).toHaveLength(2);
  });

  test('a tombstone ends the edges, restoring opens them again, and the gap stays a gap', async () => {
    onDay(1);
    make('lamp', 'device', { name: 'Lamp' });
    make('kitchen', 'room', { name: 'Kitchen' });
    join('lamp', 'kitchen');
    onDay(2);
    home.graph.transaction((graph) => graph.deleteEntity('lamp', anna));
    expect(home.graph.relationshipsOf('kitchen')).toEqual([]);
    onDay(3);
    home.graph.transaction((graph) => graph.restoreEntity('lamp', undefined, anna));
    expect(home.graph.relationshipsOf('kitchen').map(({ fromEntityId }) => fromEntityId)).toEqual(['lamp']);
    await home.graph.settled();
    const stays = home.graph.history.intervals('lamp', { direction: 'from' });
    expect(stays.map(({ fromMicros, toMicros }) => [fromMicros, toMicros])).toEqual([
      [Date.UTC(2026, 0, 1) * 1000, Date.UTC(2026, 1, 1) * 1000],
      [Date.UTC(2026, 2, 1) * 1000, null],
    ]);
  });

  test('deleting both ends and restoring both, in any order, brings the edge back', () => {
    for (const order of [
      ['lamp', 'kitchen'],
      ['kitchen', 'lamp'],
    ]) {
      for (const back of [order, order.toReversed()]) {
        const [lamp, kitchen] = [
          `lamp-${order.join('-')}-${back.join('-')}`,
          `kitchen-${order.join('-')}-${back.join('-')}`,
        ] as [string, string];
        const named = new Map([
          ['lamp', lamp],
          ['kitchen', kitchen],
        ]);
        make(lamp, 'device', { name: 'Lamp' });
        make(kitchen, 'room', { name: 'Kitchen' });
        const { id } = join(lamp, kitchen);
        home.clock.advance(1000);
        for (const name of order) {
          home.graph.transaction((graph) => graph.deleteEntity(named.get(name)!, anna));
        }
        home.clock.advance(1000);
        for (const name of back) {
          home.graph.transaction((graph) => graph.restoreEntity(named.get(name)!, undefined, anna));
        }
        expect(home.graph.relationship(id)?.validToMs, `${order.join()} then ${back.join()}`).toBeNull();
      }
    }
  });

  test('an edge that a person ended stays ended, and a thing that moved meanwhile stays where it is', () => {
    make('lamp', 'device', { name: 'Lamp' });
    make('kitchen', 'room', { name: 'Kitchen' });
    make('cellar', 'room', { name: 'Cellar' });
    const ended = join('lamp', 'kitchen', 'part_of');
    home.graph.transaction((graph) => graph.endRelationship(ended.id, anna));
    join('lamp', 'kitchen');
    home.clock.advance(1000);
    home.graph.transaction((graph) => graph.deleteEntity('kitchen', anna));
    join('lamp', 'cellar');
    home.graph.transaction((graph) => graph.restoreEntity('kitchen', undefined, anna));
    expect(home.graph.relationshipsOf('lamp').map(({ toEntityId }) => toEntityId)).toEqual(['cellar']);
  });
});

test('restoring an old version makes a new one with its content', () => {
  make('note', 'note', { text: 'one' });
  const first = String(home.graph.entity('note')?.version);
  home.graph.transaction((graph) => graph.replaceContent('note', { text: 'two' }, anna));
  const second = String(home.graph.entity('note')?.version);
  const restored = home.graph.transaction((graph) => graph.restoreEntity('note', first, anna));
  expect(parseContent(restored)).toEqual({ text: 'one' });
  expect(restored.parentVersions).toEqual([second]);
  expect(() => home.graph.transaction((graph) => graph.restoreEntity('note', 'nothing', anna))).toThrow(
    /version/,
  );
  expect(() => home.graph.transaction((graph) => graph.restoreEntity('nobody', undefined, anna))).toThrow(
    /no entity/,
  );
  const lineage = home.graph.history.lineage('note');
  expect(lineage).toBeUndefined();
});

test('the lineage tells how versions descend, what lost, and which parents were never held', async () => {
  make('note', 'note', { text: 'one' });
  const first = String(home.graph.entity('note')?.version);
  const push = (version: string, parents: string[], current: boolean): void => {
    home.graph.transaction((graph) =>
      graph.insertVersion({
        id: 'note',
        version,
        entityType: 'note',
        changeType: 'update',
        parentVersions: parents,
        contentJson: '{}',
        author: anna,
        sourceType: 'manual',
        timestamp: '2026-01-01T00:00:00Z',
        current,
      }),
    );
  };
  push('a', [first], true);
  push('b', [first, 'elsewhere'], false);
  push('merge', ['a', 'b'], true);
  await home.graph.settled();
  const lineage = home.graph.history.lineage('note')!;
  expect(lineage.roots).toEqual([first]);
  expect(lineage.heads).toEqual(['merge']);
  expect(lineage.missingParents).toEqual(['elsewhere']);
  expect(
    lineage.nodes.map(({ entity, children, isCurrent }) => [entity.version, children, isCurrent]),
  ).toEqual([
    [first, ['a', 'b'], false],
    ['a', ['merge'], false],
    ['b', ['merge'], false],
    ['merge', [], true],
  ]);
  expect(home.graph.history.lineage('nobody')).toBeUndefined();
});

/** Reads a whole snapshot, three rows a page. */
async function snapshotState(target: TestHome, moment: Moment): Promise<State> {
  const entities: EntityVersion[] = [];
  const relationships: RelationshipVersion[] = [];
  let cursor: string | undefined;
  do {
    const page = await target.graph.history.snapshot(moment, 3, cursor);
    entities.push(...page.entities);
    relationships.push(...page.relationships);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const state = stateOf(entities, relationships);
  // No row twice, and no edge without its ends.
  expect(Object.keys(state.entities)).toHaveLength(entities.length);
  expect(Object.keys(state.edges)).toHaveLength(relationships.length);
  for (const { fromEntityId, toEntityId } of relationships) {
    expect(Object.keys(state.entities)).toEqual(expect.arrayContaining([fromEntityId, toEntityId]));
  }
  return state;
}

function applied(
  before: State,
  entities: readonly Difference<EntityVersion>[],
  edges: readonly Difference<RelationshipVersion>[],
): State {
  const result = { entities: { ...before.entities }, edges: { ...before.edges } };
  for (const pair of entities) {
    if (pair.before) {
      expect(result.entities[pair.before.id]).toBe(pair.before.version);
      delete result.entities[pair.before.id];
    }
    if (pair.after) Object.assign(result.entities, stateOf([pair.after], []).entities);
  }
  for (const pair of edges) {
    if (pair.before) delete result.edges[pair.before.id];
    if (pair.after) Object.assign(result.edges, stateOf([], [pair.after]).edges);
  }
  return result;
}

describe('whatever is done to a home', () => {
  const runs = { numRuns: 60 };

  async function withHome(body: (target: TestHome) => Promise<void>): Promise<void> {
    using place = temporaryFolder();
    await using target = await openTestHome(place.path, new ManualClock());
    await body(target);
  }

  test('the past stays as it was when it was the present', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        await withHome(async (target) => {
          const seen: { iso: string; state: State }[] = [];
          for (const [step, action] of list.entries()) {
            perform(target, action, step);
            seen.push({ iso: toIso(target.clock.nowMs()), state: presentState(target.graph) });
            target.clock.advance(1);
          }
          await target.graph.settled();
          for (const { iso, state } of seen) {
            expect(await snapshotState(target, target.graph.history.moment(iso))).toEqual(state);
          }
        });
      }),
      runs,
    );
  });

  test('the past up to now is the present, also with phones that were offline and a clock that goes back', async () => {
    await fc.assert(
      fc.asyncProperty(actionsWithPhones, fc.nat(40), async (list, jumpAt) => {
        await withHome(async (target) => {
          for (const [step, action] of list.entries()) {
            if (step === jumpAt) target.clock.jumpTo(Date.UTC(1970, 0, 2));
            perform(target, action, step);
          }
          await target.graph.settled();
          const { history } = target.graph;
          expect(await snapshotState(target, history.present())).toEqual(presentState(target.graph));
        });
      }),
      runs,
    );
  });

  test('a diff applied to the first snapshot gives the second', async () => {
    await fc.assert(
      fc.asyncProperty(actionsWithPhones, fc.nat(300), fc.nat(300), async (list, one, other) => {
        await withHome(async (target) => {
          const startMs = target.clock.nowMs();
          for (const [step, action] of list.entries()) perform(target, action, step);
          target.clock.advance(300);
          await target.graph.settled();
          const { history } = target.graph;
          const [from, to] = [Math.min(one, other), Math.max(one, other)].map((ms) =>
            history.moment(toIso(startMs + ms - 20)),
          ) as [Moment, Moment];
          const entities: Difference<EntityVersion>[] = [];
          const relationships: Difference<RelationshipVersion>[] = [];
          let cursor: string | undefined;
          do {
            const page = await history.diff(from, to, 2, cursor);
            entities.push(...page.entities);
            relationships.push(...page.relationships);
            cursor = page.nextCursor ?? undefined;
          } while (cursor !== undefined);
          const before = await snapshotState(target, from);
          expect(applied(before, entities, relationships)).toEqual(await snapshotState(target, to));
        });
      }),
      runs,
    );
  });

  test('intervals say the same as a read at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(actions, fc.nat(300), async (list, ms) => {
        await withHome(async (target) => {
          const startMs = target.clock.nowMs();
          for (const [step, action] of list.entries()) perform(target, action, step);
          target.clock.advance(300);
          await target.graph.settled();
          const { history } = target.graph;
          const moment = history.moment(toIso(startMs + ms));
          for (const { id } of target.graph.list({}, 100).items) {
            const entityKey = target.graph.keyOf(id)!;
            const held = await history.relationships({ entityKey }, 100, undefined, moment);
            const said = history
              .intervals(id, { direction: 'both' })
              .filter(
                ({ fromMicros, toMicros }) =>
                  fromMicros <= moment.micros && (toMicros === null || toMicros > moment.micros),
              )
              .map(({ relationship }) => relationship);
            expect(stateOf([], said)).toEqual(stateOf([], held.items));
          }
        });
      }),
      runs,
    );
  });
});

test('a cursor of another list, or an invented one, is refused', async () => {
  make('note', 'note', {});
  await home.graph.settled();
  const { history } = home.graph;
  const moment = history.present();
  for (const cursor of [
    'rubbish',
    Buffer.from('k1').toString('base64url'),
    Buffer.from('s1,2,3').toString('base64url'),
  ]) {
    await expect(history.snapshot(moment, 10, cursor)).rejects.toThrow(/cursor/);
    await expect(history.diff(moment, moment, 10, cursor)).rejects.toThrow(/cursor/);
  }
  await expect(history.list({}, 10, Buffer.from('r1').toString('base64url'), moment)).rejects.toThrow(
    /cursor/,
  );
});

test('an edge holds from the microsecond on that it begins at, up to but not at the one that it ends at', async () => {
  make('a', 'note', {});
  make('b', 'note', {});
  home.clock.advance(10);
  const { id, validFromMicros } = join('a', 'b', 'part_of');
  home.clock.advance(10);
  const { validToMicros } = home.graph.transaction((graph) => graph.endRelationship(id, anna));
  await home.graph.settled();
  const holds = (micros: number): boolean =>
    home.graph.history.relationship(id, { micros, seq: home.graph.headSeq }) !== undefined;
  expect([validFromMicros - 1, validFromMicros, validToMicros! - 1, validToMicros!].map(holds)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

describe('what a phone says of a time before the hub can have known', () => {
  test('an edge does not show while one of its ends was not there', async () => {
    onDay(2);
    make('lamp', 'device', { name: 'Lamp' });
    onDay(3);
    make('kitchen', 'room', { name: 'Kitchen' });
    onDay(4);
    home.graph.transaction((graph) =>
      graph.insertRelationshipVersion({
        id: 'edge',
        version: 'e1',
        parentVersions: [],
        fromEntityId: 'lamp',
        toEntityId: 'kitchen',
        relationshipType: 'located_in',
        propertiesJson: '{}',
        author: anna,
        validFrom: '2026-01-01T00:00:00Z',
        validTo: null,
        current: true,
      }),
    );
    const edgesAt = async (iso: string): Promise<number> =>
      (await home.graph.history.snapshot(await at(iso), 100)).relationships.length;
    const joinedAt = async (iso: string): Promise<boolean> => {
      const { items } = await home.graph.paths.neighbours('lamp', 10, { moment: await at(iso) });
      return items.length > 0;
    };
    expect(await edgesAt('2026-01-15T00:00:00Z')).toBe(0);
    expect([await edgesAt('2026-02-15T00:00:00Z'), await joinedAt('2026-02-15T00:00:00Z')]).toEqual([
      0,
      false,
    ]);
    expect([await edgesAt('2026-03-15T00:00:00Z'), await joinedAt('2026-03-15T00:00:00Z')]).toEqual([
      1,
      true,
    ]);
  });

  test('a state that does not descend from the one before still comes after it in time', () => {
    onDay(2);
    make('note', 'note', { text: 'first' });
    const before = home.graph.latest('note')!;
    home.graph.transaction((graph) =>
      graph.insertVersion({
        id: 'note',
        version: 'v-1',
        entityType: 'note',
        changeType: 'update',
        parentVersions: [],
        contentJson: '{"text":"second"}',
        author: anna,
        sourceType: 'manual',
        timestamp: '2026-01-01T00:00:00Z',
        current: true,
      }),
    );
    const after = home.graph.latest('note')!;
    expect(after.version).toBe('v-1');
    expect(after.timestamp).toBe('2026-01-01T00:00:00Z');
    expect(after.validMicros).toBe(before.validMicros + 1);
  });
});
