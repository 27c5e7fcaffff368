import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Graph, parseContent } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

const V = (n: number): string => `2026-01-01T00:00:00.${String(n).padStart(6, '0')}+00:00-000000-hub`;
const MICROS = Date.UTC(2026, 0, 1) * 1000;

/** A graph as the first version of the hub wrote it. */
const ROWS = `
  INSERT INTO author VALUES (1, 'hub', 'hub'), (2, 'anna', 'phone');
  INSERT INTO entity VALUES (1, 'lamp', 'device', 4, 0, ${MICROS}), (2, 'kitchen', 'room', 2, 0, ${MICROS}),
    (3, 'gone', 'note', 6, 1, ${MICROS}), (4, 'ghost', 'note', -7, 1, ${MICROS});
  INSERT INTO entity_version VALUES
    (1, 1, '${V(0)}', 0, 1, 1, 'mqtt', ${MICROS}, '2026-01-01T00:00:00.000Z', '[]', '{"name":"Lamp"}'),
    (2, 2, '${V(1)}', 0, 1, 1, 'mqtt', ${MICROS}, '2026-01-01T00:00:00.000Z', '[]', '{"name":"Kitchen"}'),
    (4, 1, 'v-17', 1, 1, 2, 'manual', ${MICROS + 1}, '2026-01-01T01:00:00+01:00', '["${V(0)}"]', '{"name":"Anna''s"}'),
    (5, 3, '${V(2)}', 0, 1, 2, 'manual', ${MICROS}, '2026-01-01T00:00:00.000Z', '[]', '{"text":"x"}'),
    (6, 3, '${V(3)}', 2, 1, 2, 'manual', ${MICROS + 5}, '2026-01-01T00:00:00.000Z', '["${V(2)}","other"]', NULL),
    (7, 4, 'lost', 1, 0, 2, 'manual', ${MICROS}, '2025-12-31T00:00:00Z', '["never"]', '{"text":"lost"}');
  INSERT INTO relationship VALUES (1, 'edge', 3, 1, 2, 'located_in', 1);
  INSERT INTO relationship_version VALUES (3, 1, '${V(1)}', 1, 1, 1, 2, 'located_in', ${MICROS}, NULL, ${MICROS}, '[]', '{}');
`;

test('a graph of the first version is taken over whole, and a copy is made before', async () => {
  using folder = temporaryFolder();
  const [firstStep] = graphTables.steps;
  {
    await using store = await openTestStore(folder.path, [{ owner: 'graph', steps: [firstStep!] }]);
    store.write((tx) => tx.exec(ROWS));
  }
  const clock = new ManualClock();
  await using store = await openTestStore(folder.path, [graphTables], clock);
  using graph = new Graph({ store, clock, log: silentLogger });

  expect(graph.headSeq).toBe(7);
  expect(graph.list({}, 10).items.map(({ id }) => id)).toEqual(['lamp', 'kitchen']);
  const lamp = graph.entity('lamp')!;
  expect(parseContent(lamp)).toEqual({ name: "Anna's" });
  expect(lamp).toMatchObject({
    version: 'v-17',
    parentVersions: [V(0)],
    userId: 'anna',
    sourceType: 'manual',
    timestamp: '2026-01-01T01:00:00+01:00',
    validMicros: MICROS + 1,
  });
  expect(graph.version('lamp', V(0))?.timestamp).toBe('2026-01-01T00:00:00.000Z');
  expect(graph.heldAs('ghost', 'lost')).toBe('loser');
  expect(graph.latest('ghost')).toBeUndefined();
  expect(graph.latest('gone')).toMatchObject({ contentJson: null, parentVersions: [V(2), 'other'] });
  expect(graph.relationshipsOf('lamp').map(({ toEntityId }) => toEntityId)).toEqual(['kitchen']);
  expect(
    graph.changesSince(0, { limit: 10, maxBytes: 1e6, edges: true }).entities.map(({ seq }) => seq),
  ).toEqual([2, 4, 6]);
  const before = graph.history.entity('lamp', { micros: MICROS, seq: graph.headSeq });
  expect(before && parseContent(before)).toEqual({ name: 'Lamp' });
  graph.transaction((writer) =>
    writer.restoreEntity('gone', undefined, { userId: 'anna', deviceId: 'phone' }),
  );
  expect(graph.entity('gone')?.contentJson).toBe('{"text":"x"}');

  using file = new DatabaseSync(join(folder.path, 'hub.db'), { readOnly: true });
  expect(file.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  expect(file.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
});
