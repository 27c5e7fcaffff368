import { readFileSync } from 'node:fs';

import { announceLamps, openBenchHome } from './home.ts';
import { pause, type Result } from './measure.ts';

const LAMPS = 100;
const PER_SECOND = 50;
const AIM_MB_PER_HOUR = 20;

/** Bytes that the hub sends to the disk at 50 state messages a second, for `minutes`, as an hour's worth. */
export async function benchDisk(minutes: number): Promise<Result[]> {
  await using home = await openBenchHome();
  await announceLamps(home, LAMPS);
  await pause(15_000);
  const before = writtenBytes(home.daemon.pid);
  const from = performance.now();
  const messages = minutes * 60 * PER_SECOND;
  for (let n = 0; n < messages; n++) {
    const state = { state: n % 2 === 0 ? 'ON' : 'OFF', brightness: 1 + (n % 254) };
    home.devices.publish(`lamp/${n % LAMPS}`, JSON.stringify(state), { retain: true });
    const due = from + ((n + 1) * 1000) / PER_SECOND;
    const early = due - performance.now();
    if (early > 1) await pause(early);
  }
  const hours = (performance.now() - from) / 3_600_000;
  const perHour = (writtenBytes(home.daemon.pid) - before) / 1e6 / hours;
  return [
    {
      what: `disk bytes an hour at ${PER_SECOND} state messages a second (retained, ${LAMPS} devices)`,
      measured: `${perHour.toFixed(1)} MB (over ${minutes} min)`,
      aim: `${AIM_MB_PER_HOUR} MB`,
      met: perHour < AIM_MB_PER_HOUR,
    },
  ];
}

/** What the process caused to be written to storage, from /proc: page cache that was never flushed counts too. */
function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}
