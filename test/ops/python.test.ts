import { readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Finding, ImportReport } from '../../src/ops/types.ts';
import type { TestHome } from '../support/store.ts';

import { parseContent } from '../../src/graph/graph.ts';
import { LocalHome, runImport } from '../../src/ops/ops.ts';
import { writePythonFile } from './python-file.ts';
import { openOwnHome, testIo } from './support.ts';

let home: TestHome & { readonly folder: string };
let file: string;
beforeEach(async () => {
  home = await openOwnHome();
  file = join(home.folder, 'funkygibbon.db');
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function take(dryRun = false): Promise<ImportReport> {
  const { io, out } = testIo(home.folder);
  const local = new LocalHome({ graph: home.graph, clock: home.clock, hubVersion: '0.0.0' });
  await runImport(local, { file, dryRun, json: true }, io);
  return JSON.parse(out()) as ImportReport;
}

function counts(findings: readonly Finding[]): Record<string, number> {
  return Object.fromEntries(findings.map(({ what, count }) => [what, count]));
}

const V = (n: number): string => `2026-02-0${n}T08:00:00.000000+00:00-000000-anna`;

describe('a database of the Python FunkyGibbon', () => {
  test('is taken with its history, in our words, and the file stays as it is', async () => {
    writePythonFile(
      file,
      [
        { id: 'lamp', version: V(1), name: 'Lamp', content: { name: 'old name', watts: 8 }, latest: false },
        { id: 'lamp', version: V(2), name: 'Reading lamp', content: { watts: 9 }, parents: [V(1)] },
        { id: 'kitchen', version: 'v-17', type: 'room', name: 'Kitchen' },
      ],
      [{ id: 'e1', from: 'lamp', to: 'kitchen', type: 'LOCATED_IN', pin: V(1) }],
    );
    const before = readFileSync(file);
    const report = await take();
    expect(report.taken).toEqual({ entities: 2, versions: 3, relationships: 1 });
    expect([report.refused, report.warnings]).toEqual([[], []]);
    expect(counts(report.folded)).toMatchObject({
      'types in other spelling': 2,
      'relationships pinned to an older version, joined to the thing': 1,
    });
    const lamp = home.graph.entity('lamp')!;
    expect([lamp.entityType, lamp.sourceType, lamp.userId]).toEqual(['device', 'manual', 'local-user']);
    expect(parseContent(lamp)).toEqual({ name: 'Reading lamp', watts: 9 });
    const then = home.graph.history.entity('lamp', home.graph.history.moment('2026-02-01T12:00:00Z'));
    expect(then && parseContent(then)).toEqual({ name: 'Lamp', watts: 8 });
    expect(home.graph.relationshipsOf('lamp').map(({ toEntityId }) => toEntityId)).toEqual(['kitchen']);
    expect(readFileSync(file).equals(before)).toBe(true);

    const again = await take();
    expect(again.taken).toEqual({ entities: 0, versions: 0, relationships: 0 });
    expect(again.held).toBe(4);
  });

  test('a dry run says the same and writes nothing', async () => {
    writePythonFile(file, [{ id: 'lamp', version: V(1) }], []);
    const report = await take(true);
    expect([report.dry_run, report.taken.entities]).toEqual([true, 1]);
    expect(home.graph.committedSeq).toBe(0);
  });

  test('what lost a conflict stays readable and is not current; of two rows that claim to be it, the edit is', async () => {
    writePythonFile(
      file,
      [
        { id: 'a', version: V(1), content: { n: 1 }, latest: false },
        { id: 'a', version: V(2), content: { n: 'lost' }, parents: [V(1)], latest: false },
        { id: 'a', version: V(3), content: { n: 3 }, parents: [V(1)] },
        { id: 'b', version: V(1), content: { n: 1 }, latest: true },
        { id: 'b', version: V(2), content: { n: 2 }, parents: [V(1)], latest: true },
      ],
      [],
    );
    const report = await take();
    expect(parseContent(home.graph.entity('a')!)).toMatchObject({ n: 3 });
    expect(home.graph.heldAs('a', V(2))).toBe('loser');
    expect(parseContent(home.graph.entity('b')!)).toMatchObject({ n: 2 });
    expect(counts(report.folded)).toMatchObject({ 'several rows that claimed to be the current one': 1 });
  });

  test('a tombstone ends the edges that the old server left open, and restoring opens them again', async () => {
    writePythonFile(
      file,
      [
        { id: 'lamp', version: V(1), content: { watts: 8 }, latest: false },
        { id: 'lamp', version: V(2), content: { deleted: true, deleted_reason: 'broken' }, parents: [V(1)] },
        { id: 'kitchen', version: V(1), type: 'room' },
      ],
      [{ id: 'e1', from: 'lamp', to: 'kitchen', type: 'located_in' }],
    );
    const report = await take();
    expect(home.graph.latest('lamp')?.contentJson).toBeNull();
    expect(home.graph.relationship('e1')?.validToMs).not.toBeNull();
    expect(report.warnings[0]?.examples[0]).toBe('lamp: broken');
    const author = { userId: 'anna', deviceId: 'phone' };
    home.graph.transaction((writer) => writer.restoreEntity('lamp', undefined, author));
    expect(home.graph.relationship('e1')?.validToMs).toBeNull();
  });

  test('what cannot be taken is refused by name, and the rest is taken', async () => {
    writePythonFile(
      file,
      [
        { id: 'lamp', version: V(1) },
        { id: 'kitchen', version: V(1), type: 'ROOM' },
        { id: 'cellar', version: V(1), type: 'ROOM' },
        { id: 'has spaces', version: V(1) },
        { id: 'ship', version: V(1), type: 'SPACESHIP' },
        { id: 'broken', version: V(1), content: '[1, 2' },
        { id: 'huge', version: V(1), content: { text: 'x'.repeat(300_000) } },
      ],
      [
        { id: 'first', from: 'lamp', to: 'kitchen', type: 'located_in', at: '2026-02-01 10:00:00.000000' },
        { id: 'later', from: 'lamp', to: 'cellar', type: 'located_in', at: '2026-02-02 10:00:00.000000' },
        { id: 'loop', from: 'lamp', to: 'lamp', type: 'controls' },
        { id: 'lost', from: 'lamp', to: 'nowhere', type: 'controls' },
        { id: 'odd', from: 'lamp', to: 'kitchen', type: 'likes' },
      ],
      [{ name: 'holiday.jpg', bytes: 2_500_000 }],
    );
    const report = await take();
    expect(home.graph.list({}, 10).items.map(({ id }) => id)).toEqual(['lamp', 'kitchen', 'cellar']);
    const refused = report.refused.flatMap(({ examples }) => examples).join('\n');
    for (const name of ['has spaces', 'ship', 'broken', 'huge', 'loop', 'lost', 'odd']) {
      expect(refused).toContain(name);
    }
    expect(home.graph.relationshipsOf('lamp').map(({ id }) => id)).toEqual(['later']);
    expect(home.graph.relationship('first')?.validToMs).toBe(Date.UTC(2026, 1, 2, 10));
    const [blobs] = report.warnings;
    expect(blobs?.what).toMatch(/files .* were NOT taken, 2\.5 MB/);
    expect(blobs?.examples).toEqual(['holiday.jpg']);
  });

  test('a database of something else, a damaged one and no database at all are refused, and nothing is written', async () => {
    {
      using other = new DatabaseSync(file);
      other.exec('CREATE TABLE songs (id INTEGER)');
    }
    await expect(take()).rejects.toThrow(/no graph database of the Python FunkyGibbon: its tables are songs/);
    writeFileSync(file, 'no database\n');
    await expect(take()).rejects.toThrow(/neither an export of FunkyGibbon/);
    file = join(home.folder, 'missing.db');
    await expect(take()).rejects.toThrow(/cannot be read/);
    expect(home.graph.committedSeq).toBe(0);
  });
});
