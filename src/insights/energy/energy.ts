import type { Clock } from '../../base/clock.ts';
import type { HomeZone } from '../../base/home-zone.ts';
import type { Store } from '../../base/store.ts';
import type { NumericHistory } from '../types.ts';
import type { EnergyHome, EnergyQuery, EnergyReport } from './types.ts';

import { AskQueue } from '../ask-queue.ts';
import { Corrections } from './corrections.ts';
import { energyCsv } from './csv.ts';
import { analyseDevice, fineFrom } from './device-analysis.ts';
import { Grid } from './grid.ts';
import { daysFrom, makePeriod, periodOf } from './period.ts';
import { priceVector } from './prices.ts';
import { makeReport, metersFor } from './report.ts';
import { MarketPrices, Tariffs } from './tariffs.ts';
import { Turns } from './turns.ts';

export { MAX_DAYS } from './period.ts';
export { MAX_PRICES } from './tariffs.ts';

export interface EnergyOptions {
  readonly store: Store;
  readonly history: NumericHistory;
  readonly home: EnergyHome;
  readonly zone: HomeZone;
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;

/** 30 days: some thousand rows. */
const PRICES_AT_ONCE_MS = 30 * DAY_MS;

/**
 * What the devices used, and what that cost. Everything is made from the readings, the tariffs and the corrections when
 * somebody asks; nothing of it is stored, so that the past follows what is corrected.
 */
export class Energy {
  readonly tariffs: Tariffs;
  readonly prices: MarketPrices;
  readonly corrections: Corrections;
  readonly #options: EnergyOptions;
  readonly #queue = new AskQueue(
    'Too many look at the energy of the home just now; try again in a few seconds.',
  );

  constructor(options: EnergyOptions) {
    const { store, clock } = options;
    this.#options = options;
    this.tariffs = new Tariffs(store);
    this.prices = new MarketPrices(store);
    this.corrections = new Corrections({
      store,
      clock,
      measured: async (entityId, fromMs, toMs) => await this.#measured(entityId, fromMs, toMs),
    });
  }

  /**
   * @throws HubError `invalid` (span, resolution), `not_found` (device, room), `unavailable` where too many wait for
   * such answers.
   */
  async report(query: EnergyQuery): Promise<EnergyReport> {
    return await this.#queue.ask(query.visible ? null : JSON.stringify(query), async () => {
      const { store: _, clock, ...parts } = this.#options;
      const nowMs = clock.nowMs();
      const turns = new Turns();
      const period = await periodOf(query, parts.zone, nowMs, turns);
      const { grid, untilMs } = period;
      const { fromMs, toMs } = grid;
      const market = await this.#market(grid, turns);
      const endQuarter = Math.min(grid.count, grid.quarterOf(untilMs) + 1);
      const prices = await priceVector(grid, this.tariffs.list(), { market, endQuarter }, turns);
      await turns.take();
      const context = {
        ...parts,
        nowMs,
        prices,
        // Of the days before too, with which it is compared; one of them may be longer.
        corrections: this.corrections.active(2 * fromMs - toMs - DAY_MS, toMs),
      };
      return await makeReport(query, period, context, turns);
    });
  }

  /** A report that was made with `withSeries`, as CSV in chunks. */
  csv(report: EnergyReport): Generator<string> {
    return energyCsv(report, this.#options.zone);
  }

  /** Prices of the market by the quarters of a period; NaN where they are not known. */
  async #market(grid: Grid, turns: Turns): Promise<Float64Array> {
    const prices = new Float64Array(grid.count).fill(Number.NaN);
    for (let fromMs = grid.fromMs; fromMs < grid.toMs; fromMs += PRICES_AT_ONCE_MS) {
      const untilMs = Math.min(grid.toMs, fromMs + PRICES_AT_ONCE_MS);
      for (const { startMs, price } of this.prices.list(fromMs, untilMs)) {
        prices[grid.quarterOf(startMs)] = price;
      }
      await turns.take();
    }
    return prices;
  }

  /** What is counted of a device in a span, corrections of before included. */
  async #measured(entityId: string, fromMs: number, toMs: number): Promise<number> {
    return await this.#queue.ask(null, async () => {
      const { history, home, zone, clock } = this.#options;
      const [meter] = metersFor({ entityId, visible: null }, { home, history }, []);
      if (!meter) return 0;
      const turns = new Turns();
      const end = zone.plusDays(zone.dayOf(toMs - 1), 1);
      const days = await daysFrom(zone, zone.dayOf(fromMs), end, turns);
      const { grid, untilMs } = makePeriod(await Grid.make(zone, days, turns), clock.nowMs());
      const fold = await analyseDevice(
        meter,
        {
          grid,
          untilMs,
          fineFromMs: fineFrom(clock.nowMs(), history.fiveMinuteDays, zone),
          scan: history.scan(),
          corrections: this.corrections.active(grid.fromMs, grid.toMs),
          cycleDays: [],
          wantsStandby: false,
        },
        turns,
      );
      return fold?.energy.kwh(grid.quarterOf(fromMs), grid.quarterOf(toMs)) ?? 0;
    });
  }
}
