import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { HomeZone } from '../../base/home-zone.ts';
import type { Logger } from '../../base/log.ts';
import type { Store } from '../../base/store.ts';
import type { Sun } from '../../base/sun.ts';
import type { ActivityLog, NumericHistory } from '../types.ts';
import type { StoredSearch, StoredSuggestion } from './stored.ts';
import type { HabitHome, Observed, Suggestion, SuggestionStatus, Target } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { ExistingAutomations } from './existing.ts';
import { readIds, readSearch, readSuggestions } from './reader.ts';
import { afterSearch, usualMinute } from './remember.ts';
import { isOftenUndone } from './reverted.ts';
import { searchHabits } from './search.ts';
import { putSearch, putSuggestion, trimWithdrawn } from './writer.ts';

export interface SuggestionsOptions {
  readonly store: Store;
  /** Null where nothing is written down: then there is nothing to suggest. */
  readonly activity: ActivityLog | null;
  readonly home: HabitHome;
  /** What was measured; null where nothing is. */
  readonly history: Pick<NumericHistory, 'scan'> | null;
  readonly zone: HomeZone;
  /** Null where nobody said where the home is. */
  readonly sun: Sun | null;
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_WITHDRAWN = 200;
const MAX_REASON_CHARS = 500;
/** A search that failed is not begun again by the next one who looks. */
const RETRY_MS = 10 * 60_000;
/** The reason of one whose automation somebody deleted. */
const DELETED = 'its automation was deleted';

/** What the home could do by itself, going by what people do in it; and what they said to that. */
export class Suggestions implements AsyncDisposable {
  readonly #options: SuggestionsOptions;
  readonly #stop = new AbortController();
  readonly #stored: Map<string, StoredSuggestion>;
  #search: StoredSearch | undefined;
  #searching: Promise<void> | undefined;
  /** By the clock that never jumps. */
  #failedMs = Number.NEGATIVE_INFINITY;
  readonly #accepting = new Set<string>();

  constructor(options: SuggestionsOptions) {
    const { db } = options.store;
    this.#options = options;
    this.#stored = new Map(readSuggestions(db).map((one) => [one.id, one]));
    this.#search = readSearch(db);
  }

  /**
   * All of one status, the surest first, as the last search left them: it answers at once. Where there was no search on
   * this day one begins in the background, and `observed.isComputing` tells.
   */
  list(status: SuggestionStatus): { items: Suggestion[]; observed: Observed } {
    if (!this.#isCurrent) this.#searchInBackground();
    const items = [...this.#stored.values()]
      .map((one) => this.#now(one))
      .filter((one) => one.status === status)
      .map(toView)
      .toSorted((a, b) => b.evidence.wilsonLower - a.evidence.wilsonLower || (a.id < b.id ? -1 : 1));
    const { days = 0, sinceMs = null, computedMs = null, tried = 0 } = this.#search ?? {};
    return { items, observed: { days, sinceMs, computedMs, tried, isComputing: Boolean(this.#searching) } };
  }

  /** @throws HubError `not_found`. */
  get(id: string): Suggestion {
    return toView(this.#existing(id));
  }

  /** Resolves when there was a search on this day: at once, or after some seconds. @throws as `refresh`. */
  async upToDate(): Promise<void> {
    if (!this.#isCurrent) await this.refresh();
  }

  /**
   * Looks for habits, now. Calls at the same time share one search.
   * @param signal ends a search that this call began.
   * @throws HubError `storage`, `storage_full`; the signal's reason.
   */
  async refresh(signal?: AbortSignal): Promise<void> {
    const ends = signal ? AbortSignal.any([this.#stop.signal, signal]) : this.#stop.signal;
    this.#searching ??= this.#searchNow(ends).finally(() => (this.#searching = undefined));
    await this.#searching;
  }

  /**
   * Makes an automation of a suggestion, in somebody's name.
   * @param authorize throws where they may not command the target.
   * @throws HubError `not_found`, `conflict` where it was decided already or is gone.
   */
  async accept(id: string, userId: string, authorize: (target: Target) => void): Promise<Suggestion> {
    const one = this.#open(id);
    if (this.#accepting.has(id)) throw new HubError('conflict', 'Somebody is accepting it at this moment.');
    authorize(one.shown.target);
    this.#accepting.add(id);
    try {
      const automationId = await this.#options.home.createAutomation(one.shown.automation, userId);
      await this.#decide(one, { status: 'accepted', decidedBy: userId, automationId });
    } finally {
      this.#accepting.delete(id);
    }
    return this.get(id);
  }

  /** Keeps a suggestion away until it is restored. @throws HubError `not_found`, `conflict`, `invalid`. */
  async dismiss(id: string, userId: string, reason: string | null): Promise<Suggestion> {
    const one = this.#open(id);
    if (reason !== null && reason.length > MAX_REASON_CHARS) {
      throw new HubError('invalid', `reason has at most ${MAX_REASON_CHARS} characters`, { field: 'reason' });
    }
    await this.#decide(one, { status: 'dismissed', decidedBy: userId, reason });
    return this.get(id);
  }

  /**
   * Brings back one that was dismissed, or whose automation was deleted. It is shown as it was then, until a search that
   * begins now finds it again or withdraws it.
   * @throws HubError `not_found`, `conflict`.
   */
  async restore(id: string): Promise<Suggestion> {
    const one = this.#existing(id);
    if (one.status !== 'dismissed') throw new HubError('conflict', NOT_DISMISSED[one.status]);
    await this.#decide(one, {
      status: 'proposed',
      decidedMs: null,
      decidedBy: null,
      reason: null,
      automationId: null,
      runs: 0,
      reverted: 0,
    });
    this.#searchInBackground();
    return this.get(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // Why it ended is told to whoever began it.
    await Promise.allSettled([this.#searching]);
  }

  get #isCurrent(): boolean {
    const { zone, clock } = this.#options;
    const ms = this.#search?.computedMs;
    return ms !== undefined && zone.dayOf(ms).date === zone.dayOf(clock.nowMs()).date;
  }

  #searchInBackground(): void {
    const { clock, log } = this.#options;
    if (this.#searching || this.#stop.signal.aborted) return;
    if (clock.monotonicMs() - this.#failedMs < RETRY_MS) return;
    this.refresh().catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#failedMs = clock.monotonicMs();
      log.error({ err: error }, 'habits could not be looked for; the suggestions stay as they were');
    });
  }

  async #searchNow(signal: AbortSignal): Promise<void> {
    const { store, activity: log, clock, home, history: numbers, zone, sun } = this.#options;
    const nowMs = clock.nowMs();
    if (!log) {
      this.#search = { days: 0, sinceMs: null, computedMs: nowMs, tried: 0 };
      return;
    }
    const found = await searchHabits({ log, home, zone, sun, numbers, nowMs, signal });
    const { candidates, observations, tried } = found;
    const existing = new ExistingAutomations({ automations: home.automations(), zone, sun, nowMs });
    const open = candidates.filter(
      (candidate) => !existing.does(candidate, usualMinute(observations, candidate)),
    );
    // From here to the end nothing may come between: somebody could accept what is being changed.
    await setImmediate();
    signal.throwIfAborted();
    const stored = [...this.#stored.values()].map((one) => this.#now(one));
    const settled = stored.filter((one) => one !== this.#stored.get(one.id));
    const changed = afterSearch(stored, open, observations, nowMs, (id) => this.#accepting.has(id));
    const search = {
      days: observations.days.length,
      sinceMs: log.spans()[0]?.startMs ?? null,
      computedMs: nowMs,
      tried,
    };
    store.write((tx) => {
      for (const one of [...settled, ...changed]) putSuggestion(tx, one);
      trimWithdrawn(tx, MAX_WITHDRAWN);
      putSearch(tx, search);
    });
    for (const one of [...settled, ...changed]) this.#stored.set(one.id, one);
    const kept = readIds(store.db);
    for (const id of this.#stored.keys()) if (!kept.has(id)) this.#stored.delete(id);
    this.#search = search;
  }

  /**
   * As it is at this moment. Whoever deletes the automation does not want it: it counts as dismissed; where the
   * automation is brought back it counts as accepted again.
   */
  #now(one: StoredSuggestion): StoredSuggestion {
    if (one.automationId === null) return one;
    const isThere = this.#options.home.hasAutomation(one.automationId);
    if (one.status === 'accepted' && !isThere)
      return { ...one, status: 'dismissed', decidedBy: null, reason: DELETED };
    return one.status === 'dismissed' && isThere ? { ...one, status: 'accepted', reason: null } : one;
  }

  async #decide(
    one: StoredSuggestion,
    decision: Partial<StoredSuggestion> & { readonly status: SuggestionStatus },
  ): Promise<void> {
    const { store, clock } = this.#options;
    // It may have been found again meanwhile.
    const latest = this.#now(this.#stored.get(one.id) ?? one);
    const decided = { ...latest, decidedMs: clock.nowMs(), ...decision };
    store.write((tx) => putSuggestion(tx, decided));
    this.#stored.set(one.id, decided);
    await store.durable();
  }

  #existing(id: string): StoredSuggestion {
    const one = this.#stored.get(id);
    if (!one) throw new HubError('not_found', `There is no suggestion ${id.slice(0, 64)}.`);
    return this.#now(one);
  }

  #open(id: string): StoredSuggestion {
    const one = this.#existing(id);
    if (one.status === 'proposed') return one;
    throw new HubError('conflict', NOT_OPEN[one.status]);
  }
}

const NOT_OPEN = {
  accepted: 'It was accepted already.',
  dismissed: 'It was dismissed already; restore it first.',
  withdrawn: 'It is not suggested any more: people do it no longer.',
} as const;
const NOT_DISMISSED = {
  proposed: 'It was not dismissed: it is suggested.',
  accepted: 'It was accepted; delete its automation to take that back.',
  withdrawn: 'It was not dismissed: people do it no longer. It comes back when they do.',
} as const;

function toView(one: StoredSuggestion): Suggestion {
  const { id, status, shown, runs, reverted } = one;
  return {
    ...shown,
    id,
    status,
    firstSeenMs: one.firstMs,
    lastSeenMs: one.lastMs,
    decidedMs: one.decidedMs,
    decidedBy: one.decidedBy,
    reason: one.reason,
    automationId: one.automationId,
    runs,
    reverted,
    isOftenUndone: isOftenUndone({ runs, reverted }),
  };
}
