import type { Clock } from '../../base/clock.ts';
import type { Store } from '../../base/store.ts';
import type { Correction, NewCorrection } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { QUARTER_MS } from './grid.ts';
import { countCorrections, readActiveCorrections, readCorrection, readCorrections } from './reader.ts';
import { insertCorrection, reverseCorrection } from './writer.ts';

const MAX_CORRECTIONS = 10_000;
const MAX_SPAN_MS = 400 * 86_400_000;
export const MAX_LISTED = 500;

export interface CorrectionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** What is counted of a device in a span at the moment, in kWh. @throws HubError `not_found`. */
  readonly measured: (entityId: string, fromMs: number, toMs: number) => Promise<number>;
}

/** What people know better than the meters. The readings stay as they are, so that each correction can be taken back. */
export class Corrections {
  readonly #options: CorrectionsOptions;

  constructor(options: CorrectionsOptions) {
    this.#options = options;
  }

  /** Newest first, those that were taken back too. */
  list(entityId?: string): readonly Correction[] {
    return readCorrections(this.#options.store.db, entityId, MAX_LISTED);
  }

  /** Those that count and concern a span, of all devices. */
  active(fromMs: number, toMs: number): readonly Correction[] {
    return readActiveCorrections(this.#options.store.db, fromMs, toMs);
  }

  /**
   * @param by id of the user
   * @throws HubError `invalid` (span), `not_found` (device), `conflict` where another one corrects a part of the span.
   */
  async create(correction: NewCorrection, by: string): Promise<Correction> {
    const { store, clock, measured } = this.#options;
    const { entityId, fromMs, toMs } = correction;
    this.#checkSpan(fromMs, toMs);
    if (countCorrections(store.db) >= MAX_CORRECTIONS) {
      throw new HubError('conflict', `There are ${MAX_CORRECTIONS} corrections, which is all that is kept.`);
    }
    const beforeKwh = await measured(entityId, fromMs, toMs);
    this.#checkApart(correction);
    const made: Correction = {
      ...correction,
      id: newId(),
      beforeKwh,
      madeBy: by,
      madeMs: clock.nowMs(),
      reversedBy: null,
      reversedMs: null,
    };
    store.write((tx) => insertCorrection(tx, made));
    await store.durable();
    return made;
  }

  /**
   * Takes it back; it stays in the list. Doing so again changes nothing.
   * @returns what it was before
   * @throws HubError `not_found`.
   */
  async reverse(id: string, by: string): Promise<Correction> {
    const { store, clock } = this.#options;
    const correction = readCorrection(store.db, id);
    if (!correction) {
      throw new HubError('not_found', `There is no correction ${id.slice(0, 64)}.`);
    }
    store.write((tx) => reverseCorrection(tx, id, by, clock.nowMs()));
    await store.durable();
    return correction;
  }

  #checkSpan(fromMs: number, toMs: number): void {
    for (const [field, ms] of [
      ['from', fromMs],
      ['to', toMs],
    ] as const) {
      if (ms % QUARTER_MS === 0) continue;
      throw new HubError('invalid', `${field}: must be on a quarter of an hour, such as 12:15`, { field });
    }
    if (fromMs >= toMs) throw new HubError('invalid', 'to comes after from', { field: 'to' });
    if (toMs - fromMs > MAX_SPAN_MS) {
      throw new HubError('invalid', 'a correction spans at most 400 days', { field: 'to' });
    }
    if (toMs > this.#options.clock.nowMs()) {
      throw new HubError('invalid', 'to has not come yet: what is to come cannot be corrected', {
        field: 'to',
      });
    }
  }

  #checkApart({ entityId, fromMs, toMs }: NewCorrection): void {
    const other = this.active(fromMs, toMs).find((one) => one.entityId === entityId);
    if (!other) return;
    throw new HubError(
      'conflict',
      `Correction ${other.id} is about a part of this time; take it back first (DELETE).`,
      { field: 'from', details: { correction_id: other.id } },
    );
  }
}
