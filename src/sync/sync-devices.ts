import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { SyncDevice } from './types.ts';

import { readSyncDevices } from './reader.ts';
import { deleteSyncDevice, writeSyncDevice } from './writer.ts';

/** Device ids are free text in a client's hand: the one that synced longest ago makes room. */
const MAX_DEVICES = 500;
/** A client that only polls is written this rarely: its last sync is no fact worth the card's wear. */
const WRITE_IDLE_EVERY_MS = 60_000;

/** What a sync reads and notes about the client that makes it. */
export type DeviceBook = Pick<SyncDevices, 'get' | 'clock' | 'write' | 'note' | 'noteFailure'>;

/** The clients that sync, in memory and in the table, the one that synced longest ago first. */
export class SyncDevices {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #devices = new Map<string, SyncDevice>();
  readonly #writtenAtMs = new Map<string, number>();

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
    for (const device of readSyncDevices(store.db, MAX_DEVICES).reverse()) {
      this.#devices.set(device.deviceId, device);
      this.#writtenAtMs.set(device.deviceId, device.lastSyncMs ?? 0);
    }
  }

  /**
   * What is noted about the clients of somebody. Who may only look is not remembered: a guest could name the phone of
   * somebody else, or push all of them out with names that he makes up.
   */
  bookOf(mayPush: boolean): DeviceBook {
    if (mayPush) return this;
    return {
      get: () => undefined,
      clock: () => this.clock(),
      write: () => undefined,
      note: () => undefined,
      noteFailure: () => undefined,
    };
  }

  /** Those that are remembered, the one that synced longest ago first. */
  list(): SyncDevice[] {
    return [...this.#devices.values()];
  }

  get(deviceId: string): SyncDevice | undefined {
    return this.#devices.get(deviceId);
  }

  /** The newest version of each device that ever pushed, for the vector clock. */
  clock(): Map<string, string> {
    const clock = new Map<string, string>();
    for (const { deviceId, clockValue } of this.#devices.values()) {
      if (clockValue !== null) clock.set(deviceId, clockValue);
    }
    return clock;
  }

  /** Writes what a push tells about the device, in the transaction of the push. Call `note` once it is committed. */
  write(tx: Tx, device: SyncDevice): void {
    writeSyncDevice(tx, device);
    const oldest = this.#devices.keys().next();
    if (this.#devices.size >= MAX_DEVICES && !this.#devices.has(device.deviceId) && !oldest.done) {
      deleteSyncDevice(tx, oldest.value);
    }
  }

  /** Keeps what is known now; the table follows when it was not written for a minute. */
  note(device: SyncDevice, written: boolean): void {
    const lastWrittenMs = this.#writtenAtMs.get(device.deviceId);
    const nowMs = device.lastSyncMs ?? 0;
    const idle = lastWrittenMs === undefined || Math.abs(nowMs - lastWrittenMs) >= WRITE_IDLE_EVERY_MS;
    // What somebody has asked for must not be forgotten at a restart.
    const due = idle || this.#devices.get(device.deviceId)?.startsOverMs !== device.startsOverMs;
    if (!written && due) this.#writeAlone(device);
    if (written || due) this.#writtenAtMs.set(device.deviceId, nowMs);
    this.#devices.delete(device.deviceId);
    this.#devices.set(device.deviceId, device);
    const oldest = this.#devices.keys().next();
    if (this.#devices.size > MAX_DEVICES && !oldest.done) {
      this.#devices.delete(oldest.value);
      this.#writtenAtMs.delete(oldest.value);
    }
  }

  /**
   * Keeps why a sync did not work, in memory: a disk that refuses must not be written to for it. A client that has never
   * synced is not let in by failing where there is no room.
   */
  noteFailure(client: Pick<SyncDevice, 'deviceId' | 'userId' | 'protocol'>, lastError: string): void {
    const before = this.#devices.get(client.deviceId);
    if (!before && this.#devices.size >= MAX_DEVICES) return;
    const unknown = { lastSyncMs: null, clockValue: null, cursorSeq: 0, startsOverMs: null };
    this.#devices.set(client.deviceId, { ...(before ?? unknown), ...client, lastError });
  }

  #writeAlone(device: SyncDevice): void {
    try {
      this.#store.write((tx) => this.write(tx, device));
    } catch (error) {
      // Somebody who only reads must go on reading from a full or broken disk.
      this.#log.warn({ err: error, device_id: device.deviceId }, 'when a device synced last was not stored');
    }
  }
}
