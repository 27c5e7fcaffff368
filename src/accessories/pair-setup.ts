import { randomBytes, randomUUID } from 'node:crypto';

import type { HapHttpClient } from './http-client.ts';
import type { PairingKeys } from './types.ts';

import { errorText } from '../base/errors.ts';
import { deriveKey, generateEd25519, namedNonce, open, seal, signEd25519, verifyEd25519 } from './crypto.ts';
import { AccessoryError } from './errors.ts';
import { askPairing, itemOf } from './pairing-message.ts';
import { decodeTlv, encodeTlv, TLV, type TlvItems } from './tlv.ts';

/** An accessory computes for many seconds where its processor is small. */
const SLOW_MS = 45_000;

/** Eight digits, with or without the dashes, as `123-45-678`. @throws AccessoryError `malformed_code` */
export function toSetupCode(text: string): string {
  const digits = text.replaceAll(/[\s-]/g, '');
  if (!/^\d{8}$/.test(digits)) throw new AccessoryError('malformed_code');
  return `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`;
}

/**
 * Pairs with an accessory that is not paired yet, by its setup code (HomeKit Accessory Protocol, 5.6). From its fifth
 * message on the accessory belongs to this hub: what is returned must be kept, or the accessory has to be reset.
 * @throws AccessoryError
 */
export async function pairSetup(
  client: HapHttpClient,
  accessoryId: string,
  code: string,
): Promise<PairingKeys> {
  // Only somebody who pairs needs the library.
  const { SRP, SrpClient } = await import('fast-srp-hap');

  const m2 = await askPairing(
    client,
    '/pair-setup',
    2,
    [
      [TLV.state, 1],
      [TLV.method, 0],
    ],
    SLOW_MS,
  );
  const salt = itemOf(m2, TLV.salt);
  const theirs = itemOf(m2, TLV.publicKey);
  const srp = new SrpClient(
    SRP.params.hap,
    salt,
    Buffer.from('Pair-Setup'),
    Buffer.from(code),
    randomBytes(32),
  );
  try {
    srp.setB(theirs);
  } catch (error) {
    throw new AccessoryError('protocol', errorText(error));
  }

  const m4 = await askPairing(
    client,
    '/pair-setup',
    4,
    [
      [TLV.state, 3],
      [TLV.publicKey, srp.computeA()],
      [TLV.proof, srp.computeM1()],
    ],
    SLOW_MS,
  );
  try {
    srp.checkM2(itemOf(m4, TLV.proof));
  } catch (error) {
    throw new AccessoryError('impostor', 'it does not know its own setup code', { cause: error });
  }

  const secret = srp.computeK();
  const key = deriveKey(secret, 'Pair-Setup-Encrypt-Salt', 'Pair-Setup-Encrypt-Info');
  const own = { controllerId: randomUUID().toUpperCase(), ...generateEd25519() };
  const signed = Buffer.concat([
    deriveKey(secret, 'Pair-Setup-Controller-Sign-Salt', 'Pair-Setup-Controller-Sign-Info'),
    Buffer.from(own.controllerId),
    own.publicKey,
  ]);
  const introduction = encodeTlv([
    [TLV.identifier, Buffer.from(own.controllerId)],
    [TLV.publicKey, own.publicKey],
    [TLV.signature, signEd25519(own, signed)],
  ]);
  const m6 = await finish(client, seal(key, namedNonce('PS-Msg05'), introduction));
  const accessoryPublicKey = readAccessory(secret, key, itemOf(m6, TLV.encryptedData), accessoryId);
  return { ...own, accessoryPublicKey };
}

/** The accessory keeps us before it answers: when the answer is lost nobody can tell what it knows. */
async function finish(client: HapHttpClient, sealed: Buffer): Promise<TlvItems> {
  try {
    return await askPairing(
      client,
      '/pair-setup',
      6,
      [
        [TLV.state, 5],
        [TLV.encryptedData, sealed],
      ],
      SLOW_MS,
    );
  } catch (error) {
    if (!(error instanceof AccessoryError) || (error.fault !== 'dropped' && error.fault !== 'timeout'))
      throw error;
    throw new AccessoryError(
      error.fault,
      'it happened at the last step: if it now says that it is paired already, reset it',
      { cause: error },
    );
  }
}

/** The accessory's key for good, once it has shown that it is the one that knows the code. */
function readAccessory(secret: Buffer, key: Buffer, sealed: Buffer, accessoryId: string): Buffer {
  const opened = open(key, namedNonce('PS-Msg06'), sealed);
  const items = opened && decodeTlv(opened);
  if (!items) throw new AccessoryError('protocol', 'its last message of the pairing cannot be opened');
  const identifier = itemOf(items, TLV.identifier);
  const publicKey = itemOf(items, TLV.publicKey);
  const signed = Buffer.concat([
    deriveKey(secret, 'Pair-Setup-Accessory-Sign-Salt', 'Pair-Setup-Accessory-Sign-Info'),
    identifier,
    publicKey,
  ]);
  if (!verifyEd25519(publicKey, signed, itemOf(items, TLV.signature))) {
    throw new AccessoryError('impostor', 'its signature is wrong');
  }
  if (identifier.toString().toUpperCase() !== accessoryId.toUpperCase()) {
    throw new AccessoryError('impostor', 'it has another id than it announces');
  }
  return publicKey;
}
