import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { readEntityChanges } from '../../src/graph/entity-reader.ts';
import { RecentRows } from '../../src/graph/recent-rows.ts';
import { openTestHome, temporaryFolder } from '../support/store.ts';
import { actionsWithPhones, perform } from './random-home.ts';

test('what a follower is handed from memory is what the file says', async () => {
  await fc.assert(
    fc.asyncProperty(actionsWithPhones, async (script) => {
      using folder = temporaryFolder();
      await using home = await openTestHome(folder.path);
      const { graph, store } = home;
      for (const [step, action] of script.entries()) perform(home, action, step);
      await graph.settled();
      for (let after = 0; after < graph.headSeq; after++) {
        const told = graph.changesSince(after, { limit: 500, maxBytes: 1e9, edges: true });
        expect(told.entities).toEqual(readEntityChanges(store.db, after, graph.headSeq, 500));
        expect(told.relationships.length + told.entities.length).toBe(graph.countSince(after, true));
      }
    }),
    { numRuns: 40 },
  );
});

test('it holds rows without a gap, and no more than a mebibyte of them', () => {
  const recent = new RecentRows(11);
  expect(recent.between(9, 10)).toBeUndefined();
  expect(recent.between(10, 10)).toEqual({ entities: [], hasEdges: false });
  recent.add([null]);
  expect(recent.between(10, 11)).toEqual({ entities: [], hasEdges: true });
  expect(recent.between(10, 10)).toEqual({ entities: [], hasEdges: false });
  recent.add(Array.from({ length: 1999 }, () => null));
  expect(recent.between(10, 2010)).toBeDefined();
  recent.add([null]);
  expect(recent.between(10, 2011)).toBeUndefined();
  expect(recent.between(11, 2011)).toBeDefined();
});
