import { afterEach, beforeEach, expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const HOUR_MS = 3600_000;

function room(graph: Graph, id: string): number {
  return graph.transaction((writer) =>
    writer.createEntity({
      id,
      entityType: 'room',
      content: { name: id },
      author: HUB_AUTHOR,
      sourceType: 'manual',
    }),
  ).storedMicros;
}

test('rows are stored at times that grow, whatever the clock does, and over a restart', async () => {
  const clock = new ManualClock();
  const stamps: number[] = [];
  {
    await using store = await openTestStore(folder.path, [graphTables], clock);
    using graph = new Graph({ store, clock, log: silentLogger });
    stamps.push(room(graph, 'a'), room(graph, 'b'));
    clock.advance(HOUR_MS);
    stamps.push(room(graph, 'c'));
    await graph.settled();
  }
  const behind = new ManualClock();
  await using store = await openTestStore(folder.path, [graphTables], behind);
  using graph = new Graph({ store, clock: behind, log: silentLogger });
  stamps.push(room(graph, 'd'));
  await graph.settled();
  expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
  expect(new Set(stamps).size).toBe(4);
  expect(stamps[2]).toBe(clock.nowMs() * 1000);
  expect(['a', 'b', 'c', 'd'].map((id) => graph.latest(id)?.storedMicros)).toEqual(stamps);
});

test('a time leads to the last row that was stored by then', async () => {
  const clock = new ManualClock();
  await using store = await openTestStore(folder.path, [graphTables], clock);
  using graph = new Graph({ store, clock, log: silentLogger });
  const stamps = new Map<number, number>();
  for (let i = 0; i < 60; i++) {
    if (i % 7 === 0) clock.advance(1 + (i % 5));
    room(graph, `room-${i}`);
    graph.transaction((writer) => {
      if (i === 0) return;
      writer.putRelationship({
        fromEntityId: `room-${i}`,
        toEntityId: 'room-0',
        relationshipType: 'connects_to',
        properties: {},
        author: HUB_AUTHOR,
      });
    });
  }
  await graph.settled();
  for (let seq = 1; seq <= graph.headSeq; seq++) stamps.set(seq, graph.storedMicrosAt(seq));
  for (const stamp of stamps.values()) {
    for (const micros of [stamp - 1, stamp, stamp + 1]) {
      const expected = [...stamps.values()].filter((other) => other <= micros).length;
      expect([micros, graph.seqStoredBy(micros)]).toEqual([micros, expected]);
    }
  }
  expect(graph.seqStoredBy(0)).toBe(0);
  expect(graph.seqStoredBy(Number.MAX_SAFE_INTEGER)).toBe(graph.headSeq);
});

test('a file of before gets stamps that grow with seq', async () => {
  const clock = new ManualClock();
  const before = { owner: 'graph', steps: graphTables.steps.slice(0, 3) };
  {
    await using store = await openTestStore(folder.path, [before], clock);
    store.write((tx) => {
      tx.run("INSERT INTO author (key, user_id, device_id) VALUES (1, 'hub', 'hub')");
      for (const [seq, micros] of [
        [1, 5000],
        [2, 3000],
        [4, 9000],
      ] as const) {
        tx.run(
          'INSERT INTO entity (key, id, entity_type, created_micros) VALUES (?, ?, ?, ?)',
          seq,
          `e${seq}`,
          'room',
          micros,
        );
        tx.run(
          `INSERT INTO entity_version (seq, entity_key, moment, version, change_type, current, author_key, source_type, parents, content)
           VALUES (?1, ?1, CAST(?2 AS INTEGER) << 11, ?3, 0, 1, 1, 'manual', '', '{}')`,
          seq,
          micros,
          `v${seq}`,
        );
        tx.run('INSERT INTO entity_latest (entity_key, seq, deleted) VALUES (?, ?, 0)', seq, seq);
      }
      tx.run(
        "INSERT INTO relationship (key, id, latest_seq, from_key, to_key, relationship_type, open) VALUES (1, 'r', 3, 1, 2, 'connects_to', 1)",
      );
      tx.run(
        `INSERT INTO relationship_version (seq, relationship_key, version, current, author_key, from_key, to_key,
           relationship_type, valid_from_micros, valid_to_micros, created_micros, parents, properties)
         VALUES (3, 1, 'r1', 1, 1, 1, 2, 'connects_to', 4000, NULL, 4000, '[]', '{}')`,
      );
    });
  }
  await using store = await openTestStore(folder.path, [graphTables], clock);
  using graph = new Graph({ store, clock, log: silentLogger });
  expect([1, 2, 3, 4].map((seq) => graph.storedMicrosAt(seq))).toEqual([5000, 5001, 5002, 9000]);
  expect(graph.latest('e2')).toMatchObject({ validMicros: 3000, storedMicros: 5001 });
  expect(graph.relationship('r')?.storedMicros).toBe(5002);
  expect(graph.seqStoredBy(5001)).toBe(2);
});
