import { readFileSync } from 'node:fs';

import { announceLamps, openBenchHome } from './home.ts';
import { pause, type Result } from './measure.ts';

const ACCESSORIES = 100;
const AIM_MB = 115;

/** Resident memory with 100 accessories in Apple Home's bridge, a WebSocket open, after half a minute of quiet. */
export async function benchMemory(): Promise<Result[]> {
  await using home = await openBenchHome();
  const empty = residentMb(home.daemon.pid);
  await announceLamps(home, ACCESSORIES);
  await home.phone.follow();
  await pause(30_000);
  const resident = residentMb(home.daemon.pid);
  return [
    {
      what: `resident memory with ${ACCESSORIES} accessories`,
      measured: `${resident.toFixed(0)} MB (${empty.toFixed(0)} MB when ready)`,
      aim: `${AIM_MB} MB`,
      met: resident < AIM_MB,
    },
  ];
}

/** VmRSS in MB (10^6 bytes would flatter: the kernel's kB are 1024 bytes, so are these MB 1024 of them). */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
