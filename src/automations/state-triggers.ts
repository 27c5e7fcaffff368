import type { Clock } from '../base/clock.ts';
import type { Hold } from './reader.ts';
import type { AutomationDevices, Definition, Trigger } from './types.ts';

import { jsonEqual } from '../base/json.ts';
import { meets } from './conditions.ts';
import { SETTLE_MS } from './lookout.ts';

type StateTrigger = Extract<Trigger, { type: 'state' }>;

/** A value that changed, as this part looks at it. */
export interface Change {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly isKept?: boolean;
}

/** A trigger that fires now. */
export interface Fired {
  readonly definition: Definition;
  readonly trigger: StateTrigger;
  readonly value: unknown;
  readonly before: unknown;
  /** When a state that had to last began; null for one that had not. */
  readonly sinceMs: number | null;
}

interface Watch {
  readonly definition: Definition;
  readonly trigger: StateTrigger;
  value: unknown;
  isMet: boolean;
  /** Only of triggers for which a state has to last, while it does. */
  hold: { sinceMs: number; dueMonoMs: number; fired: boolean; before: unknown } | null;
}

/**
 * Tells when states become what triggers wait for. Only what is reported live counts: what a broker had kept, what was
 * unknown before, and what was so already when the watching began fire nothing. A state that has to last counts from when
 * it is heard, though, if it was unknown: the light goes out five minutes after a silent sensor says again that nobody is there.
 */
export class StateTriggers {
  readonly #devices: Pick<AutomationDevices, 'view'>;
  readonly #clock: Clock;
  #watches = new Map<string, Watch>();
  /** The same by what they look at: most of what devices tell is of no interest to any. */
  #bySource = new Map<string, Watch[]>();

  constructor(options: { devices: Pick<AutomationDevices, 'view'>; clock: Clock }) {
    this.#devices = options.devices;
    this.#clock = options.clock;
  }

  /**
   * Watches what these automations wait for, and nothing else. What was watched already goes on.
   * @param resume what was waited for when the hub stopped, and up to when it looked; given at the start only.
   */
  watch(
    definitions: Iterable<Definition>,
    resume?: { holds: ReadonlyMap<string, Hold>; lookedMs: number },
  ): void {
    const watches = new Map<string, Watch>();
    for (const definition of definitions) {
      for (const trigger of definition.triggers) {
        if (trigger.type !== 'state') continue;
        const key = `${definition.entityId} ${trigger.id}`;
        const known = this.#watches.get(key);
        watches.set(
          key,
          known ? { ...known, definition, trigger } : this.#begin(key, definition, trigger, resume),
        );
      }
    }
    this.#watches = watches;
    this.#bySource = Map.groupBy(watches.values(), ({ trigger }) => sourceOf(trigger));
  }

  /** @returns the triggers that a change fires at once. */
  take(change: Change): Fired[] {
    const fired: Fired[] = [];
    for (const watch of this.#bySource.get(sourceOf(change)) ?? []) {
      const { definition, trigger, value: before } = watch;
      if (!this.#becomes(watch, change)) continue;
      if (trigger.forMs > 0) this.#hold(watch, { sinceMs: change.timestampMs, fired: false, before });
      else if (change.isKept !== true && before !== null)
        fired.push({ definition, trigger, value: change.value, before, sinceMs: null });
    }
    return fired;
  }

  /** @returns what has lasted long enough by now. */
  lasted(): Fired[] {
    const fired: Fired[] = [];
    const nowMs = this.#clock.monotonicMs();
    for (const { definition, trigger, value, hold } of this.#watches.values()) {
      if (!hold || hold.fired || hold.dueMonoMs > nowMs) continue;
      hold.fired = true;
      fired.push({ definition, trigger, value, before: hold.before, sinceMs: hold.sinceMs });
    }
    return fired;
  }

  /** In how many ms the next one will have lasted long enough; Infinity where none waits. */
  get nextInMs(): number {
    const waiting = [...this.#watches.values()].flatMap(({ hold }) =>
      hold && !hold.fired ? [hold.dueMonoMs] : [],
    );
    return Math.min(...waiting, Infinity) - this.#clock.monotonicMs();
  }

  /** What is to be known after a restart. */
  holds(): Map<string, Hold> {
    const holds = new Map<string, Hold>();
    for (const [key, { hold }] of this.#watches) {
      if (hold) holds.set(key, { sinceMs: hold.sinceMs, fired: hold.fired });
    }
    return holds;
  }

  #begin(
    key: string,
    definition: Definition,
    trigger: StateTrigger,
    resume: { holds: ReadonlyMap<string, Hold>; lookedMs: number } | undefined,
  ): Watch {
    const view = this.#devices.view(trigger.entityId);
    const state = view?.values.get(trigger.capability);
    const value = trigger.capability === 'available' ? (view?.available ?? null) : (state?.value ?? null);
    const isMet = !isAnyChange(trigger) && meets(trigger.test, value);
    const watch: Watch = { definition, trigger, value, isMet, hold: null };
    const stateMs = state?.timestampMs ?? null;
    if (!isMet || trigger.forMs === 0 || stateMs === null) return watch;
    const kept = resume?.holds.get(key);
    const sinceMs = kept?.sinceMs ?? stateMs;
    // Without a note of it, only the time of the state tells whether it had lasted long enough before the hub stopped.
    const fired = kept ? kept.fired : !resume || sinceMs + trigger.forMs <= resume.lookedMs;
    // The door may have been shut while the hub did not run: devices get the time to say so.
    this.#hold(watch, { sinceMs, fired, before: null }, SETTLE_MS);
    return watch;
  }

  /** Notes a change. @returns whether what the trigger waits for has just begun. */
  #becomes(watch: Watch, { value, isKept }: Change): boolean {
    const { trigger, value: before, isMet: wasMet, hold } = watch;
    watch.value = value;
    if (value === null) {
      // Unknown is neither: what has fired has, and what was waited for begins anew when it is known again.
      watch.isMet = false;
      if (hold) hold.dueMonoMs = Infinity;
      return false;
    }
    if (isAnyChange(trigger)) {
      watch.hold = null;
      return before !== null && isKept !== true && !jsonEqual(before, value) && isFrom(trigger, before);
    }
    watch.isMet = meets(trigger.test, value);
    if (!watch.isMet) watch.hold = null;
    return watch.isMet && !wasMet && hold?.fired !== true && isFrom(trigger, before);
  }

  #hold(
    watch: Watch,
    { sinceMs, fired, before }: { sinceMs: number; fired: boolean; before: unknown },
    leastMs = 0,
  ): void {
    const { forMs } = watch.trigger;
    // Of a wall clock that was wrong when the state began, no more than the whole time is believed.
    const leftMs = Math.max(leastMs, Math.min(sinceMs + forMs - this.#clock.nowMs(), forMs));
    watch.hold = { sinceMs, dueMonoMs: this.#clock.monotonicMs() + leftMs, fired, before };
  }
}

function sourceOf({ entityId, capability }: { entityId: string; capability: string }): string {
  return `${entityId} ${capability}`;
}

function isFrom({ from }: StateTrigger, before: unknown): boolean {
  return from === undefined || jsonEqual(from, before);
}

function isAnyChange({ test }: StateTrigger): boolean {
  return test.is === undefined && test.above === undefined && test.below === undefined;
}
