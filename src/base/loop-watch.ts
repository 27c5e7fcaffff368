import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the watch looks. It wakes no JavaScript, so that it costs an idle machine nothing to speak of. */
const RESOLUTION_MS = 50;
const MINUTE_MS = 60_000;

/** How late the event loop was, in ms. */
export interface LoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Watches how late the event loop is: what every device, phone and timer has to wait for. */
export class LoopWatch implements Disposable {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #before: LoopLag = { p50: 0, p99: 0, max: 0 };

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => this.turn(), MINUTE_MS).unref();
  }

  /** Of the last one to two minutes: a stop is not forgotten the moment that a minute ends. */
  get lag(): LoopLag {
    const now = this.#now();
    return {
      p50: Math.max(now.p50, this.#before.p50),
      p99: Math.max(now.p99, this.#before.p99),
      max: Math.max(now.max, this.#before.max),
    };
  }

  /** Ends a minute. */
  turn(): void {
    this.#before = this.#now();
    this.#histogram.reset();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #now(): LoopLag {
    if (this.#histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    return {
      p50: late(this.#histogram.percentile(50)),
      p99: late(this.#histogram.percentile(99)),
      max: late(this.#histogram.max),
    };
  }
}
