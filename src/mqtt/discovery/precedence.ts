import type { DeviceRegistry } from '../../devices/types.ts';

import { LIMITS } from '../limits.ts';
import { isBetter, Sources, type SourceName } from './sources.ts';

export interface PrecedenceOptions {
  readonly registry: Pick<DeviceRegistry, 'sourcesOf'>;
  /** Asks everybody to tell of their devices again: a source that was passed over may be wanted now. */
  readonly askAgain: () => void;
  /**
   * How long a source waits for a better one that told of the device before the last stop, or has just withdrawn it.
   * Default 30 s.
   */
  readonly betterSourceMs?: number;
}

const BETTER_SOURCE_MS = 30_000;
const ASK_AGAIN_MS = 1_000;
/** Whoever withdraws devices all the time must not have all others tell of theirs all the time. */
const ASK_INTERVAL_MS = 10_000;

/**
 * Decides whose word about a device counts, and does so calmly: at a start the better source may be the last to speak,
 * and a bridge that renames a device withdraws all of it before it tells of it again. Capabilities that changed hands
 * each time would be other ones for the person.
 */
export class Precedence implements Disposable {
  readonly #options: PrecedenceOptions;
  readonly #sources = new Sources();
  /** Announcements that a better source kept from being heard. */
  readonly #passedOver = new Set<string>();
  /** Announcements that were withdrawn, and until when their source is waited for. */
  readonly #leaving = new Map<string, number>();
  #askTimer: NodeJS.Timeout | undefined;
  #askedMs = -Infinity;
  /** Better sources of before the last stop had their time to speak. */
  #hasWaited = false;
  #waitTimer: NodeJS.Timeout | undefined;
  #leaveTimer: NodeJS.Timeout | undefined;

  constructor(options: PrecedenceOptions) {
    this.#options = options;
  }

  /** Whether the announcement has to give way; it is asked for again when that may have changed. */
  passesOver(key: string, source: SourceName, identifiers: readonly string[]): boolean {
    if (!this.#hasBetterSource(source, identifiers)) return false;
    this.#notePassedOver(key);
    return true;
  }

  /** The announcement counts. @returns those of worse sources, which count no more. */
  claim(key: string, source: SourceName, identifiers: readonly string[]): string[] {
    this.#passedOver.delete(key);
    this.#leaving.delete(key);
    this.#sources.claim(key, source, identifiers);
    const outranked = this.#sources.outranked(source, identifiers);
    for (const other of outranked) {
      this.#sources.release(other);
      // Who left meanwhile has nothing to tell.
      if (!this.#leaving.delete(other)) this.#notePassedOver(other);
    }
    return outranked;
  }

  /** The announcement was withdrawn, which may be for a moment only. */
  leave(key: string): void {
    this.#passedOver.delete(key);
    if (!this.#sources.has(key)) return;
    if (this.#leaving.size >= LIMITS.components) this.#sources.release(key);
    else this.#leaving.set(key, performance.now() + this.#waitMs);
    this.#leaveTimer ??= setTimeout(() => this.#releaseDue(), this.#waitMs).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#waitTimer);
    clearTimeout(this.#askTimer);
    clearTimeout(this.#leaveTimer);
  }

  get #waitMs(): number {
    return this.#options.betterSourceMs ?? BETTER_SOURCE_MS;
  }

  #notePassedOver(key: string): void {
    if (this.#passedOver.size < LIMITS.components) this.#passedOver.add(key);
  }

  /** Also one that told of the device before the last stop, and may be about to speak. */
  #hasBetterSource(source: SourceName, identifiers: readonly string[]): boolean {
    if (this.#sources.isOutranked(source, identifiers)) return true;
    if (this.#hasWaited) return false;
    const known = this.#options.registry.sourcesOf(identifiers);
    if (![...known.values()].some((other) => isBetter(other, source))) return false;
    this.#waitTimer ??= setTimeout(() => {
      this.#hasWaited = true;
      this.#askPassedOver();
    }, this.#waitMs).unref();
    return true;
  }

  /** Those who left and did not come back make room. */
  #releaseDue(): void {
    this.#leaveTimer = undefined;
    const nowMs = performance.now();
    for (const [key, untilMs] of this.#leaving) {
      if (untilMs > nowMs + 1) {
        this.#leaveTimer = setTimeout(() => this.#releaseDue(), untilMs - nowMs).unref();
        break;
      }
      this.#leaving.delete(key);
      this.#sources.release(key);
    }
    this.#askPassedOver();
  }

  /** Those who were passed over may be wanted now; a bridge that takes back eighty devices is asked once. */
  #askPassedOver(): void {
    if (this.#passedOver.size === 0 || this.#askTimer) return;
    const restMs = this.#askedMs + ASK_INTERVAL_MS - performance.now();
    this.#askTimer = setTimeout(
      () => {
        this.#askTimer = undefined;
        this.#askedMs = performance.now();
        this.#passedOver.clear();
        this.#options.askAgain();
      },
      Math.max(ASK_AGAIN_MS, restMs),
    ).unref();
  }
}
