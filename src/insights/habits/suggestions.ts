import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../base/clock.ts';
import type { HomeZone } from '../../base/home-zone.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Store } from '../../base/store.ts';
import type { Sun } from '../../base/sun.ts';
import type { ActivityLog, NumericHistory } from '../types.ts';
import type { Candidate, HabitHome, Observed, Suggestion, SuggestionStatus, Target } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { shortHash } from '../../base/ids.ts';
import { automationContent, identityOf } from './automation-content.ts';
import { ExistingAutomations } from './existing.ts';
import type { Observations } from './observations.ts';
import { readSuggestions } from './reader.ts';
import { searchHabits } from './search.ts';
import { median } from './statistics.ts';
import { isSameHabit, type ShownSuggestion, type StoredSuggestion } from './stored.ts';
import { sentenceOf, titleOf } from './wording.ts';
import { putSuggestion, trimWithdrawn } from './writer.ts';

export interface SuggestionsOptions {
  readonly store: Store;
  /** Null where nothing is written down: then there is nothing to suggest. */
  readonly log: ActivityLog | null;
  readonly home: HabitHome;
  /** What was measured; null where nothing is. */
  readonly history: Pick<NumericHistory, 'scan'> | null;
  readonly zone: HomeZone;
  /** Null where nobody said where the home is. */
  readonly sun: Sun | null;
  readonly clock: Clock;
}

/** Bytes of a suggestion's id. */
const ID_BYTES = 9;
const MAX_WITHDRAWN = 200;
/** Somebody who undoes it within this time did not want it. */
const REVERTED_MS = 10 * 60_000;
const MAX_REASON_CHARS = 500;

/** What the home could do by itself, going by what people do in it; and what they said to that. */
export class Suggestions {
  readonly #options: SuggestionsOptions;
  #stored: Map<string, StoredSuggestion>;
  #reverted = new Map<string, number>();
  #observed: Observed | undefined;
  /** The day for which it is computed. */
  #date: string | undefined;
  #refreshing: Promise<void> | undefined;
  readonly #accepting = new Set<string>();

  constructor(options: SuggestionsOptions) {
    this.#options = options;
    this.#stored = new Map(readSuggestions(options.store.db).map((one) => [one.id, one]));
  }

  /** All of one status, the surest first; computed anew on the first call of a day, which may take seconds. */
  async list(status: SuggestionStatus): Promise<{ items: Suggestion[]; observed: Observed }> {
    const { clock, zone } = this.#options;
    if (this.#date !== zone.dayOf(clock.nowMs()).date) await this.refresh();
    const items = [...this.#stored.values()]
      .filter((one) => one.status === status)
      .map((one) => this.#view(one))
      .toSorted((a, b) => b.evidence.wilsonLower - a.evidence.wilsonLower || (a.id < b.id ? -1 : 1));
    const observed = this.#observed ?? { days: 0, sinceMs: null, computedMs: clock.nowMs(), tried: 0 };
    return { items, observed };
  }

  /** @throws HubError `not_found`. */
  get(id: string): Suggestion {
    return this.#view(this.#existing(id));
  }

  /** Looks for habits again, now. Calls at the same time share one search. @throws HubError `storage`, `storage_full`. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
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

  /** Keeps a suggestion away for good. @throws HubError `not_found`, `conflict`, `invalid`. */
  async dismiss(id: string, userId: string, reason: string | null): Promise<Suggestion> {
    const one = this.#open(id);
    if (reason !== null && reason.length > MAX_REASON_CHARS) {
      throw new HubError('invalid', `reason has at most ${MAX_REASON_CHARS} characters`, { field: 'reason' });
    }
    await this.#decide(one, { status: 'dismissed', decidedBy: userId, reason });
    return this.get(id);
  }

  async #refresh(): Promise<void> {
    const { log, clock, home, history: numbers, zone, sun } = this.#options;
    const nowMs = clock.nowMs();
    const { date } = zone.dayOf(nowMs);
    if (!log) {
      this.#date = date;
      return;
    }
    const { candidates, observations, tried } = await searchHabits({ log, home, zone, sun, numbers, nowMs });
    const existing = new ExistingAutomations({ automations: home.automations(), zone, sun, nowMs });
    const open = candidates.filter(
      (candidate) => !existing.does(candidate, usualMinute(observations, candidate)),
    );
    this.#store(this.#next(open, observations, nowMs));
    this.#countReverted(observations);
    const sinceMs = log.spans()[0]?.startMs ?? null;
    this.#observed = { days: observations.days.length, sinceMs, computedMs: nowMs, tried };
    this.#date = date;
    await setImmediate();
  }

  /** What is to be remembered from now on: what was found, and what was proposed and is found no more. */
  #next(candidates: readonly Candidate[], observations: Observations, nowMs: number): StoredSuggestion[] {
    const changed = new Map<string, StoredSuggestion>();
    for (const candidate of candidates) {
      const { rule, target } = candidate;
      const minute = usualMinute(observations, candidate);
      const identity = {
        ...identityOf(rule, target),
        ...(minute === null ? {} : { usual_minute: Math.round(minute) }),
      };
      const known = this.#recognise(identity, changed);
      // What people decided stands, and stays as they saw it.
      if (known && (known.status === 'accepted' || known.status === 'dismissed')) continue;
      const id = known?.id ?? shortHash(JSON.stringify(identity), ID_BYTES);
      changed.set(id, {
        id,
        identity,
        status: 'proposed',
        shown: toShown(candidate, observations),
        firstMs: known?.firstMs ?? nowMs,
        lastMs: nowMs,
        decidedMs: null,
        decidedBy: null,
        reason: null,
        automationId: null,
      });
    }
    for (const one of this.#stored.values()) {
      if (one.status !== 'proposed' || changed.has(one.id) || this.#accepting.has(one.id)) continue;
      changed.set(one.id, { ...one, status: 'withdrawn' });
    }
    return [...changed.values()];
  }

  /** Decisions first: a habit that drifted must not come back beside the one that was dismissed. */
  #recognise(identity: JsonObject, taken: ReadonlyMap<string, unknown>): StoredSuggestion | undefined {
    const known = [...this.#stored.values()].filter((one) => isSameHabit(one.identity, identity));
    const decided = known.find(({ status }) => status === 'dismissed' || status === 'accepted');
    return decided ?? known.find(({ id }) => !taken.has(id));
  }

  #store(changed: readonly StoredSuggestion[]): void {
    this.#options.store.write((tx) => {
      for (const one of changed) putSuggestion(tx, one);
      trimWithdrawn(tx, MAX_WITHDRAWN);
    });
    this.#stored = new Map(readSuggestions(this.#options.store.db).map((one) => [one.id, one]));
  }

  #countReverted(observations: Observations): void {
    this.#reverted = new Map();
    for (const { automationId, shown } of this.#stored.values()) {
      const done = automationId === null ? undefined : observations.byAutomations.get(automationId);
      if (automationId === null || !done) continue;
      const { entityId, capability, value } = shown.target;
      const undone = observations.actions
        .filter(
          (action) =>
            action.entityId === entityId && action.capability === capability && action.value !== value,
        )
        .flatMap(({ timesMs }) => timesMs);
      const count = done.filter(({ timeMs }) =>
        undone.some((ms) => ms > timeMs && ms - timeMs <= REVERTED_MS),
      ).length;
      this.#reverted.set(automationId, count);
    }
  }

  async #decide(
    one: StoredSuggestion,
    decision: Partial<StoredSuggestion> & { readonly status: SuggestionStatus },
  ): Promise<void> {
    const { store, clock } = this.#options;
    // It may have been found again meanwhile.
    const latest = this.#stored.get(one.id) ?? one;
    const decided = { ...latest, ...decision, decidedMs: clock.nowMs() };
    store.write((tx) => putSuggestion(tx, decided));
    this.#stored.set(one.id, decided);
    await store.durable();
  }

  #existing(id: string): StoredSuggestion {
    const one = this.#stored.get(id);
    if (!one) throw new HubError('not_found', `There is no suggestion ${id.slice(0, 64)}.`);
    return one;
  }

  #open(id: string): StoredSuggestion {
    const one = this.#existing(id);
    if (one.status === 'proposed') return one;
    throw new HubError(
      'conflict',
      one.status === 'withdrawn'
        ? 'It is not suggested any more: people do it no longer.'
        : `It was ${one.status} already.`,
    );
  }

  #view(one: StoredSuggestion): Suggestion {
    const { id, status, shown, automationId } = one;
    return {
      ...shown,
      id,
      status,
      firstSeenMs: one.firstMs,
      lastSeenMs: one.lastMs,
      decidedMs: one.decidedMs,
      decidedBy: one.decidedBy,
      reason: one.reason,
      automationId,
      reverted: automationId === null ? 0 : (this.#reverted.get(automationId) ?? 0),
    };
  }
}

function toShown(candidate: Candidate, { devices }: Observations): ShownSuggestion {
  const { rule, target, evidence, dryRun } = candidate;
  const device = devices.get(target.entityId);
  const title = titleOf(candidate, devices);
  const commandKinds = device?.capabilities.find(({ name }) => name === target.capability)?.commandKinds;
  return {
    type: rule.type,
    title,
    sentence: sentenceOf(candidate, devices),
    target: { ...target, name: device?.name ?? target.entityId },
    commandKinds: commandKinds ?? [],
    automation: automationContent(candidate, title),
    evidence,
    dryRun,
  };
}

/** The time of day of what it rests on; null where that is no habit by time. */
function usualMinute(observations: Observations, { rule, explainsMs }: Candidate): number | null {
  if (rule.type !== 'time') return null;
  if (rule.frame === 'clock') return rule.minute;
  // A habit by the sun moves through the year: where it is now counts.
  return median(explainsMs.slice(-7).map((ms) => observations.minutesOf(ms, observations.dayAt(ms))));
}
