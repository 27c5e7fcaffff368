import type { ConnectionOptions } from './connection.ts';
import type { HapController } from './types.ts';

import { HapAccessoryConnection } from './connection.ts';
import { HapHttpClient } from './http-client.ts';
import { identifyUnpaired } from './session.ts';

/** The way to accessories that speak HAP over IP, on our own transport. */
export function createHapController(options: ConnectionOptions): HapController {
  return {
    async pair(found, code) {
      const { pairSetup, toSetupCode } = await import('./pair-setup.ts');
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
