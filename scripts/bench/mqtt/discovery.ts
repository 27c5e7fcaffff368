import mqtt from 'mqtt';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BENCH_LOGIN, enterBenchHome, type BenchHome } from '../home.ts';
import { residentMb } from '../memory.ts';
import { median, pause, type Result } from '../measure.ts';
import { hasMosquitto, startMosquitto } from './mosquitto.ts';
import { untilKnown } from './plug-home.ts';
import { announcePlugs, COMPONENTS_PER_PLUG, toState } from './plugs.ts';

const PLUGS = 500;
const ROUNDS = 3;
const AIM_S = 3;
const AIM_MB = 180;
const SETTLES_MS = 30_000;

/**
 * 500 devices of four components each: how long from the burst of their descriptions until all are in the list of
 * devices, published to the hub's own broker and kept by Mosquitto; the next start with all of them; and the memory that
 * the hub holds then.
 */
export async function benchMqttDiscovery(): Promise<Result[]> {
  const burst: number[] = [];
  const restart: number[] = [];
  const resident: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'funkygibbon-bench-')));
    {
      await using home = await enterBenchHome(folder);
      burst.push(await timed(async () => await publishTo(home)));
    }
    const begunMs = performance.now();
    await using home = await enterBenchHome(folder);
    await untilKnown(home, PLUGS);
    restart.push((performance.now() - begunMs) / 1000);
    if (round === 0) {
      await tellStates(home);
      await pause(SETTLES_MS);
      resident.push(residentMb(home.daemon.pid));
    }
    rmSync(folder, { recursive: true, force: true });
  }
  const what = `${PLUGS} devices of ${COMPONENTS_PER_PLUG} components discovered from a burst`;
  return [
    inSeconds(`${what} (embedded)`, burst, AIM_S),
    ...(hasMosquitto ? [inSeconds(`${what} that Mosquitto kept`, await fromMosquitto(), AIM_S)] : []),
    inSeconds('the next start, until all of them are listed', restart, AIM_S),
    {
      what: `resident memory with them, after ${SETTLES_MS / 1000} s`,
      measured: `${median(resident).toFixed(0)} MB`,
      aim: `${AIM_MB} MB`,
      met: median(resident) < AIM_MB,
    },
  ];
}

async function publishTo(home: BenchHome): Promise<void> {
  const client = await mqtt.connectAsync(home.daemon.ready.mqtt_url, BENCH_LOGIN);
  await Promise.all([announcePlugs(client, 'zigbee2mqtt', PLUGS), untilKnown(home, PLUGS)]);
  await client.endAsync(true);
}

/** From the moment at which the hub is ready, which is before it has connected to the broker. */
async function fromMosquitto(): Promise<number[]> {
  const seconds: number[] = [];
  using mosquitto = await startMosquitto();
  const client = await mqtt.connectAsync(mosquitto.url);
  await announcePlugs(client, 'zigbee2mqtt', PLUGS);
  await client.endAsync(true);
  for (let round = 0; round < ROUNDS; round++) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'funkygibbon-bench-')));
    await using home = await enterBenchHome(folder, {
      FUNKYGIBBON_MQTT__MODE: 'external',
      FUNKYGIBBON_MQTT__URL: mosquitto.url,
    });
    seconds.push(await timed(async () => await untilKnown(home, PLUGS)));
    rmSync(folder, { recursive: true, force: true });
  }
  return seconds;
}

async function tellStates(home: BenchHome): Promise<void> {
  for (let number = 0; number < PLUGS; number++) {
    await home.devices.publishAsync(`zigbee2mqtt/${number}`, toState(number), { qos: 1, retain: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await work();
  return (performance.now() - begunMs) / 1000;
}

function inSeconds(what: string, seconds: readonly number[], aim: number): Result {
  const value = median(seconds);
  return {
    what,
    measured: `${value.toFixed(2)} s (longest ${Math.max(...seconds).toFixed(2)} s)`,
    aim: `${aim} s`,
    met: value < aim,
  };
}
