import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { TestHome } from '../support/store.ts';

import { compactHistory } from '../../src/graph/graph.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { applyEdits, edits } from '../ops/random-edits.ts';
import { exportedLines, exportedText, importLines, NOW_MS, openOwnHome } from '../ops/support.ts';

const THEN_MS = Date.UTC(2026, 1, 1);
const NOTES = 6;
const { signal } = new AbortController();

/** What the hub noted by itself about something, on one day. */
function note(home: TestHome): void {
  for (let nth = 0; nth < NOTES; nth++) {
    home.graph.transaction((writer) => {
      const content = { name: `Noted ${nth}` };
      if (writer.latest('noted')) writer.replaceContent('noted', content, HUB_AUTHOR);
      else
        writer.createEntity({
          id: 'noted',
          entityType: 'note',
          content,
          author: HUB_AUTHOR,
          sourceType: 'mqtt',
        });
    });
    home.clock.advance(1000);
  }
}

async function compact(home: TestHome): Promise<number> {
  return await compactHistory({ store: home.store, nowMs: NOW_MS, keepDays: 90, signal });
}

test('a home that was thinned is exported, and imported anywhere, as it is', async () => {
  await fc.assert(
    fc.asyncProperty(edits, async (all) => {
      await using source = await openOwnHome(THEN_MS);
      await using empty = await openOwnHome();
      note(source);
      applyEdits(source, all);
      const whole = await exportedLines(source.graph);
      expect(await compact(source)).toBeGreaterThanOrEqual(NOTES - 2);
      const thinned = await exportedText(source.graph);

      const fresh = await importLines(empty, thinned.trimEnd().split('\n'));
      expect(fresh.refused).toEqual([]);
      expect(fresh.kept_beside.count).toBe(0);
      expect(await exportedText(empty.graph)).toBe(thinned);

      // An export from before brings back nothing that was thinned, and changes nothing.
      const back = await importLines(source, whole);
      expect(back.refused).toEqual([]);
      expect(await exportedText(source.graph)).toBe(thinned);
    }),
    { numRuns: 12 },
  );
}, 60_000);
