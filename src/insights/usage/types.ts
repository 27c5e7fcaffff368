/** The home as this part needs it. */
export interface UsageHome {
  /** How many entities there are of each type. */
  entityCounts(): ReadonlyMap<string, number>;
  /** Null for what is gone. */
  nameOf(entityId: string): string | null;
}

export const USAGE_CAUSES = ['person', 'automation', 'device', 'service', 'hub'] as const;
export type CauseCounts = Readonly<Record<(typeof USAGE_CAUSES)[number], number>>;

/** One day of the home's calendar. */
export interface UsageDay {
  /** `2026-03-29`. */
  readonly date: string;
  /** Values that changed, and presses. */
  readonly events: number;
  readonly commands: number;
  /** Who brought the events about. */
  readonly byCause: CauseCounts;
  /** For how much of the day the hub ran, up to now where it is today. */
  readonly coveredMs: number;
  readonly lengthMs: number;
}

export interface ActiveDevice {
  readonly entityId: string;
  readonly name: string | null;
  readonly events: number;
  readonly commands: number;
  /** Events that people brought about. */
  readonly byPeople: number;
  readonly lastMs: number;
}

export interface UsageReport {
  readonly fromMs: number;
  readonly toMs: number;
  readonly zone: string;
  /** Since when there are records at all; null where there are none. */
  readonly recordedSinceMs: number | null;
  /** When, within the time, the hub did not run: what happened then is not known. */
  readonly gaps: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly entities: ReadonlyMap<string, number>;
  readonly days: readonly UsageDay[];
  /** The most active first. */
  readonly devices: readonly ActiveDevice[];
}
