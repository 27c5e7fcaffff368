import type { Logger } from '../base/log.ts';
import type { CapabilityValue, CapabilityWrite, DeviceControl } from '../devices/types.ts';
import type { DeviceValues } from './service-plan.ts';

import { HAP_STATUS, hapError, toHapError } from './status.ts';

/** A command that the transport has not taken by then is reported as failed; the controller itself gives up at 9 s. */
const SEND_WITHIN_MS = 3000;

export interface DeviceLinkOptions {
  readonly entityId: string;
  readonly devices: DeviceControl;
  readonly log: Logger;
  readonly followMs: number;
}

/**
 * One device as the bridge's services see it: a copy of its state in memory, which every read answers from, and the way
 * to command it.
 */
export class DeviceLink {
  readonly entityId: string;
  readonly log: Logger;
  /** How long the device may take to follow a write. */
  readonly followMs: number;
  readonly #devices: DeviceControl;
  readonly #values = new Map<string, CapabilityValue>();
  available = false;

  constructor(options: DeviceLinkOptions) {
    this.entityId = options.entityId;
    this.log = options.log;
    this.followMs = options.followMs;
    this.#devices = options.devices;
  }

  get values(): DeviceValues {
    return this.#values;
  }

  setValue(capability: string, value: CapabilityValue): void {
    this.#values.set(capability, value);
  }

  /** Takes over a device's whole state. */
  load(available: boolean, values: DeviceValues): void {
    this.available = available;
    this.#values.clear();
    for (const [capability, value] of values) this.#values.set(capability, value);
  }

  /**
   * Hands the writes to the device without waiting for it to follow.
   * @throws HapStatusError with the status for the controller.
   */
  async command(writes: readonly CapabilityWrite[], origin: string): Promise<void> {
    if (!this.available) throw hapError(HAP_STATUS.offline);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(hapError(HAP_STATUS.timedOut)), SEND_WITHIN_MS);
    try {
      const { entityId } = this;
      await Promise.race([
        this.#devices.command({ entityId, writes, origin, confirmWithinMs: 0 }),
        late.promise,
      ]);
    } catch (error) {
      this.log.warn(
        { err: error, entityId: this.entityId, origin },
        'a command from Apple Home was not sent',
      );
      throw toHapError(error);
    } finally {
      clearTimeout(timer);
    }
  }
}
