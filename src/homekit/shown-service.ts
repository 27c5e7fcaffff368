import type { Characteristic, HAPConnection, Perms } from '@homebridge/hap-nodejs';

import { Characteristic as Characteristics, Service } from '@homebridge/hap-nodejs';

import type { DeviceLink } from './device-link.ts';
import type {
  CharacteristicKind,
  CharacteristicPlan,
  HapValue,
  Requested,
  ServicePlan,
} from './service-plan.ts';
import type { HapStatusCode } from './status.ts';

import { structureOf } from './service-plan.ts';
import { HAP_STATUS, hapError, toHapError } from './status.ts';
import { WriteBatch } from './write-batch.ts';

interface ShownCharacteristic {
  readonly hap: Characteristic;
  plan: CharacteristicPlan;
  /** The error last pushed, or null when it holds a good value. */
  fault: HapStatusCode | null;
  /** What a controller asked for, shown until the device follows or its time is over. */
  wanted: { readonly value: HapValue; readonly timer: NodeJS.Timeout | undefined } | null;
}

/** One service on an accessory: answers reads from memory, pushes what changed, sends what is written. */
export class ShownService implements Disposable {
  readonly hap: Service;
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

  /** Takes a newer plan of the same service; characteristics that stay keep their ids. */
  replan(plan: ServicePlan): void {
    const restructured = structureOf(plan) !== structureOf(this.#plan);
    this.#plan = plan;
    for (const [kind, shown] of this.#shown) {
      if (plan.characteristics.some((characteristic) => characteristic.kind === kind)) continue;
      this.#forget(shown);
      this.#shown.delete(kind);
      this.hap.removeCharacteristic(shown.hap);
    }
    for (const characteristic of plan.characteristics) {
      const shown = this.#shown.get(characteristic.kind);
      if (!shown) this.#add(characteristic);
      else {
        shown.plan = characteristic;
        setRange(shown.hap, characteristic);
      }
    }
    // New limits alone do not tell the library that the structure changed; this setter does.
    if (restructured) this.hap.setHiddenService(this.hap.isHiddenService);
    this.refresh();
  }

  /** The device told a new value: what was asked of that capability is settled. */
  settle(capability: string): void {
    for (const shown of this.#shown.values()) {
      if (shown.plan.source === capability) this.#forget(shown);
    }
  }

  /** Pushes what differs from what controllers were last shown. */
  refresh(): void {
    for (const shown of this.#shown.values()) {
      const value = this.#read(shown);
      if (typeof value === 'object') {
        if (shown.fault === value.fault) continue;
        shown.fault = value.fault;
        shown.hap.updateValue(hapError(value.fault));
      } else if (shown.fault !== null) {
        shown.fault = null;
        // The value may be the one from before the fault, which an update would keep to itself.
        shown.hap.sendEventNotification(value);
      } else if (shown.hap.value !== value) shown.hap.updateValue(value);
    }
  }

  [Symbol.dispose](): void {
    this.#batch[Symbol.dispose]();
    for (const shown of this.#shown.values()) this.#forget(shown);
  }

  #add(plan: CharacteristicPlan): void {
    const hap = this.hap.getCharacteristic(Characteristics[plan.kind]);
    setRange(hap, plan);
    const shown: ShownCharacteristic = { hap, plan, fault: null, wanted: null };
    this.#shown.set(plan.kind, shown);
    hap.onGet(() => {
      const value = this.#read(shown);
      if (typeof value === 'object') throw hapError(value.fault);
      return value;
    });
    if (!this.#plan.actuator || !hap.props.perms.includes('pw' as Perms.PAIRED_WRITE)) return;
    hap.onSet(async (value, _context, connection) => {
      if (typeof value !== 'boolean' && typeof value !== 'number') throw hapError(HAP_STATUS.invalid);
      await this.#batch.add(plan.kind, value, originOf(connection));
    });
  }

  #read(shown: ShownCharacteristic): HapValue | { fault: HapStatusCode } {
    if (!this.#device.available) return { fault: HAP_STATUS.offline };
    return shown.wanted?.value ?? shown.plan.read(this.#device.values) ?? { fault: HAP_STATUS.unknown };
  }

  async #send(requested: Requested, origin: string): Promise<void> {
    const { actuator } = this.#plan;
    const writes = actuator?.toWrites(requested, this.#device.values) ?? [];
    if (writes.length === 0) return;
    const wanted = this.#want(requested);
    try {
      await this.#device.command(writes, origin);
    } catch (error) {
      for (const shown of wanted) this.#forget(shown);
      // The library keeps the refused value unless told again; that must wait until this write was answered.
      setImmediate(() => this.refresh());
      throw toHapError(error);
    }
  }

  /** Shows what was asked for until the device follows; when it does not, the old value comes back. */
  #want(requested: Requested): ShownCharacteristic[] {
    const goesOff = requested.get('On') === false || requested.get('Brightness') === 0;
    const values: Requested = goesOff ? new Map([['On', false]]) : requested;
    const result: ShownCharacteristic[] = [];
    for (const [kind, value] of values) {
      const shown = this.#shown.get(kind);
      if (!shown) continue;
      this.#forget(shown);
      const timer = setTimeout(() => {
        this.#forget(shown);
        this.refresh();
      }, this.#device.followMs);
      shown.wanted = { value, timer };
      result.push(shown);
    }
    return result;
  }

  #forget(shown: ShownCharacteristic): void {
    clearTimeout(shown.wanted?.timer);
    shown.wanted = null;
  }
}

/** Limits go in before the first value: the library clamps a value to the limits of that moment, for good. */
function setRange(hap: Characteristic, plan: CharacteristicPlan): void {
  if (plan.range) hap.setProps({ minValue: plan.range.min, maxValue: plan.range.max });
}

/** Names the pairing that writes, so that what follows can be told apart from other controllers. */
function originOf(connection: HAPConnection | undefined): string {
  return `homekit:${connection?.username ?? connection?.remoteAddress ?? 'unknown'}`;
}
