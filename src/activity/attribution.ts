import type { Clock } from '../base/clock.ts';
import type { Cause, SourceCapability, SourceChange, SourceCommand } from './types.ts';

/** A report within this time after a command may be its doing. */
const ANSWER_MS = 10_000;
/** What moves for a while (a cover, a lock) arrives within this time. */
const ARRIVE_MS = 120_000;
/** After it was away, or the hub itself was, a device tells what it finds itself to be. */
const SETTLE_MS = 10_000;
const START_MS = 30_000;
const MAX_PENDING_PER_DEVICE = 64;

/** What people set. Anything else a device does for reasons of its own, even where it can be told to. */
const PERSONAL: ReadonlySet<string> = new Set([
  'on_off',
  'effect',
  'open_close',
  'locked',
  'alarm',
  'hvac_mode',
  'preset_mode',
  'fan_mode',
  'swing_mode',
  'swing_horizontal_mode',
  'mode',
  'fan_speed',
  'oscillation',
  'direction',
  'brightness',
  'position',
  'tilt',
  'speed',
  'target_temperature',
  'target_humidity',
]);
/** On the way to something else. */
const ON_THE_WAY: ReadonlySet<unknown> = new Set([
  'opening',
  'closing',
  'locking',
  'unlocking',
  'arming',
  'disarming',
]);
/** Nobody does these, they happen. */
const HAPPENS: ReadonlySet<unknown> = new Set(['triggered', 'pending', 'jammed', 'error']);

const DEVICE: Cause = { kind: 'device', id: null };
const HUB: Cause = { kind: 'hub', id: null };
/** Origins of what the HomeKit door does by itself: a lamp that blinks so that somebody finds it, the light of the hour. */
const HOMEKIT_ITSELF: ReadonlySet<string> = new Set(['homekit:identify', 'homekit:adaptive-lighting']);
const SOMEBODY: Cause = { kind: 'person', id: null };

interface Pending {
  readonly capability: string;
  readonly value: unknown;
  readonly cause: Cause;
  readonly origin: string;
  readonly sentMs: number;
}

/** Finds out who brought about what a device tells. Times in here are those of the clock that never jumps. */
export class Attribution {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #pending = new Map<string, Pending[]>();
  readonly #cameBackMs = new Map<string, number>();
  /** Who set going what is on its way, by device and capability. */
  readonly #moving = new Map<string, { readonly cause: Cause; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** To be called before a command is handed over: some devices answer at once. */
  expect(command: SourceCommand): void {
    const { entityId, capability, value, origin } = command;
    const sentMs = this.#clock.monotonicMs();
    const pending = this.#fresh(entityId);
    pending.push({ capability, value, cause: causeOfCommand(command), origin, sentMs });
    this.#pending.set(entityId, pending.slice(-MAX_PENDING_PER_DEVICE));
  }

  /** A command that did not leave the hub explains nothing. */
  forget({ entityId, origin, capability }: SourceCommand): void {
    const left = this.#fresh(entityId).filter(
      (one) => one.origin !== origin || one.capability !== capability,
    );
    if (left.length > 0) this.#pending.set(entityId, left);
    else this.#pending.delete(entityId);
  }

  noteAvailable(entityId: string): void {
    this.#cameBackMs.set(entityId, this.#clock.monotonicMs());
  }

  /** @param before the value that it had, null where that is unknown. */
  causeOf(change: SourceChange, capability: SourceCapability, before: unknown): Cause {
    const name = `${change.entityId}\n${change.capability}`;
    const cause =
      this.#commandOf(change, capability) ?? this.#moved(name) ?? this.#alone(change, capability, before);
    if (ON_THE_WAY.has(change.value)) {
      this.#moving.set(name, { cause, sinceMs: this.#clock.monotonicMs() });
    } else this.#moving.delete(name);
    return cause;
  }

  /** The command that a report confirms. */
  #commandOf({ entityId, value, origin }: SourceChange, { name }: SourceCapability): Cause | undefined {
    const pending = this.#fresh(entityId);
    const byOrigin = pending.findLast((one) => one.origin === origin);
    if (byOrigin) return byOrigin.cause;
    const own = pending.filter(({ capability }) => capability === name);
    // Somebody who switches it off again within the same moments does so at the switch.
    const isMeant = (wanted: unknown): boolean => typeof value !== 'boolean' || wanted === value;
    if (own.length > 0) return own.findLast((one) => isMeant(one.value))?.cause;
    // A lamp that is told how bright to be goes on.
    return value === false ? undefined : pending.at(-1)?.cause;
  }

  #moved(name: string): Cause | undefined {
    const moving = this.#moving.get(name);
    if (!moving) return undefined;
    return this.#clock.monotonicMs() - moving.sinceMs <= ARRIVE_MS ? moving.cause : undefined;
  }

  #alone(
    { entityId, value, isEvent, isKept }: SourceChange,
    capability: SourceCapability,
    before: unknown,
  ): Cause {
    if (isEvent === true) return SOMEBODY;
    const nowMs = this.#clock.monotonicMs();
    const cameBackMs = this.#cameBackMs.get(entityId);
    const isSettling =
      nowMs - this.#startedMs < START_MS || (cameBackMs !== undefined && nowMs - cameBackMs < SETTLE_MS);
    const isSetByPeople =
      capability.writable &&
      capability.category === null &&
      PERSONAL.has(capability.kind) &&
      !HAPPENS.has(value);
    const isNews = before !== null && before !== undefined && value !== null;
    return isSetByPeople && isNews && isKept !== true && !isSettling ? SOMEBODY : DEVICE;
  }

  #fresh(entityId: string): Pending[] {
    const nowMs = this.#clock.monotonicMs();
    return (this.#pending.get(entityId) ?? []).filter(({ sentMs }) => nowMs - sentMs <= ANSWER_MS);
  }
}

/** Who commands, by what the door said and, where it said nothing, by which door it was. */
export function causeOfCommand({ by, origin }: Pick<SourceCommand, 'by' | 'origin'>): Cause {
  if (by) return { kind: by.kind, id: by.userId };
  if (origin.startsWith('automation:')) return { kind: 'automation', id: origin.slice('automation:'.length) };
  if (HOMEKIT_ITSELF.has(origin)) return HUB;
  // What Apple's own automations do comes in the same way as what people do in Apple Home.
  return origin.startsWith('homekit:') ? SOMEBODY : HUB;
}
