import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { DeviceRegistry, StateReport } from '../devices/types.ts';
import type { Codec, Reading } from './components/codec.ts';
import type { Templates } from './components/templates.ts';
import type { Availability } from './discovery/availability.ts';
import type { Message } from './message.ts';
import type { Listener, Router } from './router.ts';
import type { Heard } from './types.ts';

import { LIMITS } from './limits.ts';

export interface ComponentServices {
  readonly router: Router;
  readonly registry: DeviceRegistry;
  readonly log: Logger;
  readonly templates: Templates;
  readonly clock: Clock;
  /** How long retained availability may take to arrive before its absence means: not there. */
  readonly availabilityGraceMs: number;
}

/** Who is named as the cause of what a device reports. */
const DEVICE_ORIGIN = 'mqtt';

/** A discovered component at work: listens to its topics and tells the registry. */
export class LiveComponent implements Disposable {
  readonly id: string;
  /** Null for a component whose language the hub does not speak; its availability still counts for the device. */
  readonly codec: Codec | null;
  /** Why there is no codec. */
  readonly problem: string | null;
  readonly availability: Availability;
  readonly #services: ComponentServices;
  readonly #topics: ReadonlyMap<string, Listener>;
  /** A state topic tells of availability as well. */
  readonly #hearsBoth: boolean;
  /** Of the last message on a state topic; null while there was none. */
  lastHeard: Heard | null = null;
  /** The last message of which a template could make nothing, and why. */
  lastFailure: (Heard & { readonly reason: string }) | null = null;
  #told: boolean | undefined;
  #linkIsUp = true;
  #graceTimer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #offTimer: NodeJS.Timeout | undefined;

  constructor(id: string, codec: Codec | string, availability: Availability, services: ComponentServices) {
    this.id = id;
    this.codec = typeof codec === 'string' ? null : codec;
    this.problem = typeof codec === 'string' ? codec : null;
    this.availability = availability;
    this.#services = services;
    const states = this.codec?.topics ?? [];
    this.#hearsBoth = states.some((topic) => availability.topics.includes(topic));
    this.#topics = new Map([
      ...availability.topics.map((topic) => [topic, this.#listenToAvailability] as const),
      ...states.map((topic) => [topic, this.#listen] as const),
    ]);
  }

  /** Begins to listen. */
  start(): void {
    for (const [topic, listener] of this.#topics) {
      this.#services.router.add(topic, this.codec?.qos ?? 0, listener);
    }
    this.#tellAvailability();
    if (this.availability.current === undefined) this.#startGrace();
    // What was heard before, in an earlier run or under an earlier description, ends as well.
    this.#startExpiry();
    const kinds = this.codec?.offDelayMs ? this.codec.capabilities.map(({ kind }) => kind) : [];
    if (kinds.length > 0) this.#startOffDelay(kinds);
  }

  /** Tells values that are taken at the command's word. */
  assume(readings: readonly Reading[], origin: string): void {
    this.#report(readings, origin);
  }

  /** The broker is gone, and with it every device. */
  linkLost(): void {
    this.#linkIsUp = false;
    clearTimeout(this.#graceTimer);
    this.#tellAvailability();
  }

  /** The broker is back; retained availability corrects what changed meanwhile. */
  linkFound(): void {
    this.#linkIsUp = true;
    this.#tellAvailability();
    if (this.availability.current === undefined) this.#startGrace();
  }

  /** Stops listening; the registry keeps what it was told. */
  [Symbol.dispose](): void {
    for (const [topic, listener] of this.#topics) this.#services.router.remove(topic, listener);
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#expiryTimer);
    clearTimeout(this.#offTimer);
  }

  readonly #listenToAvailability = (message: Message): void => {
    if (message.byteLength > LIMITS.statePayloadBytes) return;
    this.availability.update(message, this.#services.clock.nowMs());
    this.#tellAvailability();
  };

  readonly #listen = (message: Message): void => {
    if (message.byteLength > LIMITS.statePayloadBytes) return;
    if (this.#hearsBoth) this.#listenToAvailability(message);
    const readings = this.#decode(message);
    if (readings.length === 0) return;
    this.#report(readings, DEVICE_ORIGIN, message.retained ? { isKept: true } : {});
    this.#startExpiry();
    if (!this.codec?.offDelayMs) return;
    clearTimeout(this.#offTimer);
    const active = readings.filter(({ value }) => value === true).map(({ kind }) => kind);
    if (active.length > 0) this.#startOffDelay(active);
  };

  #decode(message: Message): Reading[] {
    const { templates, clock } = this.#services;
    templates.lastFailure = undefined;
    const readings = this.codec?.decode(message) ?? [];
    const reason: string | undefined = templates.lastFailure;
    const { topic, retained } = message;
    // A topic that tells whether the device is there tells no values, unless it is the same one.
    if (this.#hearsBoth && readings.length === 0 && reason === undefined) {
      if (this.availability.topics.includes(topic)) return readings;
    }
    this.lastHeard = { atMs: clock.nowMs(), topic, payload: message.excerpt, retained };
    if (reason !== undefined) this.lastFailure = { ...this.lastHeard, reason };
    return readings;
  }

  #report(
    readings: readonly Reading[],
    origin: string,
    more: Pick<StateReport, 'isKept' | 'insteadOf'> = {},
  ): void {
    if (readings.length === 0) return;
    const reports: StateReport[] = readings.map(({ kind, value, raw }) =>
      raw === undefined
        ? { componentId: this.id, kind, value, origin, ...more }
        : { componentId: this.id, kind, value, raw, origin, ...more },
    );
    this.#guard(() => this.#services.registry.report(reports));
  }

  #startExpiry(): void {
    const { expireAfterMs, capabilities } = this.codec ?? { capabilities: [] };
    if (!expireAfterMs) return;
    clearTimeout(this.#expiryTimer);
    this.#expiryTimer = setTimeout(() => {
      this.#report(
        capabilities.map(({ kind }) => ({ kind, value: null })),
        DEVICE_ORIGIN,
        { isKept: true },
      );
    }, expireAfterMs).unref();
  }

  #startOffDelay(kinds: readonly Reading['kind'][]): void {
    this.#offTimer = setTimeout(() => {
      this.#report(
        kinds.map((kind) => ({ kind, value: false })),
        DEVICE_ORIGIN,
        { insteadOf: true },
      );
    }, this.codec?.offDelayMs ?? 0).unref();
  }

  #startGrace(): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => {
      if (this.availability.current === undefined && this.#linkIsUp) this.#tell(false);
    }, this.#services.availabilityGraceMs).unref();
  }

  #tellAvailability(): void {
    const current = this.#linkIsUp ? this.availability.current : false;
    if (current !== undefined) this.#tell(current);
  }

  #tell(available: boolean): void {
    if (this.#told === available) return;
    this.#told = available;
    this.#guard(() => this.#services.registry.setAvailable(this.id, available));
  }

  /** Called from timers too, where nobody else would catch it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#services.log.error({ err: error, component: this.id }, 'a state could not be passed on');
    }
  }
}
