import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SyncClient } from './client.ts';
import type { ChangeMaker, Known } from './wire.ts';

import { content, randomNumbers } from '../graph/home.ts';
import { median, ms, quantile, type Result } from '../measure.ts';
import { BareWriter } from './bare.ts';
import { openSyncBench } from './home.ts';
import { spread } from './spread.ts';

const PHONES = 16;
const ROUNDS = 7;
const ROUND_MS = 3000;
const SYNC_MS = 20;

interface Phone {
  readonly client: SyncClient;
  readonly maker: ChangeMaker;
  readonly known: Known;
}

/**
 * Sixteen phones that push one change after the other on a disk whose fsync takes 20 ms, against one commit for each
 * change on the same disk, in turn. @param preload the library that slows fsync down
 */
export async function benchSyncSlowDisk(preload: string): Promise<Result[]> {
  // The library slows what lies below one folder, which it compares by real paths.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'funkygibbon-slow-')));
  const env = { LD_PRELOAD: preload, RECORD_FOLDER: folder, SLOW_SYNC_US: String(SYNC_MS * 1000) };
  const hubFolder = join(folder, 'hub');
  mkdirSync(hubFolder, { mode: 0o700 });
  await using home = await openSyncBench({ folder: hubFolder, env });
  using bare = await BareWriter.start(folder, env);
  const phones: Phone[] = [];
  for (let n = 0; n < PHONES; n++) {
    const client = home.client(`phone-${n}`);
    const maker = home.maker(`phone-${n}`);
    const { changes, known } = maker.creates(n, 1);
    await client.sync(client.body(changes), { applied: 1 });
    phones.push({ client, maker, known: known[0] as Known });
  }
  const ids = phones.map(({ known }) => known.id);
  const text = JSON.stringify(content('a lamp', randomNumbers(5)));
  const ratios: number[] = [];
  const perSecond: number[] = [];
  const barePerSecond: number[] = [];
  const took: number[] = [];
  const stops = await home.loopStops(async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const until = performance.now() + ROUND_MS;
      const counts = await Promise.all(phones.map(async (phone) => await pushUntil(phone, until, took)));
      perSecond.push(counts.reduce((sum, count) => sum + count, 0) / (ROUND_MS / 1000));
      const { changes, tookMs } = await bare.run({ kind: 'singles', ids, forMs: ROUND_MS, content: text });
      barePerSecond.push(changes / (tookMs / 1000));
      ratios.push((perSecond.at(-1) ?? 0) / (barePerSecond.at(-1) ?? 1));
    }
  });
  rmSync(folder, { recursive: true, force: true });
  const p99 = quantile(took, 0.99);
  return [
    {
      what: `${PHONES} phones that push single changes, fsync ${SYNC_MS} ms, against one commit for each change`,
      measured: `${median(ratios).toFixed(1)}x (${spread(ratios)}; ${median(perSecond).toFixed(0)} : ${median(barePerSecond).toFixed(0)} a second)`,
      aim: '6x',
      met: median(ratios) >= 6,
    },
    {
      what: 'the same: from a push to its answer, median and p99, in fsyncs',
      measured: `${(median(took) / SYNC_MS).toFixed(1)}, ${(p99 / SYNC_MS).toFixed(1)} (${ms(median(took))}, ${ms(p99)})`,
      aim: '5 (p99)',
      met: p99 <= 5 * SYNC_MS,
    },
    {
      what: 'the same: event loop stops, p99 (longest)',
      measured: `${ms(stops.p99Ms)} (${ms(stops.maxMs)})`,
      aim: '20 ms',
      met: stops.p99Ms <= 20,
    },
  ];
}

/** @returns how many of its pushes were answered in time */
async function pushUntil({ client, maker, known }: Phone, until: number, took: number[]): Promise<number> {
  for (let count = 0; ; count++) {
    const { tookMs } = await client.sync(client.body(maker.updates([known])), { applied: 1 });
    if (performance.now() > until) return count;
    took.push(tookMs);
  }
}
