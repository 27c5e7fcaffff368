import type { JsonObject } from '../../base/json.ts';

/** A value that somebody sets, as JSON has it. */
export type SetValue = boolean | number | string;

/** What an automation would do. */
export interface Target {
  readonly entityId: string;
  readonly capability: string;
  readonly value: SetValue;
}

export const FRAMES = ['clock', 'sunrise', 'sunset'] as const;
/** By what a habit goes: the clock on the wall, or the sun. */
export type Frame = (typeof FRAMES)[number];

/** What a device can do or tell, as far as this part looks at it. */
export interface HabitCapability {
  readonly name: string;
  readonly kind: string;
  readonly writable: boolean;
  /** Settings and diagnostics are nobody's habit. */
  readonly category: string | null;
  readonly options?: readonly string[];
  readonly commands?: readonly string[];
  /** What kinds of device commanding it commands: `light`, `lock` … */
  readonly commandKinds: readonly string[];
}

export interface HabitDevice {
  readonly entityId: string;
  readonly name: string;
  readonly roomId: string | null;
  /** Since when the home has it, ms since the Unix epoch; null where that is not known. */
  readonly knownSinceMs: number | null;
  readonly capabilities: readonly HabitCapability[];
}

/** An automation or a schedule that is there already. */
export interface ExistingAutomation {
  readonly id: string;
  readonly content: JsonObject;
}

/** The home as this part needs it. */
export interface HabitHome {
  devices(): readonly HabitDevice[];
  automations(): readonly ExistingAutomation[];
  /** False for one that was deleted. */
  hasAutomation(id: string): boolean;
  /** Writes an automation entity. @returns its id, once it is durable. */
  createAutomation(content: JsonObject, userId: string): Promise<string>;
}

/** What sets an automation off. `minute` is of the day, or after the sun's event (before it: negative). */
export type Rule =
  | {
      readonly type: 'time';
      readonly frame: Frame;
      readonly minute: number;
      /** 0 (Sunday) to 6; all seven where it is every day. */
      readonly weekdays: readonly number[];
    }
  | {
      readonly type: 'trigger';
      readonly source: TriggerSource;
      readonly withinMs: number;
      /** Only after sunset and before sunrise. */
      readonly whenDark: boolean;
      /** How long it has to be so first; 0: it is done at once. */
      readonly forMs: number;
    }
  | {
      readonly type: 'saving';
      readonly reason: 'empty_room' | 'open_window' | 'standby';
      readonly source: TriggerSource | ClockSource;
      readonly forMs: number;
      /** What has to be so as well. */
      readonly conditions: readonly StateCondition[];
      /** What would be saved while it is off, W; absent where that is not measured. */
      readonly powerW?: number;
    };

export interface StateCondition {
  readonly entityId: string;
  readonly capability: string;
  readonly is?: SetValue;
  readonly below?: number;
}

/** A time of every day, minutes since midnight. */
export interface ClockSource {
  readonly type: 'clock';
  readonly minute: number;
}

export type TriggerSource =
  | {
      readonly type: 'state' | 'event';
      readonly entityId: string;
      readonly capability: string;
      readonly value: SetValue;
    }
  | { readonly type: 'presence'; readonly event: 'first_arrives' | 'last_leaves' };

/** How good a rule is. The unit of evidence is a day; a day on which it half happened counts half. */
export interface Evidence {
  /** Days on which it happened, such as `2026-03-29`, in order. */
  readonly days: readonly string[];
  /** Days on which it could have happened and did not. */
  readonly missedDays: readonly string[];
  readonly support: number;
  readonly eligibleDays: number;
  readonly confidence: number;
  /** The lower end of the 95 % interval of the confidence. */
  readonly wilsonLower: number;
  /** Of confidence to what chance would give; null of a rule that is no habit but saves something. */
  readonly lift: number | null;
  /** After allowing for all that was tried; null likewise. */
  readonly pValue: number | null;
  /** Confidence in the first and the second half of the days. */
  readonly halves: readonly [number, number];
  /** Circular standard deviation of the times, minutes; null where times do not matter. */
  readonly spreadMinutes: number | null;
  /** It counts when it happened at most so many minutes before or after the time of the rule; null likewise. */
  readonly windowMinutes: number | null;
  /** Share of all that was done of this kind that the rule would have taken over; null where that does not apply. */
  readonly coverage: number | null;
}

/** What the automation would have done on the very days on which the habit was found. */
export interface DryRun {
  readonly firings: number;
  readonly right: number;
  readonly wrong: number;
  readonly days: number;
  /** The same on days of which the rule knew nothing. */
  readonly heldOut: HeldOut | null;
}

/**
 * The rule as it would have been found in the first two thirds of the days, tried on the rest. Null, where this is
 * given, if it would not have been found then or there is too little left to try it on.
 */
export interface HeldOut {
  readonly firings: number;
  readonly right: number;
  readonly wrong: number;
  /** Days of the rest on which it could fire. */
  readonly days: number;
}

export interface Candidate {
  readonly rule: Rule;
  readonly target: Target;
  readonly evidence: Evidence;
  readonly dryRun: DryRun;
  /** The moments of the actions that it explains, ms. */
  readonly explainsMs: readonly number[];
}

export const SUGGESTION_STATUSES = ['proposed', 'accepted', 'dismissed', 'withdrawn'] as const;
export type SuggestionStatus = (typeof SUGGESTION_STATUSES)[number];

export interface Suggestion {
  /** The same for the same habit, however often it is found again. */
  readonly id: string;
  readonly status: SuggestionStatus;
  readonly type: Rule['type'];
  readonly title: string;
  readonly sentence: string;
  readonly target: Target & { readonly name: string };
  /** What commanding it commands; a lock, a garage door or an alarm is shown to whoever asks for it only. */
  readonly commandKinds: readonly string[];
  /** Content of the automation that it would become. */
  readonly automation: JsonObject;
  readonly evidence: Evidence;
  readonly dryRun: DryRun;
  readonly firstSeenMs: number;
  /** When it was found last. */
  readonly lastSeenMs: number;
  readonly decidedMs: number | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly automationId: string | null;
  /** How often the automation that it became did it, in the days that are looked at, */
  readonly runs: number;
  /** and how often people undid it within ten minutes. */
  readonly reverted: number;
  /** So often that the automation had better be changed or deleted. */
  readonly isOftenUndone: boolean;
}

/** What there was to look at. */
export interface Observed {
  readonly days: number;
  /** Since when there are records; null where there are none. */
  readonly sinceMs: number | null;
  /** When this was computed; null while it never was. */
  readonly computedMs: number | null;
  /** Habits that were looked at. */
  readonly tried: number;
  /** It is computed at this moment. */
  readonly isComputing: boolean;
}
