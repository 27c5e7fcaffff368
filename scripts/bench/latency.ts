import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { announceLamps, connectDevice, openBenchHome, type BenchHome } from './home.ts';
import { median, ms, pause, quantile, type Result } from './measure.ts';

const LAMPS = 20;
const MESSAGES = 1500;
const EVERY_MS = 8;
const RUNS = 5;

interface Latencies {
  readonly hop: number[];
  readonly live: number[];
}

/**
 * MQTT publish to WebSocket message, beside a plain subscriber of the same broker that gets the same messages; and how
 * long the hub's event loop stops meanwhile. `preload` is the library that slows fsync down, or null.
 */
export async function benchLatency(slowSyncMs: number, preload: string | null): Promise<Result[]> {
  const probeFolder = mkdtempSync(join(tmpdir(), 'funkygibbon-probe-'));
  const probeFile = join(probeFolder, 'loop.json');
  const probe = fileURLToPath(new URL('loop-probe.mjs', import.meta.url));
  await using home = await openBenchHome({
    NODE_OPTIONS: `--import ${probe}`,
    LOOP_PROBE_FILE: probeFile,
    ...(preload === null ? {} : { LD_PRELOAD: preload, SLOW_SYNC_US: String(slowSyncMs * 1000) }),
  });
  await announceLamps(home, LAMPS);
  await home.phone.follow();
  const ratios: { p50: number; p99: number }[] = [];
  let last: Latencies = { hop: [], live: [] };
  process.kill(home.daemon.pid, 'SIGUSR2');
  for (let run = 0; run < RUNS; run++) {
    last = await measure(home, run);
    ratios.push({
      p50: median(last.live) / median(last.hop),
      p99: quantile(last.live, 0.99) / quantile(last.hop, 0.99),
    });
  }
  process.kill(home.daemon.pid, 'SIGUSR2');
  while (!existsSync(probeFile) || readFileSync(probeFile, 'utf8') === '') await pause(20);
  const loop = JSON.parse(readFileSync(probeFile, 'utf8')) as { p99Ms: number; maxMs: number };
  rmSync(probeFolder, { recursive: true, force: true });
  const p50 = median(ratios.map((ratio) => ratio.p50));
  const p99 = median(ratios.map((ratio) => ratio.p99));
  const disk = slowSyncMs === 0 ? '' : `, fsync ${slowSyncMs} ms`;
  return [
    {
      what: `MQTT publish to WebSocket, against a bare broker hop, median${disk}`,
      measured: `${p50.toFixed(2)}x (${ms(median(last.live))} : ${ms(median(last.hop))})`,
      aim: '2x',
      met: p50 <= 2,
    },
    {
      what: `the same, p99${disk}`,
      measured: `${p99.toFixed(2)}x (${ms(quantile(last.live, 0.99))} : ${ms(quantile(last.hop, 0.99))})`,
      aim: '3x',
      met: p99 <= 3,
    },
    {
      what: `event loop stops meanwhile, p99${disk}`,
      measured: `${ms(loop.p99Ms)} (longest ${ms(loop.maxMs)})`,
      aim: '20 ms',
      met: loop.p99Ms <= 20,
    },
  ];
}

/** One run of state messages; each carries a brightness that tells which message it was. */
async function measure(home: BenchHome, run: number): Promise<Latencies> {
  const subscriber = await connectDevice(home.daemon);
  await subscriber.subscribeAsync('lamp/+');
  const sentAt = new Map<string, number>();
  const hop: number[] = [];
  const live: number[] = [];
  const values = Array.from({ length: 100 }, (_, index) => index + 1);
  subscriber.on('message', (topic, payload) => {
    const sent = sentAt.get(
      `${topic} ${(JSON.parse(payload.toString()) as { brightness: number }).brightness}`,
    );
    if (sent !== undefined) hop.push(performance.now() - sent);
  });
  const names = await lampTopics(home);
  const stop = home.phone.onMessage((message) => {
    if (message.type !== 'state_change' || message['capability'] !== 'brightness') return;
    const topic = names.get(String(message['entity_id']));
    const sent = sentAt.get(`${topic} ${Math.round((Number(message['value']) / 100) * 255)}`);
    if (sent !== undefined) live.push(performance.now() - sent);
  });
  for (let n = 0; n < MESSAGES; n++) {
    const topic = `lamp/${n % LAMPS}`;
    // Each lamp walks through percentages, so that every message is a change and can be told from the one before.
    const percent = Number(values[(Math.floor(n / LAMPS) * 7 + run * 3) % values.length]);
    const brightness = Math.round((percent / 100) * 255);
    sentAt.set(`${topic} ${brightness}`, performance.now());
    home.devices.publish(topic, JSON.stringify({ state: 'ON', brightness }));
    await pause(EVERY_MS);
  }
  await pause(500);
  stop();
  await subscriber.endAsync(true);
  return { hop, live };
}

async function lampTopics(home: BenchHome): Promise<Map<string, string>> {
  const list = await home.phone.call<{ items: { id: string; content: { name: string } }[] }>(
    'GET',
    '/api/entities?entity_type=device&limit=500',
  );
  return new Map(list.items.map(({ id, content }) => [id, content.name.replace('Lamp ', 'lamp/')]));
}
