import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Qos } from '../types.ts';

import { LIMITS } from '../limits.ts';
import { readRetained } from '../reader.ts';
import { filterMatcher, hasWildcard } from '../topics.ts';
import { deleteRetained, writeRetained } from '../writer.ts';

export interface RetainedEntry {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
}

export interface RetainedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** How soon a topic that is new, gone, or a device description is written. Default 1 s. */
  readonly soonMs?: number;
  /** How soon a changed value is written; the devices repeat a lost one. Default 60 s. */
  readonly laterMs?: number;
}

/** Rows in one transaction: the event loop must not stand still for a house that announces itself at once. */
const ROWS_PER_WRITE = 250;

/**
 * The broker's retained messages, in memory and, written behind, on disk. The last value per topic wins, so that a
 * thermometer that retains each reading costs the SD card one row a minute.
 */
export class RetainedMessages implements AsyncDisposable {
  readonly #options: RetainedOptions;
  readonly #entries = new Map<string, RetainedEntry>();
  readonly #dirty = new Set<string>();
  readonly #isDescription: (topic: string) => boolean;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Infinity;
  #warnedFull = false;
  #warnedDisk = false;

  private constructor(options: RetainedOptions) {
    this.#options = options;
    this.#isDescription = (topic) => topic.endsWith('/config');
  }

  /** Loads what was kept. */
  static load(options: RetainedOptions): RetainedMessages {
    const retained = new RetainedMessages(options);
    for (const row of readRetained(options.store.db, LIMITS.retainedTopics)) {
      const payload = Buffer.from(row.payload.buffer, row.payload.byteOffset, row.payload.byteLength);
      retained.#put({ topic: row.topic, payload, qos: toQos(row.qos) });
    }
    return retained;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(topic: string): RetainedEntry | undefined {
    return this.#entries.get(topic);
  }

  /** Keeps a message, or forgets the topic when the payload is empty. Copies the payload. */
  set(topic: string, payload: Buffer, qos: Qos): void {
    const known = this.#entries.get(topic);
    if (payload.length === 0) {
      if (!known) return;
      this.#entries.delete(topic);
      this.#bytes -= sizeOf(known);
      this.#touch(topic, 'soon');
      return;
    }
    if (known?.payload.equals(payload) && known.qos === qos) return;
    if (this.#isFull(topic, payload, known)) {
      // What was kept is outdated now: better nothing than an old value at the next subscription.
      if (known) this.set(topic, Buffer.alloc(0), qos);
      return;
    }
    // The payload is a view into the socket's buffer: keeping the view would keep 64 KiB for every small message.
    this.#put({ topic, payload: Buffer.from(payload), qos });
    this.#touch(topic, known && !this.#isDescription(topic) ? 'later' : 'soon');
  }

  /** The messages that a subscription to the filter gets. */
  *match(filter: string): Generator<RetainedEntry> {
    if (!hasWildcard(filter)) {
      const entry = this.#entries.get(filter);
      if (entry) yield entry;
      return;
    }
    const matches = filterMatcher(filter);
    for (const [topic, entry] of this.#entries) if (matches(topic)) yield entry;
  }

  /** Writes what is not on disk yet. A disk that refuses is logged and tried again: the broker lives on. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueMs = Infinity;
    const { store, clock, log } = this.#options;
    try {
      while (this.#dirty.size > 0) {
        const topics = [...this.#dirty].slice(0, ROWS_PER_WRITE);
        store.write((tx) => {
          for (const topic of topics) {
            const entry = this.#entries.get(topic);
            if (entry) writeRetained(tx, topic, entry.payload, entry.qos, clock.nowMs());
            else deleteRetained(tx, topic);
          }
        });
        for (const topic of topics) this.#dirty.delete(topic);
      }
      this.#warnedDisk = false;
    } catch (error) {
      if (!this.#warnedDisk) log.warn({ err: error }, 'retained messages could not be written; trying again');
      this.#warnedDisk = true;
      this.#schedule(this.#laterMs);
    }
  }

  /** Writes the rest. Safe to call twice. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous, the disk is not
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#dirty.size > 0) this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #laterMs(): number {
    return this.#options.laterMs ?? 60_000;
  }

  #put(entry: RetainedEntry): void {
    const known = this.#entries.get(entry.topic);
    this.#bytes += sizeOf(entry) - (known ? sizeOf(known) : 0);
    this.#entries.set(entry.topic, entry);
  }

  #isFull(topic: string, payload: Buffer, known: RetainedEntry | undefined): boolean {
    const growth = payload.length + topic.length - (known ? sizeOf(known) : 0);
    const full =
      (!known && this.#entries.size >= LIMITS.retainedTopics) ||
      (growth > 0 && this.#bytes + growth > LIMITS.retainedBytes);
    if (full && !this.#warnedFull) {
      this.#warnedFull = true;
      this.#options.log.warn(
        { topics: this.#entries.size, bytes: this.#bytes, topic },
        'too many retained messages; further ones are delivered but not kept',
      );
    }
    return full;
  }

  #touch(topic: string, when: 'soon' | 'later'): void {
    this.#dirty.add(topic);
    this.#schedule(when === 'soon' ? (this.#options.soonMs ?? 1_000) : this.#laterMs);
  }

  #schedule(delayMs: number): void {
    const dueMs = this.#options.clock.monotonicMs() + delayMs;
    if (this.#timer && this.#timerDueMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => this.flush(), delayMs);
    this.#timer.unref();
  }
}

function sizeOf(entry: RetainedEntry): number {
  return entry.payload.length + entry.topic.length;
}

function toQos(value: number): Qos {
  return value === 1 || value === 2 ? value : 0;
}
