import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Firing } from './run-records.ts';
import type { Runner } from './runner.ts';
import type { Due, Timetable } from './timetable.ts';
import type { Definition } from './types.ts';

import { readProgress } from './reader.ts';
import { putProgress } from './writer.ts';

/** What is later than this is missed: nobody wants the blinds of this morning to open at night. */
const GRACE_MS = 10 * 60_000;
/** By a clock before this nothing is due: it was never set. */
const CLOCK_IS_SET_MS = Date.UTC(2025, 0, 1);
const MAX_LOOKED_BACK_MS = 35 * 24 * 60 * 60_000;
const MAX_AT_ONCE = 50;
/** After a start devices come back first: a command that nobody hears is lost. */
export const SETTLE_MS = 20_000;

export interface LookoutOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timetable: Timetable;
  readonly runner: Pick<Runner, 'fire' | 'hasFired' | 'miss'>;
  /** What may run by itself. */
  readonly running: () => readonly Definition[];
}

interface Found {
  readonly definition: Definition;
  readonly due: Due;
}

/**
 * Fires what is due by time, the earliest first. It looks from where it looked last up to now, whatever the clock did in
 * between; a firing has a name, so that a clock that is set back does not bring it again.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  #lookedMs = 0;
  #furthestMs = 0;
  #settledMonoMs = 0;
  /** The next moment, and up to where it was looked for. */
  #next: { readonly atMs: number; readonly fromMs: number; readonly untilMs: number } | undefined;

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** What was due up to here has been seen to, ms since the Unix epoch. */
  get lookedMs(): number {
    return this.#lookedMs;
  }

  /** Goes on where the last run stopped; a hub that never ran begins now. @returns whether it has run before. */
  load(): boolean {
    const nowMs = this.#options.clock.nowMs();
    const progress = readProgress(this.#options.store.db);
    this.#lookedMs = progress?.lookedMs ?? nowMs;
    this.#furthestMs = progress?.furthestMs ?? this.#lookedMs;
    if (progress) this.#settledMonoMs = this.#options.clock.monotonicMs() + SETTLE_MS;
    return progress !== undefined;
  }

  /** In how many ms it may look at all; 0 or less: now. */
  get settlesInMs(): number {
    return this.#settledMonoMs - this.#options.clock.monotonicMs();
  }

  /** What runs has changed. */
  forgetNext(): void {
    this.#next = undefined;
  }

  /** Fires what has become due since the last look. */
  look(): void {
    if (this.settlesInMs > 0) return;
    const { clock, runner } = this.#options;
    const nowMs = clock.nowMs();
    this.#next = undefined;
    if (nowMs < this.#lookedMs) {
      // Where the clock was set back it is gone on from there, and where it was wrong for a while from where it was right.
      this.#furthestMs = Math.max(this.#furthestMs, this.#lookedMs);
      this.#lookedMs = nowMs;
      return;
    }
    if (nowMs < CLOCK_IS_SET_MS) {
      this.#lookedMs = nowMs;
      return;
    }
    const isPast = this.#furthestMs <= nowMs;
    const fromMs = Math.max(isPast ? this.#furthestMs : 0, this.#lookedMs);
    // A hub that never knew the time before begins with the time that it is told.
    const afterMs = fromMs < CLOCK_IS_SET_MS ? nowMs : Math.max(fromMs, nowMs - MAX_LOOKED_BACK_MS);
    this.#lookedMs = nowMs;
    if (isPast) this.#furthestMs = nowMs;
    for (const { definition, due } of this.#dueUntil(afterMs, nowMs)) runner.fire(toFiring(definition, due));
  }

  /** When the next of them is due, at most `untilMs`. It is kept: this is asked with every value that a device tells. */
  nextMs(untilMs: number): number {
    const { timetable, running } = this.#options;
    const kept = this.#next;
    if (kept && kept.fromMs === this.#lookedMs && (kept.atMs <= untilMs || untilMs <= kept.untilMs)) {
      return Math.min(kept.atMs, untilMs);
    }
    const times = running().flatMap((definition) => timetable.due(definition, this.#lookedMs, untilMs, 1));
    const atMs = times.reduce((first, due) => Math.min(first, due.atMs), Infinity);
    this.#next = { atMs, fromMs: this.#lookedMs, untilMs };
    return Math.min(untilMs, atMs);
  }

  save(tx: Tx): void {
    putProgress(tx, { lookedMs: this.#lookedMs, furthestMs: Math.max(this.#furthestMs, this.#lookedMs) });
  }

  /** Of all automations, the earliest first: "off at 22:05" must not come before "on at 22:00". */
  #dueUntil(afterMs: number, nowMs: number): Found[] {
    const found = this.#options
      .running()
      .flatMap((definition) => this.#dueOf(definition, afterMs, nowMs).map((due) => ({ definition, due })));
    return found.toSorted((a, b) => a.due.atMs - b.due.atMs);
  }

  /** What is to fire; what is too late for that is written down. */
  #dueOf(definition: Definition, afterMs: number, nowMs: number): Due[] {
    const { timetable, runner } = this.#options;
    // What was due before somebody made it so was not asked for. A time that lies ahead was given by a clock that was wrong.
    const sinceMs = definition.changedMs <= nowMs ? Math.max(afterMs, definition.changedMs) : afterMs;
    const lateMs = Math.max(sinceMs, nowMs - GRACE_MS);
    const late = lateMs > sinceMs ? timetable.due(definition, sinceMs, lateMs, MAX_AT_ONCE) : [];
    const missed = late.filter((due) => !runner.hasFired(firingKey(definition, due)));
    const last = missed.at(-1);
    if (last) {
      const times = late.length < MAX_AT_ONCE ? `${missed.length}` : `${MAX_AT_ONCE} or more`;
      const more = missed.length > 1 ? `, ${times} times` : '';
      const firing = toFiring(definition, last);
      // Under a name of its own: where the clock was set forward by mistake and is put right, it is still to come.
      runner.miss(
        { ...firing, key: `missed ${firing.key}` },
        `the hub was not running, or its clock was set forward${more}`,
      );
    }
    return timetable.due(definition, lateMs, nowMs, MAX_AT_ONCE);
  }
}

function firingKey({ entityId }: Definition, { trigger, key }: Due): string {
  return `${entityId} ${trigger.id} ${key}`;
}

function toFiring(definition: Definition, due: Due): Firing & { readonly key: string } {
  const { trigger, atMs } = due;
  return {
    definition,
    trigger: trigger.label,
    why: { trigger: trigger.type },
    key: firingKey(definition, due),
    scheduledMs: atMs,
    chain: [],
  };
}
