import { describe, expect, test } from 'vitest';

import { openJobs, probe, type JobsHome, type Probe } from './jobs-home.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

async function open(schedule: string, at?: string): Promise<{ home: JobsHome; job: Probe }> {
  let job: Probe | undefined;
  const home = await openJobs(
    (clock) => {
      job = probe(clock, 'nightly', schedule);
      return [job.definition];
    },
    at === undefined ? {} : { at },
  );
  if (!job) throw new Error('no job was made');
  return { home, job };
}

function times({ runs }: Probe): string[] {
  return runs.map(({ atMs }) => new Date(atMs).toISOString().slice(0, 16));
}

describe('a clock change of the home', () => {
  test('a time that it skips comes once, right after it', async () => {
    const { home, job } = await open('30 2 * * *', '2026-03-28T12:00:00Z');
    await using _ = home;
    await home.pass(2 * DAY_MS, 10 * 60_000);
    expect(times(job)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30']);
  });

  test('a time that comes twice is taken once', async () => {
    const { home, job } = await open('30 2 * * *', '2026-10-24T12:00:00Z');
    await using _ = home;
    await home.pass(2 * DAY_MS, 10 * 60_000);
    expect(times(job)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  });

  test('what comes every hour comes every real hour', async () => {
    const { home, job } = await open('0 * * * *', '2026-10-24T22:30:00Z');
    await using _ = home;
    await home.pass(4 * HOUR_MS, 10 * 60_000);
    expect(times(job)).toEqual([
      '2026-10-24T23:00',
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T02:00',
    ]);
  });
});

describe('a schedule that was missed', () => {
  test('comes once after the hub was down, however often it was missed', async () => {
    const { home, job } = await open('*/5 * * * *');
    await using _ = home;
    await home.jobs[Symbol.asyncDispose]();
    home.clock.advance(3 * DAY_MS);
    const jobs = await home.restart();
    await jobs.idle();
    expect(job.runs).toHaveLength(1);
    await home.pass(5 * 60_000);
    expect(job.runs).toHaveLength(2);
  });

  test('does not come again at a restart', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    await home.pass(DAY_MS, HOUR_MS);
    expect(job.runs).toHaveLength(1);
    for (let i = 0; i < 3; i++) await (await home.restart()).idle();
    expect(job.runs).toHaveLength(1);
  });

  test('is queued once while an earlier run is still under way', async () => {
    const { home, job } = await open('* * * * *');
    await using _ = home;
    const { promise, resolve } = Promise.withResolvers<void>();
    let atOnce = 0;
    let most = 0;
    job.does = async () => {
      most = Math.max(most, ++atOnce);
      await promise;
      atOnce -= 1;
      return { summary: 'Done.' };
    };
    for (let minute = 0; minute < 10; minute++) {
      home.clock.advance(60_000);
      home.jobs.wake();
    }
    expect(job.runs).toHaveLength(1);
    resolve();
    await home.jobs.idle();
    expect(most).toBe(1);
    await home.pass(60_000);
    expect(job.runs).toHaveLength(2);
  });
});

describe('a clock that is set', () => {
  test('from 1970 to the present: once, and then as planned', async () => {
    const { home, job } = await open('0 3 * * *', '1970-01-01T00:10:00Z');
    await using _ = home;
    await home.jobs.idle();
    expect(job.runs).toHaveLength(0);
    home.clock.jumpTo(Date.parse('2026-01-10T12:00:00Z'));
    await home.jobs.idle();
    await home.jobs.idle();
    expect(times(job)).toEqual(['2026-01-10T12:00']);
    await home.pass(DAY_MS, HOUR_MS);
    expect(job.runs).toHaveLength(2);
  });

  test('a start in 1970, as of a Pi without a battery: what came already does not come again', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    await home.pass(DAY_MS, HOUR_MS);
    expect(times(job)).toEqual(['2026-01-11T02:00']);
    for (const hours of [1, 2, 24]) {
      await home.jobs[Symbol.asyncDispose]();
      const rightMs = home.clock.nowMs() + hours * HOUR_MS;
      home.clock.jumpTo(10_000);
      await (await home.restart()).idle();
      home.clock.advance(20_000);
      await home.jobs.idle();
      home.clock.jumpTo(rightMs);
      await home.jobs.idle();
      await home.jobs.idle();
    }
    // The last time it had missed one.
    expect(times(job)).toEqual(['2026-01-11T02:00', '2026-01-12T15:00']);
    await home.pass(DAY_MS, HOUR_MS);
    expect(times(job).slice(2)).toEqual(['2026-01-13T02:00']);
  });

  test('to 1970 for days: it goes on there, and once more when the clock is right', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    await home.pass(DAY_MS, HOUR_MS);
    const rightMs = home.clock.nowMs() + 2 * DAY_MS;
    home.clock.jumpTo(0);
    await home.pass(2 * DAY_MS, HOUR_MS);
    expect(times(job).slice(1)).toEqual(['1970-01-01T02:00', '1970-01-02T02:00']);
    home.clock.jumpTo(rightMs);
    await home.jobs.idle();
    await home.jobs.idle();
    expect(job.runs).toHaveLength(4);
  });

  test('ten years ahead and back: neither a storm nor a wait of ten years', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    const rightMs = home.clock.nowMs();
    home.clock.jumpTo(rightMs + 10 * YEAR_MS);
    await home.jobs.idle();
    expect(job.runs).toHaveLength(1);
    home.clock.jumpTo(rightMs);
    await home.pass(DAY_MS, HOUR_MS);
    expect(job.runs).toHaveLength(2);
  });

  test('back while the hub was down: the next start notices', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    const rightMs = home.clock.nowMs();
    home.clock.jumpTo(rightMs + 10 * YEAR_MS);
    await home.jobs.idle();
    await home.jobs[Symbol.asyncDispose]();
    home.clock.jumpTo(rightMs);
    await home.restart();
    await home.pass(DAY_MS, HOUR_MS);
    expect(job.runs).toHaveLength(2);
  });

  test('an hour back: goes on, and nothing comes a second time', async () => {
    const { home, job } = await open('0 3 * * *', '2026-01-10T01:59:00Z');
    await using _ = home;
    await home.pass(2 * 60_000);
    expect(times(job)).toEqual(['2026-01-10T02:00']);
    home.clock.jumpTo(home.clock.nowMs() - HOUR_MS);
    await home.pass(3 * HOUR_MS, 10 * 60_000);
    expect(job.runs).toHaveLength(1);
    await home.pass(DAY_MS, HOUR_MS);
    expect(job.runs).toHaveLength(2);
  });

  test('an hour back: what comes every minute goes on within two hours', async () => {
    const { home, job } = await open('*/10 * * * *');
    await using _ = home;
    await home.pass(10 * 60_000);
    home.clock.jumpTo(home.clock.nowMs() - HOUR_MS);
    await home.pass(80 * 60_000, 10 * 60_000);
    expect(job.runs.length).toBeGreaterThan(1);
  });
});

describe('a definition that changed', () => {
  test('another schedule or time zone counts from now on; one that is gone is forgotten', async () => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    const next = (): string => new Date(home.jobs.list()[0]?.nextMs ?? 0).toISOString();
    expect(next()).toBe('2026-01-11T02:00:00.000Z');
    await home.restart([{ ...job.definition, schedule: '0 5 * * *' }]);
    expect(next()).toBe('2026-01-11T04:00:00.000Z');
    await home.restart([{ ...job.definition, schedule: '0 5 * * *' }], 'America/New_York');
    expect(next()).toBe('2026-01-11T10:00:00.000Z');
    await home.restart([{ ...job.definition, schedule: null }]);
    await home.pass(2 * DAY_MS, HOUR_MS);
    expect(job.runs).toEqual([]);
  });

  test.each([
    [{ schedule: '61 * * * *' }, /nightly is wrong: "61"/],
    [{ name: 'No Name' }, /is no name/],
  ])('%o is refused', async (change, message) => {
    const { home, job } = await open('0 3 * * *');
    await using _ = home;
    await expect(home.restart([{ ...job.definition, ...change }])).rejects.toThrow(message);
    await expect(home.restart([job.definition, job.definition])).rejects.toThrow('same name');
  });
});
