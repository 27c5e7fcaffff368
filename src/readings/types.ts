/** A value that was reported, or, where it is null, the moment from which it is unknown. */
export interface Reading {
  /** Ms since the Unix epoch; a series has at most one reading in a millisecond. */
  readonly timeMs: number;
  readonly value: number | null;
}

/**
 * What is known of one series in one bucket of UTC time. A value holds until the next reading, for at most `holdMs` of
 * the series; the rest of the time is unknown and weighs nothing.
 */
export interface Aggregate {
  readonly startMs: number;
  /** Weighed by the time for which each value held. */
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** The value at the first known moment of the bucket, which may have been reported before it. */
  readonly first: number;
  readonly last: number;
  /** For how much of the bucket the value is known. */
  readonly coveredMs: number;
  /** Readings within the bucket; 0 where a value of before holds. */
  readonly samples: number;
  /** Of a counter: by how much it rose where that was watched (see CounterWatch); null for anything else. */
  readonly rise: number | null;
}

export type Resolution = 'raw' | '5m' | '1h';

export interface ReadingsQuery {
  readonly entityId: string;
  readonly capability: string;
  /** From here, */
  readonly fromMs: number;
  /** up to but not at this time. A bucket belongs to the time of its start. */
  readonly toMs: number;
  readonly resolution: Resolution | 'auto';
  /** At most MAX_PAGE items. */
  readonly limit: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: number | null;
}

export type ReadingsPage = (
  | { readonly resolution: 'raw'; readonly items: readonly Reading[] }
  | { readonly resolution: '5m' | '1h'; readonly items: readonly Aggregate[] }
) & {
  /** The time at which the next page begins; null at the end. */
  readonly nextCursor: number | null;
};

/** What doors that show history need of the rules. */
export interface ReadingHistory {
  /** True where something was ever recorded and is still kept. */
  has(entityId: string, capability: string): boolean;
  /** Ordered by time. Buckets of which nothing is known are left out. */
  query(query: ReadingsQuery): ReadingsPage;
}

/** Which buckets of a series, from `fromMs` up to but not at `toMs`; a bucket belongs to the time of its start. */
export interface ScanQuery {
  readonly entityId: string;
  readonly capability: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly resolution: '5m' | '1h';
}

/** A reading of many series one after the other, for whoever looks at months of a whole home. */
export interface SeriesScan {
  /**
   * Ordered by time, in slices that take a millisecond or two each, so that the caller can give way between them.
   * Buckets of which nothing is known are left out; a slice may be empty.
   */
  buckets(query: ScanQuery): Generator<readonly Aggregate[]>;
}

/** How long each resolution is kept, in days. */
export interface Retention {
  readonly rawDays: number;
  readonly fiveMinuteDays: number;
  readonly hourlyDays: number;
}

export interface ExpiryResult {
  readonly deletedRows: number;
  /** False where there is more to do than one short transaction takes: call again. */
  readonly isDone: boolean;
}

/** The devices as this part needs them. */
export interface ReadingSource {
  list(): readonly SourceDevice[];
  /** `wake` is called in the turn of a change; whoever takes at once misses none of them. */
  follow(wake: () => void): SourceFollower;
}

export interface SourceFollower extends Disposable {
  take(): readonly SourceChange[];
}

/** A changed value. The capability `available` tells that a device went away or came back. */
export interface SourceChange {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly timestampMs: number;
}

export interface SourceDevice {
  readonly entityId: string;
  readonly capabilities: readonly SourceCapability[];
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly timestampMs: number | null }>;
}

export interface SourceCapability {
  readonly name: string;
  readonly state_class?: string;
}
