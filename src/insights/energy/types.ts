export const ENERGY_ROLES = ['device', 'main', 'solar', 'ignore'] as const;
export type EnergyRole = (typeof ENERGY_ROLES)[number];

/** A device that may measure power or energy, joined from its description and from what people say about it. */
export interface EnergyDevice {
  readonly entityId: string;
  readonly name: string;
  readonly roomId: string | null;
  readonly capabilities: readonly EnergyCapability[];
  /** What people say, by the keys of the entity's content; whatever is not understood is told in the notes. */
  readonly settings: EnergySettings;
}

export interface EnergyCapability {
  readonly name: string;
  readonly kind: string;
  readonly label: string | null;
  readonly state_class?: string;
}

export interface EnergySettings {
  /** `main`: the meter of the home; `solar`: it produces; `ignore`: it does not count; else it is a device. */
  readonly energy_role?: unknown;
  /** The id of the metered device behind which this one hangs, whose energy holds its own. */
  readonly energy_parent?: unknown;
  /** Names of the capabilities that are counted, where the usual choice is wrong. */
  readonly energy_capabilities?: unknown;
  /** Above this it is no energy but an error, in kW. */
  readonly energy_limit_kw?: unknown;
  /** True for what people can run at another time: it is looked at for cheaper hours. */
  readonly energy_shiftable?: unknown;
}

/** The home as this part needs it. */
export interface EnergyHome {
  /** Every device that has an entity, by name. */
  devices(): readonly EnergyDevice[];
  /** Null where there is no such room (any more). */
  roomName(roomId: string): string | null;
}

export const RESOLUTIONS = ['15m', 'hour', 'day'] as const;
export type EnergyResolution = (typeof RESOLUTIONS)[number];

export interface EnergyQuery {
  /**
   * Whole days of the home's calendar, from one up to but not with another (null: up to and with today); or how many up
   * to and with today.
   */
  readonly span: { readonly fromDate: string; readonly toDate: string | null } | { readonly days: number };
  readonly resolution: EnergyResolution;
  readonly entityId?: string;
  readonly roomId?: string;
  /** Null: everything, and the totals of the home. */
  readonly visible: ReadonlySet<string> | null;
  /** Every device's own buckets are wanted too. */
  readonly withSeries?: boolean;
}

/** Where energy is counted: read from the device's own counter, or made from its power. */
export type EnergySource = 'counter' | 'estimated';

export interface EnergyNote {
  readonly kind:
    | 'unattributed'
    | 'quarantined'
    | 'low_coverage'
    | 'corrected'
    | 'hourly_data'
    | 'setting'
    | 'no_price'
    | 'currency'
    | 'negative_power'
    | 'disagreement'
    | 'export'
    | 'unmetered';
  readonly entityId: string | null;
  readonly text: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly kwh?: number;
}

export interface Standby {
  /** The 5th percentile of five-minute means between 01:00 and 05:00. */
  readonly powerW: number;
  readonly nights: number;
  readonly kwhPerYear: number;
  /** At the mean price of the period; null where there is none. */
  readonly costPerYear: number | null;
}

export interface Comparison {
  readonly fromMs: number;
  readonly toMs: number;
  readonly days: number;
  /** In the complete days of the period, */
  readonly kwh: number;
  /** and in as many days before. */
  readonly beforeKwh: number;
  readonly change: number | null;
}

export interface DutyCycle {
  /** Of the last seven complete days. */
  readonly duty: number;
  readonly cycleMinutes: number;
  /** Of the 28 days before; null without enough of them. */
  readonly baseline: { readonly duty: number; readonly deviation: number; readonly days: number } | null;
}

export interface DeviceEnergy {
  readonly entityId: string;
  readonly name: string;
  readonly roomId: string | null;
  readonly roomName: string | null;
  readonly role: EnergyRole;
  readonly parentId: string | null;
  readonly source: EnergySource;
  /** Consumption; of a `solar` device production; of a `main` one what was taken from the grid. */
  readonly kwh: number;
  /** Without what the devices behind it used. */
  readonly ownKwh: number;
  /** Fed in, of a meter that tells; null otherwise. */
  readonly exportKwh: number | null;
  readonly cost: number | null;
  readonly coveredMs: number;
  readonly coverage: number;
  readonly unattributedKwh: number;
  readonly quarantinedKwh: number;
  readonly standby: Standby | null;
  readonly comparison: Comparison | null;
  readonly cycle: DutyCycle | null;
}

export interface RoomEnergy {
  readonly roomId: string | null;
  readonly name: string | null;
  readonly kwh: number;
  readonly cost: number | null;
  readonly devices: number;
}

export interface HomeEnergy {
  /** `main_meter`, or `devices` where only single devices are metered: then it is no total of the home. */
  readonly basis: 'main_meter' | 'devices';
  readonly kwh: number;
  readonly importKwh: number | null;
  readonly exportKwh: number | null;
  readonly productionKwh: number | null;
  /** Of what was taken from the grid or, without a main meter, of the devices. */
  readonly cost: number | null;
  readonly standingCost: number | null;
  readonly coverage: number;
}

export interface Unmetered {
  readonly kwh: number;
  /** Of what the main meter counted while it was heard. */
  readonly share: number | null;
}

export interface EnergyBucket {
  readonly startMs: number;
  readonly endMs: number;
  /** Null where nothing is known. */
  readonly kwh: number | null;
  readonly cost: number | null;
  /** For which share of the time it is known. */
  readonly coverage: number;
}

export interface PeakHour {
  readonly hour: number;
  readonly medianKwh: number;
  readonly p10Kwh: number;
  readonly p90Kwh: number;
  readonly days: number;
}

export interface PeakHours {
  readonly dayType: 'weekday' | 'weekend';
  /** In order of the clock; empty where no hour stands out. */
  readonly hours: readonly PeakHour[];
  readonly days: number;
  /** Why nothing can be said; null where it can. */
  readonly insufficient: string | null;
}

export interface Recommendation {
  readonly kind: 'standby' | 'shift' | 'cycle' | 'change';
  readonly entityId: string;
  /** With the numbers that it rests on. */
  readonly text: string;
  readonly kwh: number | null;
  readonly cost: number | null;
}

export interface DeviceSeries {
  readonly entityId: string;
  /** Made when they are asked for: of all devices at once they would be large. */
  readonly buckets: () => readonly EnergyBucket[];
}

export interface EnergyReport {
  readonly fromMs: number;
  readonly toMs: number;
  /** Where what is known ends: now, or the end of the period. */
  readonly untilMs: number;
  readonly days: number;
  readonly completeDays: number;
  readonly timezone: string;
  readonly resolution: EnergyResolution;
  readonly coverage: number;
  readonly measuredShare: number | null;
  readonly currency: string | null;
  readonly devices: readonly DeviceEnergy[];
  readonly rooms: readonly RoomEnergy[];
  /** Null for whoever is limited to rooms, and where one device or room was asked for. */
  readonly home: HomeEnergy | null;
  readonly unmetered: Unmetered | null;
  readonly buckets: readonly EnergyBucket[];
  readonly peakHours: readonly PeakHours[];
  readonly recommendations: readonly Recommendation[];
  readonly notes: readonly EnergyNote[];
  readonly series: readonly DeviceSeries[];
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A price that holds on some weekdays between two times of the wall clock; over midnight into the next day. */
export interface PriceWindow {
  /** The days on which it begins. */
  readonly days: readonly Weekday[];
  /** `22:00`, on a quarter of an hour. */
  readonly from: string;
  /** `06:00`, or `24:00` for midnight; not after `from` where it ends on the next day. */
  readonly to: string;
  readonly price: number;
}

export interface NewTariff {
  readonly name: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Dates of the home's calendar: from this one, */
  readonly validFrom: string;
  /** up to but not on this one; null while it has no end. */
  readonly validTo: string | null;
  readonly standingPrice: number;
  /** Outside of every window; null where the windows leave nothing out, or prices of the market do. */
  readonly price: number | null;
  readonly windows: readonly PriceWindow[];
  /** The price is that of the market times `factor` plus `surcharge`; where that is not known, as above. */
  readonly dynamic: { readonly factor: number; readonly surcharge: number } | null;
}

export interface Tariff extends NewTariff {
  readonly id: string;
}

export interface NewCorrection {
  readonly entityId: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** What was really used; null leaves out what was measured. */
  readonly kwh: number | null;
  readonly reason: string;
}

export interface Correction extends NewCorrection {
  readonly id: string;
  readonly beforeKwh: number;
  readonly madeBy: string;
  readonly madeMs: number;
  readonly reversedBy: string | null;
  readonly reversedMs: number | null;
}
