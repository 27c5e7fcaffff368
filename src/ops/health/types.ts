import type { JsonObject } from '../../base/json.ts';

/** `off` is what is switched off, or cannot be known here. */
export const CHECK_STATUSES = ['ok', 'warn', 'fail', 'off'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** What a look at one thing found. */
export interface Finding {
  readonly status: CheckStatus;
  /** One or two sentences for a person. */
  readonly summary: string;
  /** For a person, where there is something to be done. */
  readonly whatToDo?: string;
  /** Without it the hub cannot do its work at all; with anything else that fails, the rest of it goes on. */
  readonly isFatal?: true;
  readonly details?: JsonObject;
}

/** One thing that is looked at. */
export interface Check {
  /** Lower case and underscores. */
  readonly name: string;
  /** What was found is good for so long. Default 10 s. */
  readonly freshMs?: number;
  /** It takes seconds, or disturbs others: it is looked at this often, and when somebody asks for it, not at each question. */
  readonly everyMs?: number;
  /** After this it counts as failed. Default 5 s. */
  readonly limitMs?: number;
  /** Whatever it throws makes it a failure. */
  look(signal: AbortSignal): Finding | Promise<Finding>;
}

export interface CheckResult extends Finding {
  readonly name: string;
  /** ms since the Unix epoch. */
  readonly checkedMs: number;
}

/** `degraded`: something does not work, and the rest does; `failing`: nothing can be relied on. */
export type HealthStatus = 'ok' | 'degraded' | 'failing';

export interface HealthReport {
  readonly status: HealthStatus;
  /** Since when it is so, ms since the Unix epoch. */
  readonly sinceMs: number;
  readonly checks: readonly CheckResult[];
}

/** How it goes with the backups, as whoever makes them tells it. */
export interface BackupHealth {
  /** When the last one was made that was read again and found good, ms since the Unix epoch; null for none. */
  readonly lastGoodMs: number | null;
  /** Why the last try failed; null where it did not. */
  readonly lastError: string | null;
  /** One that is older than this is late. */
  readonly dueEveryMs: number;
}

/** A certificate that the hub shows. */
export interface CertificateHealth {
  /** Where: `http.tls`. */
  readonly name: string;
  /** ms since the Unix epoch. */
  readonly notAfterMs: number;
  /** The hub made it itself, and renews it. */
  readonly isOwn: boolean;
}
