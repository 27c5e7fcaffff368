import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { ActionResult, Definition, Outcome } from './types.ts';

import { hasFiring, readRunOwners } from './reader.ts';
import { expireRuns, finishRun, insertRun, type Keep, type NewRun } from './writer.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST = 200;
const LEAST = 20;
const KEPT_DAYS = 90;
/** A clock that is set back by less than this brings nothing again, however often an automation fires. */
const NAMES_KEPT_MS = 26 * 60 * 60 * 1000;
const EXPIRE_EVERY = 20;

/** Why an automation is to run. */
export interface Firing {
  readonly definition: Definition;
  readonly trigger: string;
  readonly why: JsonObject;
  /** What it is called where it must happen once, however often it is asked for. */
  readonly key: string | null;
  readonly scheduledMs: number | null;
  /** The automations that led to it. */
  readonly chain: readonly string[];
}

/** What automations did, on the disk. A disk that refuses is logged and stops no automation. */
export class RunRecords {
  readonly #options: { store: Store; clock: Clock; log: Logger };
  /** Firings of this run of the hub, for a disk that does not take them. */
  readonly #fired = new Set<string>();
  #count = 0;

  constructor(options: { store: Store; clock: Clock; log: Logger }) {
    this.#options = options;
  }

  /** Whether this firing happened already. */
  has(key: string): boolean {
    return this.#fired.has(key) || hasFiring(this.#options.store.db, key);
  }

  /** @returns its id; null where the disk did not take it, 'known' where this firing happened before. */
  record(
    { definition, trigger, why, key, scheduledMs }: Firing,
    outcome: Outcome,
    more: JsonObject,
  ): number | null | 'known' {
    const { store, clock, log } = this.#options;
    const run: NewRun = {
      automationId: definition.entityId,
      firing: key,
      trigger,
      why: { ...why, ...more },
      scheduledMs,
      startedMs: clock.nowMs(),
      outcome,
    };
    if (this.#fired.size > 10_000) this.#fired.clear();
    if (key !== null) this.#fired.add(key);
    try {
      return store.write((tx) => {
        if (++this.#count % EXPIRE_EVERY === 0) {
          expireRuns(tx, run.automationId, this.#keep(LEAST));
        }
        return insertRun(tx, run) ?? 'known';
      });
    } catch (error) {
      log.error({ err: error, automation: run.automationId }, 'a firing could not be written down');
      return null;
    }
  }

  /** Removes what is too old, of automations that fire no more, too. @param isThere whether one still exists. */
  expire(isThere: (automationId: string) => boolean): void {
    const { store, log } = this.#options;
    try {
      store.write((tx) => {
        for (const id of readRunOwners(store.db)) expireRuns(tx, id, this.#keep(isThere(id) ? LEAST : 0));
      });
    } catch (error) {
      log.error({ err: error }, 'old firings could not be removed; it is tried again tomorrow');
    }
  }

  finish(
    { definition, why }: Firing,
    id: number | null | 'known',
    more: JsonObject,
    outcome: Outcome,
    actions: readonly ActionResult[],
  ): void {
    const { store, clock, log } = this.#options;
    if (typeof id !== 'number') return;
    try {
      store.write((tx) =>
        finishRun(tx, id, { finishedMs: clock.nowMs(), outcome, why: { ...why, ...more }, actions }),
      );
    } catch (error) {
      log.error(
        { err: error, automation: definition.entityId },
        'the end of a firing could not be written down',
      );
    }
  }

  #keep(least: number): Keep {
    const nowMs = this.#options.clock.nowMs();
    return { most: MOST, dueAfterMs: nowMs - NAMES_KEPT_MS, least, beforeMs: nowMs - KEPT_DAYS * DAY_MS };
  }
}
