import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SyncClient } from './client.ts';
import type { Follower } from './follower.ts';
import type { ChangeMaker, Known } from './wire.ts';

import { content, randomNumbers } from '../graph/home.ts';
import { median, ms, type Result } from '../measure.ts';
import { BareWriter } from './bare.ts';
import { openSyncBench, type SyncBench } from './home.ts';
import { spread } from './spread.ts';

const ENTITIES = 2000;
const ROUNDS = 9;
const CONTENT = JSON.stringify(content('a lamp', randomNumbers(5)));

/** One phone with what it knows; each batch takes the next entities, so that none is in a batch twice. */
interface Pusher {
  readonly client: SyncClient;
  readonly maker: ChangeMaker;
  readonly known: Known[];
  next: number;
}

/**
 * A push as a whole (authorised, checked, resolved, durable, told to a WebSocket that looks on) over HTTP, against the
 * three bare statements with `synchronous=FULL` in a process of their own, in turn (A B A B).
 */
export async function benchSyncPush(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'funkygibbon-bare-'));
  await using home = await openSyncBench();
  await using follower = await home.follow();
  using bare = await BareWriter.start(folder);
  const pusher = await openPusher(home, 'pusher', ENTITIES);
  const ids = pusher.known.map(({ id }) => id);
  const results: Result[] = [];
  for (const [batch, times, aim] of [
    [1000, 4, 0.75],
    [100, 30, 0.65],
    [1, 200, null],
  ] as const) {
    results.push(...(await againstBare(home, bare, { pusher, follower, ids, batch, times, aim })));
  }
  results.push(await protocols(home, pusher));
  results.push(...(await loopStops(home, pusher)));
  rmSync(folder, { recursive: true, force: true });
  return results;
}

async function openPusher(home: SyncBench, deviceId: string, count: number): Promise<Pusher> {
  const client = home.client(deviceId);
  const maker = home.maker(deviceId);
  const known: Known[] = [];
  for (let made = 0; made < count; made += 1000) {
    const batch = maker.creates(made, Math.min(1000, count - made));
    await client.pullAll();
    await client.sync(client.body(batch.changes), { applied: batch.known.length });
    known.push(...batch.known);
  }
  return { client, maker, known, next: 0 };
}

function take(pusher: Pusher, count: number): Known[] {
  const { known, next } = pusher;
  pusher.next = (next + count) % known.length;
  return Array.from({ length: count }, (_, n) => known[(next + n) % known.length] as Known);
}

interface Round {
  /** Until the answer is there. */
  readonly ackedMs: number;
  /** Until the WebSocket has been told everything too. */
  readonly toldMs: number;
  readonly bareMs: number;
  /** Processor time, all threads. */
  readonly cpuUs: number;
  readonly bareCpuUs: number;
}

async function againstBare(
  home: SyncBench,
  bare: BareWriter,
  options: {
    pusher: Pusher;
    follower: Follower;
    ids: readonly string[];
    batch: number;
    times: number;
    aim: number | null;
  },
): Promise<Result[]> {
  const { pusher, follower, ids, batch, times, aim } = options;
  const rounds: Round[] = [];
  // The first round warms both up.
  for (let round = 0; round <= ROUNDS; round++) {
    await bare.run({ kind: 'checkpoint' });
    const cpuBefore = home.cpuUs();
    const hub = await pushes(pusher, batch, times, { follower });
    const cpuUs = home.cpuUs() - cpuBefore;
    const reference = await bare.run({ kind: 'batches', ids, batch, times, content: CONTENT });
    if (round === 0) continue;
    rounds.push({ ...hub, bareMs: reference.tookMs, cpuUs, bareCpuUs: reference.cpuUs });
  }
  const changes = batch * times;
  const us = (pick: (round: Round) => number): string => {
    const each = median(rounds.map(pick)) / changes;
    return each >= 100 ? each.toFixed(0) : each.toFixed(1);
  };
  const acked = rounds.map(({ ackedMs, bareMs }) => bareMs / ackedMs);
  const told = rounds.map(({ toldMs, bareMs }) => bareMs / toldMs);
  return [
    {
      what: `pushes of ${batch} over HTTP until they are answered, against the three bare statements with FULL`,
      measured: `${median(acked).toFixed(2)} of their rate (${spread(acked)}; ${us((r) => r.ackedMs * 1000)} : ${us((r) => r.bareMs * 1000)} us a change)`,
      aim: aim === null ? '' : String(aim),
      met: aim === null ? null : median(acked) >= aim,
    },
    {
      what: 'the same until a WebSocket has been told every change',
      measured: `${median(told).toFixed(2)} (${spread(told)}; ${us((r) => r.toldMs * 1000)} us a change)`,
      aim: '',
      met: null,
    },
    {
      what: 'the same: processor time for each change, the telling and all threads included, against theirs',
      measured: `${us((r) => r.cpuUs)} : ${us((r) => r.bareCpuUs)} us`,
      aim: '',
      met: null,
    },
  ];
}

/** How long the hub took for so many batches, one after the other. */
async function pushes(
  pusher: Pusher,
  batch: number,
  times: number,
  options: { client?: SyncClient; follower?: Follower } = {},
): Promise<{ ackedMs: number; toldMs: number }> {
  const { client = pusher.client, follower } = options;
  let ackedMs = 0;
  let toldMs = 0;
  for (let n = 0; n < times; n++) {
    const body = client.body(pusher.maker.updates(take(pusher, batch)));
    const told = follower?.told(batch);
    const from = performance.now();
    const answer = await client.send(body);
    ackedMs += answer.tookMs;
    await told;
    toldMs += performance.now() - from;
    client.learn(answer, { applied: batch });
  }
  return { ackedMs, toldMs };
}

async function protocols(home: SyncBench, pusher: Pusher): Promise<Result> {
  using newer = home.client('pusher', 'inbetweenies-v1.1');
  await newer.pullAll();
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await pusher.client.pullAll();
    const v1 = await pushes(pusher, 1000, 2);
    await newer.pullAll();
    const v11 = await pushes(pusher, 1000, 2, { client: newer });
    ratios.push(v11.ackedMs / v1.ackedMs);
  }
  return {
    what: 'a push of 1000 by v1.1, against v1',
    measured: `${median(ratios).toFixed(2)}x (${spread(ratios)})`,
    aim: '',
    met: null,
  };
}

/** How long the hub's event loop stops while batches of 1000 come in, by what has to be decided about them. */
async function loopStops(home: SyncBench, pusher: Pusher): Promise<Result[]> {
  const { client, maker } = pusher;
  using other = home.client('latecomer');
  const late = home.maker('latecomer');
  const results: Result[] = [];
  for (const kind of ['fast_forward', 'merge', 'conflict'] as const) {
    const took: number[] = [];
    const cpu: number[] = [];
    const stops: { p99Ms: number; maxMs: number }[] = [];
    for (let round = 0; round < 7; round++) {
      const batch = take(pusher, 1000);
      const seen = batch.map((entity) => ({ ...entity }));
      await client.pullAll();
      if (kind !== 'fast_forward') {
        await client.sync(client.body(maker.updates(batch)), { applied: 1000 });
      }
      await other.pullAll();
      const sender = kind === 'fast_forward' ? client : other;
      const body =
        kind === 'fast_forward' ? client.body(maker.updates(batch)) : other.body(late.late(seen, kind));
      const before = home.cpuUs();
      stops.push(
        await home.loopStops(async () => {
          const expected = kind === 'conflict' ? { conflicts: 1000 } : { applied: 1000 };
          took.push((await sender.sync(body, expected)).tookMs);
        }),
      );
      cpu.push((home.cpuUs() - before) / 1000);
      if (kind === 'merge') await learn(other, batch);
    }
    results.push({
      what: `event loop during a push of 1000 (${kind.replace('_', ' ')}): longest stop, median and worst of 7; p99`,
      measured: `${ms(median(stops.map(({ maxMs }) => maxMs)))}, ${ms(Math.max(...stops.map(({ maxMs }) => maxMs)))}; ${ms(median(stops.map(({ p99Ms }) => p99Ms)))} (push ${ms(median(took))}, ${median(cpu).toFixed(0)} us of processor a change)`,
      aim: '',
      met: null,
    });
  }
  return results;
}

/** The hub has joined two versions into one of its own: the next edit goes on from that. */
async function learn(client: SyncClient, known: readonly Known[]): Promise<void> {
  const latest = new Map<string, string>();
  let cursor = '';
  for (let more = true; more;) {
    const answer = JSON.parse((await client.send(client.body('[]', cursor))).body.toString()) as {
      changes: { entity_id: string; entity_version: string }[];
      vector_clock: Record<string, string>;
      has_more: boolean;
    };
    for (const change of answer.changes) latest.set(change.entity_id, change.entity_version);
    cursor = answer.vector_clock['server'] ?? '';
    more = answer.has_more;
  }
  for (const entity of known) entity.version = latest.get(entity.id) ?? entity.version;
}
