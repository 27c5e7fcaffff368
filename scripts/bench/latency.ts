import mqtt, { type MqttClient } from 'mqtt';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { announceLamps, openBenchHome, type BenchHome } from './home.ts';
import { median, ms, pause, quantile, type Result } from './measure.ts';

const LAMPS = 20;
const MESSAGES = 1000;
const EVERY_MS = 8;
const RUNS = 7;

/**
 * MQTT publish to WebSocket message through the hub, beside publish to a plain subscriber through a bare broker in a
 * process of its own, in turn (A B A B); and how long the hub's event loop stops meanwhile. `preload` is the library
 * that slows fsync down, or null.
 */
export async function benchLatency(slowSyncMs: number, preload: string | null): Promise<Result[]> {
  const probeFolder = mkdtempSync(join(tmpdir(), 'funkygibbon-probe-'));
  const probeFile = join(probeFolder, 'loop.json');
  const probe = fileURLToPath(new URL('loop-probe.mjs', import.meta.url));
  await using bare = await startBareBroker();
  await using home = await openBenchHome((folder) => ({
    NODE_OPTIONS: `--import ${probe}`,
    LOOP_PROBE_FILE: probeFile,
    // The library slows what lies below one folder.
    ...(preload === null
      ? {}
      : { LD_PRELOAD: preload, RECORD_FOLDER: folder, SLOW_SYNC_US: String(slowSyncMs * 1000) }),
  }));
  await announceLamps(home, LAMPS);
  await home.phone.follow();
  const topics = await lampTopics(home);
  // Warms both up, and lets what the announcement set off in the hub come to its end.
  await throughBare(bare, 0);
  await throughHub(home, topics, 0);
  process.kill(home.daemon.pid, 'SIGUSR2');
  const runs: { hop: number[]; live: number[] }[] = [];
  for (let run = 1; run <= RUNS; run++) {
    runs.push({ hop: await throughBare(bare, run), live: await throughHub(home, topics, run) });
  }
  process.kill(home.daemon.pid, 'SIGUSR2');
  while (!existsSync(probeFile) || readFileSync(probeFile, 'utf8') === '') await pause(20);
  const loop = JSON.parse(readFileSync(probeFile, 'utf8')) as { p99Ms: number; maxMs: number };
  rmSync(probeFolder, { recursive: true, force: true });
  const disk = slowSyncMs === 0 ? '' : `, fsync ${slowSyncMs} ms`;
  return [
    ratioResult(`MQTT publish to WebSocket, against a bare broker hop, median${disk}`, runs, 0.5, 2),
    ratioResult(`the same, p99${disk}`, runs, 0.99, 3),
    {
      what: `event loop stops meanwhile, p99${disk}`,
      measured: `${ms(loop.p99Ms)} (longest ${ms(loop.maxMs)})`,
      aim: '20 ms',
      met: loop.p99Ms <= 20,
    },
  ];
}

/** The median of the runs' ratios at one quantile. */
function ratioResult(
  what: string,
  runs: readonly { hop: number[]; live: number[] }[],
  q: number,
  aim: number,
): Result {
  const ratio = median(runs.map(({ hop, live }) => quantile(live, q) / quantile(hop, q)));
  const live = median(runs.map((run) => quantile(run.live, q)));
  const hop = median(runs.map((run) => quantile(run.hop, q)));
  return {
    what,
    measured: `${ratio.toFixed(2)}x (${ms(live)} : ${ms(hop)})`,
    aim: `${aim}x`,
    met: ratio <= aim,
  };
}

interface BareBroker extends AsyncDisposable {
  readonly url: string;
  readonly client: MqttClient;
}

async function startBareBroker(): Promise<BareBroker> {
  const script = fileURLToPath(new URL('ref-broker.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = `mqtt://127.0.0.1:${port.trim()}`;
  const client = await mqtt.connectAsync(url);
  return {
    url,
    client,
    async [Symbol.asyncDispose]() {
      await client.endAsync(true);
      child.kill();
    },
  };
}

/** Publishes the run's messages and returns how long each took to the subscriber. */
async function throughBare(bare: BareBroker, run: number): Promise<number[]> {
  const subscriber = await mqtt.connectAsync(bare.url);
  await subscriber.subscribeAsync('lamp/+');
  const times = new Stopwatch();
  subscriber.on('message', (topic, payload) => {
    times.stop(`${topic} ${(JSON.parse(payload.toString()) as { brightness: number }).brightness}`);
  });
  await publishRun(bare.client, run, times);
  await subscriber.endAsync(true);
  return times.taken;
}

async function throughHub(
  home: BenchHome,
  topics: ReadonlyMap<string, string>,
  run: number,
): Promise<number[]> {
  const times = new Stopwatch();
  const stop = home.phone.onMessage((message) => {
    if (message.type !== 'state_change' || message['capability'] !== 'brightness') return;
    const brightness = Math.round((Number(message['value']) / 100) * 255);
    times.stop(`${topics.get(String(message['entity_id']))} ${brightness}`);
  });
  await publishRun(home.devices, run, times);
  stop();
  return times.taken;
}

class Stopwatch {
  readonly #started = new Map<string, number>();
  readonly taken: number[] = [];

  start(what: string): void {
    this.#started.set(what, performance.now());
  }

  stop(what: string): void {
    const started = this.#started.get(what);
    if (started === undefined) return;
    this.#started.delete(what);
    this.taken.push(performance.now() - started);
  }
}

/** Each lamp walks through percentages, so that every message is a change and can be told from the one before. */
async function publishRun(publisher: MqttClient, run: number, times: Stopwatch): Promise<void> {
  for (let n = 0; n < MESSAGES; n++) {
    const topic = `lamp/${n % LAMPS}`;
    const percent = 1 + ((Math.floor(n / LAMPS) * 7 + run * 3) % 100);
    const brightness = Math.round((percent / 100) * 255);
    times.start(`${topic} ${brightness}`);
    publisher.publish(topic, JSON.stringify({ state: 'ON', brightness }));
    await pause(EVERY_MS);
  }
  await pause(500);
}

async function lampTopics(home: BenchHome): Promise<Map<string, string>> {
  const list = await home.phone.call<{ items: { id: string; content: { name: string } }[] }>(
    'GET',
    '/api/entities?entity_type=device&limit=500',
  );
  return new Map(list.items.map(({ id, content }) => [id, content.name.replace('Lamp ', 'lamp/')]));
}
