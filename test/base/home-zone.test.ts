import { describe, expect, test } from 'vitest';

import { HomeZone } from '../../src/base/home-zone.ts';
import { Sun } from '../../src/base/sun.ts';

const HOUR_MS = 60 * 60 * 1000;
const berlin = new HomeZone('Europe/Berlin');

describe('days', () => {
  test('are as long as the clock change makes them', () => {
    const lengths = ['2026-03-29', '2026-10-25', '2026-06-01'].map((date) => {
      const { startMs, endMs } = berlin.day(date);
      return (endMs - startMs) / HOUR_MS;
    });
    expect(lengths).toEqual([23, 25, 24]);
  });

  test('follow each other without gap, over a leap day too', () => {
    const from = Date.parse('2028-02-27T12:00:00Z');
    const days = [...berlin.daysOf(from, from + 4 * 24 * HOUR_MS)];
    expect(days.map(({ date }) => date)).toEqual([
      '2028-02-27',
      '2028-02-28',
      '2028-02-29',
      '2028-03-01',
      '2028-03-02',
    ]);
    days.reduce((before, day) => {
      expect(day.startMs).toBe(before.endMs);
      return day;
    });
  });

  test('there is none in an empty span, and none of an unknown date or zone', () => {
    expect([...berlin.daysOf(5, 5)]).toEqual([]);
    expect(() => berlin.day('2026-02-30')).toThrow(RangeError);
    expect(() => new HomeZone('Europe/Nowhere')).toThrow(RangeError);
  });

  test('one that begins at one in the morning does', () => {
    const santiago = new HomeZone('America/Santiago');
    const day = santiago.day('2025-09-07');
    expect(santiago.at(day.startMs).toPlainTime().toString()).toBe('01:00:00');
    expect((day.endMs - day.startMs) / HOUR_MS).toBe(23);
  });
});

describe('what the wall shows', () => {
  test('a skipped time comes an hour later, and a doubled one counts when it comes first', () => {
    const spring = berlin.day('2026-03-29');
    expect(new Date(berlin.msOf(spring, 150)).toISOString()).toBe('2026-03-29T01:30:00.000Z');
    const autumn = berlin.day('2026-10-25');
    expect(new Date(berlin.msOf(autumn, 150)).toISOString()).toBe('2026-10-25T00:30:00.000Z');
  });

  test('minutes since midnight are those of the wall, not those that passed', () => {
    expect(berlin.minutesOf(Date.parse('2026-03-29T10:30:15Z'))).toBe(12 * 60 + 30.25);
  });

  test('minutes beyond the day belong to the next one', () => {
    const day = berlin.day('2026-06-01');
    expect(berlin.msOf(day, 1440 + 60)).toBe(day.endMs + HOUR_MS);
  });
});

describe('the sun', () => {
  // Worked out apart from the library, with the equations of NOAA's solar calculator (zenith 90.833 degrees).
  test.each([
    ['Europe/Berlin', 52.52, 13.4, '2026-06-21', '04:43', '21:33'],
    ['Europe/Berlin', 52.52, 13.4, '2026-12-21', '08:15', '15:54'],
    ['Pacific/Auckland', -36.85, 174.76, '2026-12-21', '05:58', '20:40'],
    ['Pacific/Honolulu', 21.31, -157.86, '2026-03-20', '06:35', '18:43'],
    ['Pacific/Kiritimati', 1.87, -157.43, '2026-03-20', '06:34', '18:40'],
  ])('rises and sets in %s on %s %s %s', (id, latitude, longitude, date, rise, set) => {
    const zone = new HomeZone(id);
    const day = zone.day(date);
    const { sunrise, sunset, dawn, dusk } = new Sun(latitude, longitude, zone).on(day);
    const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
    for (const [ms, expected] of [
      [sunrise, rise],
      [sunset, set],
    ] as const) {
      expect(ms).toBeGreaterThan(day.startMs);
      expect(ms).toBeLessThan(day.endMs);
      expect(Math.abs(zone.minutesOf(ms ?? 0) - minutes(expected))).toBeLessThan(1.5);
    }
    expect(dawn).toBeLessThan(sunrise ?? 0);
    expect(dusk).toBeGreaterThan(sunset ?? 0);
  });

  test('stays up or down beyond the polar circle', () => {
    const zone = new HomeZone('Europe/Oslo');
    const tromso = new Sun(69.65, 18.96, zone);
    const summer = zone.day('2026-06-21');
    expect(tromso.on(summer)).toMatchObject({ sunrise: null, sunset: null });
    expect(tromso.isDown(zone.msOf(summer, 0))).toBe(false);
    const winter = zone.day('2026-12-21');
    expect(tromso.on(winter)).toMatchObject({ sunrise: null, sunset: null });
    expect(tromso.isDown(zone.msOf(winter, 720))).toBe(true);
  });

  test('is down from sunset on', () => {
    const sun = new Sun(52.52, 13.4, berlin);
    const { sunset } = sun.on(berlin.day('2026-06-21'));
    expect(sun.isDown((sunset ?? 0) - 3 * 60_000)).toBe(false);
    expect(sun.isDown((sunset ?? 0) + 3 * 60_000)).toBe(true);
  });
});
