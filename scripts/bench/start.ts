import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Daemon } from '../../test/support/daemon.ts';
import { median, ms, type Result } from './measure.ts';

const ROUNDS = 9;
const AIM = 12;

/** Start of the built hub to its `ready` line, beside an empty Node in the same run (A B A B). */
export async function benchStart(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const empty: number[] = [];
  const hub: number[] = [];
  // The first start makes the tables and keys; a home starts on what it has.
  await (await Daemon.start({ dataDir: folder })).stop();
  for (let round = 0; round < ROUNDS; round++) {
    let from = performance.now();
    await once(spawn(process.execPath, ['-e', '0']), 'exit');
    empty.push(performance.now() - from);
    from = performance.now();
    const daemon = await Daemon.start({ dataDir: folder });
    hub.push(performance.now() - from);
    await daemon.stop();
  }
  rmSync(folder, { recursive: true, force: true });
  const ratio = median(hub.map((value, index) => value / Number(empty[index])));
  return [
    {
      what: 'start to `ready`, against an empty Node',
      measured: `${ratio.toFixed(1)}x (${ms(median(hub))} : ${ms(median(empty))})`,
      aim: `${AIM}x`,
      met: ratio <= AIM,
    },
  ];
}
