import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Moment } from '../../../src/graph/types.ts';

import { homeEntityJson } from '../../../src/graph/graph.ts';
import { HUB_AUTHOR } from '../../../src/graph/types.ts';
import { median, ms, quantile, type Result } from '../measure.ts';
import {
  addEdges,
  addEntities,
  addVersions,
  content,
  openGraphHome,
  randomNumbers,
  words,
  type GraphHome,
} from './home.ts';
import { BareStore } from './reference.ts';

const ROUNDS = 9;

/** Rates and bytes of writes, and the rate of reads, against the bare statements in the same run. */
export async function benchGraphWrites(): Promise<Result[]> {
  await using home = await openGraphHome();
  using bare = new BareStore(join(home.folder, 'bare.db'));
  const random = randomNumbers(1);
  addEntities(home, 2000, random);
  bare.write(home.ids, JSON.stringify(content('x', random)));
  await addVersions(home, 20_000, random);
  for (let n = 0; n < 18; n++) bare.write(pick(home.ids, 1000, random), JSON.stringify(content('x', random)));

  const results: Result[] = [];
  for (const [batch, times, aim] of [
    [1000, 4, 0.7],
    [100, 20, null],
    [1, 300, null],
  ] as const) {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await checkpoint(home, bare);
      const batches = Array.from({ length: times }, () => pick(home.ids, batch, random));
      const value = content('changed', random);
      const text = JSON.stringify(value);
      const ours = timed(() => {
        for (const ids of batches) writeBatch(home, ids, value);
      });
      const theirs = timed(() => {
        for (const ids of batches) bare.write(ids, text);
      });
      ratios.push(theirs / ours);
    }
    results.push({
      what: `entity write in batches of ${batch}, against the three bare statements`,
      measured: `${percent(median(ratios))} of their rate`,
      aim: aim === null ? '' : percent(aim),
      met: aim === null ? null : median(ratios) >= aim,
    });
  }
  results.push(readRate(home, bare, random));
  for (const [batch, times] of [
    [1, 1000],
    [100, 50],
    [1000, 10],
  ] as const) {
    results.push(await bytesPerChange(home, bare, batch, times, random));
  }
  return results;
}

function readRate(home: GraphHome, bare: BareStore, random: (below: number) => number): Result {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ids = pick(home.ids, 20_000, random);
    const theirs = timed(() => {
      for (const id of ids) bare.read(id);
    });
    const ours = timed(() => {
      for (const id of ids) home.graph.entity(id);
    });
    ratios.push(theirs / ours);
  }
  return {
    what: 'read of one entity by id, against the bare SELECT',
    measured: `${percent(median(ratios))} of its rate`,
    aim: '50%',
    met: median(ratios) >= 0.5,
  };
}

async function bytesPerChange(
  home: GraphHome,
  bare: BareStore,
  batch: number,
  times: number,
  random: (below: number) => number,
): Promise<Result> {
  const bytes = async (write: (ids: string[]) => void, withIndex = false): Promise<number> => {
    // What was written before is indexed before: it is not to be counted here.
    await home.graph.search.tidy();
    await checkpoint(home, bare);
    const before = writtenBytes();
    for (let n = 0; n < times; n++) write(pick(home.ids, batch, random));
    if (withIndex) await home.graph.search.tidy();
    await checkpoint(home, bare);
    return (writtenBytes() - before) / (batch * times);
  };
  const value = content('changed', random);
  const text = JSON.stringify(value);
  const ours = await bytes((ids) => writeBatch(home, ids, value));
  const theirs = await bytes((ids) => bare.write(ids, text));
  const indexed = await bytes((ids) => writeBatch(home, ids, value), true);
  return {
    what: `bytes written for a change, ${batch} in a transaction (text keys: ${kilobytes(theirs)})`,
    measured: `${kilobytes(ours)}, ${(ours / theirs).toFixed(2)}x; with the search index ${kilobytes(indexed)}`,
    aim: '0.5x',
    met: ours / theirs <= 0.5,
  };
}

/** What a read, a delta and a search cost once the history is a hundred times longer. */
export async function benchGraphHistory(): Promise<Result[]> {
  await using small = await openGraphHome();
  await using large = await openGraphHome();
  for (const [home, versions] of [
    [small, 10_000],
    [large, 1_000_000],
  ] as const) {
    const random = randomNumbers(2);
    addEntities(home, 5000, random);
    await addVersions(home, versions, random);
    await home.graph.search.search({ q: 'lamp', limit: 1 });
    await home.store.checkpoint();
  }
  const random = randomNumbers(3);
  const read = (home: GraphHome, ids: readonly string[]): void => {
    for (const id of ids) home.graph.entity(id);
  };
  const delta = (home: GraphHome): void => {
    const { entities } = home.graph.changesSince(home.graph.headSeq - 1500, {
      limit: 1000,
      maxBytes: 4e6,
      edges: true,
    });
    entities.slice(0, 1000).map(homeEntityJson);
  };
  const results: Result[] = [];
  const compare = async (what: string, run: (home: GraphHome) => void | Promise<void>): Promise<void> => {
    const ratios: number[] = [];
    for (let round = 0; round < 15; round++) {
      const a = await timedAsync(async () => await run(small));
      const b = await timedAsync(async () => await run(large));
      ratios.push(b / a);
    }
    results.push({
      what: `${what}: 1,000,000 versions against 10,000`,
      measured: `${median(ratios).toFixed(2)}x`,
      aim: '1.15x',
      met: median(ratios) <= 1.15,
    });
  };
  const ids = pick(small.ids, 3000, random);
  await compare('read of an entity', (home) => read(home, ids));
  await compare('delta of the last 1,500 changes', delta);
  const queries = ['valve', 'boiler pump', 'lamp1', 'fil'];
  await compare('search', async (home) => {
    for (const q of queries) await home.graph.search.search({ q, limit: 20 });
  });
  return results;
}

/** Paths and search at the size of LIMITS.md C6: 20,000 entities and 150,000 relationships. */
export async function benchGraphWalks(): Promise<Result[]> {
  await using home = await openGraphHome();
  const random = randomNumbers(4);
  addEntities(home, 20_000, random);
  addEdges(home, 150_000, random);
  await home.graph.settled();
  await home.store.checkpoint();
  const { graph } = home;
  const pairs = Array.from({ length: 60 }, () => pick(home.ids, 2, random) as [string, string]);

  const building = await timedAsync(
    async () => void (await graph.paths.path(home.ids[0] ?? '', home.ids[1] ?? '', 20)),
  );
  using cte = new DatabaseSync(home.file, { readOnly: true });
  const bare = cte.prepare(RECURSIVE_PATH);
  const keys = new Map(home.ids.map((id) => [id, graph.keyOf(id) ?? 0]));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (const [from, to] of pairs) {
    ours.push(
      await timedAsync(async () => void (await graph.paths.path(from, to, 20, { direction: 'from' }))),
    );
    theirs.push(timed(() => bare.get(keys.get(from) ?? 0, keys.get(to) ?? 0)));
  }
  const upkeep = await edgeUpkeep(home, random);
  const moment: Moment = graph.history.present();
  const past = await timedAsync(
    async () => void (await graph.paths.path(home.ids[0] ?? '', home.ids[1] ?? '', 20, { moment })),
  );
  const results: Result[] = [
    {
      what: `shortest path, 20,000 entities and 150,000 relationships: median, p99 (recursive CTE ${ms(median(theirs))})`,
      measured: `${ms(median(ours))}, ${ms(quantile(ours, 0.99))}`,
      aim: '3 ms',
      met: median(ours) < 3,
    },
    {
      what: 'the same against the recursive CTE in the same file',
      measured: `1/${(median(theirs) / median(ours)).toFixed(0)}`,
      aim: '1/25',
      met: median(theirs) / median(ours) >= 25,
    },
    {
      what: 'the first path after the start, which reads all relationships',
      measured: ms(building),
      aim: '',
      met: null,
    },
    { what: 'the first path at a time in the past', measured: ms(past), aim: '', met: null },
    {
      what: 'catching up with a relationship that changed',
      measured: `${(upkeep * 1000).toFixed(1)} us`,
      aim: '10 us',
      met: upkeep * 1000 <= 10,
    },
  ];
  results.push(...(await benchSearch(home, random)));
  return results;
}

async function edgeUpkeep(home: GraphHome, random: (below: number) => number): Promise<number> {
  const { graph } = home;
  const [from = '', to = ''] = pick(home.ids, 2, random);
  const plain: number[] = [];
  const after: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    addEdges(home, 1000, random);
    await graph.settled();
    after.push(await timedAsync(async () => void (await graph.paths.path(from, to, 1))));
    plain.push(await timedAsync(async () => void (await graph.paths.path(from, to, 1))));
  }
  return Math.max(0, median(after) - median(plain)) / 1000;
}

async function benchSearch(home: GraphHome, random: (below: number) => number): Promise<Result[]> {
  const { graph } = home;
  const indexing = await timedAsync(async () => void (await graph.search.search({ q: 'lamp', limit: 1 })));
  using file = new DatabaseSync(home.file, { readOnly: true });
  const scanFor = (q: string): (() => void) => {
    const words = q.split(' ');
    const scan = file.prepare(
      `SELECT count(*) FROM entity_latest l JOIN entity_version v ON v.seq = l.seq
       WHERE l.deleted = 0 AND ${words.map(() => 'v.content LIKE ?').join(' AND ')}`,
    );
    return () => void scan.get(...words.map((word) => `%${word}%`));
  };
  const results: Result[] = [];
  for (const [what, queryOf] of [
    ['a rare word', () => `valve${random(5000)}`],
    ['two words', () => words(2, random).replaceAll(/\d+/g, '')],
    ['a common word', () => 'kitchen'],
    ['a beginning of three letters', () => 'bat'],
    ['one letter', () => 's'],
  ] as const) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 40; round++) {
      const q = queryOf();
      ours.push(await timedAsync(async () => void (await graph.search.search({ q, limit: 20 }))));
      theirs.push(timed(scanFor(q)));
    }
    results.push({
      what: `search for ${what} in 20,000 entities: median (p99), against a LIKE scan (${ms(median(theirs))})`,
      measured: `${ms(median(ours))} (${ms(quantile(ours, 0.99))}), 1/${(median(theirs) / median(ours)).toFixed(0)}`,
      aim: '1/5',
      met: median(theirs) / median(ours) >= 5,
    });
  }
  results.push({
    what: 'indexing 20,000 entities for the first search',
    measured: ms(indexing),
    aim: '',
    met: null,
  });
  return results;
}

/** All ways from ?1 along the edges, each entity once, until ?2 is met: LIMITS.md C6. */
const RECURSIVE_PATH = `
  WITH RECURSIVE walk (key, depth) AS (
    VALUES (CAST(?1 AS INTEGER), 0)
    UNION
    SELECT r.to_key, walk.depth + 1 FROM walk JOIN relationship r ON r.from_key = walk.key AND r.open = 1
    WHERE walk.depth < 8
  )
  SELECT depth FROM walk WHERE key = CAST(?2 AS INTEGER) LIMIT 1`;

function writeBatch(home: GraphHome, ids: readonly string[], value: Record<string, unknown>): void {
  home.graph.transaction((writer) => {
    for (const id of ids) writer.replaceContent(id, value, HUB_AUTHOR);
  });
}

async function checkpoint(home: GraphHome, bare: BareStore): Promise<void> {
  await home.graph.settled();
  await home.store.checkpoint();
  bare.checkpoint();
}

function pick(ids: readonly string[], count: number, random: (below: number) => number): string[] {
  return Array.from({ length: count }, () => ids[random(ids.length)] ?? '');
}

function timed(run: () => unknown): number {
  const from = performance.now();
  run();
  return performance.now() - from;
}

async function timedAsync(run: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

/** What the process caused to be written, from /proc: the same count as in LIMITS.md C5. */
function writtenBytes(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)}%`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(2)} KB`;
}
