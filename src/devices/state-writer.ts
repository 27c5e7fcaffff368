import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { CapabilityRecord, ComponentRecord } from './inventory.ts';

import { writeAvailable, writeState } from './writer.ts';

/**
 * How long values wait in memory. A power cut may cost them (the devices' retained messages restore most); a shorter
 * wait costs card life: every flush writes whole pages.
 */
const FLUSH_AFTER_MS = 10_000;

/** Writes values in batches, the last one of each capability, so that a chatty sensor does not wear out the card. */
export class StateWriter {
  readonly #store: Store;
  readonly #log: Logger;
  #values = new Set<CapabilityRecord>();
  #components = new Set<ComponentRecord>();
  /** Said again: the time of that is worth writing at the end only. */
  readonly #repeated = new Set<CapabilityRecord>();
  #timer: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  noteValue(record: CapabilityRecord): void {
    this.#values.add(record);
    this.#arm();
  }

  noteRepeated(record: CapabilityRecord): void {
    this.#repeated.add(record);
  }

  noteAvailable(component: ComponentRecord): void {
    this.#components.add(component);
    this.#arm();
  }

  /** Writes what waits, now. A disk that refuses keeps it waiting. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#values.size === 0 && this.#components.size === 0) return;
    try {
      this.#store.write((tx) => {
        for (const { key, value, reportedMs } of this.#values) writeState(tx, key, value, reportedMs ?? 0);
        for (const { key, available } of this.#components) writeAvailable(tx, key, available);
      });
      this.#values = new Set();
      this.#components = new Set();
      if (this.#failed) this.#log.info('device states are written again');
      this.#failed = false;
    } catch (error) {
      if (!this.#failed)
        this.#log.error({ err: error }, 'device states could not be written; they wait in memory');
      this.#failed = true;
      this.#arm();
    }
  }

  /** Writes what waits and stops. */
  close(): void {
    for (const record of this.#repeated) this.#values.add(record);
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }
}
