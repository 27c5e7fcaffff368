import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { temporaryFolder } from '../support/store.ts';

const CHILD = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const START_MS = Date.parse('2026-01-05T06:29:30Z');
const ON_MS = 6 * 60_000;
const IDS = ['wake', 'lasting'];

interface Report {
  readonly writes: number;
  readonly sends: number;
  readonly runs: readonly string[];
}

/** Runs the child; undefined where it was killed. */
async function run(folder: string, startMs: number, onMs: number, step: string): Promise<Report | undefined> {
  const child = spawn(process.execPath, [CHILD, folder, String(startMs), String(onMs), step], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal === 'SIGKILL') return undefined;
  expect(code).toBe(0);
  return JSON.parse(text) as Report;
}

function sent(folder: string): string[] {
  const file = join(folder, 'sent.log');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

/** All steps with FUNKYGIBBON_TEST_KILLS=all; a few of them otherwise: each costs the starts of two processes. */
function chosen(steps: readonly string[]): string[] {
  if (process.env['FUNKYGIBBON_TEST_KILLS'] === 'all') return [...steps];
  const offset = Math.floor(Math.random() * steps.length);
  return ['after send 1', steps[offset] ?? ''];
}

test('killed at any step around two firings, no command goes out twice, and none is lost without a word', async () => {
  using whole = temporaryFolder();
  const undisturbed = await run(whole.path, START_MS, ON_MS, 'none');
  expect(undisturbed?.runs.toSorted()).toEqual(['lasting done', 'wake done']);
  expect(undisturbed?.sends).toBe(2);
  const writes = Array.from({ length: undisturbed?.writes ?? 0 }, (_, i) => i + 1);
  expect(writes.length).toBeGreaterThanOrEqual(4);
  const steps = [
    ...writes.flatMap((n) => [`before write ${n}`, `inside write ${n}`, `after write ${n}`]),
    ...[1, 2].flatMap((n) => [`before send ${n}`, `after send ${n}`]),
  ];
  for (const step of chosen(steps)) {
    using folder = temporaryFolder();
    expect(await run(folder.path, START_MS, ON_MS, step), step).toBeUndefined();
    const before = sent(folder.path);
    // It comes back half a minute later, and runs for long enough for all that could fire again.
    const after = await run(folder.path, START_MS + ON_MS + 30_000, ON_MS, 'none');
    for (const id of IDS) {
      const count = sent(folder.path).filter((line) => line === `automation:${id}`).length;
      const told = after?.runs.filter((line) => line.startsWith(id)) ?? [];
      expect(told, step).toHaveLength(1);
      if (told[0] === `${id} done`) expect(count, `${step}: ${id}`).toBe(1);
      else {
        expect(told, step).toEqual([`${id} interrupted`]);
        expect(count, `${step}: ${id}`).toBeLessThanOrEqual(1);
        // What was commanded before is not commanded again, and only that moment is in doubt.
        expect(sent(folder.path).filter((line) => line === `automation:${id}`)).toEqual(
          before.filter((line) => line === `automation:${id}`),
        );
      }
    }
  }
}, 240_000);
