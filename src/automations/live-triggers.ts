import type { Causes } from './causes.ts';
import type { Runner } from './runner.ts';
import type { Fired, StateTriggers } from './state-triggers.ts';
import type { AutomationDevices, Definition, DeviceChange, Trigger } from './types.ts';

import { jsonEqual } from '../base/json.ts';

export interface LiveTriggersOptions {
  readonly devices: Pick<AutomationDevices, 'list' | 'view'>;
  readonly states: StateTriggers;
  readonly causes: Causes;
  readonly runner: Pick<Runner, 'fire'>;
  /** What may run by itself. */
  readonly running: () => readonly Definition[];
}

/** Fires what devices set off: states, events, people who come and go. */
export class LiveTriggers {
  readonly #options: LiveTriggersOptions;
  /** Where each tracker was last, by capability, of each entity. */
  readonly #places = new Map<string, Map<string, unknown>>();

  constructor(options: LiveTriggersOptions) {
    this.#options = options;
  }

  /** Notes who is at home. */
  begin(): void {
    for (const { entityId, capabilities, values } of this.#options.devices.list()) {
      for (const { name, kind } of capabilities) {
        if (kind === 'location') this.#place(entityId, name, values.get(name)?.value ?? null);
      }
    }
  }

  take(change: DeviceChange): void {
    const { states, causes } = this.#options;
    const chain = causes.of(change);
    for (const fired of states.take(change)) this.#fireState(fired, chain);
    // A command presses no button: who presses the one of a lamp that an automation has just lit is a person.
    if (change.isEvent === true && change.isKept !== true) this.#takeEvent(change);
    if (change.capability.split(':')[0] === 'location') this.#takePlace(change);
  }

  /** Fires what has lasted long enough. @returns whether that was anything. */
  takeLasted(): boolean {
    const lasted = this.#options.states.lasted();
    for (const fired of lasted) this.#fireState(fired, []);
    return lasted.length > 0;
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

  #takeEvent({ entityId, capability, value }: DeviceChange): void {
    this.#fireAll(
      (trigger) =>
        trigger.type === 'event' &&
        trigger.entityId === entityId &&
        trigger.capability === capability &&
        (trigger.value === undefined || jsonEqual(trigger.value, value)),
      { trigger: 'event', value },
    );
  }

  #takePlace({ entityId, capability, value, isKept }: DeviceChange): void {
    // A tracker that falls silent is where it was.
    if (value === null) return;
    const before = this.#places.get(entityId)?.get(capability) ?? null;
    const wasAnybody = this.#isAnybodyHome();
    this.#place(entityId, capability, value);
    // What a broker kept, or is the first that is heard of it, is no coming or going.
    if (isKept === true || before === null) return;
    const isAnybody = this.#isAnybodyHome();
    if (wasAnybody === isAnybody) return;
    const event = isAnybody ? 'first_arrives' : 'last_leaves';
    this.#fireAll((trigger) => trigger.type === 'presence' && trigger.event === event, {
      trigger: 'presence',
      value,
    });
  }

  #place(entityId: string, capability: string, value: unknown): void {
    const places = this.#places.get(entityId);
    if (places) places.set(capability, value);
    else this.#places.set(entityId, new Map([[capability, value]]));
  }

  #isAnybodyHome(): boolean {
    // Who was at home with a device that was removed since has not stayed there for ever.
    return [...this.#places].some(
      ([entityId, places]) =>
        [...places.values()].includes('home') && this.#options.devices.view(entityId) !== undefined,
    );
  }

  #fireAll(isFired: (trigger: Trigger) => boolean, why: Record<string, unknown>): void {
    const { runner, running } = this.#options;
    for (const definition of running()) {
      const trigger = definition.triggers.find(isFired);
      if (!trigger) continue;
      runner.fire({ definition, trigger: trigger.label, why, key: null, scheduledMs: null, chain: [] });
    }
  }
}
