import type { Clock } from '../../base/clock.ts';
import type { ComposeContext } from './compose.ts';
import type { DeliveriesOptions } from './deliveries.ts';
import type { HomeReport, ReportEntry, ReportKind, ReportPeriod, ReportReader } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { composeReport, shownTo } from './compose.ts';
import { Deliveries } from './deliveries.ts';
import { finishedPeriods, periodOf } from './periods.ts';
import { readEntries, readEntry, readJson } from './reader.ts';
import { REPORT_KINDS } from './schema.ts';
import { deleteReports, putReport } from './writer.ts';

export interface ReportsOptions extends ComposeContext, DeliveriesOptions {
  readonly clock: Clock;
  /** Since when there are records of the home; null where there are none. */
  readonly recordedSinceMs: () => number | null;
  /** How long daily reports are kept; 0 keeps all of every kind. */
  readonly keepDays: number;
}

const DAY_MS = 86_400_000;
/** How many periods are made up for after a time without the hub. */
const CATCH_UP: Readonly<Record<ReportKind, number>> = { daily: 7, weekly: 4, monthly: 3 };
const WEEKLY_KEEP_DAYS = 731;
/** What happened before is not kept for longer, and would look as if nothing had happened. */
const MAX_AGE_DAYS = 366;
const SLICE = 100;
const NEVER = new AbortController().signal;

/** Reports of finished days, weeks and months: made, kept, listed, and sent where somebody wants that. */
export class Reports {
  readonly deliveries: Deliveries;
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.deliveries = new Deliveries(options);
  }

  /**
   * The newest first, by the end of their periods.
   * @param before a place of `placeOf`; 0: from the newest on.
   */
  list(kind: ReportKind | null, before: number, limit: number): ReportEntry[] {
    return readEntries(this.#options.store.db, kind, ofPlace(before), limit);
  }

  /** @throws HubError `not_found`. */
  entry(id: string): ReportEntry {
    const entry = readEntry(this.#options.store.db, id);
    if (entry) return entry;
    throw new HubError(
      'not_found',
      `There is no report ${id.slice(0, 64)}. GET /api/analytics/reports lists them; POST makes one.`,
    );
  }

  /** A report, without what this reader is not told. @throws HubError `not_found`. */
  report(id: string, reader: ReportReader): HomeReport {
    const { id: known } = this.entry(id);
    return shownTo(JSON.parse(readJson(this.#options.store.db, known) ?? '') as HomeReport, reader);
  }

  /**
   * Makes the report of the period in which a date lies, in the place of the one that was there.
   * @param date such as `2026-03-29`; null: the last period that is over.
   * @throws HubError `invalid` for what is no date, is not over yet or is too long ago; `unavailable` where too many
   * look at the energy just now; `storage`, `storage_full`.
   */
  async make(kind: ReportKind, date: string | null): Promise<ReportEntry> {
    const period = this.#asked(kind, date);
    await this.#make(period, { nowMs: this.#options.clock.nowMs(), signal: NEVER });
    return this.entry(period.id);
  }

  /**
   * Makes what is lacking of the periods that are over, the oldest first, and hands what is to be sent to the queue.
   * After a time without the hub only the last ones are made up for, and by mail goes only the last of a kind.
   * @param believedMs the time, as far as it is believed: of a clock that leapt there would be reports of the future.
   * @returns the ids of what was made.
   */
  async makeMissing(believedMs: number, signal: AbortSignal): Promise<string[]> {
    const { clock, zone } = this.#options;
    const made: string[] = [];
    for (const kind of REPORT_KINDS) {
      const periods = finishedPeriods(kind, zone, believedMs, CATCH_UP[kind]);
      const [latest] = periods;
      for (const period of periods.toReversed()) {
        signal.throwIfAborted();
        if (readEntry(this.#options.store.db, period.id) || !this.#isWanted(period, believedMs)) continue;
        const isLatest = period.id === latest?.id;
        await this.#make(period, { nowMs: clock.nowMs(), signal, sends: isLatest ? 'all' : 'webhook' });
        made.push(period.id);
      }
    }
    await this.deliveries.resume();
    return made;
  }

  /** Removes what is too old, a few rows at a time. @returns how many reports. */
  tidy(believedMs: number): number {
    let removed = 0;
    for (const kind of REPORT_KINDS) {
      const beforeMs = this.#keptFromMs(kind, believedMs);
      if (beforeMs === -Infinity) continue;
      removed += this.#options.store.write((tx) => deleteReports(tx, kind, beforeMs, SLICE));
    }
    return removed;
  }

  /**
   * Sends a report again, to every place that is configured.
   * @throws HubError `not_found`, `conflict` where none is; `storage`, `storage_full`.
   */
  async send(id: string): Promise<ReportEntry> {
    const { store } = this.#options;
    const { id: known } = this.entry(id);
    const targets = this.deliveries.targets();
    if (targets.length === 0) {
      throw new HubError(
        'conflict',
        'There is nowhere to send it: set reports.mail.host, .from and .to, or reports.webhook.url.',
      );
    }
    store.write((tx) => this.deliveries.order(tx, known, targets));
    await store.durable();
    await this.deliveries.resume();
    return this.entry(known);
  }

  async #make(
    period: ReportPeriod,
    {
      nowMs,
      signal,
      sends = 'none',
    }: { nowMs: number; signal: AbortSignal; sends?: 'all' | 'webhook' | 'none' },
  ): Promise<void> {
    const { store } = this.#options;
    const report = await composeReport(period, this.#options, { nowMs, signal });
    const json = JSON.stringify(report);
    const targets = this.deliveries
      .targets(period.kind)
      .filter((to) => sends === 'all' || (sends === 'webhook' && to === 'webhook'));
    store.write((tx) => {
      putReport(tx, period, nowMs, json);
      this.deliveries.order(tx, period.id, targets);
    });
    await store.durable();
  }

  #asked(kind: ReportKind, date: string | null): ReportPeriod {
    const { clock, zone } = this.#options;
    const nowMs = clock.nowMs();
    const [latest] = finishedPeriods(kind, zone, nowMs, 1);
    const period = date === null ? latest : parsed(() => periodOf(kind, date, zone));
    if (!period || period.endMs > nowMs) {
      const words = { daily: 'This day', weekly: 'The week of this day', monthly: 'The month of this day' };
      throw new HubError('invalid', `date: ${words[kind]} is not over yet; the last that is: ${latest?.id}`, {
        field: 'date',
      });
    }
    if (period.endMs < nowMs - MAX_AGE_DAYS * DAY_MS) {
      throw new HubError('invalid', `date: What happened before the last ${MAX_AGE_DAYS} days is not kept`, {
        field: 'date',
      });
    }
    return period;
  }

  /** Of a time before the hub was there nobody wants a report, nor of one whose report the clean-up would take at once. */
  #isWanted({ kind, endMs }: ReportPeriod, nowMs: number): boolean {
    const sinceMs = this.#options.recordedSinceMs();
    return sinceMs !== null && sinceMs < endMs && endMs >= this.#keptFromMs(kind, nowMs);
  }

  #keptFromMs(kind: ReportKind, nowMs: number): number {
    const { keepDays } = this.#options;
    if (keepDays === 0 || kind === 'monthly') return -Infinity;
    return nowMs - (kind === 'weekly' ? Math.max(WEEKLY_KEEP_DAYS, keepDays) : keepDays) * DAY_MS;
  }
}

/** In the order in which they are listed where they end together. */
const BY_NAME = REPORT_KINDS.toSorted();

/** Where an entry stands in the list, as a number below 2^53. */
export function placeOf({ endMs, kind }: Pick<ReportEntry, 'endMs' | 'kind'>): number {
  return endMs * BY_NAME.length + BY_NAME.indexOf(kind);
}

function ofPlace(place: number): { endMs: number; kind: string } {
  if (place === 0) return { endMs: Number.MAX_SAFE_INTEGER, kind: '' };
  return { endMs: Math.floor(place / BY_NAME.length), kind: BY_NAME[place % BY_NAME.length] ?? '' };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new HubError('invalid', 'date: must be a date such as 2026-03-29', { field: 'date', cause: error });
  }
}
