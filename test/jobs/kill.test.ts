import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';
import { runWork, worked, type WorkReport } from './work-home.ts';

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
/**
 * A process of its own for each step costs half a second, so by default the files are copied at each step as a killed
 * process leaves them, and processes are killed at two. JOBS_KILL_ALL=1 kills one at every step.
 */
const KILLS_ALL = process.env['JOBS_KILL_ALL'] === '1';
const KILLED = ['inside write 2', 'work begun'];

/** Copies the files as they are, but for the shared memory of SQLite's log: that lives as long as its process. */
function copyAsKilled(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (file) => !file.endsWith('-shm') });
}

/** Runs the child; undefined where it was killed. */
async function runChild(folder: string, step: string): Promise<WorkReport | undefined> {
  const child = spawn(process.execPath, [CHILD, folder, step], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return undefined;
  expect(code).toBe(0);
  return JSON.parse(text) as WorkReport;
}

/** What is left of a hub that ended at a step is taken up. The client queues the same once more, as it was not answered. */
async function expectTakenUp(folder: string, step: string): Promise<void> {
  const isBegun = worked(folder).includes('begin');
  const after = await runWork(folder, () => undefined);
  // The key makes it one job.
  expect(after, step).toMatchObject({ runs: 1, state: 'done' });
  const lines = worked(folder).filter((line) => line !== 'told');
  // At most the try that was cut off is repeated.
  const isRepeated = isBegun && after.attempts === 2;
  expect(lines.filter((line) => line === 'begin').length, step).toBe(isRepeated ? 2 : 1);
  expect(lines.at(-1), step).toBe('end');
}

test('ended at any step, the work is done at least once, one after the other, and as one job', async () => {
  using whole = temporaryFolder();
  using copies = temporaryFolder();
  const running = join(whole.path, 'running');
  mkdirSync(running);
  const steps: string[] = [];
  const undisturbed = await runWork(running, (step) => {
    steps.push(step);
    copyAsKilled(running, join(copies.path, step));
  });
  expect(undisturbed).toEqual({ runs: 1, state: 'done', attempts: 1 });
  expect(worked(running)).toEqual(expect.arrayContaining(['begin', 'end', 'told']));
  expect(steps).toEqual(
    expect.arrayContaining(['inside write 3', 'after write 3', 'work begun', 'work ended', 'told']),
  );
  for (const step of steps) await expectTakenUp(join(copies.path, step), step);
  for (const step of KILLS_ALL ? steps : KILLED) {
    using folder = temporaryFolder();
    expect(await runChild(folder.path, step), step).toBeUndefined();
    await expectTakenUp(folder.path, step);
  }
}, 120_000);

test('work that takes the hub down with it does so three times and no more', async () => {
  using folders = temporaryFolder();
  let folder = join(folders.path, 'start 0');
  mkdirSync(folder);
  for (let start = 1; start <= 3; start++) {
    const left = join(folders.path, `start ${start}`);
    await runWork(folder, (step) => {
      if (step === 'work begun' && !existsSync(left)) copyAsKilled(folder, left);
    });
    folder = left;
  }
  // The next start finds that it has failed; the key is free, so the same work is queued as another run.
  expect(await runWork(folder, () => undefined)).toMatchObject({ runs: 2, state: 'done' });
  expect(worked(folder).filter((line) => line === 'begin')).toHaveLength(4);
}, 60_000);
