import { HapStatusError } from '@homebridge/hap-nodejs';

import { HubError } from '../base/errors.ts';

/** HAP status codes, by what they tell the controller. The library has them as a const enum, which cannot be imported. */
export const HAP_STATUS = {
  /** The device cannot be reached: "No Response". */
  offline: -70402,
  /** Nothing is known yet; asking again later may help (resource busy). */
  unknown: -70403,
  timedOut: -70408,
  missing: -70409,
  invalid: -70410,
  /** Right request, but the device does not take it from here: it asks for a code, or knows no such order. */
  notAllowed: -70412,
} as const;

export type HapStatusCode = (typeof HAP_STATUS)[keyof typeof HAP_STATUS];

export function hapError(status: HapStatusCode): HapStatusError {
  return new HapStatusError(status);
}

/** Translates what a command failed with. */
export function toHapError(error: unknown): HapStatusError {
  if (error instanceof HapStatusError) return error;
  if (error instanceof HubError) {
    if (error.kind === 'invalid' || error.kind === 'too_large') return hapError(HAP_STATUS.invalid);
    if (error.kind === 'not_found') return hapError(HAP_STATUS.missing);
  }
  return hapError(HAP_STATUS.offline);
}
