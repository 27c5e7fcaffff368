import type { Causes } from './causes.ts';
import type { Runner } from './runner.ts';
import type { Fired, StateTriggers } from './state-triggers.ts';
import type { AutomationDevices, Definition, DeviceChange, Trigger } from './types.ts';

import { jsonEqual } from '../base/json.ts';

export interface LiveTriggersOptions {
  readonly devices: Pick<AutomationDevices, 'list'>;
  readonly states: StateTriggers;
  readonly causes: Causes;
  readonly runner: Pick<Runner, 'fire'>;
  /** What may run by itself. */
  readonly running: () => Definition[];
}

/** Fires what devices set off: states, events, people who come and go. */
export class LiveTriggers {
  readonly #options: LiveTriggersOptions;
  /** Where each tracker is, by entity and capability. */
  readonly #places = new Map<string, unknown>();

  constructor(options: LiveTriggersOptions) {
    this.#options = options;
  }

  /** Notes who is at home. */
  begin(): void {
    for (const { entityId, capabilities, values } of this.#options.devices.list()) {
      for (const { name, kind } of capabilities) {
        if (kind === 'location') this.#places.set(`${entityId} ${name}`, values.get(name)?.value ?? null);
      }
    }
  }

  take(change: DeviceChange): void {
    const { states, causes } = this.#options;
    const chain = causes.of(change);
    for (const fired of states.take(change)) this.#fireState(fired, chain);
    if (change.isEvent === true && change.isKept !== true) this.#takeEvent(change, chain);
    if (change.capability.split(':')[0] === 'location') this.#takePlace(change);
  }

  /** Fires what has lasted long enough. */
  takeLasted(): void {
    for (const fired of this.#options.states.lasted()) this.#fireState(fired, []);
  }

  #fireState({ definition, trigger, value, before, sinceMs }: Fired, chain: readonly string[]): void {
    this.#options.runner.fire({
      definition,
      trigger: trigger.label,
      why: { trigger: 'state', value: value ?? null, before: before ?? null },
      key: sinceMs === null ? null : `${definition.entityId} ${trigger.id} for ${sinceMs}`,
      scheduledMs: sinceMs === null ? null : sinceMs + trigger.forMs,
      chain,
    });
  }

  #takeEvent({ entityId, capability, value }: DeviceChange, chain: readonly string[]): void {
    this.#fireAll(
      (trigger) =>
        trigger.type === 'event' &&
        trigger.entityId === entityId &&
        trigger.capability === capability &&
        (trigger.value === undefined || jsonEqual(trigger.value, value)),
      { trigger: 'event', value },
      chain,
    );
  }

  #takePlace({ entityId, capability, value, isKept }: DeviceChange): void {
    const key = `${entityId} ${capability}`;
    const before = this.#places.get(key) ?? null;
    const wasAnybody = this.#isAnybodyHome();
    this.#places.set(key, value);
    // A tracker that falls silent, or speaks again, says nothing of who came or went.
    if (isKept === true || before === null || value === null) return;
    const isAnybody = this.#isAnybodyHome();
    if (wasAnybody === isAnybody) return;
    const event = isAnybody ? 'first_arrives' : 'last_leaves';
    this.#fireAll(
      (trigger) => trigger.type === 'presence' && trigger.event === event,
      { trigger: 'presence', value },
      [],
    );
  }

  #isAnybodyHome(): boolean {
    return [...this.#places.values()].includes('home');
  }

  #fireAll(
    isFired: (trigger: Trigger) => boolean,
    why: Record<string, unknown>,
    chain: readonly string[],
  ): void {
    const { runner, running } = this.#options;
    for (const definition of running()) {
      const trigger = definition.triggers.find(isFired);
      if (!trigger) continue;
      runner.fire({ definition, trigger: trigger.label, why, key: null, scheduledMs: null, chain });
    }
  }
}
