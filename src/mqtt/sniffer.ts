import { setTimeout as delay } from 'node:timers/promises';

import type { Clock } from '../base/clock.ts';
import type { Discovery } from './discovery/discovery.ts';
import type { SniffOptions, SniffReport } from './types.ts';
import type { Router } from './router.ts';
import type { IncomingMessage } from './types.ts';

import { hideSecrets } from './hide-secrets.ts';

export interface SnifferOptions {
  readonly router: Router;
  readonly discovery: Discovery;
  readonly clock: Clock;
  /** True where the broker has to be asked for every topic. */
  readonly everything: boolean;
}

const MAX_TOPICS = 500;
const PAYLOAD_BYTES = 500;
const MAX_REPORTED = 200;

interface Unread {
  count: number;
  retained: boolean;
  payload: string;
}

/** Listens to every message for a while and keeps those of which nothing was understood. */
export class Sniffer implements Disposable {
  readonly #options: SnifferOptions;
  readonly #unread = new Map<string, Unread>();
  readonly #startedMs: number;
  readonly #stop: Disposable;
  #messages = 0;
  #isCut = false;

  constructor(options: SnifferOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    this.#stop = options.router.overhear(options.everything, (message, isWanted) =>
      this.#note(message, isWanted),
    );
  }

  /** Resolves when the time is over, or the signal is given. */
  async listen({ seconds, signal }: SniffOptions): Promise<void> {
    await delay(seconds * 1000, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  }

  report(): SniffReport {
    const { discovery, clock } = this.#options;
    const components = [...discovery.components()];
    return {
      seconds: Math.round((clock.nowMs() - this.#startedMs) / 1000),
      messages: this.#messages,
      unread: [...this.#unread]
        .map(([topic, unread]) => ({ topic, ...unread }))
        .toSorted((a, b) => (a.topic < b.topic ? -1 : 1)),
      isCut: this.#isCut,
      refused: [...discovery.complaints.reasons]
        .slice(0, MAX_REPORTED)
        .map(([topic, reason]) => ({ topic, reason })),
      unsupported: components
        .flatMap(({ id, problem }) => (problem === null ? [] : [{ component: id, reason: problem }]))
        .slice(0, MAX_REPORTED),
      failed: components
        .flatMap(({ id, lastFailure }) =>
          lastFailure === null
            ? []
            : [
                {
                  component: id,
                  topic: lastFailure.topic,
                  payload: hideSecrets(lastFailure.payload.slice(0, PAYLOAD_BYTES)),
                  reason: lastFailure.reason,
                },
              ],
        )
        .slice(0, MAX_REPORTED),
    };
  }

  [Symbol.dispose](): void {
    this.#stop[Symbol.dispose]();
  }

  #note({ topic, payload, retained }: IncomingMessage, isWanted: boolean): void {
    this.#messages += 1;
    if (isWanted || topic.startsWith('$')) return;
    const known = this.#unread.get(topic);
    if (!known && this.#unread.size >= MAX_TOPICS) {
      this.#isCut = true;
      return;
    }
    const unread = known ?? { count: 0, retained, payload: '' };
    unread.count += 1;
    unread.retained &&= retained;
    unread.payload = hideSecrets(payload.toString('utf8', 0, PAYLOAD_BYTES));
    this.#unread.set(topic, unread);
  }
}
