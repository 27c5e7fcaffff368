import type { Service } from '@homebridge/hap-nodejs';

import { AdaptiveLightingController } from '@homebridge/hap-nodejs';

import type { CapabilityValue } from '../devices/types.ts';
import type { DeviceLink } from './device-link.ts';
import type { CharacteristicKind, ServicePlan } from './service-plan.ts';

import { miredToHueSaturation, toFinite, toHueSaturation } from './convert.ts';

/** A step that nobody sees is not sent: the schedule moves every minute, and each message costs the radio. */
const VISIBLE_MIRED = 5;
/** Lamps round what they are told; another temperature than that was set by somebody. */
const BY_HAND_MIRED = 10;
/**
 * The same for the colour, as a distance on the wheel whose edge is 100 from its middle. Publishers do not agree on the
 * colour of a warm white: at 370 mired HomeKit's is 24 from Home Assistant's.
 */
const BY_HAND_COLOUR = 30;
/** A lamp that goes on tells its own temperature a moment later, and is not to be taken for a person who set it. */
const ON_SETTLES_MS = 500;

/**
 * Adaptive Lighting of one lamp. The library keeps the schedule (in the database, through its ControllerStorage) and
 * gives a temperature every minute; this decides which of them reach the lamp, and ends the schedule when somebody sets
 * temperature or colour elsewhere. A person who does so in Apple Home is noticed by the library itself.
 */
export class AdaptiveLighting implements Disposable {
  readonly controller: AdaptiveLightingController;
  readonly #device: DeviceLink;
  readonly #send: (mired: number) => Promise<void>;
  readonly #source: (kind: CharacteristicKind) => string | undefined;
  /** What the schedule wants at the moment. */
  #scheduled: number | undefined;
  /** What the lamp shows, as far as it is this schedule's doing; unknown while it is off. */
  #expected: number | undefined;
  /** The way that the lamp goes after a write, and until when it may report from it. */
  #way: { readonly from: number | undefined; readonly untilMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param hap the lamp's service, with Brightness and ColorTemperature.
   * @param plan gives the present plan of the service.
   * @param send writes a temperature as if a controller had.
   */
  constructor(
    hap: Service,
    plan: () => ServicePlan,
    device: DeviceLink,
    send: (mired: number) => Promise<void>,
  ) {
    this.controller = new AdaptiveLightingController(hap);
    this.#device = device;
    this.#send = send;
    this.#source = (wanted) => plan().characteristics.find(({ kind }) => kind === wanted)?.source;
  }

  /** Whether a write comes from the schedule and not from a person. */
  isScheduled(context: unknown): boolean {
    return (
      typeof context === 'object' &&
      context !== null &&
      'controller' in context &&
      context.controller === this.controller
    );
  }

  /** Takes the schedule's temperature: sends it when the lamp is on and the step can be seen. */
  async follow(mired: number): Promise<void> {
    this.#scheduled = mired;
    if (!this.#device.available || this.#value('On') !== true) return;
    const shown = this.#expected ?? this.#whiteShown();
    if (shown !== undefined && Math.abs(shown - mired) < VISIBLE_MIRED) {
      this.#expected = shown;
      return;
    }
    this.#expected = mired;
    this.#way = { from: shown, untilMs: performance.now() + this.#device.followMs };
    try {
      await this.#send(mired);
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** A person writes; the library ends the schedule when it is temperature or colour. */
  yieldTo(kind: CharacteristicKind): void {
    if (kind === 'ColorTemperature' || kind === 'Hue' || kind === 'Saturation') this.#forget();
  }

  /** What the device tells, before it is taken over. */
  note(capability: string, value: CapabilityValue): void {
    if (!this.controller.isAdaptiveLightingActive()) this.#forget();
    else if (capability === 'available' || capability === this.#source('On')) {
      const wasOn = this.#device.available && this.#value('On') === true;
      this.#noteOn(wasOn, value === true);
    } else if (capability === this.#source('ColorTemperature')) this.#noteTemperature(toFinite(value));
    else if (capability === this.#source('Hue') && this.#isOtherColour(value)) this.#end();
  }

  /** Stops following the schedule, which stays stored for the next start. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    // Without its delegate the controller cannot have the schedule deleted that it drops here to end its timer.
    this.controller.setupStateChangeDelegate();
    this.controller.disableAdaptiveLighting();
  }

  #noteOn(wasOn: boolean, isOn: boolean): void {
    if (!isOn) this.#forget();
    else if (!wasOn) {
      this.#forget();
      this.#timer = setTimeout(() => {
        if (this.#scheduled === undefined || !this.controller.isAdaptiveLightingActive()) return;
        // The link has logged why; the next minute tries again.
        this.follow(this.#scheduled).catch(() => undefined);
      }, ON_SETTLES_MS);
    }
  }

  #noteTemperature(mired: number | undefined): void {
    if (mired === undefined || this.#expected === undefined) return;
    if (Math.abs(mired - this.#expected) <= BY_HAND_MIRED) return;
    const before = toFinite(this.#value('ColorTemperature'));
    const hasMoved = before !== undefined && Math.abs(mired - before) >= VISIBLE_MIRED;
    if (this.#isOnTheWay(mired)) return;
    if (hasMoved) this.#end();
    // It was told and did not follow: from here the next step is measured.
    else this.#expected = mired;
  }

  #isOnTheWay(mired: number): boolean {
    if (!this.#way || this.#expected === undefined || performance.now() > this.#way.untilMs) return false;
    const { from } = this.#way;
    if (from === undefined) return true;
    const [low, high] = from < this.#expected ? [from, this.#expected] : [this.#expected, from];
    return mired >= low - VISIBLE_MIRED && mired <= high + VISIBLE_MIRED;
  }

  /** Lamps that tell their white as a colour too are no exception: it is near to what that white looks like. */
  #isOtherColour(value: CapabilityValue): boolean {
    const colour = toHueSaturation(value);
    if (!colour || this.#expected === undefined) return false;
    // A lamp that leaves its colour for white may still tell of the colour.
    const leaves = this.#way !== undefined && performance.now() <= this.#way.untilMs;
    if (leaves && toHueSaturation(this.#value('Hue'))) return false;
    const white = miredToHueSaturation(this.#expected);
    const angle = ((colour.hue - white.hue) / 180) * Math.PI;
    const squared =
      colour.saturation ** 2 +
      white.saturation ** 2 -
      2 * colour.saturation * white.saturation * Math.cos(angle);
    return Math.sqrt(Math.max(0, squared)) > BY_HAND_COLOUR;
  }

  /** The temperature that the lamp tells, where it shows white. */
  #whiteShown(): number | undefined {
    return toHueSaturation(this.#value('Hue')) ? undefined : toFinite(this.#value('ColorTemperature'));
  }

  #value(kind: CharacteristicKind): CapabilityValue | undefined {
    const source = this.#source(kind);
    return source === undefined ? undefined : this.#device.values.get(source);
  }

  #end(): void {
    this.#device.log.info(
      { entityId: this.#device.entityId },
      'adaptive lighting ends: the lamp was set to another colour or temperature',
    );
    this.#forget();
    this.#scheduled = undefined;
    this.controller.disableAdaptiveLighting();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#expected = undefined;
    this.#way = undefined;
  }
}

/** Whether Apple Home can offer Adaptive Lighting for a service. */
export function isAdaptive(plan: ServicePlan): boolean {
  const kinds = new Set(plan.characteristics.map(({ kind }) => kind));
  return plan.kind === 'Lightbulb' && kinds.has('Brightness') && kinds.has('ColorTemperature');
}
