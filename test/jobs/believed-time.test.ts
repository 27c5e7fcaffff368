import { expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import { BelievedTime, type Belief } from '../../src/jobs/believed-time.ts';
import { openJobs, probe } from './jobs-home.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.parse('2026-01-10T12:00:00Z');
const YEARS_MS = 10 * 365 * DAY_MS;

/** A hub that looks every hour, and can be started anew on what it kept. */
function open(atMs = NOW_MS): {
  clock: ManualClock;
  believed: () => number;
  run: (ms: number) => void;
  restart: () => void;
  current: () => BelievedTime;
} {
  const clock = new ManualClock(atMs);
  let time = new BelievedTime(clock, { trustedMs: 0, leapMs: null, stoodMs: 0 });
  time.nowMs();
  return {
    clock,
    believed: () => time.nowMs(),
    run(ms) {
      for (let left = ms; left > 0; left -= HOUR_MS) {
        clock.advance(HOUR_MS);
        time.nowMs();
      }
    },
    restart() {
      const kept: Belief = time.belief;
      time = new BelievedTime(clock, kept);
    },
    current: () => time,
  };
}

test('time that passes, corrections and a night without power are believed at once', () => {
  const { clock, believed, run, restart, current } = open();
  run(5 * DAY_MS);
  expect(believed()).toBe(clock.nowMs());
  for (const ms of [-HOUR_MS, HOUR_MS, 20 * HOUR_MS]) {
    clock.jumpTo(clock.nowMs() + ms);
    restart();
    expect(believed()).toBe(clock.nowMs());
  }
  expect(current().doubt).toBeNull();
});

test('ten years ahead is believed after the hub has run by it for a week, restarts or not', () => {
  const { clock, believed, run, restart, current } = open();
  run(DAY_MS);
  const rightMs = clock.nowMs();
  clock.jumpTo(rightMs + YEARS_MS);
  expect(believed()).toBe(rightMs);
  for (let day = 0; day < 6; day++) {
    run(DAY_MS / 2);
    restart();
    // Off for the night.
    clock.jumpTo(clock.nowMs() + 10 * HOUR_MS);
    run(DAY_MS / 2);
    expect(believed()).toBe(rightMs);
  }
  expect(current().doubt).toMatchObject({ isFar: true });
  run(DAY_MS);
  expect(believed()).toBe(clock.nowMs());
});

test('ten years ahead and back leaves nothing behind', () => {
  const { clock, believed, run } = open();
  const rightMs = clock.nowMs();
  clock.jumpTo(rightMs + YEARS_MS);
  run(3 * DAY_MS);
  clock.jumpTo(rightMs + 3 * DAY_MS);
  run(2 * DAY_MS);
  clock.jumpTo(clock.nowMs() + YEARS_MS);
  run(6 * DAY_MS);
  expect(believed()).toBeLessThan(rightMs + 6 * DAY_MS);
});

test('three weeks without power are believed after a day', () => {
  const { clock, believed, run, restart, current } = open();
  clock.jumpTo(clock.nowMs() + 21 * DAY_MS);
  restart();
  run(23 * HOUR_MS);
  expect(believed()).toBe(NOW_MS);
  expect(current().doubt).toMatchObject({ isFar: false });
  run(2 * HOUR_MS);
  expect(believed()).toBe(clock.nowMs());
});

test('1970 is no time to believe, first or later, and forgets nothing', () => {
  const first = open(10_000);
  expect(first.believed()).toBe(10_000);
  first.clock.jumpTo(NOW_MS);
  expect(first.believed()).toBe(NOW_MS);
  first.restart();
  first.clock.jumpTo(10_000);
  expect(first.believed()).toBe(10_000);
  first.clock.jumpTo(NOW_MS + HOUR_MS);
  expect(first.believed()).toBe(NOW_MS + HOUR_MS);
});

test('jobs are given it over restarts, and health tells of a leap of years', async () => {
  const given: number[] = [];
  await using home = await openJobs((clock) => {
    const job = probe(clock, 'nightly', '0 3 * * *');
    job.does = async ({ believedMs }) => {
      given.push(believedMs);
      return await Promise.resolve({ summary: 'Done.' });
    };
    return [job.definition];
  });
  const rightMs = home.clock.nowMs();
  home.clock.jumpTo(rightMs + YEARS_MS);
  await home.jobs.idle();
  await home.restart();
  await home.jobs.idle();
  expect(home.jobs.health().problems).toMatchObject([
    { kind: 'clock', job: null, message: expect.stringContaining('ahead by 3650 days') },
  ]);
  await home.pass(3 * DAY_MS, HOUR_MS);
  await home.restart();
  expect(home.jobs.health().problems[0]?.message).toContain('for 4 more days');
  expect(new Set(given)).toEqual(new Set([rightMs]));
  await home.pass(5 * DAY_MS, HOUR_MS);
  expect(home.jobs.health().ok).toBe(true);
  expect(given.at(-1)).toBeGreaterThan(rightMs + YEARS_MS);
});
