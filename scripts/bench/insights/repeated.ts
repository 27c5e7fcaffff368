import { median, quantile } from '../measure.ts';

/** What a search or a sum over history takes of the hub. */
export interface Measured {
  readonly tookMs: number;
  /** Of this thread, what looking at it cost included: on a busy machine it says more than the time. */
  readonly cpuMs: number;
  readonly grownMb: number;
  /** Processor time of one turn of the event loop, p99 and at most. */
  readonly stillMs: readonly [number, number];
}

/** Does something so many times and looks at what it takes. */
export async function measureRepeated(work: () => Promise<unknown>, rounds: number): Promise<Measured> {
  const times: number[] = [];
  const cpus: number[] = [];
  const grown: number[] = [];
  const stops: number[] = [];
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.();
    const before = memoryBytes();
    let peak = before;
    let isOver = false;
    let last = process.threadCpuUsage();
    const watch = (): void => {
      const { user, system } = process.threadCpuUsage(last);
      stops.push((user + system) / 1000);
      peak = Math.max(peak, memoryBytes());
      last = process.threadCpuUsage();
      if (!isOver) setImmediate(watch);
    };
    setImmediate(watch);
    const from = performance.now();
    const cpu = process.threadCpuUsage();
    await work();
    times.push(performance.now() - from);
    const { user, system } = process.threadCpuUsage(cpu);
    cpus.push((user + system) / 1000);
    isOver = true;
    grown.push((peak - before) / 1e6);
  }
  return {
    tookMs: median(times),
    cpuMs: median(cpus),
    grownMb: Math.max(...grown),
    stillMs: [quantile(stops, 0.99), Math.max(...stops)],
  };
}

/** What is in use, garbage that was not swept yet included. */
function memoryBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
