import { HubError } from '../base/errors.ts';

/** More than this many waiting requests of one device means that it does not wait for answers. */
const MAX_WAITING = 8;

/** Syncs of one device run one after the other, so that a retry never overtakes the request that it repeats. */
export class DeviceQueue {
  readonly #lines = new Map<string, { tail: Promise<unknown>; waiting: number }>();
  /** Since the hub was started: syncs that are over, those of them that failed, and how long they took, waiting included. */
  readonly counters = { exchanges: 0, failed: 0, ms: 0 };

  /** @throws HubError `rate_limited` when too many requests of the device wait already. */
  async run<T>(deviceId: string, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(deviceId) ?? { tail: Promise.resolve(), waiting: 0 };
    if (line.waiting >= MAX_WAITING) {
      throw new HubError(
        'rate_limited',
        'This device has too many syncs under way; wait for an answer first.',
      );
    }
    this.#lines.set(deviceId, line);
    line.waiting += 1;
    const result = line.tail.then(task);
    line.tail = result.catch(() => undefined);
    const startedMs = performance.now();
    try {
      return await result;
    } catch (error) {
      this.counters.failed += 1;
      throw error;
    } finally {
      this.counters.exchanges += 1;
      this.counters.ms += performance.now() - startedMs;
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(deviceId);
    }
  }
}
