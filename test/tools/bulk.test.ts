import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ANNA, openToolHome, type ToolHome } from './tool-home.ts';

let t: ToolHome;
beforeEach(async () => {
  t = await openToolHome();
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
});

/** A room with `count` devices and an automation for the first of them. */
function fill(count: number): void {
  t.make('room', 'hall');
  t.make('automation', 'evening', { trigger: { at: 'sunset' }, action: { turn: 'on' } });
  t.home.graph.transaction((writer) => {
    const author = ANNA;
    for (let i = 0; i < count; i++) {
      const id = `d${i}`;
      writer.createEntity({
        id,
        entityType: 'device',
        content: { name: id },
        author,
        sourceType: 'manual',
      });
      const ends = { fromEntityId: id, toEntityId: 'hall', relationshipType: 'located_in' };
      writer.putRelationship({ ...ends, properties: {}, author });
    }
  });
  t.join('evening', 'automates', 'd0');
}

/** How often others had their turn of the event loop while `run` ran. */
async function turnsDuring(run: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const state = { done: false };
  const others = (async () => {
    while (!state.done) {
      await setImmediate();
      turns += 1;
    }
  })();
  await run();
  state.done = true;
  await others;
  return turns;
}

describe('a room with a thousand devices', () => {
  beforeEach(() => fill(1000));

  test.each([
    ['get_devices_in_room', { room_id: 'hall' }, { count: 1000 }],
    [
      'get_automations_in_room',
      { room_id: 'hall' },
      { automations: [{ id: 'evening', affects_devices: [{ id: 'd0' }] }] },
    ],
    ['list_relationships', { to_entity_id: 'hall' }, { count: 1000 }],
    ['get_entity_details', { entity_id: 'hall' }, { version_count: 1 }],
  ])('%s lets others have their turn', async (name, args, expected) => {
    let answer: unknown;
    const turns = await turnsDuring(async () => {
      answer = await t.call(name, args);
    });
    expect(answer).toMatchObject(expected);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  test('so does the reading of its relationships for the REST API', async () => {
    const { reads } = t.tools;
    let printed: unknown[] = [];
    const turns = await turnsDuring(async () => {
      printed = await reads.relationships({ toId: 'hall' }, Infinity, reads.edgePrinter());
    });
    expect(printed).toHaveLength(1000);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  test('get_connected tells that there is more than it lists', async () => {
    // The room counts among the thousand that a walk brings.
    expect(await t.call('get_connected', { entity_id: 'hall' })).toMatchObject({
      count: 999,
      truncated: true,
    });
    const details = await t.call('get_entity_details', { entity_id: 'hall', include_connected: true });
    expect(details).toMatchObject({ truncated: true });
    expect(await t.call('get_connected', { entity_id: 'd0' })).not.toHaveProperty('truncated');
  });
});

test('list_relationships tells that there are more than it lists, now and then', async () => {
  fill(5000);
  const now = { to_entity_id: 'hall' };
  for (const args of [{}, { at: '2026-01-01T00:00:00Z' }, now]) {
    expect(await t.call('list_relationships', args), JSON.stringify(args)).toMatchObject({
      count: 5000,
      ...(args === now ? {} : { truncated: true }),
    });
  }
  expect(await t.call('list_relationships', now)).not.toHaveProperty('truncated');
});

describe('get_entity_versions', () => {
  test('begins with the newest however many there are, and tells that there are more', async () => {
    t.make('note', 'paint');
    t.home.graph.transaction((writer) => {
      for (let i = 1; i <= 1001; i++) writer.replaceContent('paint', { name: `Paint ${i}` }, ANNA);
    });
    const answer = await t.call('get_entity_versions', { entity_id: 'paint' });
    const versions = answer['versions'] as { name: string }[];
    expect(answer).toMatchObject({ version_count: 1002, truncated: true });
    expect(versions).toHaveLength(1000);
    expect([versions[0]?.name, versions.at(-1)?.name]).toEqual(['Paint 1001', 'Paint 2']);
  });

  test('says nothing of more where there is none', async () => {
    t.make('note', 'paint');
    expect(await t.call('get_entity_versions', { entity_id: 'paint' })).not.toHaveProperty('truncated');
  });
});
