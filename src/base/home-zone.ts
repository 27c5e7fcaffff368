/** One day of the home's calendar, which is 23, 24 or 25 hours long (or what its government decided that year). */
export interface LocalDay {
  /** `2026-03-29`. */
  readonly date: string;
  /** Ms since the Unix epoch: from here, */
  readonly startMs: number;
  /** up to but not at this. */
  readonly endMs: number;
}

/** The calendar and the clock on the wall of the home. Instants are ms since the Unix epoch. */
export class HomeZone {
  /** An IANA name, such as `Europe/Berlin`. */
  readonly id: string;

  /** @throws RangeError when there is no such zone. */
  constructor(id: string) {
    this.id = Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(id).timeZoneId;
  }

  /** The instant as the wall shows it. */
  at(ms: number): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(this.id);
  }

  /** The day in which the instant lies. */
  dayOf(ms: number): LocalDay {
    return this.#day(this.at(ms).toPlainDate());
  }

  /** @throws RangeError when the text is no date such as `2026-03-29`. */
  day(date: string): LocalDay {
    return this.#day(Temporal.PlainDate.from(date, { overflow: 'reject' }));
  }

  /** The day so many days later, or earlier. */
  plusDays(day: LocalDay, days: number): LocalDay {
    return this.#day(Temporal.PlainDate.from(day.date).add({ days }));
  }

  /** The days that have a moment from `fromMs` up to but not at `toMs`, in order; none where that is empty. */
  *daysOf(fromMs: number, toMs: number): Generator<LocalDay, void, undefined> {
    if (fromMs >= toMs) return;
    for (let day = this.dayOf(fromMs); day.startMs < toMs; day = this.plusDays(day, 1)) yield day;
  }

  /**
   * When the wall shows this time on this day. A time that a clock change skips comes by as much later as the clock is set
   * forward; of one that comes twice it is the first.
   * @param minutes since midnight, as the wall shows them; from 1440 on they belong to the next day.
   */
  msOf(day: LocalDay, minutes: number): number {
    return Temporal.PlainDate.from(day.date).toPlainDateTime().add({ minutes }).toZonedDateTime(this.id)
      .epochMilliseconds;
  }

  /** What the wall shows, in minutes since midnight with fractions: 0 to 1440. */
  minutesOf(ms: number): number {
    const { hour, minute, second, millisecond } = this.at(ms);
    return hour * 60 + minute + (second + millisecond / 1000) / 60;
  }

  #day(date: Temporal.PlainDate): LocalDay {
    return {
      date: date.toString(),
      startMs: date.toZonedDateTime(this.id).epochMilliseconds,
      endMs: date.add({ days: 1 }).toZonedDateTime(this.id).epochMilliseconds,
    };
  }
}
