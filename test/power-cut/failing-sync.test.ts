import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildRecorder, canRecord, recordWorkload } from './recorder.ts';
import { readRecords } from './records.ts';
import { makeScratchFolder, simulatePowerCuts } from './simulate.ts';

const COMMITS = 150;

/** How many syncs opening an empty store makes; it does not depend on timing. */
async function countOpeningSyncs(library: string, folder: string): Promise<number> {
  const { logFile } = await recordWorkload({ library, folder, workload: ['--commits=2'] });
  const records = readRecords(logFile);
  const opened = records.findIndex((record) => record.type === 'ack' && record.text.startsWith('opened'));
  return records.slice(0, opened).filter(({ type }) => type === 'sync-begin').length;
}

/** Needs a C compiler (`cc`) and Linux, for the recorder. */
describe.skipIf(!canRecord())('a sync that fails', () => {
  let scratch: string;
  let library: string;
  let openingSyncs: number;
  beforeAll(async () => {
    scratch = makeScratchFolder();
    library = buildRecorder(scratch);
    openingSyncs = await countOpeningSyncs(library, mkdtempSync(join(scratch, 'run-')));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('of the barrier is refused as "storage", acknowledges nothing, and is healed by the next', async () => {
    // Without checkpoints the first sync after those of opening is one of the barrier.
    const recording = await recordWorkload({
      library,
      folder: mkdtempSync(join(scratch, 'run-')),
      workload: [`--commits=${COMMITS}`, '--checkpoint-every=0', `--wal-limit=${2 ** 30}`],
      slowSyncUs: 1500,
      failSyncAt: openingSyncs + 1,
    });
    expect(new Set(recording.report.refusals)).toEqual(new Set(['durable:storage']));
    expect(recording.report.acks).toBe(COMMITS);
    const { bad } = await simulatePowerCuts({ ...recording, images: 100, seed: 1, scratch });
    expect(bad).toEqual([]);
  });

  test.for([3, 7, 12])(
    'among checkpoints (number %i after opening) loses nothing that was acknowledged',
    async (later) => {
      const recording = await recordWorkload({
        library,
        folder: mkdtempSync(join(scratch, 'run-')),
        workload: [`--commits=${COMMITS}`],
        slowSyncUs: 1500,
        failSyncAt: openingSyncs + later,
      });
      expect(recording.report.acks).toBe(COMMITS);
      const { bad } = await simulatePowerCuts({ ...recording, images: 60, seed: later, scratch });
      expect(bad).toEqual([]);
    },
  );
});
