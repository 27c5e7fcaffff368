import type { DeviceLink } from './device-link.ts';
import type { ServicePlan } from './service-plan.ts';

const STEP_MS = 700;
const ORIGIN = 'homekit:identify';

/** Answers "which one is it?": switches the device twice and leaves it as it was. */
export class Blinker implements Disposable {
  readonly #device: DeviceLink;
  #timer: NodeJS.Timeout | undefined;
  #restore: (() => void) | undefined;

  constructor(device: DeviceLink) {
    this.#device = device;
  }

  /** Returns at once. Does nothing but log for a device that cannot be switched, is offline, or blinks already. */
  blink(plans: readonly ServicePlan[]): void {
    const { log, entityId } = this.#device;
    const main = plans.find((plan) => plan.actuator?.blinks);
    const on = main?.characteristics.find(({ kind }) => kind === 'On')?.read(this.#device.values);
    if (!main || typeof on !== 'boolean' || !this.#device.available || this.#timer) {
      log.info({ entityId }, 'Apple Home asked the device to identify itself');
      return;
    }
    this.#restore = () => this.#switch(main, on);
    this.#step(main, on, 1);
  }

  /** A device caught in the middle is put back. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#restore?.();
    this.#restore = undefined;
  }

  #step(main: ServicePlan, original: boolean, step: number): void {
    this.#switch(main, step % 2 === 1 ? !original : original);
    if (step === 4) {
      this.#timer = undefined;
      this.#restore = undefined;
    } else this.#timer = setTimeout(() => this.#step(main, original, step + 1), STEP_MS);
  }

  #switch(main: ServicePlan, on: boolean): void {
    const writes = main.actuator?.toWrites(new Map([['On', on]]), this.#device.values) ?? [];
    // The link has logged why; the next step may still succeed.
    this.#device.command(writes, ORIGIN).catch(() => undefined);
  }
}
