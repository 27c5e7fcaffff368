import { expect, test } from 'vitest';

import { nextOccurrence, occurrencesIn } from '../../src/base/calendar.ts';
import { parseCron } from '../../src/base/cron.ts';
import { HomeZone } from '../../src/base/home-zone.ts';

const berlin = new HomeZone('Europe/Berlin');

function between(cron: string, from: string, to: string): string[] {
  const options = { afterMs: Date.parse(from), untilMs: Date.parse(to), limit: 100 };
  return occurrencesIn(berlin, parseCron(cron), options).map(({ atMs }) => new Date(atMs).toISOString());
}

test('a time that the clock change skips comes once, right after it', () => {
  expect(between('30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z')).toEqual([
    '2026-03-29T01:00:00.000Z',
  ]);
});

test('a time that comes twice is the first one, and every real hour has its own', () => {
  expect(between('30 2 * * *', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z')).toEqual([
    '2026-10-25T00:30:00.000Z',
  ]);
  expect(between('0 * * * *', '2026-10-24T23:30:00Z', '2026-10-25T03:00:00Z')).toEqual([
    '2026-10-25T00:00:00.000Z',
    '2026-10-25T01:00:00.000Z',
    '2026-10-25T02:00:00.000Z',
    '2026-10-25T03:00:00.000Z',
  ]);
  expect(between('0 * * * *', '2026-03-29T00:00:00Z', '2026-03-29T02:00:00Z')).toHaveLength(2);
});

test('leap days, either of two days, names, and what never comes', () => {
  const next = (cron: string, after: string): string | undefined => {
    const found = nextOccurrence(berlin, parseCron(cron), Date.parse(after));
    return found && new Date(found.atMs).toISOString();
  };
  expect(next('0 0 29 2 *', '2026-01-01T00:00:00Z')).toBe('2028-02-28T23:00:00.000Z');
  expect(next('0 12 13 * fri', '2026-01-10T00:00:00Z')).toBe('2026-01-13T11:00:00.000Z');
  expect(next('30 7 * * mon-fri', '2026-01-03T00:00:00Z')).toBe('2026-01-05T06:30:00.000Z');
  expect(next('0 0 31 2 *', '2026-01-01T00:00:00Z')).toBeUndefined();
});

test('days and months have their whole English names or three letters, and a weekend ends with its Sunday', () => {
  const next = (cron: string): string | undefined => {
    const found = nextOccurrence(berlin, parseCron(cron), Date.parse('2026-01-05T00:00:00Z'));
    return found && new Date(found.atMs).toISOString().slice(0, 10);
  };
  expect(['0 9 * * sat-sun', '0 9 * * Sunday', '0 9 * February *', '0 9 * * 6-7'].map(next)).toEqual([
    '2026-01-10',
    '2026-01-11',
    '2026-02-01',
    '2026-01-10',
  ]);
  for (const wrong of [
    '0 9 * * sund',
    '0 9 * * fri-mon',
    '0 9 L * *',
    '0 9 * * 1#2',
    '@daily',
    '0 9 ? * *',
  ]) {
    expect(() => parseCron(wrong), wrong).toThrow(RangeError);
  }
});

test('what is no cron expression is refused in words', () => {
  expect(() => parseCron('61 * * * *')).toThrow('minute');
  expect(() => parseCron('* * * *')).toThrow('five fields');
  expect(() => parseCron('* * * * * *')).toThrow('five fields');
});
