import type { ConnectionOptions } from './connection.ts';
import type { HapController } from './types.ts';

import { HapAccessoryConnection } from './connection.ts';
import { HapHttpClient } from './http-client.ts';
import { pairSetup, toSetupCode } from './pair-setup.ts';
import { identifyUnpaired } from './session.ts';

/** The way to accessories that speak HAP over IP, on our own transport. */
export function createHapController(options: ConnectionOptions): HapController {
  return {
    async pair(found, code) {
      const setupCode = toSetupCode(code);
      using client = await HapHttpClient.open(found);
      const keys = await pairSetup(client, found.id, setupCode);
      return { id: found.id, name: found.name, address: found.address, port: found.port, keys };
    },
    async identify(found) {
      await identifyUnpaired(found);
    },
    connect: (pairing, listener) => new HapAccessoryConnection(pairing, listener, options),
  };
}

/** What a person has to know before pairing; null where the accessory says that it is free. */
export function pairingNotice(isPairable: boolean): string | null {
  return isPairable
    ? null
    : 'This accessory is paired already, with Apple Home or another hub, and an accessory takes only one. To add it here, remove it there first: rooms, scenes and automations that use it there are lost. Or leave it where it is.';
}
