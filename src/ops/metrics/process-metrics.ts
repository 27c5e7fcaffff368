import { readdirSync } from 'node:fs';
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';

import type { LoopLag } from '../../base/loop-watch.ts';
import type { Family } from './exposition.ts';

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** What Node and Linux say about the process. */
export class ProcessMetrics implements Disposable {
  readonly #lag: () => LoopLag;
  readonly #collections = new Map<string, { count: number; seconds: number }>();
  readonly #observer: PerformanceObserver;

  constructor(lag: () => LoopLag) {
    this.#lag = lag;
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { duration, detail } = entry as PerformanceEntry & {
          readonly detail?: { readonly kind?: number };
        };
        const kind = GC_KINDS[detail?.kind ?? -1] ?? 'other';
        const { count, seconds } = this.#collections.get(kind) ?? { count: 0, seconds: 0 };
        this.#collections.set(kind, { count: count + 1, seconds: seconds + duration / 1000 });
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  families(): Family[] {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const { p50, p99, max } = this.#lag();
    const collections = [...this.#collections];
    return [
      counter('process_cpu_user_seconds_total', 'Processor time in the program itself.', user / 1e6),
      counter(
        'process_cpu_system_seconds_total',
        'Processor time in the kernel on its behalf.',
        system / 1e6,
      ),
      counter('process_cpu_seconds_total', 'Processor time of both kinds.', (user + system) / 1e6),
      gauge('process_resident_memory_bytes', 'Memory that the process has.', rss),
      gauge('process_start_time_seconds', 'When the process was started, since the Unix epoch.', startedS()),
      ...openFiles(),
      gauge('nodejs_heap_size_used_bytes', 'Memory that JavaScript uses.', heapUsed),
      gauge('nodejs_heap_size_total_bytes', 'Memory that JavaScript has.', heapTotal),
      gauge('nodejs_external_memory_bytes', 'Memory beside the heap that JavaScript holds.', external),
      gauge(
        'nodejs_eventloop_lag_p50_seconds',
        'Half of the time the event loop was no later than this.',
        p50 / 1000,
      ),
      gauge('nodejs_eventloop_lag_p99_seconds', 'Nearly always it was no later than this.', p99 / 1000),
      gauge(
        'nodejs_eventloop_lag_max_seconds',
        'The latest that it was in the last two minutes.',
        max / 1000,
      ),
      {
        name: 'nodejs_gc_runs_total',
        help: 'Garbage collections.',
        type: 'counter',
        samples: collections.map(([kind, { count }]) => ({ labels: { kind }, value: count })),
      },
      {
        name: 'nodejs_gc_seconds_total',
        help: 'How long they took.',
        type: 'counter',
        samples: collections.map(([kind, { seconds }]) => ({ labels: { kind }, value: seconds })),
      },
    ];
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }
}

export function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: 'gauge', samples: [{ value }] };
}

export function counter(name: string, help: string, value: number): Family {
  return { name, help, type: 'counter', samples: [{ value }] };
}

function startedS(): number {
  return Math.round(Date.now() / 1000 - process.uptime());
}

function openFiles(): Family[] {
  try {
    const open = readdirSync('/proc/self/fd').length;
    return [gauge('process_open_fds', 'Files and sockets that are open.', open)];
  } catch {
    // Another system than Linux, or one that hides it.
    return [];
  }
}
