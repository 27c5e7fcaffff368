import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { AccessoryPairing } from '../../src/accessories/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger } from '../../src/base/log.ts';
import { openSecrets } from '../../src/base/secrets-at-rest.ts';
import { Store } from '../../src/base/store.ts';
import { generateEd25519 } from '../../src/accessories/crypto.ts';
import { PairingStore } from '../../src/accessories/pairing-store.ts';
import { accessorySecrets, accessoryTables } from '../../src/accessories/tables.ts';

function newPairing(): AccessoryPairing {
  return {
    id: 'CA:FE:00:00:00:01',
    name: 'Lamp',
    address: '192.0.2.7',
    port: 51827,
    keys: { controllerId: 'ME', ...generateEd25519(), accessoryPublicKey: generateEd25519().publicKey },
  };
}

async function openStore(folder: string, passphrase: string | null): Promise<Store> {
  const store = await Store.open({
    file: join(folder, 'hub.db'),
    clock: systemClock,
    log: silentLogger,
    migrations: [keptValueTables, accessoryTables],
  });
  await openSecrets({
    store,
    passphrase,
    remove: false,
    columns: accessorySecrets,
    files: [],
    copies: folder,
    log: silentLogger,
  });
  return store;
}

test('a pairing comes back as it was kept, moves, and is forgotten', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pairings-'));
  try {
    const pairing = newPairing();
    {
      await using store = await openStore(folder, null);
      const pairings = new PairingStore(store, systemClock);
      await pairings.keep(pairing);
      expect(pairings.list()).toEqual([pairing]);
      pairings.moved(pairing.id, '192.0.2.8', 1234);
    }
    // A passphrase that comes later seals what was in plain.
    {
      await using store = await openStore(folder, 'correct horse');
      const pairings = new PairingStore(store, systemClock);
      expect(pairings.list()).toEqual([{ ...pairing, address: '192.0.2.8', port: 1234 }]);
      await pairings.keep(pairing);
      expect(pairings.list()).toEqual([pairing]);
      expect(store.db.get<{ secret_key: string }>('SELECT secret_key FROM hap_pairing')?.secret_key).toMatch(
        /^sealed:/,
      );
    }
    const secret = pairing.keys.secretKey.toString('base64url');
    expect(readFileSync(join(folder, 'hub.db')).includes(secret)).toBe(false);
    {
      await using store = await openStore(folder, 'correct horse');
      const pairings = new PairingStore(store, systemClock);
      await pairings.forget(pairing.id);
      expect(pairings.list()).toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
