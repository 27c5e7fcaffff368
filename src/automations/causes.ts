import type { Clock } from '../base/clock.ts';

import { jsonEqual } from '../base/json.ts';

/** What a device reports within this time after a command is taken for its consequence. */
const EFFECT_MS = 10_000;
const MAX_CHAIN = 8;
const MAX_REMEMBERED = 500;
const WINDOW_MS = 60_000;
/** A knob that is turned gives one event after the other; a loop gives more. */
const MAX_IN_WINDOW = 60;
const MAX_IN_WINDOW_OF_ALL = 600;
/** Notes stay for ever, in every phone. */
const MAX_NOTES_IN_WINDOW = 10;

interface Cause {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly chain: readonly string[];
  readonly untilMs: number;
}

/** Which automation led to what, so that none feeds itself, alone or with others. */
export class Causes {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { startMs: number; count: number }>();
  #causes: Cause[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A command of an automation goes out. @param chain the automations that led to it, itself last. */
  note(entityId: string, capability: string, value: unknown, chain: readonly string[]): void {
    const nowMs = this.#clock.monotonicMs();
    this.#causes = this.#causes.filter(({ untilMs }) => untilMs > nowMs).slice(-MAX_REMEMBERED);
    this.#causes.push({ entityId, capability, value, chain, untilMs: nowMs + EFFECT_MS });
  }

  /** The automations that led to a change; none where a person or the world did. */
  of(change: { entityId: string; capability: string; value: unknown; origin: string }): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    const found = this.#causes.findLast(
      (cause) => cause.untilMs > nowMs && cause.entityId === change.entityId && mayCause(cause, change),
    );
    if (found) return found.chain;
    return change.origin.startsWith('automation:') ? [change.origin.slice('automation:'.length)] : [];
  }

  /** Why an automation must not run now; undefined where it may. `isFirst`: it is told for the first time in a while. */
  refusal(automationId: string, chain: readonly string[]): { reason: string; isFirst: boolean } | undefined {
    const own = this.#count(automationId);
    const all = this.#count('');
    if (chain.includes(automationId)) {
      const ring = [...chain.slice(chain.indexOf(automationId)), automationId].join(' > ');
      return {
        reason: `a loop: it was set off by itself (${ring})`,
        isFirst: this.#count(`loop ${automationId}`) === 1,
      };
    }
    if (chain.length >= MAX_CHAIN) {
      return {
        reason: `${MAX_CHAIN} automations set each other off`,
        isFirst: this.#count(`loop ${automationId}`) === 1,
      };
    }
    if (own > MAX_IN_WINDOW) {
      return {
        reason: `it fired more than ${MAX_IN_WINDOW} times in a minute`,
        isFirst: own === MAX_IN_WINDOW + 1,
      };
    }
    if (all > MAX_IN_WINDOW_OF_ALL) {
      const reason = `all automations together fired more than ${MAX_IN_WINDOW_OF_ALL} times in a minute`;
      return { reason, isFirst: all === MAX_IN_WINDOW_OF_ALL + 1 };
    }
    return undefined;
  }

  /** Whether an automation may write a note now. */
  mayNote(automationId: string): boolean {
    return this.#count(`note ${automationId}`) <= MAX_NOTES_IN_WINDOW;
  }

  /** Whether something that may come often is to be written down: once a minute. */
  isFirst(what: string): boolean {
    return this.#count(what) === 1;
  }

  #count(key: string): number {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#windows.get(key);
    if (known && nowMs < known.startMs + WINDOW_MS) return ++known.count;
    for (const [old, { startMs }] of this.#windows)
      if (nowMs >= startMs + WINDOW_MS) this.#windows.delete(old);
    this.#windows.set(key, { startMs: nowMs, count: 1 });
    return 1;
  }
}

/**
 * A switch that was told to be off and says on was turned by somebody else. What a command changes beside what it sets are
 * amounts (brightness, power): a lamp that sees motion right after it was lit saw somebody.
 */
function mayCause(cause: Cause, change: { capability: string; value: unknown }): boolean {
  if (cause.capability !== change.capability) return typeof change.value === 'number';
  return typeof cause.value !== 'boolean' || jsonEqual(cause.value, change.value);
}
