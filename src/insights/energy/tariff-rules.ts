import type { NewTariff, PriceWindow, Tariff } from './types.ts';

import { HubError } from '../../base/errors.ts';
import { WEEKDAYS } from './types.ts';

const QUARTERS_OF_DAY = 96;
const QUARTERS_OF_WEEK = 7 * QUARTERS_OF_DAY;

/** Of a quarter of an hour of the week for which no price is said. */
export const NO_PRICE = Number.NaN;

/**
 * The price of each quarter of an hour of a week by the wall clock, from Monday 00:00 on.
 * @throws HubError `invalid` where two windows say something about the same time, or nothing does.
 */
export function weekOf(tariff: NewTariff): Float64Array {
  const owner = new Int16Array(QUARTERS_OF_WEEK).fill(-1);
  for (const [index, window] of tariff.windows.entries()) {
    for (const quarter of quartersOf(window, index)) {
      const other = owner[quarter] ?? -1;
      if (other !== -1) {
        throw new HubError(
          'invalid',
          `windows.${index} and windows.${other} both say what ${wallText(quarter)} costs; let one end where the other begins.`,
          { field: `windows.${index}` },
        );
      }
      owner[quarter] = index;
    }
  }
  const week = Float64Array.from(owner, (index) =>
    index === -1 ? (tariff.price ?? NO_PRICE) : (tariff.windows[index]?.price ?? NO_PRICE),
  );
  const open = week.findIndex(Number.isNaN);
  if (open !== -1 && tariff.dynamic === null) {
    throw new HubError(
      'invalid',
      `No window says what ${wallText(open)} costs; give price_per_kwh for the time outside of all windows.`,
      { field: 'price_per_kwh' },
    );
  }
  return week;
}

/** @throws HubError `invalid` for dates that are none or in the wrong order, `conflict` where two tariffs hold on a day. */
export function checkDates(tariff: NewTariff, others: readonly Tariff[]): void {
  checkDate(tariff.validFrom, 'valid_from');
  if (tariff.validTo !== null) {
    checkDate(tariff.validTo, 'valid_to');
    if (tariff.validTo <= tariff.validFrom) {
      throw new HubError(
        'invalid',
        'valid_to is the first day on which the tariff holds no more: it comes after valid_from',
        { field: 'valid_to' },
      );
    }
  }
  for (const other of others) {
    const isApart =
      (other.validTo !== null && other.validTo <= tariff.validFrom) ||
      (tariff.validTo !== null && tariff.validTo <= other.validFrom);
    if (isApart) continue;
    throw new HubError(
      'conflict',
      `"${other.name}" holds from ${other.validFrom} ${other.validTo === null ? 'on' : `up to ${other.validTo}`}: ` +
        `give it valid_to ${tariff.validFrom} first, or begin later.`,
      { field: 'valid_from', details: { tariff_id: other.id } },
    );
  }
}

/** The tariff that holds on a day. */
export function tariffOn(tariffs: readonly Tariff[], date: string): Tariff | undefined {
  return tariffs.find(({ validFrom, validTo }) => validFrom <= date && (validTo === null || date < validTo));
}

/** Of a quarter of the week, as `weekOf` has them. */
export function quarterOfWeek(weekday: number, minute: number): number {
  return weekday * QUARTERS_OF_DAY + Math.floor(minute / 15);
}

function* quartersOf({ days, from, to }: PriceWindow, index: number): Generator<number> {
  const [begin, end] = [quarterOfDay(from, `windows.${index}.from`), quarterOfDay(to, `windows.${index}.to`)];
  const length = end > begin ? end - begin : end + QUARTERS_OF_DAY - begin;
  for (const day of new Set(days)) {
    const first = WEEKDAYS.indexOf(day) * QUARTERS_OF_DAY + begin;
    for (let n = 0; n < length; n++) yield (first + n) % QUARTERS_OF_WEEK;
  }
}

function quarterOfDay(text: string, field: string): number {
  const [, hour, minute] = /^(\d\d):(00|15|30|45)$/.exec(text) ?? [];
  const quarter = Number(hour) * 4 + Number(minute) / 15;
  if (quarter >= 0 && quarter <= QUARTERS_OF_DAY) return quarter;
  throw new HubError('invalid', `${field}: must be a time on a quarter of an hour, such as 22:15`, { field });
}

function checkDate(text: string, field: string): void {
  try {
    if (Temporal.PlainDate.from(text, { overflow: 'reject' }).toString() === text) return;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new HubError('invalid', `${field}: must be a date such as 2026-03-29`, { field });
}

function wallText(quarter: number): string {
  const minutes = (quarter % QUARTERS_OF_DAY) * 15;
  const time = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${WEEKDAYS[Math.floor(quarter / QUARTERS_OF_DAY)] ?? ''} ${time}`;
}
