import { readFileSync } from 'node:fs';

import { median, type Result } from '../measure.ts';
import { BareClient, FloodProcess } from './flood-process.ts';
import { hasMosquitto, startMosquitto } from './mosquitto.ts';
import { followOnly, openPlugHome, untilPower } from './plug-home.ts';

const PLUGS = 100;
const MESSAGES = 20_000;
const GIVE_UP_MS = 60_000;
const ROUNDS = 7;
const AIM = 0.6;

/**
 * State messages a second, each with four values that change, from a publisher's process until the hub has them, beside
 * what a bare client receives of the same broker, in turn (A B A B): with the broker that the hub has in itself, and
 * with Mosquitto in between.
 */
export async function benchMqttThroughput(): Promise<Result[]> {
  const results = [await measure('embedded', null)];
  if (!hasMosquitto) return results;
  using mosquitto = await startMosquitto();
  results.push(await measure('Mosquitto', mosquitto.url));
  return results;
}

async function measure(name: string, url: string | null): Promise<Result> {
  // The last one tells when all is there; the phone does not follow the others.
  await using plugs = await openPlugHome(url, 'zigbee2mqtt', PLUGS + 1);
  const { home, broker } = plugs;
  const last = plugs.entities.at(-1) ?? '';
  await followOnly(home, last);
  using publisher = await FloodProcess.start(broker);
  using bare = await BareClient.start(broker, 'bare/#');
  let marker = 100_000;
  const through = async (base: string, heard: (marker: number) => Promise<unknown>): Promise<number> => {
    marker += 1;
    const begunMs = performance.now();
    const arrived = heard(marker);
    await publisher.flood({ base, devices: PLUGS, messages: MESSAGES, marker, perSecond: null });
    await Promise.race([arrived, giveUp(base)]);
    return MESSAGES / ((performance.now() - begunMs) / 1000);
  };
  const toHub = async (): Promise<number> =>
    await through('zigbee2mqtt', async (power) => await untilPower(home, last, power));
  const toBare = async (): Promise<number> =>
    await through('bare', async (power) => {
      const count = await bare.heard(power);
      if (count !== MESSAGES) throw new Error(`the bare client has heard ${count} of ${MESSAGES} messages`);
    });
  // Warms both up.
  await toBare();
  await toHub();
  const rounds: { hub: number; bare: number; cpuUs: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const bareRate = await toBare();
    const before = cpuUs(home.daemon.pid);
    const hub = await toHub();
    rounds.push({ hub, bare: bareRate, cpuUs: (cpuUs(home.daemon.pid) - before) / MESSAGES });
  }
  const ratio = median(rounds.map((round) => round.hub / round.bare));
  const rate = (values: readonly number[]): string => `${(median(values) / 1000).toFixed(1)}k`;
  return {
    what: `MQTT messages a second into states of ${PLUGS} devices (${name}), against a bare client`,
    measured:
      `${(ratio * 100).toFixed(0)} % (${rate(rounds.map(({ hub }) => hub))} : ` +
      `${rate(rounds.map(({ bare: bareRate }) => bareRate))}; ${median(rounds.map((round) => round.cpuUs)).toFixed(0)} µs CPU each)`,
    aim: `${AIM * 100} %`,
    met: ratio >= AIM,
  };
}

/** A broker may cut off who does not keep up; then the marker never comes. */
async function giveUp(base: string): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  setTimeout(() => reject(new Error(`the last message of ${base} has not come`)), GIVE_UP_MS).unref();
  return await promise;
}

/** What a process has spent, of itself and of the system for it; the clock ticks a hundred times a second. */
function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
