import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { JsonText, toJsonText, type JsonParts } from '../../src/tools/json-text.ts';
import { ANNA, openToolHome, type ToolHome } from './tool-home.ts';

let t: ToolHome;
beforeEach(async () => {
  t = await openToolHome();
});
afterEach(async () => {
  await t[Symbol.asyncDispose]();
});

describe('arguments', () => {
  test.each([
    ['get_devices_in_room', { room_id: 7 }, /^room_id: .*expected string, received number/],
    ['get_devices_in_room', { room_id: null }, /^get_devices_in_room needs room_id$/],
    ['search_entities', { query: ['x'] }, /^query: .*expected string, received array/],
    ['create_entity', { entity_type: 3, name: 'x' }, /^entity_type: .*expected string, received number/],
    ['get_entity_details', { entity_id: 'x', include_connected: 'yes' }, /^include_connected: .*boolean/],
    ['update_entity', { entity_id: 'x', changes: 'x' }, /^changes: .*expected object, received string/],
    ['update_entity', { entity_id: 'x', changes: { name: 7 } }, /^changes\.name: .*received number/],
    ['find_path', { from_entity_id: 'x', to_entity_id: 'y', max_depth: 'far' }, /^max_depth: .*string/],
    ['find_path', { from_entity_id: 'x', to_entity_id: 'y', max_depth: true }, /^max_depth: .*boolean/],
    ['find_path', { from_entity_id: 'x', to_entity_id: 'y', max_depth: '21' }, /^max_depth: Too big/],
    ['list_entities', { limit: '1.5' }, /^limit: .*int/],
  ])('%s with %j: what is wrong with which', async (name, args, message) => {
    expect(await t.refusal(name, args)).toMatch(message);
  });

  test('a number may be sent as text', async () => {
    for (let i = 0; i < 3; i++) t.make('note', `n${i}`, { name: 'Paint', text: `wall ${i}` });
    expect(await t.call('list_entities', { limit: '2', offset: ' 1 ' })).toMatchObject({
      entities: [{ id: 'n1' }, { id: 'n2' }],
    });
    expect(await t.call('search_entities', { query: 'paint', limit: '1' })).toMatchObject({ count: 1 });
    expect(await t.call('find_similar_entities', { entity_id: 'n0', threshold: '0.5' })).toMatchObject({
      count: 2,
    });
  });

  test('no types to search among are all types', async () => {
    t.make('note', 'paint');
    expect(await t.call('search_entities', { query: 'paint', entity_types: [] })).toMatchObject({ count: 1 });
  });

  test('a time may be a day, or end with the minutes', async () => {
    t.home.clock.jumpTo(Date.parse('2026-03-01T12:00:00Z'));
    t.make('note', 'paint');
    const created = async (since: string): Promise<unknown> =>
      (await t.call('get_graph_diff', { since }))['entities_created'];
    await t.home.graph.settled();
    t.home.clock.advance(60_000);
    for (const since of ['2026-03-01', '2026-03-01T11:59', '2026-03-01 12:59+01:00']) {
      expect(await created(since), since).toHaveLength(1);
    }
    expect(await created('2026-03-01T12:01Z')).toEqual([]);
    expect(await t.refusal('get_graph_diff', { since: '2026-03' })).toContain('RFC 3339');
  });
});

describe('words that every JavaScript object knows', () => {
  test.each(['constructor', '__proto__', 'toString'])('%s is a type like others', async (word) => {
    t.home.graph.transaction((writer) => {
      for (const id of ['a', 'b']) {
        const content = { name: `Word ${id}` };
        writer.createEntity({ id, entityType: word, content, author: ANNA, sourceType: word });
      }
    });
    const types = (await t.call('get_statistics'))['entity_types'] as object;
    expect(Object.entries(types)).toEqual([[word, 2]]);
    const { entity } = await t.call('get_entity_details', { entity_id: 'a' });
    expect(entity).toMatchObject({ entity_type: word, source_type: word });
    expect(await t.call('find_similar_entities', { entity_id: 'a', threshold: 0 })).toMatchObject({
      similar_entities: [{ id: 'b' }],
    });
  });
});

test('what JSON has no text for is no answer', () => {
  expect(toJsonText({ a: undefined, b: new JsonText('1'), c: [null, true] })).toBe('{"b":1,"c":[null,true]}');
  for (const value of [Object, undefined, Symbol('x')]) {
    expect(() => toJsonText([value as unknown as JsonParts])).toThrow(/no text for a/);
  }
});
