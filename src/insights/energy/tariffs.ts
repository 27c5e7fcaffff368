import type { Store } from '../../base/store.ts';
import type { NewTariff, Tariff } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { QUARTER_MS } from './grid.ts';
import { readPrices, readTariffs } from './reader.ts';
import { checkDates, weekOf } from './tariff-rules.ts';
import { deletePrices, deleteTariff, putPrice, putTariff } from './writer.ts';

/** A home that changes its tariff every month for eight years has this many. */
const MAX_TARIFFS = 100;

/** 31 days of quarters of an hour: one short transaction. */
export const MAX_PRICES = 2976;

/** What a kWh costs, and from when on. */
export class Tariffs {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** In the order of the calendar. */
  list(): readonly Tariff[] {
    return readTariffs(this.#store.db);
  }

  /** @throws HubError `not_found`. */
  get(id: string): Tariff {
    const found = this.list().find((tariff) => tariff.id === id);
    if (found) return found;
    throw new HubError('not_found', `There is no tariff ${id.slice(0, 64)}.`);
  }

  /** @throws HubError `invalid` (windows, dates), `conflict` where another holds on one of the days. */
  async create(tariff: NewTariff): Promise<Tariff> {
    return await this.#put({ ...tariff, id: newId() });
  }

  /** @throws HubError as `create`, and `not_found`. */
  async replace(id: string, tariff: NewTariff): Promise<Tariff> {
    this.get(id);
    return await this.#put({ ...tariff, id });
  }

  /** @throws HubError `not_found`. */
  async delete(id: string): Promise<void> {
    if (!this.#store.write((tx) => deleteTariff(tx, id))) this.get(id);
    await this.#store.durable();
  }

  async #put(tariff: Tariff): Promise<Tariff> {
    const others = this.list().filter(({ id }) => id !== tariff.id);
    if (others.length >= MAX_TARIFFS) {
      throw new HubError('conflict', `There are ${MAX_TARIFFS} tariffs; delete one that is long over.`);
    }
    weekOf(tariff);
    checkDates(tariff, others);
    this.#store.write((tx) => putTariff(tx, tariff));
    await this.#store.durable();
    return tariff;
  }
}

export interface PriceSpan {
  readonly fromMs: number;
  /** `15m` or `1h`. */
  readonly stepMs: number;
  /** For a kWh, one after the other. */
  readonly prices: readonly number[];
}

/** Prices of the market, by quarters of an hour. */
export class MarketPrices {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  list(fromMs: number, toMs: number): { startMs: number; price: number }[] {
    return readPrices(this.#store.db, fromMs, toMs);
  }

  /**
   * Replaces what was known of the span.
   * @returns how many quarters of an hour have a price now
   * @throws HubError `invalid` where it does not begin on a step, or is too long.
   */
  async put({ fromMs, stepMs, prices }: PriceSpan): Promise<number> {
    if (fromMs % stepMs !== 0) {
      throw new HubError(
        'invalid',
        `from: must be the begin of ${stepMs === QUARTER_MS ? 'a quarter of an hour' : 'an hour'}`,
        {
          field: 'from',
        },
      );
    }
    const quarters = (prices.length * stepMs) / QUARTER_MS;
    if (quarters > MAX_PRICES) {
      throw new HubError(
        'too_large',
        'prices: one call takes at most 31 days; send the rest in further calls',
        {
          field: 'prices',
        },
      );
    }
    this.#store.write((tx) => {
      deletePrices(tx, fromMs, fromMs + quarters * QUARTER_MS);
      for (let n = 0; n < quarters; n++) {
        const price = prices[Math.floor((n * QUARTER_MS) / stepMs)];
        if (price !== undefined) putPrice(tx, fromMs + n * QUARTER_MS, price);
      }
    });
    await this.#store.durable();
    return quarters;
  }

  /** @returns how many quarters of an hour have no price any more. */
  async delete(fromMs: number, toMs: number): Promise<number> {
    const deleted = this.#store.write((tx) => deletePrices(tx, fromMs, toMs));
    await this.#store.durable();
    return deleted;
  }
}
