import { getPosition, getTimes } from 'suncalc';

import type { HomeZone, LocalDay } from './home-zone.ts';

const HALF_DAY_MS = 12 * 60 * 60 * 1000;
const DAY_MS = 2 * HALF_DAY_MS;

/** What the sun does on one day, in ms since the Unix epoch; null where it does not happen (beyond the polar circles). */
export interface SunDay {
  readonly dawn: number | null;
  readonly sunrise: number | null;
  readonly sunset: number | null;
  readonly dusk: number | null;
}

/** The sun over one place. */
export class Sun {
  readonly #latitude: number;
  readonly #longitude: number;
  readonly #zone: HomeZone;

  /**
   * @param latitude degrees, -90 to 90; north is positive.
   * @param longitude degrees, -180 to 180; east is positive.
   */
  constructor(latitude: number, longitude: number, zone: HomeZone) {
    this.#latitude = latitude;
    this.#longitude = longitude;
    this.#zone = zone;
  }

  /** Civil dawn, sunrise, sunset and civil dusk of the solar day whose noon lies in this day. */
  on(day: LocalDay): SunDay {
    const noonMs = this.#zone.msOf(day, 12 * 60);
    let times = getTimes(new Date(noonMs), this.#latitude, this.#longitude);
    // The library takes the solar day of a date in UTC, which is another one far from Greenwich.
    const offMs = times.solarNoon.getTime() - noonMs;
    if (Math.abs(offMs) > HALF_DAY_MS) {
      times = getTimes(new Date(noonMs - Math.sign(offMs) * DAY_MS), this.#latitude, this.#longitude);
    }
    const ms = (time: Date | null): number | null => time?.getTime() ?? null;
    return {
      dawn: ms(times.dawn),
      sunrise: ms(times.sunrise),
      sunset: ms(times.sunset),
      dusk: ms(times.dusk),
    };
  }

  /** Degrees above the horizon, refraction included; below it negative. */
  altitude(ms: number): number {
    return getPosition(new Date(ms), this.#latitude, this.#longitude).altitude;
  }

  /** Between sunset and sunrise, when the sun's upper edge is below the horizon. */
  isDown(ms: number): boolean {
    return this.altitude(ms) < -SUN_RADIUS_DEG;
  }
}

/** Half of what the sun measures in the sky. */
const SUN_RADIUS_DEG = 0.2665;
