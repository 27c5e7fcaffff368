import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));

interface Report {
  readonly writes: number;
  readonly runs: number;
  readonly state: string;
  readonly attempts: number;
}

/** Runs the child; undefined where it was killed. */
async function run(folder: string, step: string): Promise<Report | undefined> {
  const child = spawn(process.execPath, [CHILD, folder, step], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return undefined;
  expect(code).toBe(0);
  return JSON.parse(text) as Report;
}

function worked(folder: string): string[] {
  const file = join(folder, 'work.log');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

test('killed at any step, the work is done at least once, one after the other, and as one job', async () => {
  using whole = temporaryFolder();
  const undisturbed = await run(whole.path, 'none');
  expect(undisturbed).toMatchObject({ runs: 1, state: 'done', attempts: 1 });
  expect(worked(whole.path)).toEqual(expect.arrayContaining(['begin 1', 'end 1', 'told']));
  const writes = Array.from({ length: undisturbed?.writes ?? 0 }, (_, i) => i + 1);
  expect(writes.length).toBeGreaterThanOrEqual(3);
  const steps = [
    ...writes.flatMap((n) => [`inside write ${n}`, `after write ${n}`]),
    'work begun',
    'work ended',
    'told',
  ];
  const tryAt = async (step: string): Promise<void> => {
    using folder = temporaryFolder();
    expect(await run(folder.path, step), step).toBeUndefined();
    const begun = worked(folder.path).includes('begin 1');
    // The client queues the same once more, as whoever was not answered must; the key makes it one job.
    const after = await run(folder.path, 'none');
    expect(after, step).toMatchObject({ runs: 1, state: 'done' });
    const lines = worked(folder.path).filter((line) => line !== 'told');
    // At most the try that was cut off is repeated.
    const repeated = begun && after?.attempts === 2;
    expect(lines.filter((line) => line === 'begin 1').length, step).toBe(repeated ? 2 : 1);
    expect(lines.at(-1), step).toBe('end 1');
  };
  // Two at a time, as there are cores.
  const left = [...steps];
  const worker = async (): Promise<void> => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) await tryAt(step);
  };
  await Promise.all([worker(), worker()]);
}, 120_000);

test('work that takes the hub down with it does so three times and no more', async () => {
  using folder = temporaryFolder();
  for (let attempt = 1; attempt <= 3; attempt++) expect(await run(folder.path, 'work begun')).toBeUndefined();
  // The next start finds that it has failed; the key is free, so the same work is queued as another run.
  expect(await run(folder.path, 'none')).toMatchObject({ runs: 2, state: 'done' });
  expect(worked(folder.path).filter((line) => line === 'begin 1')).toHaveLength(4);
}, 60_000);
