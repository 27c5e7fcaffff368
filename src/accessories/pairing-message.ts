import type { HapHttpClient } from './http-client.ts';
import type { HapMessage } from './http-parser.ts';

import { AccessoryError, type AccessoryFault } from './errors.ts';
import { decodeTlv, encodeTlv, TLV, type TlvItems } from './tlv.ts';

/** The error codes of pairing messages (table 5-5). Two, authentication, depends on what was asked. */
const FAULTS: Readonly<Record<number, AccessoryFault>> = {
  3: 'back_off',
  4: 'max_peers',
  5: 'max_tries',
  6: 'already_paired',
  7: 'busy',
};
const AUTHENTICATION = 2;

const WRONG_KEY: Readonly<Record<PairingPath, AccessoryFault>> = {
  '/pair-setup': 'wrong_code',
  '/pair-verify': 'not_paired',
  '/pairings': 'not_paired',
};

export type PairingPath = '/pair-setup' | '/pair-verify' | '/pairings';

/**
 * Sends a pairing message and reads the one that must follow.
 * @throws AccessoryError in the accessory's own words where it refuses.
 */
export async function askPairing(
  client: HapHttpClient,
  path: PairingPath,
  expectedState: number,
  items: Parameters<typeof encodeTlv>[0],
  timeoutMs?: number,
): Promise<TlvItems> {
  const answer = await client.request({
    method: 'POST',
    path,
    contentType: 'application/pairing+tlv8',
    body: encodeTlv(items),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const read = decodeTlv(answer.body);
  const code = read?.get(TLV.error)?.[0];
  if (read && code !== undefined) throw refusal(path, code, read);
  if (!read || answer.status !== 200) throw badStatus(answer);
  // A refusal may carry any state; what goes on must carry the next one.
  if (itemOf(read, TLV.state)[0] !== expectedState) {
    throw new AccessoryError('protocol', 'a pairing message out of order');
  }
  return read;
}

/** @throws AccessoryError `protocol` when the message lacks it. */
export function itemOf(items: TlvItems, type: number): Buffer {
  const value = items.get(type);
  if (!value || value.length === 0) {
    throw new AccessoryError('protocol', `a pairing message without item ${type}`);
  }
  return value;
}

function refusal(path: PairingPath, code: number, items: TlvItems): AccessoryError {
  if (code === AUTHENTICATION) return new AccessoryError(WRONG_KEY[path]);
  const fault = FAULTS[code];
  if (fault === undefined) return new AccessoryError('refused', `pairing error ${code}`);
  const delay = items.get(TLV.retryDelay);
  const seconds = delay && delay.length <= 6 && delay.length > 0 ? delay.readUIntLE(0, delay.length) : 0;
  return new AccessoryError(fault, seconds > 0 ? `it asks for ${seconds} seconds` : undefined);
}

function badStatus({ status }: HapMessage): AccessoryError {
  if (status === 429) return new AccessoryError('busy');
  if (status === 503) return new AccessoryError('busy', 'status 503');
  return status === 200
    ? new AccessoryError('protocol', 'a malformed pairing message')
    : new AccessoryError('refused', `status ${status}`);
}
