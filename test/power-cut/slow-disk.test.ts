import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildRecorder, canRecord, recordWorkload } from './recorder.ts';
import { makeScratchFolder } from './simulate.ts';

const SYNC_MS = 150;

/** Needs a C compiler (`cc`) and Linux, for the recorder. */
describe.skipIf(!canRecord())('a disk whose sync takes 150 ms', () => {
  let scratch: string;
  beforeAll(() => {
    scratch = makeScratchFolder();
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('400 commits are acknowledged with a few shared syncs, none of which stops the event loop', async () => {
    const { report } = await recordWorkload({
      library: buildRecorder(scratch),
      folder: scratch,
      workload: ['--commits=400', '--checkpoint-every=0', `--wal-limit=${2 ** 30}`],
      slowSyncUs: SYNC_MS * 1000,
      keepRecord: false,
    });
    expect(report).toMatchObject({ acks: 400, refusals: [] });
    expect(report.syncs).toBeLessThanOrEqual(20);
    // Were the loop to stand still while the disk syncs, it would have about one turn for each sync.
    expect(report.loopSamples).toBeGreaterThan(report.syncs * 5);
  });
});
