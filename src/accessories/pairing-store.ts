import type { Clock } from '../base/clock.ts';
import type { Store } from '../base/store.ts';
import type { PairingRow } from './reader.ts';
import type { AccessoryPairing } from './types.ts';

import { readPairings } from './reader.ts';
import { removePairing, writePairing, writePairingAddress } from './writer.ts';

/** The pairings with imported accessories, in the hub's database and so in its backups; the secret keys are sealed. */
export class PairingStore {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Oldest first. @throws SealedError when a key was sealed with another passphrase. */
  list(): AccessoryPairing[] {
    return readPairings(this.#store.db).map((row) => ({
      id: row.id,
      name: row.name,
      address: row.address,
      port: row.port,
      keys: {
        controllerId: row.controllerId,
        publicKey: Buffer.from(row.publicKey, 'base64url'),
        secretKey: Buffer.from(this.#store.secrets.open(sealName(row.id), row.secretKey), 'base64url'),
        accessoryPublicKey: Buffer.from(row.accessoryPublicKey, 'base64url'),
      },
    }));
  }

  /** Resolves when a power cut cannot take it back: an accessory whose pairing is lost has to be reset. */
  async keep({ id, name, address, port, keys }: AccessoryPairing): Promise<void> {
    const row: PairingRow = {
      id,
      name,
      address,
      port,
      controllerId: keys.controllerId,
      publicKey: keys.publicKey.toString('base64url'),
      secretKey: this.#store.secrets.seal(sealName(id), keys.secretKey.toString('base64url')),
      accessoryPublicKey: keys.accessoryPublicKey.toString('base64url'),
    };
    this.#store.write((tx) => writePairing(tx, row, this.#clock.nowMs()));
    await this.#store.durable();
  }

  /** To be called when it moved, not at each announcement: it is a write to the disk. */
  moved(id: string, address: string, port: number): void {
    this.#store.write((tx) => writePairingAddress(tx, id, address, port));
  }

  /** After the accessory was unpaired, or where a person gives it up. */
  async forget(id: string): Promise<void> {
    this.#store.write((tx) => removePairing(tx, id));
    await this.#store.durable();
  }
}

function sealName(id: string): string {
  return `hap_pairing/${id}`;
}
