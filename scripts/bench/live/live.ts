import { median, ms, pause, quantile, type Result } from '../measure.ts';
import { textFrame } from './frames.ts';
import { openLiveBench, type LiveBench } from './home.ts';
import { ReadersProcess } from './readers-process.ts';

const ROUNDS = 7;
const EVENTS = 40;
/** Makes a message of about 700 bytes: what an ordinary entity is. */
const TEXT = 'x'.repeat(200);

const FAN_OUT = [
  [100, 1.4],
  [1000, 1.4],
] as const;

const SOCKETS = 1000;
const STALLED = 200;
const FLOOD_TEXT = 'x'.repeat(100_000);
const MAX_FLOOD = 50;
const MB = 1024 * 1024;

/**
 * From the moment in which a pushed change is durable to its arrival on every socket, against bare writes of the same
 * bytes to as many sockets in the same moment of a push that concerns no WebSocket, in turn (A B A B).
 */
export async function benchFanOut(): Promise<Result[]> {
  const results: Result[] = [];
  for (const [count, aim] of FAN_OUT) results.push(...(await fanOut(count, aim)));
  return results;
}

interface Round {
  readonly latencies: number[];
  /** Of this process, for one write. */
  readonly cpuUs: number;
}

async function fanOut(count: number, aim: number): Promise<Result[]> {
  await using home = await openLiveBench();
  using readers = new ReadersProcess();
  await openSockets(home, readers, count, 0);
  const pushed: number[] = [];
  let bytes = 0;
  const live = async (): Promise<Round> =>
    await round(count, async () => {
      const { arrived } = await readers.expect('live');
      const { begunMs, durableMs } = await home.push('event', TEXT);
      const report = await arrived;
      bytes = report.bytes;
      pushed.push(...report.arrivals.map((at) => at - begunMs));
      return report.arrivals.map((at) => at - durableMs);
    });
  const raw = async (): Promise<Round> => {
    const frame = textFrame(Buffer.alloc(bytes - 4, 'x'));
    return await round(count, async () => {
      const { arrived } = await readers.expect('raw');
      home.rawFrame = frame;
      const { durableMs } = await home.push('other', TEXT);
      return (await arrived).arrivals.map((at) => at - durableMs);
    });
  };
  // Warms both up.
  await live();
  await raw();
  pushed.length = 0;
  const rounds: { live: Round; raw: Round }[] = [];
  for (let n = 0; n < ROUNDS; n++) rounds.push({ live: await live(), raw: await raw() });
  const at = (q: number): { ratio: number; live: number; raw: number } => ({
    ratio: median(rounds.map((one) => quantile(one.live.latencies, q) / quantile(one.raw.latencies, q))),
    live: median(rounds.map((one) => quantile(one.live.latencies, q))),
    raw: median(rounds.map((one) => quantile(one.raw.latencies, q))),
  });
  const p50 = at(0.5);
  const p99 = at(0.99);
  const cpu = (kind: 'live' | 'raw'): string => median(rounds.map((one) => one[kind].cpuUs)).toFixed(1);
  return [
    {
      what: `a durable change to ${count} WebSockets, against raw TCP writes of the same ${bytes} bytes: median`,
      measured: `${p50.ratio.toFixed(2)}x (${ms(p50.live)} : ${ms(p50.raw)})`,
      aim: `${aim}x`,
      met: p50.ratio <= aim,
    },
    {
      what: `the same: p99; and processor time for each write`,
      measured: `${p99.ratio.toFixed(2)}x (${ms(p99.live)} : ${ms(p99.raw)}); ${cpu('live')} : ${cpu('raw')} us`,
      aim: '',
      met: null,
    },
    {
      what: `from the start of the push to the arrival on ${count} WebSockets: median`,
      measured: ms(median(pushed)),
      aim: '',
      met: null,
    },
  ];
}

/**
 * What clients that have stopped reading cost those that read, and how much memory: the same sockets, with none stalled
 * and with 200 of them stalled and full, in turn.
 */
export async function benchStalled(): Promise<Result[]> {
  await using home = await openLiveBench();
  using readers = new ReadersProcess();
  await openSockets(home, readers, SOCKETS, STALLED);
  const healthy = async (): Promise<Round> =>
    await round(SOCKETS - STALLED, async () => {
      const { arrived } = await readers.expect('live', STALLED);
      const { durableMs } = await home.push('event', TEXT);
      return (await arrived).arrivals.map((at) => at - durableMs);
    });
  const stall = async (): Promise<void> => {
    const before = home.slowReaders();
    await readers.stall(STALLED);
    for (let n = 0; home.slowReaders() < before + STALLED; n++) {
      if (n === MAX_FLOOD)
        throw new Error(`only ${home.slowReaders() - before} readers are found to be slow`);
      await home.push('flood', FLOOD_TEXT);
      // Lets the hub's loop come to an end with it.
      await pause(20);
    }
  };
  // Warms up, so that what the process needs for itself is not counted.
  await healthy();
  await stall();
  await healthy();
  await readers.resume();
  const ratios: number[] = [];
  const growths: number[] = [];
  const alone: number[] = [];
  const beside: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    const without = quantile((await healthy()).latencies, 0.99);
    const before = process.memoryUsage.rss();
    await stall();
    growths.push((process.memoryUsage.rss() - before) / MB);
    const withThem = quantile((await healthy()).latencies, 0.99);
    await readers.resume();
    alone.push(without);
    beside.push(withThem);
    ratios.push(withThem / without);
  }
  const limitMb = STALLED + 16;
  return [
    {
      what: `${STALLED} of ${SOCKETS} WebSockets stalled: p99 of a change at the others, against none stalled`,
      measured: `${median(ratios).toFixed(2)}x (${ms(median(beside))} : ${ms(median(alone))})`,
      aim: '1.5x',
      met: median(ratios) <= 1.5,
    },
    {
      what: `the same: growth of resident memory, most in ${ROUNDS} rounds`,
      measured: `${Math.max(...growths).toFixed(0)} MB`,
      aim: `${limitMb} MB`,
      met: Math.max(...growths) <= limitMb,
    },
  ];
}

async function openSockets(
  home: LiveBench,
  readers: ReadersProcess,
  count: number,
  stallable: number,
): Promise<void> {
  await home.push('event', TEXT);
  await home.push('flood', 'x');
  await home.push('other', TEXT);
  if (stallable > 0) {
    await readers.open({ kind: 'live', at: home.path, count: stallable, subscribe: ['event', 'flood'] });
  }
  await readers.open({ kind: 'live', at: home.port, count: count - stallable, subscribe: ['event'] });
  await readers.open({ kind: 'raw', at: home.rawPort, count, subscribe: [] });
}

async function round(writes: number, event: () => Promise<number[]>): Promise<Round> {
  const latencies: number[] = [];
  const cpu = process.cpuUsage();
  for (let n = 0; n < EVENTS; n++) latencies.push(...(await event()));
  const { user, system } = process.cpuUsage(cpu);
  return { latencies, cpuUs: (user + system) / (writes * EVENTS) };
}
