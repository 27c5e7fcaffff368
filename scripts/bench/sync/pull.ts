import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SyncClient } from './client.ts';

import { addEntities, addVersions, openGraphHome, randomNumbers } from '../graph/home.ts';
import { median, ms, type Result } from '../measure.ts';
import { openSyncBench, type SyncBench } from './home.ts';
import { spread } from './spread.ts';

const ENTITIES = 10_000;
const ROUNDS = 15;
const EMPTY_PULLS = 50;
const ENCODINGS = ['identity', 'gzip', 'zstd'] as const;

/** A hub with a history of some length, and a phone that has the bodies of its pulls ready. */
interface Home {
  readonly bench: SyncBench;
  readonly client: SyncClient;
  /** Of a first sync: one for each page. */
  readonly first: readonly Buffer[];
  readonly delta: Buffer;
  readonly empty: Buffer;
}

/** Pulls of the same 10,000 entities with 10,000 and with 1,000,000 versions behind them, in turn. */
export async function benchSyncPull(): Promise<Result[]> {
  await using small = await openSyncBench({ folder: await makeHistory(10_000) });
  await using large = await openSyncBench({ folder: await makeHistory(1_000_000) });
  const homes = [await prepare(small), await prepare(large)] as const;
  const results: Result[] = [];
  const compare = async (
    what: string,
    aimMs: number | null,
    pull: (home: Home) => Promise<number>,
  ): Promise<void> => {
    const took: [number, number][] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const one: [number, number] = [await pull(homes[0]), await pull(homes[1])];
      // The first round warms both up.
      if (round > 0) took.push(one);
    }
    const ratios = took.map(([a, b]) => b / a);
    const slower = Math.max(median(took.map(([a]) => a)), median(took.map(([, b]) => b)));
    results.push(
      {
        what: `${what}: round trip with 10,000 and with 1,000,000 versions`,
        measured: `${ms(median(took.map(([a]) => a)))}, ${ms(median(took.map(([, b]) => b)))}`,
        aim: aimMs === null ? '' : ms(aimMs),
        met: aimMs === null ? null : slower < aimMs,
      },
      {
        what: `${what}: 1,000,000 versions against 10,000`,
        measured: `${median(ratios).toFixed(2)}x (${spread(ratios)})`,
        aim: '1.15x',
        met: median(ratios) <= 1.15,
      },
    );
  };
  for (const encoding of ENCODINGS) {
    await compare(`delta of 1000 changes, ${encoding}`, null, async ({ client, delta }) => {
      return (await client.send(delta, encoding)).tookMs;
    });
  }
  await compare('empty delta', null, async ({ client, empty }) => {
    const took: number[] = [];
    for (let n = 0; n < EMPTY_PULLS; n++) took.push((await client.send(empty)).tookMs);
    return median(took);
  });
  for (const home of homes) results.push(await emptyCost(home));
  for (const encoding of ENCODINGS) {
    await compare(`first sync of ${ENTITIES} entities, ${encoding}`, 1000, async ({ client, first }) => {
      let tookMs = 0;
      for (const body of first) tookMs += (await client.send(body, encoding)).tookMs;
      return tookMs;
    });
  }
  return results;
}

/** Makes a data folder whose graph holds so many versions of the same number of entities. */
async function makeHistory(versions: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const home = await openGraphHome();
  const random = randomNumbers(2);
  addEntities(home, ENTITIES, random);
  await addVersions(home, versions, random);
  // Else the hub would be at it while it is measured.
  await home.graph.search.tidy();
  await home.store.checkpoint();
  const file = join(folder, 'funkygibbon.db');
  // Closing removes the folder; the file is whole once the store is closed.
  home.graph[Symbol.dispose]();
  await home.store[Symbol.asyncDispose]();
  renameSync(home.file, file);
  rmSync(home.folder, { recursive: true, force: true });
  return folder;
}

async function prepare(bench: SyncBench): Promise<Home> {
  const client = bench.client('puller');
  const first = await client.pullAll();
  // The last 1000 changes are another phone's, so that the delta is the same for both.
  const seen = client.body();
  const pusher = bench.client('pusher');
  await pusher.pullAll();
  const { changes } = bench.maker('pusher').creates(ENTITIES, 1000);
  await pusher.sync(pusher.body(changes), { applied: 1000 });
  await client.pullAll();
  return { bench, client, first, delta: seen, empty: client.body() };
}

/** Processor time of the hub for an empty delta. */
async function emptyCost({ bench, client, empty }: Home): Promise<Result> {
  const times = 200;
  const blocks: number[] = [];
  for (let block = 0; block < 7; block++) {
    const before = bench.cpuUs();
    for (let n = 0; n < times; n++) await client.send(empty);
    blocks.push((bench.cpuUs() - before) / times / 1000);
  }
  const cpuMs = median(blocks);
  return {
    what: 'empty delta: processor time of the hub, all threads',
    measured: `${ms(cpuMs)} (${spread(blocks)})`,
    aim: ms(1),
    met: cpuMs < 1,
  };
}
