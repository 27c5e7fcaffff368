/** The bare statements with FULL in a process of their own: what `bare.ts` sends comes in, what it took goes out. */
import { BareStore } from '../graph/reference.ts';
import { randomNumbers } from '../graph/home.ts';

export type BareJob =
  | {
      readonly kind: 'batches';
      readonly ids: readonly string[];
      readonly batch: number;
      readonly times: number;
      readonly content: string;
    }
  | {
      readonly kind: 'singles';
      readonly ids: readonly string[];
      readonly forMs: number;
      readonly content: string;
    }
  | { readonly kind: 'checkpoint' };

export interface BareDone {
  readonly tookMs: number;
  /** Processor time, all threads. */
  readonly cpuUs: number;
  readonly changes: number;
}

const store = new BareStore(String(process.argv[2]));
store.db.exec('PRAGMA synchronous = FULL');
const random = randomNumbers(11);

process.on('message', (job: BareJob) => process.send?.(run(job)));
process.on('disconnect', () => store[Symbol.dispose]());
process.send?.('ready');

function run(job: BareJob): BareDone {
  if (job.kind === 'checkpoint') {
    store.checkpoint();
    return { tookMs: 0, cpuUs: 0, changes: 0 };
  }
  const batches =
    job.kind === 'singles' ? [] : Array.from({ length: job.times }, () => pick(job.ids, job.batch));
  const cpuBefore = process.cpuUsage();
  const from = performance.now();
  let changes = 0;
  for (const ids of batches) {
    store.write(ids, job.content);
    changes += ids.length;
  }
  while (job.kind === 'singles' && performance.now() - from < job.forMs) {
    store.write(pick(job.ids, 1), job.content);
    changes += 1;
  }
  const tookMs = performance.now() - from;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { tookMs, cpuUs: user + system, changes };
}

function pick(ids: readonly string[], count: number): string[] {
  return Array.from({ length: count }, () => ids[random(ids.length)] ?? '');
}
