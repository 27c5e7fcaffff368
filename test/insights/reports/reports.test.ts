import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { EnergyReport } from '../../../src/insights/energy/types.ts';
import type { Suggestion } from '../../../src/insights/insights.ts';

import { reportPage, reportSchema, reportText } from '../../../src/insights/insights.ts';
import { flatTariff, steady } from '../energy/home.ts';
import { ADMIN, DAY, HOUR, openReportsHome, type ReportsHome } from './home.ts';

const DAY_S = 86_400;
const NEVER = new AbortController().signal;

describe('what a report says', () => {
  test('its figures are those of the energy part, whole and day by day; and it is what its schema says', async () => {
    await using home = await openReportsHome({ begin: '2026-03-27T00:00' });
    const { energy } = home;
    energy.add('lamp', { kinds: ['power'], roomId: 'kitchen', name: 'Lamp' });
    energy.add('pump', { kinds: ['power'], roomId: 'cellar', name: 'Pump' });
    energy.add('meter', { kinds: ['power'], name: 'Meter', settings: { energy_role: 'main' } });
    await energy.energy.tariffs.create(flatTariff({ standingPrice: 0.5 }));
    const watts = { lamp: 100, pump: 250, meter: 500 };
    await energy.play(
      Object.entries(watts).map(([entityId, value]) => ({
        entityId,
        capability: 'power' as const,
        samples: steady(value, 3 * DAY_S, 600),
      })),
      3 * DAY_S,
    );
    energy.at('2026-03-30T06:00');
    const { id } = await home.reports.make('weekly', '2026-03-29');
    expect(id).toBe('weekly-2026-W13');
    const report = home.reports.report(id, ADMIN);
    expect(reportSchema.parse(report)).toEqual(report);

    const same: EnergyReport = await energy.report({
      span: { fromDate: '2026-03-23', toDate: '2026-03-30' },
      resolution: 'day',
    });
    // 167 hours: the clocks go forward on the Sunday.
    expect(report.period).toMatchObject({ days: 7, hours: 167, timezone: 'Europe/Berlin' });
    expect(same.home?.kwh).toBeCloseTo(35.5, 3);
    expect(report.energy.home?.kwh).toBeCloseTo(same.home?.kwh ?? 0, 3);
    expect(report.energy.home?.cost).toBeCloseTo(same.home?.cost ?? 0, 3);
    expect(report.energy.home?.standing_cost).toBeCloseTo(3.5, 6);
    expect(report.energy.unmetered?.kwh).toBeCloseTo(same.unmetered?.kwh ?? 0, 3);
    for (const [n, bucket] of same.buckets.entries()) {
      const day = report.energy.by_day[n];
      if (bucket.kwh === null) expect(day).toMatchObject({ kwh: null, cost: null });
      else {
        expect(day?.kwh).toBeCloseTo(bucket.kwh, 2);
        expect(day?.cost).toBeCloseTo(bucket.cost ?? 0, 2);
      }
      expect(day?.coverage).toBeCloseTo(bucket.coverage, 3);
    }
    expect(report.energy.by_day.at(-1)).toMatchObject({ date: '2026-03-29', kwh: 11.5 });
    expect(report.energy.by_hour[2]).toEqual({ hour: 2, mean_kwh: 0.5, days: 2 });
    expect(report.energy.by_hour[3]).toEqual({ hour: 3, mean_kwh: 0.5, days: 3 });
    expect(report.energy.devices.map(({ name, kwh }) => [name, kwh])).toEqual([
      ['Meter', 35.5],
      ['Pump', 17.75],
      ['Lamp', 7.1],
    ]);
    expect(report.energy).toMatchObject({
      comparison: null,
      not_compared: 'Not compared with the week before: nothing was measured then.',
    });

    const page = reportPage(report);
    expect(reportPage(home.reports.report(id, ADMIN))).toBe(page);
    expect(page).toContain('Week 13, 23 – 29 March 2026');
    expect(reportText(report)).toContain('The home: 35.5 kWh, 10.65 EUR, known for 43 % of the time.');
  });

  test('the longest day has 25 hours, of which the one that comes twice counts twice', async () => {
    await using home = await openReportsHome({ begin: '2026-10-25T00:00' });
    home.energy.add('lamp', { kinds: ['power'] });
    const samples = steady(1000, 25 * 3600, 600);
    await home.energy.play([{ entityId: 'lamp', capability: 'power', samples }], 26 * 3600);
    home.energy.at('2026-10-26T06:00');
    const report = home.reports.report((await home.reports.make('daily', null)).id, ADMIN);
    expect(report).toMatchObject({ id: 'daily-2026-10-25', period: { hours: 25 } });
    expect(report.energy.home?.kwh).toBeCloseTo(25, 2);
    expect(report.energy.by_hour[2]).toEqual({ hour: 2, mean_kwh: 1, days: 2 });
    expect(report.energy.not_compared).toBe(
      'Not compared with the same day a week before: nothing was measured then.',
    );
  });

  test('a week with a gap says so, and what is missing is not told as saved', async () => {
    await using home = await openReportsHome({ begin: '2026-03-02T00:00' });
    const { energy } = home;
    const from = energy.clock.nowMs();
    energy.add('lamp', { kinds: ['power'] });
    const play = async (seconds: number, watts: number | null): Promise<void> =>
      await energy.play(
        [
          {
            entityId: 'lamp',
            capability: 'power',
            samples: watts === null ? [] : steady(watts, seconds, 600),
          },
        ],
        seconds,
      );
    await play(7 * DAY_S, 100);
    await play(2 * DAY_S, 100);
    await play(DAY_S / 2, null);
    await play(4.5 * DAY_S, 100);
    home.spans = [
      { startMs: from, endMs: from + 9 * DAY },
      { startMs: from + 9 * DAY + 12 * HOUR, endMs: Infinity },
    ];
    energy.at('2026-03-16T06:00');
    const report = home.reports.report((await home.reports.make('weekly', null)).id, ADMIN);
    expect(report.hub).toMatchObject({
      covered: 0.9286,
      gaps: [{ from: '2026-03-10T23:00:00.000Z', to: '2026-03-11T11:00:00.000Z' }],
    });
    const wednesday = report.energy.by_day[2];
    expect(wednesday?.date).toBe('2026-03-11');
    expect(wednesday?.coverage).toBeGreaterThan(0.5);
    expect(wednesday?.coverage).toBeLessThan(0.54);
    expect(wednesday?.kwh).toBeLessThan(1.3);
    // By the time that is known nothing changed.
    expect(report.energy.comparison).toMatchObject({ with: 'the week before', first_date: '2026-03-02' });
    expect(report.energy.comparison?.kwh_per_day).toBeCloseTo(2.4, 1);
    expect(report.energy.comparison?.change).toBeCloseTo(0, 2);
    const page = reportPage(report);
    expect(page).toContain('The hub ran for 93 % of this time.');
    expect(page).toContain('11 Mar 2026, 00:00 to 11 Mar 2026, 12:00');
    expect(page).toContain('known for less than 90 % of the day');
  });

  test('a home in which nothing is known gets a report that says nothing', async () => {
    await using home = await openReportsHome();
    home.spans = [];
    home.observedDays = 3;
    home.energy.clock.advance(DAY);
    const report = home.reports.report((await home.reports.make('daily', null)).id, ADMIN);
    expect(report).toMatchObject({
      hub: { no_data: 'Nothing was recorded yet.', covered: 0, gaps: [] },
      energy: { no_data: 'No device told its power or its energy.', comparison: null, devices: [] },
      usage: { no_data: 'Nothing was recorded yet.', events: 0 },
      devices: { no_data: 'There are no devices.' },
      phones: { no_data: 'No phone has ever synced.' },
      suggestions: { no_data: 'Suggestions take 14 days of records; there are 3.' },
      jobs: { no_data: null, failed: [] },
    });
    expect(reportPage(report)).toContain('<p>No device told its power or its energy.</p>');
    expect(reportPage(report)).not.toMatch(/NaN|undefined|Infinity|null/);
    home.observedDays = -1;
    await home.reports.make('daily', null);
    expect(home.reports.report(report.id, ADMIN).suggestions).toEqual({
      no_data: 'They could not be looked for: the disk',
      items: [],
    });
  });

  test('what happened and is kept no longer does not look as if nothing had happened', async () => {
    await using home = await openReportsHome({ activityDays: 7 });
    home.energy.at('2026-03-11T06:00');
    for (const [date, words] of [
      ['2026-03-03', 'What happens is kept for 7 days only'],
      ['2026-03-05', null],
    ] as const) {
      const { usage } = home.reports.report((await home.reports.make('daily', date)).id, ADMIN);
      if (words === null) expect(usage.no_data).toBeNull();
      else expect(usage.no_data).toContain(words);
    }
  });

  test('devices, phones, automations, suggestions and jobs, each by its own rule', async () => {
    await using home = await openReportsHome();
    const dayMs = home.energy.clock.nowMs();
    home.energy.clock.advance(DAY + 6 * HOUR);
    const nowMs = home.energy.clock.nowMs();
    const device = { isAvailable: true, batteryPercent: null, isBatteryLow: false };
    home.devices.push(
      { ...device, entityId: 'a', name: 'Fine', batteryPercent: 21 },
      { ...device, entityId: 'b', name: 'Gone', isAvailable: false },
      { ...device, entityId: 'c', name: 'Weak', batteryPercent: 20 },
      { ...device, entityId: 'd', name: 'Complains', isBatteryLow: true },
    );
    home.phones.push(
      { client: 'new', userId: 'ana', lastSyncMs: nowMs - 7 * DAY + 1 },
      { client: 'old', userId: 'ana', lastSyncMs: nowMs - 7 * DAY },
      { client: 'never', userId: 'ben', lastSyncMs: null },
    );
    const run = { automationId: 'x', name: 'Lights', startedMs: dayMs, outcome: 'done', isFailure: false };
    home.runs.push(
      run,
      { ...run, outcome: 'failed', isFailure: true, startedMs: dayMs + HOUR },
      { ...run, outcome: 'failed', isFailure: true, startedMs: dayMs + 2 * HOUR },
      { ...run, outcome: 'failed', isFailure: true, startedMs: dayMs + DAY },
    );
    home.failed.push({ name: 'j', title: 'A job', endedMs: dayMs + HOUR, error: 'the disk' });
    const found = (id: string, firstSeenMs: number, kinds: string[] = ['light']): Suggestion =>
      ({ id, title: id, sentence: `${id}.`, firstSeenMs, commandKinds: kinds }) as unknown as Suggestion;
    home.suggestions.push(
      // Those of the search before this day belong to the day before.
      found('before', dayMs + 4.7 * HOUR),
      found('new', dayMs + DAY + 4.7 * HOUR),
      found('lock', dayMs + DAY + 4.7 * HOUR, ['lock']),
    );
    const { id } = await home.reports.make('daily', null);
    const report = home.reports.report(id, ADMIN);
    expect(report.devices).toMatchObject({
      total: 4,
      unreachable: [{ name: 'Gone' }],
      low_battery: [
        { name: 'Weak', percent: 20 },
        { name: 'Complains', percent: null },
      ],
    });
    expect(report.phones.silent.map(({ client }) => client)).toEqual(['old', 'never']);
    expect(report.automations).toMatchObject({
      runs: 3,
      by_outcome: { done: 1, failed: 2 },
      failures: [
        {
          automation_id: 'x',
          outcome: 'failed',
          times: 2,
          last_at: new Date(dayMs + 2 * HOUR).toISOString(),
        },
      ],
    });
    expect(report.suggestions.items).toEqual([{ id: 'new', title: 'new', sentence: 'new.' }]);
    expect(report.jobs.failed).toMatchObject([{ name: 'j', times: 1, error: 'the disk' }]);

    const member = home.reports.report(id, { isAdmin: false, maySeeSuggestions: true });
    expect(member.jobs).toEqual({ no_data: 'Shown to admins only.', failed: [] });
    expect(member.phones).toMatchObject({ total: 0, silent: [] });
    expect(member.suggestions.items).toHaveLength(1);
    const guest = home.reports.report(id, { isAdmin: false, maySeeSuggestions: false });
    expect(guest.suggestions.items).toEqual([]);
  });
});

describe('made by themselves', () => {
  let home: ReportsHome;
  beforeEach(async () => {
    home = await openReportsHome({ begin: '2026-03-02T12:00' });
  });
  afterEach(async () => await home[Symbol.asyncDispose]());
  const ids = (): string[] => home.reports.list(null, 0, 500).map(({ id }) => id);

  test('every morning at 05:10, each once, and nothing of a time before the hub was there', async () => {
    home.energy.at('2026-03-03T05:09');
    await home.jobs.idle();
    expect(ids()).toEqual([]);
    home.energy.clock.advance(60_000);
    await home.jobs.idle();
    // The week before, and February, had no hub.
    expect(ids()).toEqual(['daily-2026-03-02']);
    await home.jobs.run('reports');
    await home.jobs.idle();
    expect(home.jobs.history({ name: 'reports' }, 0, 10).map(({ summary }) => summary)).toEqual([
      'No report was lacking.',
      'Made: daily-2026-03-02.',
    ]);
  });

  test('after a time without the hub at most the last 7 days, 4 weeks and 3 months are made up for', async () => {
    await home.reports.makeMissing(home.energy.ms('2026-03-03T06:00'), NEVER);
    expect(ids()).toEqual(['daily-2026-03-02']);
    home.energy.at('2026-08-12T06:00');
    await home.reports.makeMissing(home.energy.clock.nowMs(), NEVER);
    expect(ids().filter((id) => id.startsWith('daily'))).toEqual([
      ...[11, 10, '09', '08', '07', '06', '05'].map((day) => `daily-2026-08-${day}`),
      'daily-2026-03-02',
    ]);
    expect(ids().filter((id) => id.startsWith('weekly'))).toEqual(
      [32, 31, 30, 29].map((week) => `weekly-2026-W${week}`),
    );
    expect(ids().filter((id) => id.startsWith('monthly'))).toEqual([
      'monthly-2026-07',
      'monthly-2026-06',
      'monthly-2026-05',
    ]);
  });

  test('a clock that is believed no further makes no reports of the future', async () => {
    home.energy.at('2031-01-01T06:00');
    await home.reports.makeMissing(home.energy.ms('2026-03-03T06:00'), NEVER);
    expect(ids()).toEqual(['daily-2026-03-02']);
  });

  test('where the disk takes nothing there is no half report, and the next try makes it', async () => {
    home.energy.at('2026-03-03T06:00');
    const { store } = home.energy;
    const write = vi.spyOn(store, 'write').mockImplementationOnce(() => {
      throw new Error('the disk is full');
    });
    await expect(home.reports.makeMissing(home.energy.clock.nowMs(), NEVER)).rejects.toThrow(
      'the disk is full',
    );
    write.mockRestore();
    expect(ids()).toEqual([]);
    expect(await home.reports.makeMissing(home.energy.clock.nowMs(), NEVER)).toEqual(['daily-2026-03-02']);
  });

  test('what is told to end before it is stored leaves nothing', async () => {
    home.energy.at('2026-03-03T06:00');
    const stop = new AbortController();
    const making = home.reports.makeMissing(home.energy.clock.nowMs(), stop.signal);
    stop.abort(new Error('The hub stops.'));
    await expect(making).rejects.toThrow('The hub stops.');
    expect(ids()).toEqual([]);
  });

  test('daily reports go after their days, weekly ones after two years, and what went is not made anew', async () => {
    await home.restart({ keepDays: 2 });
    home.energy.at('2026-03-09T05:10');
    await home.reports.makeMissing(home.energy.clock.nowMs(), NEVER);
    expect(ids().filter((id) => id.startsWith('daily'))).toEqual(['daily-2026-03-08', 'daily-2026-03-07']);
    expect(home.reports.tidy(home.energy.ms('2026-03-10T00:00'))).toBe(0);
    expect(home.reports.tidy(home.energy.ms('2026-04-02T03:45'))).toBe(2);
    expect(ids()).toEqual(['weekly-2026-W10']);
    const twoYears = home.energy.ms('2028-03-10T00:00');
    expect(home.reports.tidy(twoYears)).toBe(1);
    expect(ids()).toEqual([]);
  });
});

describe('made by hand', () => {
  test('a report takes the place of the one before, and the list is paged and of one kind where asked', async () => {
    await using home = await openReportsHome();
    home.energy.at('2026-03-10T06:00');
    for (const date of ['2026-03-09', '2026-03-08', '2026-03-07']) await home.reports.make('daily', date);
    await home.reports.make('weekly', '2026-03-08');
    const first = await home.reports.make('daily', '2026-03-08');
    home.energy.clock.advance(HOUR);
    const again = await home.reports.make('daily', '2026-03-08');
    expect(again.madeMs - first.madeMs).toBe(HOUR);
    const all = home.reports.list(null, 0, 10).map(({ id }) => id);
    expect(all).toEqual(['daily-2026-03-09', 'weekly-2026-W10', 'daily-2026-03-08', 'daily-2026-03-07']);
    expect(home.reports.list('weekly', 0, 10).map(({ id }) => id)).toEqual(['weekly-2026-W10']);
  });

  test.each([
    ['2026-03-10', 'is not over yet; the last that is: daily-2026-03-09'],
    ['2027-01-01', 'is not over yet'],
    ['2024-01-01', 'is not kept'],
    ['2026-02-31', 'must be a date such as 2026-03-29'],
  ])('of %s is refused in words', async (date, words) => {
    await using home = await openReportsHome();
    home.energy.at('2026-03-10T06:00');
    await expect(home.reports.make('daily', date)).rejects.toThrow(words);
  });

  test('to be sent where nothing is configured is refused', async () => {
    await using home = await openReportsHome();
    home.energy.clock.advance(DAY);
    const { id } = await home.reports.make('daily', null);
    await expect(home.reports.send(id)).rejects.toThrow('set reports.mail.host');
    await expect(home.reports.send('nothing')).rejects.toThrow('There is no report nothing.');
  });
});
