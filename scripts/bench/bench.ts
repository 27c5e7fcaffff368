/**
 * Measures the built hub beside bare references and prints a table: `npm run bench [-- start memory latency disk
 * graph-writes …]`.
 * Numbers depend on the machine; ratios are taken in one run, so that its noise hits both sides.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildDaemon } from '../../test/support/daemon.ts';
import { buildRecorder } from '../../test/power-cut/recorder.ts';
import { benchDisk } from './disk.ts';
import { benchGraphHistory, benchGraphWalks, benchGraphWrites } from './graph/graph.ts';
import { benchFanOut, benchStalled } from './live/live.ts';
import { benchHomekit } from './homekit.ts';
import { benchInsights } from './insights/insights.ts';
import { benchLatency } from './latency.ts';
import { table, type Result } from './measure.ts';
import { benchMemory } from './memory.ts';
import { benchMqttDiscovery } from './mqtt/discovery.ts';
import { benchMqttLatency } from './mqtt/latency.ts';
import { benchMqttThroughput } from './mqtt/throughput.ts';
import { benchReadings } from './readings.ts';
import { benchStart } from './start.ts';
import { benchSyncPull } from './sync/pull.ts';
import { benchSyncPush } from './sync/push.ts';
import { benchSyncSlowDisk } from './sync/slow-disk.ts';

const benches: Readonly<Record<string, () => Promise<Result[]>>> = {
  start: benchStart,
  memory: benchMemory,
  latency: async () => await benchLatency(0, null),
  'slow-latency': async () => await benchLatency(150, buildRecorder(workFolder)),
  disk: async () => await benchDisk(5),
  readings: benchReadings,
  insights: benchInsights,
  homekit: benchHomekit,
  'mqtt-throughput': benchMqttThroughput,
  'mqtt-latency': benchMqttLatency,
  'mqtt-discovery': benchMqttDiscovery,
  'live-fan-out': benchFanOut,
  'live-stalled': benchStalled,
  'graph-writes': benchGraphWrites,
  'graph-history': benchGraphHistory,
  'graph-walks': benchGraphWalks,
  'sync-push': benchSyncPush,
  'sync-slow-disk': async () => await benchSyncSlowDisk(buildRecorder(workFolder)),
  'sync-pull': benchSyncPull,
};

const workFolder = mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'));
await buildDaemon();
const results: Result[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`measuring ${name} …`);
  results.push(...(await bench()));
}
rmSync(workFolder, { recursive: true, force: true });
console.log(table(results));
