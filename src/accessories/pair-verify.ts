import type { HapHttpClient } from './http-client.ts';
import type { PairingKeys } from './types.ts';

import { errorText } from '../base/errors.ts';
import {
  deriveKey,
  generateX25519,
  namedNonce,
  open,
  seal,
  sharedX25519,
  signEd25519,
  verifyEd25519,
} from './crypto.ts';
import { AccessoryError } from './errors.ts';
import { toSessionKeys } from './frames.ts';
import { askPairing, itemOf } from './pairing-message.ts';
import { decodeTlv, encodeTlv, TLV } from './tlv.ts';

/**
 * Proves to each other who is who, with the keys of the pairing, and seals the connection from then on (5.7).
 * @throws AccessoryError `impostor` when it is another one, `not_paired` when it does not know us any more.
 */
export async function pairVerify(
  client: HapHttpClient,
  accessoryId: string,
  keys: PairingKeys,
): Promise<void> {
  const own = generateX25519();
  const m2 = await askPairing(client, '/pair-verify', 2, [
    [TLV.state, 1],
    [TLV.publicKey, own.publicKey],
  ]);
  const theirs = itemOf(m2, TLV.publicKey);
  const secret = toSharedSecret(own, theirs);
  const key = deriveKey(secret, 'Pair-Verify-Encrypt-Salt', 'Pair-Verify-Encrypt-Info');

  const opened = open(key, namedNonce('PV-Msg02'), itemOf(m2, TLV.encryptedData));
  const items = opened && decodeTlv(opened);
  if (!items) throw new AccessoryError('protocol', 'its first message of pair-verify cannot be opened');
  const identifier = itemOf(items, TLV.identifier);
  const proof = Buffer.concat([theirs, identifier, own.publicKey]);
  if (
    identifier.toString().toUpperCase() !== accessoryId.toUpperCase() ||
    !verifyEd25519(keys.accessoryPublicKey, proof, itemOf(items, TLV.signature))
  ) {
    throw new AccessoryError('impostor');
  }

  const signed = Buffer.concat([own.publicKey, Buffer.from(keys.controllerId), theirs]);
  const introduction = encodeTlv([
    [TLV.identifier, Buffer.from(keys.controllerId)],
    [TLV.signature, signEd25519(keys, signed)],
  ]);
  await askPairing(client, '/pair-verify', 4, [
    [TLV.state, 3],
    [TLV.encryptedData, seal(key, namedNonce('PV-Msg03'), introduction)],
  ]);
  client.secure(toSessionKeys(secret));
}

function toSharedSecret(own: ReturnType<typeof generateX25519>, theirs: Buffer): Buffer {
  try {
    return sharedX25519(own, theirs);
  } catch (error) {
    throw new AccessoryError('protocol', `its key of pair-verify is none: ${errorText(error)}`);
  }
}
