import { HAPStorage } from '@homebridge/hap-nodejs';

import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';

import { StartError } from '../base/errors.ts';
import { storageSingleton } from './hap-internals.ts';
import { readStoredText } from './reader.ts';
import { writeStoredText } from './writer.ts';

const RETRY_MS = 30_000;

/**
 * hap-nodejs keeps its keys, pairings and id caches through an object with these four methods (HAPFileStorage). This one
 * keeps them in the hub's database, so that pairings and graph share one file, one durability and one backup: an id
 * cache rolled back behind a newer graph would swap accessory ids.
 *
 * A write never throws. The library writes from timers and in the middle of a pairing, where an exception would end the
 * process; what the disk refused is served from memory, logged, and tried again.
 */
export class SqliteHapStorage implements Disposable {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #unsaved = new Map<string, string | null>();
  #retry: NodeJS.Timeout | undefined;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  initSync(): void {
    // The table is there already: the store migrates before any part starts.
  }

  /** A fresh copy each time: the library changes what it gets in place. */
  getItem(key: string): unknown {
    const text = this.#unsaved.get(key) ?? (this.#unsaved.has(key) ? undefined : this.#read(key));
    return text === undefined ? undefined : JSON.parse(text);
  }

  setItemSync(key: string, value: unknown): void {
    this.#unsaved.set(key, JSON.stringify(value));
    this.#save();
  }

  removeItemSync(key: string): void {
    this.#unsaved.set(key, null);
    this.#save();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#retry);
    if (this.#unsaved.size > 0) this.#save();
    clearTimeout(this.#retry);
  }

  #read(key: string): string | undefined {
    const stored = readStoredText(this.#store.db, key);
    return stored === undefined ? undefined : this.#store.secrets.open(nameOf(key), stored);
  }

  #save(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      this.#store.write((tx) => {
        for (const [key, value] of this.#unsaved) {
          const { secrets } = this.#store;
          writeStoredText(tx, key, value === null ? null : secrets.seal(nameOf(key), value));
        }
      });
      this.#unsaved.clear();
    } catch (error) {
      this.#log.error(
        { err: error, keys: [...this.#unsaved.keys()] },
        'HomeKit pairings and ids could not be stored; they are kept in memory and tried again',
      );
      this.#retry = setTimeout(() => this.#save(), RETRY_MS).unref();
      return;
    }
    this.#store.durable().catch((error: unknown) => {
      this.#log.error({ err: error }, 'HomeKit pairings and ids may not survive a power cut');
    });
  }
}

function nameOf(key: string): string {
  return `hap_storage/${key}`;
}

/**
 * Makes hap-nodejs use `storage` until disposed.
 * @throws StartError when a bridge runs in this process already: the library has one storage for the whole process.
 */
export function installHapStorage(storage: SqliteHapStorage): Disposable {
  const singleton = storageSingleton(HAPStorage);
  if (singleton.localStore !== undefined) {
    throw new StartError('homekit', 'a HomeKit bridge already runs in this process; stop it first.');
  }
  singleton.localStore = storage;
  return {
    [Symbol.dispose]() {
      if (singleton.localStore === storage) singleton.localStore = undefined;
    },
  };
}
