import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
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

export interface LookoutOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timetable: Timetable;
  readonly runner: Pick<Runner, 'fire' | 'miss'>;
  /** What may run by itself. */
  readonly running: () => Definition[];
}

/**
 * Fires what is due by time. It looks from where it looked last up to now, whatever the clock did in between; a firing
 * has a name, so that a clock that is set back does not bring it again.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  #lookedMs = 0;
  #furthestMs = 0;

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** What was due up to here has been seen to, ms since the Unix epoch. */
  get lookedMs(): number {
    return this.#lookedMs;
  }

  /** Goes on where the last run stopped; a hub that never ran begins now. */
  load(): void {
    const nowMs = this.#options.clock.nowMs();
    const progress = readProgress(this.#options.store.db);
    this.#lookedMs = progress?.lookedMs ?? nowMs;
    this.#furthestMs = progress?.furthestMs ?? this.#lookedMs;
  }

  /** Fires what has become due since the last look. */
  look(): void {
    const { clock, running } = this.#options;
    const nowMs = clock.nowMs();
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
    const afterMs = Math.max(isPast ? this.#furthestMs : 0, this.#lookedMs, nowMs - MAX_LOOKED_BACK_MS);
    this.#lookedMs = nowMs;
    if (isPast) this.#furthestMs = nowMs;
    for (const definition of running()) this.#lookAt(definition, afterMs, nowMs);
  }

  /** When the next of them is due, at most `untilMs`. */
  nextMs(untilMs: number): number {
    const { timetable, running } = this.#options;
    const times = running().flatMap((definition) => timetable.due(definition, this.#lookedMs, untilMs, 1));
    return Math.min(untilMs, ...times.map(({ atMs }) => atMs));
  }

  save(tx: Tx): void {
    putProgress(tx, { lookedMs: this.#lookedMs, furthestMs: Math.max(this.#furthestMs, this.#lookedMs) });
  }

  #lookAt(definition: Definition, afterMs: number, nowMs: number): void {
    const { timetable, runner } = this.#options;
    // What was due before somebody made it so was not asked for. A time that lies ahead was given by a clock that was wrong.
    const sinceMs = definition.changedMs <= nowMs ? Math.max(afterMs, definition.changedMs) : afterMs;
    const lateMs = Math.max(sinceMs, nowMs - GRACE_MS);
    const missed = lateMs > sinceMs ? timetable.due(definition, sinceMs, lateMs, MAX_AT_ONCE) : [];
    const last = missed.at(-1);
    if (last) {
      const more = missed.length > 1 ? `, ${missed.length} times` : '';
      runner.miss(toFiring(definition, last), `the hub was not running, or its clock was set forward${more}`);
    }
    for (const due of timetable.due(definition, lateMs, nowMs, MAX_AT_ONCE))
      runner.fire(toFiring(definition, due));
  }
}

function toFiring(definition: Definition, { trigger, key, atMs }: Due): Parameters<Runner['fire']>[0] {
  return {
    definition,
    trigger: trigger.label,
    why: { trigger: trigger.type },
    key: `${definition.entityId} ${trigger.id} ${key}`,
    scheduledMs: atMs,
    chain: [],
  };
}
