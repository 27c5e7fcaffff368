/** What a client notes about its syncs. Times are ms since the Unix epoch. */
export interface ClientRecord {
  readonly id: number;
  /** The client's own name for itself. */
  readonly clientId: string;
  readonly serverUrl: string;
  readonly lastSyncMs: number | null;
  readonly lastSuccessMs: number | null;
  readonly lastError: string | null;
  /** In a row. */
  readonly failures: number;
  /** That ended, either way. */
  readonly syncs: number;
  readonly inProgress: boolean;
  readonly nextRetryMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** What a step of a sync changes in a record. */
export type ClientRecordChanges = Partial<Omit<ClientRecord, 'id' | 'clientId' | 'createdMs' | 'updatedMs'>>;
