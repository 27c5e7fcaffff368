import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { AuditAction, AuditOutcome, AuditRow, Origin, Principal } from './types.ts';

import { errorText } from '../base/errors.ts';
import { readAudit, type AuditFilter } from './audit-reader.ts';
import { deleteAuditBefore, insertAudit, trimAudit } from './audit-writer.ts';

export type { AuditFilter } from './audit-reader.ts';

export interface AuditOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is told of an act. Never a password, a token or a code: rows outlive them, and many may read them. */
export interface AuditEvent {
  readonly action: AuditAction;
  /** Default `ok`. */
  readonly outcome?: AuditOutcome;
  /** Who; null for a stranger. */
  readonly by: Pick<Principal, 'userId' | 'username'> | null;
  readonly from: Origin;
  readonly target?: string;
  readonly details?: JsonObject;
}

const KEEP_DAYS = 365;
const DAY_MS = 24 * 3600_000;
/**
 * Bounds the table at some 25 MB. Whoever floods the log, with refusals or with logins, pushes out others of that sort,
 * and never who opened a door or what was changed in the home.
 */
const MAX_ROWS = { refused: 20_000, everyday: 30_000, commands: 30_000, acts: 50_000 };
const TRIM_EVERY_ROWS = 500;
/** Of the same thing that is refused again and again, one row tells in so long a time. */
const WINDOW_MS = 60_000;
/** Accounts and addresses that are counted apart; the rest, as many as they are, share one count, */
const MAX_TALLIES = 200;
const OTHERS = 'others';
/** and where it takes a token to be refused, one for each account: nobody hides behind what strangers are refused. */
const SIGNED_IN: readonly AuditAction[] = ['command', 'forbidden'];
const MAX_TEXT = 200;

interface Tally {
  /** Monotonic: when the last row was written. */
  sinceMs: number;
  /** What has come since. */
  count: number;
  event: AuditEvent;
}

/** Who did what, from where: a table that is only ever appended to, until its rows are old. */
export class Audit implements Disposable {
  readonly #options: AuditOptions;
  readonly #ofStrangers = new Map<string, Tally>();
  readonly #ofAccounts = new Map<string, Tally>();
  #timer: NodeJS.Timeout | undefined;
  #sinceTrim = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /**
   * Writes a row. With the transaction of the act itself the row stands or falls with it; without one it is a
   * transaction of its own.
   */
  record(event: AuditEvent, tx?: Tx): void {
    const row = this.#rowOf(event, {});
    if (tx) this.#insert(tx, row);
    else this.#options.store.write((own) => this.#insert(own, row));
  }

  /**
   * Notes what a stranger may repeat at will: at most one row a minute for each `key` (an account and an address) tells
   * of it, with a count, so that a guesser fills neither the disk nor the log. A disk that refuses is logged; the answer
   * to the guesser is the same.
   */
  note(key: string, event: AuditEvent): void {
    this.#flush(false);
    const by = SIGNED_IN.includes(event.action) ? event.by : null;
    const tallies = by ? this.#ofAccounts : this.#ofStrangers;
    const known = tallies.get(key);
    const isMany = !known && tallies.size >= MAX_TALLIES;
    const others = by ? `${OTHERS} ${by.userId}` : OTHERS;
    const tally = isMany ? tallies.get(others) : known;
    if (tally) {
      tally.count += 1;
      if (known) tally.event = event;
      return;
    }
    const told: AuditEvent = isMany
      ? { action: event.action, outcome: 'refused', by, from: { address: OTHERS } }
      : event;
    tallies.set(isMany ? others : key, {
      sinceMs: this.#options.clock.monotonicMs(),
      count: 0,
      event: told,
    });
    this.#write(told, { count: 1 });
    this.#timer ??= setTimeout(() => this.#onTimer(), WINDOW_MS).unref();
  }

  /** Rows before the id `beforeId` (0: from the end), newest first. */
  list(filter: AuditFilter, beforeId: number, limit: number): AuditRow[] {
    this.#flush(false);
    return readAudit(this.#options.store.db, filter, beforeId, limit);
  }

  /**
   * Removes what is older than `keepDays` at a time, and the oldest rows beyond the cap. @returns how many rows.
   * @param nowMs default: what the clock says; a job gives a time that a wrong clock does not move.
   */
  tidy(keepDays: number = KEEP_DAYS, nowMs = this.#options.clock.nowMs()): number {
    this.#sinceTrim = 0;
    return this.#options.store.write(
      (tx) => deleteAuditBefore(tx, nowMs - keepDays * DAY_MS) + trimAudit(tx, MAX_ROWS),
    );
  }

  /** Writes the counts that are still in memory. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#flush(true);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#flush(false);
    const waiting = this.#ofStrangers.size + this.#ofAccounts.size;
    if (waiting > 0) this.#timer = setTimeout(() => this.#onTimer(), WINDOW_MS).unref();
  }

  /** Writes the counts whose minute is over, or all; one that came to nothing is forgotten. */
  #flush(all: boolean): void {
    const now = this.#options.clock.monotonicMs();
    for (const tallies of [this.#ofStrangers, this.#ofAccounts]) {
      for (const [key, tally] of tallies) {
        if (!all && now - tally.sinceMs < WINDOW_MS) continue;
        if (tally.count === 0) {
          tallies.delete(key);
          continue;
        }
        this.#write(tally.event, { count: tally.count });
        tally.sinceMs = now;
        tally.count = 0;
      }
    }
  }

  #write(event: AuditEvent, counted: JsonObject): void {
    const { store, log } = this.#options;
    try {
      const row = this.#rowOf({ ...event, outcome: 'refused' }, counted);
      store.write((tx) => this.#insert(tx, row));
    } catch (error) {
      log.error({ error: errorText(error), action: event.action }, 'the audit log could not be written');
    }
  }

  /** The cap holds even where no job ever tidies. */
  #insert(tx: Tx, row: Omit<AuditRow, 'id'>): void {
    insertAudit(tx, row);
    this.#sinceTrim += 1;
    if (this.#sinceTrim < TRIM_EVERY_ROWS) return;
    this.#sinceTrim = 0;
    trimAudit(tx, MAX_ROWS);
  }

  #rowOf(event: AuditEvent, counted: JsonObject): Omit<AuditRow, 'id'> {
    const { action, outcome, by, from, target, details } = event;
    return {
      timeMs: this.#options.clock.nowMs(),
      action,
      outcome: outcome ?? 'ok',
      userId: by?.userId ?? null,
      username: by?.username ?? null,
      target: target?.slice(0, MAX_TEXT) ?? null,
      address: from.address,
      requestId: from.requestId ?? null,
      details: { ...details, ...counted },
    };
  }
}
