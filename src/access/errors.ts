import type { Principal } from './types.ts';

import { HubError } from '../base/errors.ts';

/** Too many failed attempts: the next one is looked at only after `retryAfterS` seconds. */
export class ThrottledError extends HubError {
  override readonly name: string = 'ThrottledError';
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    super('rate_limited', `Too many failed attempts. Try again in ${retryAfterS} s.`);
    this.retryAfterS = retryAfterS;
  }
}

/** A command that the policy refused; the audit log has it already. */
export class CommandRefusedError extends HubError {
  override readonly name: string = 'CommandRefusedError';

  constructor(message: string) {
    super('forbidden', message);
  }
}

/** @throws HubError `forbidden` when the token was made for another device than the one that the client says it is. */
export function refuseOtherDevice(principal: Pick<Principal, 'boundDeviceId'>, deviceId: string): void {
  const { boundDeviceId } = principal;
  if (boundDeviceId === undefined || boundDeviceId === deviceId) return;
  throw new HubError(
    'forbidden',
    'device_id is not the device that was paired; use the device_id of the pairing, or pair this device too',
    { field: 'device_id' },
  );
}

/**
 * The policy for whoever is limited to rooms: what does not say that it keeps to the rooms is closed to them.
 * @throws HubError `forbidden`.
 */
export function refuseBeyondRooms({ rooms }: Pick<Principal, 'rooms'>, keepsToRooms: boolean): void {
  if (!rooms || keepsToRooms) return;
  throw new HubError('forbidden', 'your account is limited to some rooms');
}
