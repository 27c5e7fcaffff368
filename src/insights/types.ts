/** What is known of one series in one bucket of UTC time. */
export interface Bucket {
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
  /** Of a counter: by how much it rose where that was watched, resets and glitches aside; null for anything else. */
  readonly rise: number | null;
}

/** The numeric history of the devices as this part needs it. */
export interface NumericHistory {
  /** True where something was ever recorded and is still kept. */
  has(entityId: string, capability: string): boolean;
  /** For how many days buckets of five minutes are kept; those of an hour stay for years. */
  readonly fiveMinuteDays: number;
  /** Opens a reading of many series. */
  scan(): BucketScan;
}

export interface BucketScan {
  /**
   * Ordered by time, in slices that take a millisecond or two each, so that the caller can give way between them.
   * Buckets of which nothing is known are left out.
   */
  buckets(query: {
    readonly entityId: string;
    readonly capability: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly resolution: '5m' | '1h';
  }): Generator<readonly Bucket[]>;
}

/** One thing that happened to one capability. */
export interface LoggedEvent {
  readonly timeMs: number;
  /** `command` was ordered, `event` is a moment, `state` is what it became. */
  readonly type: 'state' | 'event' | 'command';
  readonly value: unknown;
  readonly cause: {
    readonly kind: 'person' | 'automation' | 'device' | 'service' | 'hub';
    /** The user, the automation; null where that is not known. */
    readonly id: string | null;
  };
}

/** What happened in the home besides numbers, as this part needs it. */
export interface ActivityLog {
  /**
   * Everything from `fromMs` up to but not at `toMs`, of each capability in the order of time, in slices of some
   * milliseconds' work.
   */
  scan(
    fromMs: number,
    toMs: number,
  ): Generator<
    readonly {
      readonly entityId: string;
      readonly capability: string;
      readonly events: readonly LoggedEvent[];
    }[]
  >;
  /** When the hub ran and wrote it down, by time, not overlapping. */
  spans(): readonly { readonly startMs: number; readonly endMs: number }[];
}
