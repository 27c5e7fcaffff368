import { freemem, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

import type { Check } from '../types.ts';

import { sizeText } from '../../io.ts';

const WARN_SHARE = 0.85;

/** In bytes. */
export interface MemoryReading {
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapLimit: number;
  /** What the system gives this process at most; null for all that there is. */
  readonly limit: number | null;
  readonly available: number;
  readonly total: number;
}

/** Whether the process comes near to what it may have. */
export function memoryCheck(read: () => MemoryReading = readMemory): Check {
  return {
    name: 'memory',
    look: () => {
      const { rss, heapUsed, heapLimit, limit, available, total } = read();
      const details = {
        rss_bytes: rss,
        heap_used_bytes: heapUsed,
        heap_limit_bytes: heapLimit,
        limit_bytes: limit,
        available_bytes: available,
        total_bytes: total,
      };
      const of = limit === null ? '' : ` of the ${sizeText(limit)} that it is given`;
      const summary = `The hub has ${sizeText(rss)}${of}.`;
      if (heapUsed > heapLimit * WARN_SHARE) {
        return {
          status: 'warn',
          summary: `${summary} Its heap is nearly full: ${sizeText(heapUsed)} of ${sizeText(heapLimit)}.`,
          whatToDo:
            'Restart the hub when it suits. Give it more with NODE_OPTIONS=--max-old-space-size, and report it with what /metrics says: that is not usual.',
          details,
        };
      }
      if (limit !== null && rss > limit * WARN_SHARE) {
        return {
          status: 'warn',
          summary: `${summary} The system ends it when it needs more.`,
          whatToDo:
            'Raise MemoryMax of the service (`systemctl edit funkygibbon`), or restart the hub when it suits.',
          details,
        };
      }
      if (available < Math.min(50_000_000, total * 0.1)) {
        return {
          status: 'warn',
          summary: `${summary} The machine has ${sizeText(available)} left.`,
          whatToDo: 'Other programs use the rest: `ps aux --sort=-rss | head` shows which.',
          details,
        };
      }
      return { status: 'ok', summary, details };
    },
  };
}

function readMemory(): MemoryReading {
  const { rss, heapUsed } = process.memoryUsage();
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return {
    rss,
    heapUsed,
    heapLimit: getHeapStatistics().heap_size_limit,
    // Without a limit Node tells 0, or a number beyond everything.
    limit: constrained > 0 && constrained < total ? constrained : null,
    available: Math.min(freemem(), process.availableMemory()),
    total,
  };
}
