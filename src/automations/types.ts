import type { Actor, Principal } from '../access/types.ts';
import type { CalendarRule } from '../base/calendar.ts';
import type { JsonObject } from '../base/json.ts';

export type SunEvent = 'dawn' | 'sunrise' | 'sunset' | 'dusk';

/** What a value must be like. Absent parts ask for nothing. */
export interface ValueTest {
  readonly is?: unknown;
  readonly above?: number;
  readonly below?: number;
}

/** What makes an automation run. `id` is the same as long as the trigger says the same. */
export type Trigger = { readonly id: string; readonly label: string } & (
  | { readonly type: 'time'; readonly rule: CalendarRule }
  | { readonly type: 'once'; readonly atMs: number }
  | {
      readonly type: 'sun';
      readonly event: SunEvent;
      readonly offsetMs: number;
      /** Weekdays, 0 (Sunday) to 6. */
      readonly days: ReadonlySet<number>;
    }
  | {
      readonly type: 'state';
      readonly entityId: string;
      readonly capability: string;
      readonly test: ValueTest;
      readonly from: unknown;
      readonly forMs: number;
    }
  | {
      readonly type: 'event';
      readonly entityId: string;
      readonly capability: string;
      /** Undefined: any. */
      readonly value: unknown;
    }
  | { readonly type: 'presence'; readonly event: 'first_arrives' | 'last_leaves' }
  | { readonly type: 'schedule'; readonly entityId: string }
  | { readonly type: 'manual' }
);

export type Condition =
  | {
      readonly type: 'time';
      /** Minutes since midnight; null: midnight. */
      readonly after: number | null;
      readonly before: number | null;
      readonly days: ReadonlySet<number>;
    }
  | { readonly type: 'sun'; readonly is: 'up' | 'down' }
  | {
      readonly type: 'state';
      readonly entityId: string;
      readonly capability: string;
      readonly test: ValueTest;
    }
  | { readonly type: 'any' | 'all' | 'not'; readonly conditions: readonly Condition[] };

export type Action =
  | {
      readonly type: 'command';
      readonly entityId: string;
      readonly writes: readonly { readonly capability: string; readonly value: unknown }[];
    }
  | { readonly type: 'scene'; readonly entityId: string }
  /** Runs an automation if its conditions hold; what an edge from a schedule says. */
  | { readonly type: 'automation'; readonly entityId: string }
  | { readonly type: 'note'; readonly text: string; readonly about: string | null };

/** What is wrong with a content, for a person. */
export interface Problem {
  /** Such as `triggers[0].at`. */
  readonly path: string;
  readonly message: string;
}

/** What an entity asks to be done, whether or not it can be. */
export interface Definition {
  readonly entityId: string;
  /** Of the entity that it was read from. */
  readonly version: string;
  readonly entityType: 'automation' | 'schedule';
  readonly name: string;
  /** `content.enabled` is not false. */
  readonly wanted: boolean;
  readonly triggers: readonly Trigger[];
  readonly conditions: readonly Condition[];
  readonly actions: readonly Action[];
  /** Not empty: it cannot run. */
  readonly problems: readonly Problem[];
  /** Of what it does and when: an approval is for this. A name does not change it. */
  readonly hash: string;
  /** When its present version was made, ms. */
  readonly changedMs: number;
}

/** A device with its present state, as far as this part looks at it. */
export interface AutomatedDevice {
  readonly entityId: string;
  readonly name: string;
  readonly capabilities: readonly { readonly name: string; readonly kind: string }[];
  readonly available: boolean;
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly timestampMs: number | null }>;
}

/** A value that changed. The capability `available` tells that a device went away or came back. */
export interface DeviceChange {
  readonly entityId: string;
  readonly capability: string;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly origin: string;
  /** It tells of a moment. */
  readonly isEvent?: true;
  /** It was not said just now, but kept by the broker or concluded from silence. */
  readonly isKept?: true;
}

export interface ChangeFollower extends Disposable {
  /** Takes what changed since the last call, oldest first. */
  take(): readonly DeviceChange[];
}

/** The devices as this part needs them. */
export interface AutomationDevices {
  list(): readonly AutomatedDevice[];
  view(entityId: string): AutomatedDevice | undefined;
  command(options: {
    readonly entityId: string;
    readonly writes: readonly { readonly capability: string; readonly value: unknown }[];
    readonly origin: string;
    readonly confirmWithinMs: number;
  }): Promise<string>;
  follow(wake: () => void): ChangeFollower;
}

/** Who may do what, as this part needs it. */
export interface AutomationRights {
  /** The rights that a user, an API key or the terminal has now; undefined where there is none (any more). */
  principalOf(userId: string): Principal | undefined;
  /** @throws HubError `forbidden` saying why, where the principal may not do this at all. */
  check(principal: Principal, need: Need): void;
  /** The same for a command that is about to be sent: it is counted and audited. @throws HubError. */
  authorize(principal: Principal, order: CommandNeed & { readonly automationId: string }): void;
  /** Notes in the audit log who decided what about which automation. */
  record(act: Decision): void;
}

/** What somebody decided about an automation. */
export interface Decision {
  readonly action:
    | 'automation.enable'
    | 'automation.disable'
    /** It may run as it is now: it was held, or whoever changed it may all that it does. */
    | 'automation.approve'
    | 'automation.run';
  readonly by: Actor;
  readonly entityId: string;
  readonly details: JsonObject;
}

export interface CommandNeed {
  readonly entityId: string;
  readonly writes: readonly { readonly capability: string; readonly value: unknown }[];
}

export type Need =
  | { readonly type: 'see'; readonly entityId: string }
  | { readonly type: 'see_all' }
  | ({ readonly type: 'command' } & CommandNeed)
  | { readonly type: 'control' }
  | { readonly type: 'note' };

export const OUTCOMES = [
  'claimed',
  'done',
  'partly',
  'failed',
  'conditions',
  'refused',
  'missed',
  'stopped',
  'interrupted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface ActionResult {
  readonly action: string;
  readonly ok: boolean;
  /** What came of it: `sent`, or why not. */
  readonly result: string;
}

/** A firing, or why there was none. Times are ms since the Unix epoch. */
export interface Run {
  readonly id: number;
  readonly automationId: string;
  readonly trigger: string;
  readonly why: JsonObject;
  readonly scheduledMs: number | null;
  readonly startedMs: number;
  readonly finishedMs: number | null;
  readonly outcome: Outcome;
  readonly actions: readonly ActionResult[];
}

export interface AutomationStatus {
  readonly definition: Definition;
  /** `on`: it runs. `held`: nobody who may has enabled it yet. */
  readonly status: 'on' | 'off' | 'held' | 'not_runnable';
  readonly approvedBy: string | null;
  /** Why it is held, where somebody's rights are the reason. */
  readonly reason: string | null;
  readonly nextMs: number | null;
  readonly lastRun: Run | null;
}

/** What an automation does, in sentences without a verb of their own: "at 07:30 on mon, tue". */
export interface Words {
  readonly when: readonly string[];
  readonly onlyIf: readonly string[];
  readonly actions: readonly string[];
}

/** A content that was looked at and not stored. */
export interface CheckResult {
  readonly problems: readonly Problem[];
  /** The next moments at which it would fire by time, ms, at most five. */
  readonly nextMs: readonly number[];
  readonly words: Words;
}

/** What doors need of this part. */
export interface AutomationDirectory {
  list(): AutomationStatus[];
  /** @throws HubError `not_found`. */
  status(entityId: string): AutomationStatus;
  /** What it does, with the names of what it speaks of. @throws HubError `not_found`. */
  words(entityId: string): Words;
  /**
   * Newest first; those before `beforeId` where it is not 0.
   * @param entityId null: of all, those that are gone included. @throws HubError `not_found`.
   */
  runs(entityId: string | null, limit: number, beforeId: number): Run[];
  /**
   * Somebody entitled to all it does lets it run as it is now, and switches it on.
   * @throws HubError `not_found`, `invalid`, `forbidden`.
   */
  enable(entityId: string, by: Actor): Promise<AutomationStatus>;
  /** The same for one that is held; one that is switched off stays so. @throws HubError, `conflict` for one that is off. */
  approve(entityId: string, by: Actor): Promise<AutomationStatus>;
  /** Whoever wants it to run again has to be entitled to all it does. @throws HubError `not_found`. */
  disable(entityId: string, by: Actor): Promise<AutomationStatus>;
  /**
   * Does what it does now, with the caller's rights. Where its conditions do not hold it does nothing, and the run says so,
   * unless `force` is set. @throws HubError.
   */
  run(entityId: string, by: Actor, options: { readonly force: boolean }): Promise<Run>;
  check(entityType: 'automation' | 'schedule', content: JsonObject): CheckResult;
  /**
   * Somebody has just written an entity through the API, in this turn; approves it where what it does is theirs and they
   * are entitled to all of it.
   */
  edited(entityId: string, by: Actor): void;
}
