import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildRecorder, canRecord, recordWorkload, type Recording } from './recorder.ts';
import { makeScratchFolder, simulatePowerCuts, type SimulationResult } from './simulate.ts';

const SEED = 20_260_101;

let scratch: string;
let library: string;
let recording: Recording;

async function record(workload: readonly string[] = []): Promise<Recording> {
  const folder = mkdtempSync(join(scratch, 'run-'));
  return await recordWorkload({ library, folder, workload, slowSyncUs: 1500 });
}

async function cut(recorded: Recording, images: number, honourSyncs = true): Promise<SimulationResult> {
  return await simulatePowerCuts({ ...recorded, images, seed: SEED, honourSyncs, scratch });
}

/** Needs a C compiler (`cc`) and Linux, for the recorder. */
describe.skipIf(!canRecord())('a power cut', () => {
  beforeAll(async () => {
    scratch = makeScratchFolder();
    library = buildRecorder(scratch);
    recording = await record();
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test('the recorded run acknowledges every commit, groups them, and begins the WAL anew many times', () => {
    expect(recording.report).toMatchObject({ acks: 600, refusals: [] });
    expect(recording.report.syncs).toBeLessThan(recording.report.commits / 2);
  });

  test('takes back nothing that was acknowledged and damages nothing, wherever it comes', async () => {
    const { images, bad, walRestarts } = await cut(recording, 150);
    expect(bad).toEqual([]);
    expect(images).toBe(150);
    expect(walRestarts).toBeGreaterThan(5);
  });

  test('control: with a disk that ignores syncs more than nine images in ten are bad', async () => {
    // Of so few images that one more or less would decide, a few more.
    const { images, bad } = await cut(recording, 150, false);
    expect(bad.length).toBeGreaterThan(images * 0.9);
  });

  test('control: acknowledging without waiting for the barrier loses acknowledged commits', async () => {
    const { images, bad } = await cut(await record(['--ack=at-once', '--commits=300']), 60);
    const lost = bad.filter(({ verdict }) => verdict.kind === 'acked missing');
    expect(lost.length).toBeGreaterThan(images * 0.2);
    expect(bad).toHaveLength(lost.length);
  });
});
