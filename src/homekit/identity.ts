import { randomBytes, randomInt } from 'node:crypto';

import type { Store } from '../base/store.ts';

import { StartError } from '../base/errors.ts';
import { keepSecret, keepValue } from '../base/kept-values.ts';
import { readBridges } from './reader.ts';
import { writeBridge } from './writer.ts';

/**
 * What Apple Home knows the bridge by. A new username makes every accessory "No Response" and the person add the bridge
 * again, so all of it is made once and kept in the database.
 */
export interface BridgeIdentity {
  readonly username: string;
  readonly setupId: string;
  readonly pin: string;
}

/** @throws StartError when the given code is malformed or one of those that Apple forbids. */
export function keepIdentity(store: Store, pin: string | null): BridgeIdentity {
  if (pin !== null) checkPin(pin);
  return {
    username: keepValue(store, 'homekit_username', newUsername),
    setupId: keepSecret(store, 'homekit_setup_id', newSetupId),
    pin: pin ?? keepSecret(store, 'homekit_pin', newPin),
  };
}

/** A bridge after the first, and where it listened last. */
export interface FurtherIdentity extends BridgeIdentity {
  readonly number: number;
  readonly keptPort: number | null;
  /** It is for one device alone. */
  readonly isAlone: boolean;
}

/** The bridges after the first, as they were made. */
export function readFurtherIdentities(store: Store): FurtherIdentity[] {
  return readBridges(store.db).map(({ number, username, secret, port, alone }) => {
    const [pin = '', setupId = ''] = store.secrets.open(nameOf(username), secret).split(' ');
    return { number, username, pin, setupId, keptPort: port, isAlone: alone === 1 };
  });
}

export function makeFurtherIdentity(
  store: Store,
  number: number,
  isAlone: boolean,
  nowMs: number,
): FurtherIdentity {
  const username = newUsername();
  const pin = newPin();
  const setupId = newSetupId();
  const secret = store.secrets.seal(nameOf(username), `${pin} ${setupId}`);
  store.write((tx) =>
    writeBridge(tx, { number, username, secret, port: null, alone: Number(isAlone) }, nowMs),
  );
  return { number, username, pin, setupId, keptPort: null, isAlone };
}

function nameOf(username: string): string {
  return `hap_bridge/${username}`;
}

/** The text of the QR code: `X-HM://`, the setup code of a bridge that speaks IP in base 36, and the setup id. */
export function toSetupUri({ pin, setupId }: BridgeIdentity): string {
  const payload = 2 ** 32 + 2 ** 28 + Number(pin.replaceAll('-', ''));
  return `X-HM://${payload.toString(36).toUpperCase().padStart(9, '0')}${setupId}`;
}

function checkPin(pin: string): void {
  if (!/^\d{3}-\d{2}-\d{3}$/.test(pin)) {
    throw new StartError('homekit', 'homekit.pin must be eight digits written as 123-45-678.', {
      badConfiguration: true,
    });
  }
  if (isTrivialPin(pin)) {
    throw new StartError(
      'homekit',
      'homekit.pin is too easy to guess and Apple Home refuses it; choose other digits.',
      {
        badConfiguration: true,
      },
    );
  }
}

/** The codes that the HomeKit Accessory Protocol forbids: eight equal digits, 12345678 and 87654321. */
export function isTrivialPin(pin: string): boolean {
  const digits = pin.replaceAll('-', '');
  return /^(\d)\1{7}$/.test(digits) || digits === '12345678' || digits === '87654321';
}

function newPin(): string {
  for (;;) {
    const digits = String(randomInt(100_000_000)).padStart(8, '0');
    const pin = `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`;
    if (!isTrivialPin(pin)) return pin;
  }
}

/** Six random bytes written like a MAC address, marked as locally administered so that they equal no real card's. */
function newUsername(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}

function newSetupId(): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  return Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
