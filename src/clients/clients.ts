import type { Clock } from '../base/clock.ts';
import type { Store } from '../base/store.ts';
import type { ClientRecord, ClientRecordChanges } from './types.ts';

import { HubError } from '../base/errors.ts';
import { readRecord, readRecords } from './reader.ts';
import { deleteRecord, insertRecord, trimRecords, updateRecord } from './writer.ts';

export type { ClientRecord } from './types.ts';

/** Any client can make up names for itself; what was quiet for longest is forgotten. */
const MAX_RECORDS = 1000;
/** After a failure: doubled for each that came before it in a row, up to 64 times. */
const FIRST_RETRY_MS = 30_000;
const MAX_DOUBLINGS = 6;

/**
 * What clients of Inbetweenies v2 note about their own syncs. They send the token that they sync with, too: nobody needs
 * it here, so it is never taken in.
 */
export class ClientRecords {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor({ store, clock }: { store: Store; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  get(clientId: string): ClientRecord | undefined {
    return readRecord(this.#store.db, clientId);
  }

  /** @throws HubError `not_found`. */
  existing(clientId: string): ClientRecord {
    return existing(this.get(clientId));
  }

  /** In the order in which they were made. */
  list(limit: number): ClientRecord[] {
    return readRecords(this.#store.db, limit);
  }

  /** Makes the record of a client, or notes where it syncs with now. */
  async put(clientId: string, serverUrl: string): Promise<ClientRecord> {
    if (this.get(clientId)) return await this.#change(clientId, () => ({ serverUrl }));
    this.#store.write((tx) => {
      insertRecord(tx, clientId, serverUrl, this.#clock.nowMs());
      trimRecords(tx, MAX_RECORDS);
    });
    await this.#store.durable();
    return this.existing(clientId);
  }

  /** @throws HubError `not_found`, as the others do. */
  async begin(clientId: string): Promise<ClientRecord> {
    return await this.#change(clientId, () => ({ inProgress: true, lastSyncMs: this.#clock.nowMs() }));
  }

  async succeed(clientId: string): Promise<ClientRecord> {
    return await this.#change(clientId, ({ syncs }) => ({
      inProgress: false,
      lastSuccessMs: this.#clock.nowMs(),
      lastError: null,
      failures: 0,
      syncs: syncs + 1,
      nextRetryMs: null,
    }));
  }

  /** Without `nextRetryMs` the wait doubles with each failure in a row. */
  async fail(clientId: string, error: string, nextRetryMs?: number): Promise<ClientRecord> {
    return await this.#change(clientId, ({ syncs, failures }) => ({
      inProgress: false,
      lastError: error,
      failures: failures + 1,
      syncs: syncs + 1,
      nextRetryMs:
        nextRetryMs ?? this.#clock.nowMs() + FIRST_RETRY_MS * 2 ** Math.min(failures, MAX_DOUBLINGS),
    }));
  }

  async remove(clientId: string): Promise<void> {
    const removed = this.#store.write((tx) => deleteRecord(tx, clientId));
    if (!removed) throw noRecord();
    await this.#store.durable();
  }

  async #change(
    clientId: string,
    change: (record: ClientRecord) => ClientRecordChanges,
  ): Promise<ClientRecord> {
    const changed = this.#store.write((tx) => {
      const record = existing(readRecord(tx, clientId));
      const next = { ...record, ...change(record), updatedMs: this.#clock.nowMs() };
      updateRecord(tx, next);
      return next;
    });
    await this.#store.durable();
    return changed;
  }
}

function existing(record: ClientRecord | undefined): ClientRecord {
  if (!record) throw noRecord();
  return record;
}

function noRecord(): HubError {
  return new HubError('not_found', 'Sync metadata not found');
}
