import type { HomeZone, LocalDay } from '../../base/home-zone.ts';
import type { Turns } from './turns.ts';

export const QUARTER_MS = 900_000;
export const HOUR_MS = 3_600_000;

/** Offsets of time zones are whole quarters of an hour, so that every day and every hour of the home is made of them. */
export class Grid {
  readonly fromMs: number;
  readonly toMs: number;
  /** How many quarters of an hour there are. */
  readonly count: number;
  readonly days: readonly LocalDay[];
  /** By quarter: the number of its day. */
  readonly dayOf: Uint16Array;
  /** By quarter: what the wall shows at its begin, in minutes since midnight. */
  readonly minuteOf: Uint16Array;
  /** By day: 0 for Monday to 6. */
  readonly weekdays: readonly number[];

  private constructor(zone: HomeZone, days: readonly LocalDay[]) {
    this.days = days;
    this.fromMs = quarterStart(days[0]?.startMs ?? 0);
    this.toMs = quarterStart(days.at(-1)?.endMs ?? 0);
    this.count = (this.toMs - this.fromMs) / QUARTER_MS;
    this.dayOf = new Uint16Array(this.count);
    this.minuteOf = new Uint16Array(this.count);
    const first = days[0];
    const weekday = first ? zone.at(first.startMs).dayOfWeek - 1 : 0;
    this.weekdays = days.map((_, index) => (weekday + index) % 7);
  }

  /**
   * Asks the calendar about each day, which takes a tenth of a second for two years: in turns.
   * @param days those of the period, in order and without a gap; at least one.
   */
  static async make(zone: HomeZone, days: readonly LocalDay[], turns: Turns): Promise<Grid> {
    const grid = new Grid(zone, days);
    for (const [index, day] of days.entries()) {
      grid.#fill(zone, index, day);
      await turns.take();
    }
    return grid;
  }

  /** The quarter in which an instant lies; outside of 0 to `count` where the period has none. */
  quarterOf(ms: number): number {
    return Math.floor((ms - this.fromMs) / QUARTER_MS);
  }

  startOf(quarter: number): number {
    return this.fromMs + quarter * QUARTER_MS;
  }

  /** The first quarter of a day; `count` for the day after the last. */
  firstOf(dayIndex: number): number {
    const day = this.days[dayIndex];
    return day ? this.quarterOf(day.startMs) : this.count;
  }

  #fill(zone: HomeZone, index: number, day: LocalDay): void {
    const [first, end] = [this.quarterOf(day.startMs), this.quarterOf(day.endMs)];
    // The wall is asked only where the clock is changed: that is slow, and an ordinary day goes by the number.
    const isOrdinary = day.endMs - day.startMs === 24 * HOUR_MS && zone.minutesOf(day.startMs) === 0;
    for (let quarter = first; quarter < end; quarter++) {
      this.dayOf[quarter] = index;
      this.minuteOf[quarter] = isOrdinary
        ? (quarter - first) * 15
        : Math.floor(zone.minutesOf(this.startOf(quarter)));
    }
  }
}

/** Where buckets of the answer begin, as quarters, with the end after the last. */
export function bucketEdges(grid: Grid, resolution: '15m' | 'hour' | 'day'): number[] {
  const edges: number[] = [];
  for (let quarter = 0; quarter < grid.count; quarter++) {
    const isFirst = quarter === 0 || grid.dayOf[quarter] !== grid.dayOf[quarter - 1];
    const isHour = (grid.minuteOf[quarter] ?? 0) % 60 === 0;
    if (resolution === '15m' || isFirst || (resolution === 'hour' && isHour)) edges.push(quarter);
  }
  edges.push(grid.count);
  return edges;
}

function quarterStart(ms: number): number {
  return Math.floor(ms / QUARTER_MS) * QUARTER_MS;
}
