import type { ReportKind } from './schema.ts';

export type { HomeReport, ReportKind } from './schema.ts';

/** A finished day, ISO week or month of the home's calendar. */
export interface ReportPeriod {
  readonly kind: ReportKind;
  /** `daily-2026-03-29`, `weekly-2026-W13`, `monthly-2026-03`: the same for the same period. */
  readonly id: string;
  readonly firstDate: string;
  readonly lastDate: string;
  /** The day after the last one. */
  readonly endDate: string;
  readonly days: number;
  /** Ms since the Unix epoch: from here, */
  readonly startMs: number;
  /** up to but not at this. */
  readonly endMs: number;
}

/** What the report tells of the home besides energy and usage. All of it is as it stands, or in a span of time. */
export interface ReportHome {
  devices(): readonly {
    readonly entityId: string;
    readonly name: string;
    readonly isAvailable: boolean;
    /** 0 to 100; null where it has no battery or does not tell. */
    readonly batteryPercent: number | null;
    /** It says itself that its battery is low. */
    readonly isBatteryLow: boolean;
  }[];
  /** Whatever syncs with the hub. */
  phones(): readonly {
    readonly client: string;
    readonly userId: string;
    /** When a sync last worked; null: never. */
    readonly lastSyncMs: number | null;
  }[];
  /** Runs that began in the span; null where nothing runs by itself. */
  automationRuns(fromMs: number, toMs: number): Promise<readonly AutomationRun[] | null>;
  /** Runs of jobs that failed for good in the span; null where there are no jobs. */
  failedJobs(fromMs: number, toMs: number): readonly FailedJob[] | null;
}

export interface AutomationRun {
  readonly automationId: string;
  readonly name: string;
  readonly startedMs: number;
  readonly outcome: string;
  /** It was to do something and did not, or not wholly. */
  readonly isFailure: boolean;
}

export interface FailedJob {
  readonly name: string;
  readonly title: string;
  readonly endedMs: number;
  readonly error: string;
}

export const DELIVERY_TARGETS = ['mail', 'webhook'] as const;
export type DeliveryTarget = (typeof DELIVERY_TARGETS)[number];

export const DELIVERY_STATES = ['queued', 'retrying', 'sent', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How a report gets to one place outside of the hub. */
export interface Delivery {
  readonly reportId: string;
  readonly to: DeliveryTarget;
  readonly state: DeliveryState;
  /** Tries that were begun since it was last told to be sent. */
  readonly attempts: number;
  /** Why the last try failed, or what went not quite well with one that is sent; null where nothing did. */
  readonly error: string | null;
  /** When any of this changed, ms since the Unix epoch. */
  readonly atMs: number;
  /** How often it was told to be sent; an earlier order is not carried out any more. */
  readonly orderNo: number;
  /** How often the queue has given up, see `deliver`. */
  readonly round: number;
}

/** A report in a list. */
export interface ReportEntry {
  readonly id: string;
  readonly kind: ReportKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly madeMs: number;
  readonly delivery: readonly Delivery[];
}

/** The durable queue, as this part needs it. */
export interface ReportQueue {
  /** Queued once for each key; durable when it resolves. */
  enqueue(
    name: string,
    payload: Record<string, unknown>,
    options: { readonly key: string; readonly runAtMs?: number },
  ): Promise<unknown>;
}

/** The names under which the queue knows what `deliver` does. A slow mail server keeps no webhook waiting. */
export const DELIVERY_JOBS: Readonly<Record<DeliveryTarget, string>> = {
  mail: 'report-mail',
  webhook: 'report-webhook',
};

export interface MailTarget {
  readonly kinds: readonly ReportKind[];
  readonly host: string;
  readonly port: number;
  /** `starttls` and `implicit` insist on TLS; `none` does without. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly username: string | null;
  readonly password: string | null;
  readonly from: string;
  readonly to: readonly string[];
}

export interface WebhookTarget {
  readonly kinds: readonly ReportKind[];
  readonly url: string;
  /** Signs the body; null: it goes without a signature. */
  readonly secret: string | null;
  /** Default 15 s for the whole of it. */
  readonly timeoutMs?: number;
}

/** What a reader of a report may be told. */
export interface ReportReader {
  /** Is told of jobs and of everybody's phones. */
  readonly isAdmin: boolean;
  readonly maySeeSuggestions: boolean;
}
