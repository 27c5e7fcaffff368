export const CAUSE_KINDS = ['person', 'automation', 'device', 'service', 'hub'] as const;

/**
 * Who brought something about: a person (also one at a switch, or with Apple Home, whom nobody can tell from others), an
 * automation of this hub, the device by itself, a program with a key or an account of its own, or the hub.
 */
export type CauseKind = (typeof CAUSE_KINDS)[number];

export interface Cause {
  readonly kind: CauseKind;
  /** The user or the key, the entity of the automation; null where that is not known or there is none. */
  readonly id: string | null;
}

/** `state`: it became so. `event`: a moment, such as a press. `command`: it was ordered and handed to the device. */
export const ACTIVITY_TYPES = ['state', 'event', 'command'] as const;
export type ActivityType = (typeof ACTIVITY_TYPES)[number];

/** As JSON has it. Of a state null is "unknown from here on", of a command "not to be told". */
export type ActivityValue = boolean | number | string | Readonly<Record<string, number>> | null;

/** One thing that happened to one capability of one device. */
export interface ActivityEvent {
  /** Ms since the Unix epoch. */
  readonly timeMs: number;
  readonly type: ActivityType;
  readonly value: ActivityValue;
  readonly cause: Cause;
}

/** One thing that happened to a device. */
export interface DeviceEvent extends ActivityEvent {
  /** The capability's name; `available` for whether it can be reached. */
  readonly capability: string;
}

export interface ActivityQuery {
  readonly entityId: string;
  /** Only of this one. */
  readonly capability?: string | undefined;
  /** From here, */
  readonly fromMs: number;
  /** up to but not at this time. */
  readonly toMs: number;
  readonly limit: number;
  /** The `nextCursor` of the page before; 0 for the first. */
  readonly cursor: number;
}

export interface ActivityPage {
  /** Newest first. */
  readonly items: readonly DeviceEvent[];
  /** For the next page; null at the end. */
  readonly nextCursor: number | null;
}

/** What one capability did within one day of UTC, by time. */
export interface SeriesEvents {
  readonly entityId: string;
  readonly capability: string;
  readonly events: readonly ActivityEvent[];
}

/** A stretch in which the hub ran and wrote down what happened. Its end may lag ten minutes after a power cut. */
export interface RunSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** What doors and other rules ask of the history. */
export interface ActivityHistory {
  /** True where anything of the device is kept. */
  has(entityId: string): boolean;
  query(query: ActivityQuery): ActivityPage;
  /**
   * Everything from `fromMs` up to but not at `toMs`, day of UTC by day of UTC, in slices of some milliseconds' work, so
   * that the caller can give way between them. Within a day the order of the series is open.
   */
  scan(fromMs: number, toMs: number): Generator<readonly SeriesEvents[]>;
  /** When the hub ran, by time, not overlapping; empty while the clock was never set. */
  spans(): readonly RunSpan[];
}

export interface ActivityExpiry {
  readonly deletedRows: number;
  /** False where there is more to do than one short transaction takes: call again. */
  readonly isDone: boolean;
}

/** The devices as this part needs them. */
export interface ActivitySource {
  list(): readonly SourceDevice[];
  view(entityId: string): SourceDevice | undefined;
  /** `wake` is called in the turn of a change; whoever takes at once misses none of them. */
  follow(wake: () => void): SourceFollower;
  followCommands(told: (command: SourceCommand, stage: 'sending' | 'sent' | 'failed') => void): Disposable;
}

export interface SourceFollower extends Disposable {
  take(): readonly SourceChange[];
}

export interface SourceDevice {
  readonly entityId: string;
  readonly capabilities: readonly SourceCapability[];
  readonly values: ReadonlyMap<string, { readonly value: unknown }>;
}

export interface SourceCapability {
  readonly name: string;
  readonly kind: string;
  readonly writable: boolean;
  readonly options?: readonly string[];
  /** Settings and diagnostics are nobody's doing. */
  readonly category: string | null;
}

/** A changed value. The capability `available` tells that a device went away or came back. */
export interface SourceChange {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly origin: string;
  readonly isEvent?: true;
  readonly isKept?: true;
}

/** A value on its way to a device, without secrets. */
export interface SourceCommand {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly origin: string;
  readonly by: { readonly kind: 'person' | 'service'; readonly userId: string | null } | null;
  readonly timestampMs: number;
}
