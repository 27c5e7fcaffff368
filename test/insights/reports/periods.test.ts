import { expect, test } from 'vitest';

import { HomeZone } from '../../../src/base/home-zone.ts';
import { finishedPeriods, periodOf, referenceOf } from '../../../src/insights/reports/periods.ts';
import { ticksOf } from '../../../src/insights/reports/plots.ts';

const HOUR = 3_600_000;
const BERLIN = new HomeZone('Europe/Berlin');

test.each([
  ['daily', '2026-03-29', 'daily-2026-03-29', '2026-03-29', '2026-03-29', 23],
  ['daily', '2026-10-25', 'daily-2026-10-25', '2026-10-25', '2026-10-25', 25],
  ['weekly', '2026-03-29', 'weekly-2026-W13', '2026-03-23', '2026-03-29', 167],
  // The ISO year is not that of the calendar at its ends.
  ['weekly', '2027-01-02', 'weekly-2026-W53', '2026-12-28', '2027-01-03', 168],
  ['weekly', '2024-12-31', 'weekly-2025-W01', '2024-12-30', '2025-01-05', 168],
  ['monthly', '2026-02-17', 'monthly-2026-02', '2026-02-01', '2026-02-28', 672],
  ['monthly', '2026-10-01', 'monthly-2026-10', '2026-10-01', '2026-10-31', 745],
] as const)('the %s period of %s is %s', (kind, date, id, first, last, hours) => {
  const period = periodOf(kind, date, BERLIN);
  expect(period).toMatchObject({ kind, id, firstDate: first, lastDate: last });
  expect((period.endMs - period.startMs) / HOUR).toBe(hours);
});

test('a day whose midnight does not exist begins when the clock begins', () => {
  const period = periodOf('daily', '2018-11-04', new HomeZone('America/Sao_Paulo'));
  expect(new Date(period.startMs).toISOString()).toBe('2018-11-04T03:00:00.000Z');
  expect((period.endMs - period.startMs) / HOUR).toBe(23);
});

test('what is over is told newest first, and the present period is not among it', () => {
  const midnight = BERLIN.day('2026-03-02').startMs;
  const ids = (kind: 'daily' | 'weekly' | 'monthly', ms: number): string[] =>
    finishedPeriods(kind, BERLIN, ms, 2).map(({ id }) => id);
  expect(ids('daily', midnight)).toEqual(['daily-2026-03-01', 'daily-2026-02-28']);
  expect(ids('daily', midnight - 1)).toEqual(['daily-2026-02-28', 'daily-2026-02-27']);
  expect(ids('weekly', midnight)).toEqual(['weekly-2026-W09', 'weekly-2026-W08']);
  expect(ids('weekly', midnight - 1)).toEqual(['weekly-2026-W08', 'weekly-2026-W07']);
  expect(ids('monthly', midnight)).toEqual(['monthly-2026-02', 'monthly-2026-01']);
});

test('a day is compared with the same day of the week before', () => {
  const of = (kind: 'daily' | 'weekly' | 'monthly', date: string): string =>
    referenceOf(periodOf(kind, date, BERLIN), BERLIN).id;
  expect(of('daily', '2026-03-29')).toBe('daily-2026-03-22');
  expect(of('weekly', '2026-01-01')).toBe('weekly-2025-W52');
  expect(of('monthly', '2026-03-31')).toBe('monthly-2026-02');
});

test.each(['2026-3-1', '2026-02-31', '20260301', '2026-03-01T00:00', '', 'x'])('%j is no date', (date) => {
  expect(() => periodOf('daily', date, BERLIN)).toThrow(RangeError);
});

test.each([
  [0, [0, 1]],
  [Number.NaN, [0, 1]],
  [0.0004, [0, 0.0002, 0.0004]],
  [1, [0, 0.5, 1]],
  [22.4, [0, 10, 20, 30]],
  [7000, [0, 2500, 5000, 7500]],
])('the axis for %d', (max, ticks) => {
  expect(ticksOf(max)).toEqual(ticks);
});
