import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { applyEdits, edits } from './random-edits.ts';
import { exportedLines, exportedText, importLines, openOwnHome } from './support.ts';

/** The clock of a graph that was written while its clock went back and forth. */
const THEN_MS = Date.UTC(2026, 1, 1);

test('an export, imported into an empty hub, exports as the same bytes, wherever the import was cut off before', async () => {
  await fc.assert(
    fc.asyncProperty(edits, fc.double({ min: 0, max: 1, noNaN: true }), async (all, cut) => {
      await using source = await openOwnHome(THEN_MS);
      await using target = await openOwnHome();
      applyEdits(source, all);
      const lines = await exportedLines(source.graph);
      await importLines(target, lines.slice(0, Math.floor(lines.length * cut)));
      const report = await importLines(target, lines);
      expect(report.refused).toEqual([]);
      expect(report.kept_beside.count).toBe(0);
      expect(await exportedText(target.graph)).toBe(await exportedText(source.graph));
      expect(await exportedText(target.graph, 'current')).toBe(await exportedText(source.graph, 'current'));
    }),
    { numRuns: 150 },
  );
});

test('what holds now, imported into an empty hub, holds there', async () => {
  await fc.assert(
    fc.asyncProperty(edits, async (all) => {
      await using source = await openOwnHome(THEN_MS);
      await using target = await openOwnHome();
      applyEdits(source, all);
      await importLines(target, await exportedLines(source.graph, 'current'));
      expect(await exportedText(target.graph, 'current')).toBe(await exportedText(source.graph, 'current'));
    }),
    { numRuns: 80 },
  );
});
