import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Daemon } from '../../../test/support/daemon.ts';
import { Phone } from '../../../test/support/phone.ts';
import { pause } from '../measure.ts';
import { SyncClient } from './client.ts';
import { Follower } from './follower.ts';
import { ChangeMaker } from './wire.ts';

const PASSWORD = 'for the benchmark only';
/** Of `/proc/<pid>/stat`, on every Linux that Node runs on. */
const TICK_US = 10_000;

/** How long the hub's event loop stopped. */
export interface LoopStops {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The built hub in a process of its own, and what is needed to be a phone of it. */
export interface SyncBench extends AsyncDisposable {
  client(deviceId: string, protocol?: string): SyncClient;
  maker(deviceId: string): ChangeMaker;
  /** A WebSocket that is told everything. */
  follow(): Promise<Follower>;
  /** Processor time of the hub so far. */
  cpuUs(): number;
  /** Watches the hub's event loop while `work` goes on. */
  loopStops(work: () => Promise<void>): Promise<LoopStops>;
}

/** @param options.folder its data folder where there is one already; it is removed in the end */
export async function openSyncBench(
  options: { folder?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<SyncBench> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'funkygibbon-bench-'));
  const probeFolder = mkdtempSync(join(tmpdir(), 'funkygibbon-probe-'));
  const probeFile = join(probeFolder, 'loop.json');
  const probe = fileURLToPath(new URL('../loop-probe.mjs', import.meta.url));
  const daemon = await Daemon.start({
    dataDir: folder,
    env: {
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
      NODE_OPTIONS: `--import ${probe} ${process.env['SYNC_BENCH_NODE_OPTIONS'] ?? ''}`,
      LOOP_PROBE_FILE: probeFile,
      ...options.env,
    },
  });
  const url = daemon.ready.http_url;
  const phone = await Phone.login(url, 'bench-follower', PASSWORD);
  const { token, userId } = phone;
  const readLoop = async (): Promise<LoopStops> => {
    while (!existsSync(probeFile) || readFileSync(probeFile, 'utf8') === '') await pause(5);
    const stops = JSON.parse(readFileSync(probeFile, 'utf8')) as LoopStops;
    rmSync(probeFile);
    return stops;
  };
  return {
    client: (deviceId, protocol) =>
      new SyncClient({ url, token, userId, deviceId, ...(protocol === undefined ? {} : { protocol }) }),
    maker: (deviceId) => new ChangeMaker(deviceId, userId),
    follow: async () => await Follower.open(url, userId, token),
    cpuUs: () => cpuTicks(daemon.pid) * TICK_US,
    async loopStops(work) {
      process.kill(daemon.pid, 'SIGUSR2');
      await work();
      process.kill(daemon.pid, 'SIGUSR2');
      return await readLoop();
    },
    async [Symbol.asyncDispose]() {
      await phone[Symbol.asyncDispose]();
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
      rmSync(probeFolder, { recursive: true, force: true });
    },
  };
}

/** User and system time of all threads, in ticks. */
function cpuTicks(pid: number): number {
  // The name of the program stands in brackets and may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
