import type { Characteristic, HAPConnection, Perms } from '@homebridge/hap-nodejs';

import { Characteristic as Characteristics, Service } from '@homebridge/hap-nodejs';

import type { CapabilityValue, CapabilityWrite } from '../devices/types.ts';
import type { AdaptiveLighting } from './adaptive-lighting.ts';
import type { DeviceLink } from './device-link.ts';
import type {
  CharacteristicKind,
  CharacteristicPlan,
  HapValue,
  LastShown,
  Requested,
  ServiceKind,
  ServicePlan,
} from './service-plan.ts';
import type { HapStatusCode } from './status.ts';

import { structureOf } from './service-plan.ts';
import { HAP_STATUS, hapError, toHapError } from './status.ts';
import { WriteBatch } from './write-batch.ts';

/** What keeps the house shut: who commanded it is written to the log. */
const GUARDS: ReadonlySet<ServiceKind> = new Set([
  'Door',
  'GarageDoorOpener',
  'LockMechanism',
  'SecuritySystem',
]);
/** A device that moves is given this many times as long to arrive as to begin, after each sign of it. */
const ON_THE_WAY = 5;

interface ShownCharacteristic {
  readonly hap: Characteristic;
  plan: CharacteristicPlan;
  /** The error last pushed, or null when it holds a good value. */
  fault: HapStatusCode | null;
  /** The last good value. */
  last: HapValue | undefined;
  /** What a controller asked for, shown until the device follows or its time is over, and what was shown before. */
  wanted: { readonly value: HapValue; readonly before: HapValue | undefined; timer: NodeJS.Timeout } | null;
  /** When the last push was, and the next one that waits for its time. */
  pushedAtMs: number;
  nextPush: NodeJS.Timeout | undefined;
}

/** One service on an accessory: answers reads from memory, pushes what changed, sends what is written. */
export class ShownService implements Disposable {
  readonly hap: Service;
  /** Of a lamp that can have it: decides what of the schedule is sent. */
  adaptive: AdaptiveLighting | null = null;
  readonly #device: DeviceLink;
  readonly #batch: WriteBatch;
  readonly #shown = new Map<CharacteristicKind, ShownCharacteristic>();
  #plan: ServicePlan;

  constructor(plan: ServicePlan, name: string, device: DeviceLink) {
    this.#plan = plan;
    this.#device = device;
    this.hap = new Service[plan.kind](name, plan.subtype);
    this.#batch = new WriteBatch({
      isHalf: (requested) => this.#plan.actuator?.isHalf(requested) ?? false,
      send: async (requested, origin) => await this.#send(requested, origin),
      onLateFailure: () => this.refresh(),
    });
    for (const characteristic of plan.characteristics) this.#add(characteristic);
    this.refresh();
  }

  get plan(): ServicePlan {
    return this.#plan;
  }

  /** Sends a temperature of the schedule. */
  async writeScheduled(mired: number): Promise<void> {
    await this.#batch.add('ColorTemperature', mired, 'homekit:adaptive-lighting');
  }

  /** Takes a newer plan of the same service; characteristics that stay keep their ids. */
  replan(plan: ServicePlan): void {
    const restructured = structureOf(plan) !== structureOf(this.#plan);
    this.#plan = plan;
    for (const [kind, shown] of this.#shown) {
      if (plan.characteristics.some((characteristic) => characteristic.kind === kind)) continue;
      this.#forget(shown);
      clearTimeout(shown.nextPush);
      this.#shown.delete(kind);
      this.hap.removeCharacteristic(shown.hap);
    }
    for (const characteristic of plan.characteristics) {
      const shown = this.#shown.get(characteristic.kind);
      if (!shown) this.#add(characteristic);
      else {
        shown.plan = characteristic;
        if (restructured) clearRange(shown.hap, characteristic.kind);
        setRange(shown.hap, characteristic);
      }
    }
    // New limits alone do not tell the library that the structure changed; this setter does.
    if (restructured) this.hap.setHiddenService(this.hap.isHiddenService);
    this.refresh();
  }

  /**
   * The device told a value: what was asked of that capability is settled, unless it is a target and the device is on
   * its way there (`isNew`) or has not begun.
   */
  settle(capability: string, isNew: boolean): void {
    for (const shown of this.#shown.values()) {
      const { plan, wanted } = shown;
      if (!wanted || plan.source !== capability) continue;
      if (this.#isSettled(plan, wanted.value)) this.#forget(shown);
      else if (isNew) {
        clearTimeout(wanted.timer);
        wanted.timer = this.#giveUpIn(ON_THE_WAY * this.#device.followMs, shown);
      }
    }
  }

  /** Something happened. Told at once, and again when it happens again. */
  tell(capability: string, value: CapabilityValue): void {
    for (const { hap, plan } of this.#shown.values()) {
      const event = plan.toEvent?.(capability, value);
      if (event !== undefined) hap.sendEventNotification(event);
    }
  }

  /** Pushes what differs from what controllers were last shown. */
  refresh(): void {
    for (const shown of this.#shown.values()) {
      // To the library each update of such a one is a press.
      if (shown.plan.toEvent) continue;
      const value = this.#read(shown);
      if (typeof value === 'object') {
        if (shown.fault === value.fault) continue;
        shown.fault = value.fault;
        shown.hap.updateValue(hapError(value.fault));
      } else if (shown.fault !== null) {
        shown.fault = null;
        // The value may be the one from before the fault, which an update would keep to itself.
        shown.hap.sendEventNotification(value);
      } else if (shown.hap.value !== value) this.#push(shown, value);
    }
  }

  [Symbol.dispose](): void {
    this.#batch[Symbol.dispose]();
    this.adaptive?.[Symbol.dispose]();
    for (const shown of this.#shown.values()) {
      this.#forget(shown);
      clearTimeout(shown.nextPush);
    }
  }

  /** At once, or when the pace that is set for it allows. Reads are not held back. */
  #push(shown: ShownCharacteristic, value: HapValue): void {
    const { pushEveryMs } = shown.plan;
    if (pushEveryMs !== undefined) {
      const waitMs = shown.pushedAtMs + pushEveryMs - performance.now();
      if (waitMs > 0) {
        shown.nextPush ??= setTimeout(() => {
          shown.nextPush = undefined;
          this.refresh();
        }, waitMs);
        return;
      }
      shown.pushedAtMs = performance.now();
    }
    shown.hap.updateValue(value);
  }

  #add(plan: CharacteristicPlan): void {
    const hap = this.hap.getCharacteristic(Characteristics[plan.kind]);
    setRange(hap, plan);
    const shown: ShownCharacteristic = {
      hap,
      plan,
      fault: null,
      last: undefined,
      wanted: null,
      pushedAtMs: -Infinity,
      nextPush: undefined,
    };
    this.#shown.set(plan.kind, shown);
    if (plan.toEvent) return;
    hap.onGet(() => {
      const value = this.#read(shown);
      if (typeof value === 'object') throw hapError(value.fault);
      return value;
    });
    if (!hap.props.perms.includes('pw' as Perms.PAIRED_WRITE)) return;
    hap.onSet(async (value, context, connection) => {
      if (typeof value !== 'boolean' && typeof value !== 'number') throw hapError(HAP_STATUS.invalid);
      if (this.adaptive?.isScheduled(context)) {
        await this.adaptive.follow(Number(value));
        return;
      }
      this.adaptive?.yieldTo(plan.kind);
      await this.#batch.add(plan.kind, value, originOf(connection));
    });
  }

  #read(shown: ShownCharacteristic): HapValue | { fault: HapStatusCode } {
    if (!this.#device.available) return shown.plan.offline ?? { fault: HAP_STATUS.offline };
    const value = shown.wanted?.value ?? shown.plan.read(this.#device.values, shown.last);
    if (value === undefined) return { fault: HAP_STATUS.unknown };
    shown.last = value;
    return value;
  }

  async #send(requested: Requested, origin: string): Promise<void> {
    let wanted: ShownCharacteristic[] = [];
    try {
      const writes = this.#toWrites(requested);
      if (writes.length > 0) {
        wanted = this.#want(requested);
        await this.#device.command(writes, origin);
      }
      this.#tellLog('Apple Home commanded what keeps the house shut', requested, origin);
      if (writes.length === 0) this.#refreshLater();
    } catch (error) {
      for (const shown of wanted) this.#giveUp(shown);
      this.#refreshLater();
      this.#tellLog(
        'a command from Apple Home to what keeps the house shut was not taken',
        requested,
        origin,
      );
      throw toHapError(error);
    }
  }

  #toWrites(requested: Requested): CapabilityWrite[] {
    const { actuator } = this.#plan;
    if (!actuator) throw hapError(HAP_STATUS.notAllowed);
    if (!this.#device.available) throw hapError(HAP_STATUS.offline);
    return actuator.toWrites(requested, this.#device.values, this.#lastShown());
  }

  #lastShown(): LastShown {
    const last = new Map<CharacteristicKind, HapValue>();
    for (const [kind, shown] of this.#shown) if (shown.last !== undefined) last.set(kind, shown.last);
    return last;
  }

  /** The library keeps a value that came to nothing unless told again; that must wait until the write was answered. */
  #refreshLater(): void {
    setImmediate(() => this.refresh());
  }

  #tellLog(text: string, requested: Requested, origin: string): void {
    const { log, entityId } = this.#device;
    if (!GUARDS.has(this.#plan.kind)) return;
    log.info({ entityId, origin, service: this.#plan.kind, asked: Object.fromEntries(requested) }, text);
  }

  #isSettled(plan: CharacteristicPlan, wanted: HapValue): boolean {
    if (plan.settlesWithin === undefined) return true;
    const value = plan.read(this.#device.values, wanted);
    return value === undefined || Math.abs(Number(value) - Number(wanted)) <= plan.settlesWithin;
  }

  /** Shows what was asked for until the device follows; when it does not, the old value comes back. */
  #want(requested: Requested): ShownCharacteristic[] {
    // Halted, nothing is on its way any more.
    if (requested.get('HoldPosition') === true) for (const shown of this.#shown.values()) this.#forget(shown);
    const result: ShownCharacteristic[] = [];
    for (const [kind, value] of toShow(requested)) {
      const shown = this.#shown.get(kind);
      if (!shown?.hap.props.perms.includes('pr' as Perms.PAIRED_READ)) continue;
      const before = shown.wanted ? shown.wanted.before : shown.last;
      this.#forget(shown);
      shown.wanted = { value, before, timer: this.#giveUpIn(this.#device.followMs, shown) };
      shown.last = value;
      result.push(shown);
    }
    return result;
  }

  #giveUpIn(ms: number, shown: ShownCharacteristic): NodeJS.Timeout {
    return setTimeout(() => {
      this.#giveUp(shown);
      this.refresh();
    }, ms);
  }

  /** As if it had never been asked. */
  #giveUp(shown: ShownCharacteristic): void {
    if (shown.wanted) shown.last = shown.wanted.before;
    this.#forget(shown);
  }

  #forget(shown: ShownCharacteristic): void {
    clearTimeout(shown.wanted?.timer);
    shown.wanted = null;
  }
}

/** What goes off shows that alone: the level or the speed that came with it is not taken. */
function toShow(requested: Requested): Requested {
  if (requested.get('On') === false || requested.get('Brightness') === 0) return new Map([['On', false]]);
  if (requested.get('Active') === 0 || requested.get('RotationSpeed') === 0) return new Map([['Active', 0]]);
  return requested;
}

/** Limits go in before the first value: the library clamps a value to the limits of that moment, for good. */
function setRange(hap: Characteristic, plan: CharacteristicPlan): void {
  const { range, validValues } = plan;
  if (range) {
    const step = range.step === undefined ? {} : { minStep: range.step };
    hap.setProps({ minValue: range.min, maxValue: range.max, ...step });
  }
  if (validValues) hap.setProps({ validValues: [...validValues] });
}

/** Back to HomeKit's own limits, which newer ones may leave in part. */
function clearRange(hap: Characteristic, kind: CharacteristicKind): void {
  const { minValue, maxValue, minStep, validValues } = new Characteristics[kind]().props;
  hap.setProps({
    ...(minValue === undefined ? {} : { minValue }),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(minStep === undefined ? {} : { minStep }),
    ...(validValues === undefined ? {} : { validValues }),
  });
}

/** Names the pairing that writes, so that what follows can be told apart from other controllers. */
function originOf(connection: HAPConnection | undefined): string {
  return `homekit:${connection?.username ?? connection?.remoteAddress ?? 'unknown'}`;
}
