import { afterEach, beforeEach, expect, test } from 'vitest';

import { notesOf, openEnergyHome, steady, type EnergyTestHome } from './home.ts';

const DAY = 86_400;
const WHOLE_DAY = { span: { fromDate: '2026-03-02', toDate: '2026-03-03' } } as const;

let home: EnergyTestHome;
beforeEach(async () => {
  home = await openEnergyHome();
  home.add('plug', { kinds: ['power'] });
  await home.play([{ entityId: 'plug', capability: 'power', samples: steady(1000, DAY, 300) }], DAY);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

const span = (): { entityId: string; fromMs: number; toMs: number } => ({
  entityId: 'plug',
  fromMs: home.ms('2026-03-02T10:00'),
  toMs: home.ms('2026-03-02T12:00'),
});

test('what was really used takes the place of what was measured, until it is taken back', async () => {
  const made = await home.energy.corrections.create(
    { ...span(), kwh: 0.5, reason: 'it was unplugged' },
    'anna',
  );
  expect(made).toMatchObject({ beforeKwh: 2, kwh: 0.5, madeBy: 'anna', reversedMs: null });
  const report = await home.report({ ...WHOLE_DAY, resolution: 'hour', entityId: 'plug' });
  expect(report.devices[0]?.kwh).toBeCloseTo(22.5, 6);
  expect(report.buckets.slice(9, 13).map(({ kwh }) => kwh)).toEqual([1, 0.25, 0.25, 1]);
  expect(notesOf(report, 'corrected')).toEqual([
    'plug: 2.00 kWh from 2026-03-02 10:00 to 2026-03-02 12:00 were set to 0.50 kWh: it was unplugged',
  ]);
  await home.energy.corrections.reverse(made.id, 'bert');
  await home.energy.corrections.reverse(made.id, 'carl');
  expect((await home.device('plug', WHOLE_DAY)).kwh).toBeCloseTo(24, 6);
  expect(home.energy.corrections.list('plug')).toMatchObject([
    { id: made.id, reversedBy: 'bert', madeBy: 'anna' },
  ]);
  expect(home.energy.corrections.list('other')).toEqual([]);
});

test('what is left out is unknown, and no 0', async () => {
  await home.energy.corrections.create({ ...span(), kwh: null, reason: 'nonsense' }, 'anna');
  const report = await home.report({ ...WHOLE_DAY, resolution: 'hour', entityId: 'plug' });
  expect(report.devices[0]?.kwh).toBeCloseTo(22, 6);
  expect(report.devices[0]?.coverage).toBeCloseTo(22 / 24, 6);
  expect(report.buckets[10]).toMatchObject({ kwh: null, coverage: 0 });
});

test('a correction of another time is not told', async () => {
  await home.energy.corrections.create({ ...span(), kwh: 0.5, reason: 'it was unplugged' }, 'anna');
  await home.play([{ entityId: 'plug', capability: 'power', samples: steady(1000, DAY, 300) }], DAY);
  const next = await home.report({ span: { fromDate: '2026-03-03', toDate: '2026-03-04' } });
  expect(notesOf(next, 'corrected')).toEqual([]);
  expect(next.devices[0]?.kwh).toBeCloseTo(24, 6);
  // It counts in what the day is compared with.
  expect(next.devices[0]?.comparison?.beforeKwh).toBeCloseTo(22.5, 6);
});

test('two corrections are not about the same time; one that touches another is well', async () => {
  const { corrections } = home.energy;
  const made = await corrections.create({ ...span(), kwh: 1, reason: 'a' }, 'anna');
  await expect(corrections.create({ ...span(), kwh: 2, reason: 'b' }, 'anna')).rejects.toThrow(
    `Correction ${made.id} is about a part of this time`,
  );
  const { toMs } = span();
  await corrections.create({ ...span(), fromMs: toMs, toMs: toMs + 3_600_000, kwh: 2, reason: 'c' }, 'anna');
  await corrections.reverse(made.id, 'anna');
  expect(await corrections.create({ ...span(), kwh: 2, reason: 'd' }, 'anna')).toMatchObject({
    beforeKwh: 2,
  });
});

test.each<[Partial<{ entityId: string; from: string; to: string }>, string]>([
  [{ from: '2026-03-02T10:07' }, 'from: must be on a quarter'],
  [{ to: '2026-03-02T10:00' }, 'to comes after from'],
  [{ to: '2026-03-04T10:00' }, 'to has not come yet'],
  [{ from: '2024-03-02T10:00' }, 'at most 400 days'],
  [{ entityId: 'nothing' }, 'There is no device nothing'],
])('%j is refused in words', async (more, words) => {
  const { entityId = 'plug', from = '2026-03-02T10:00', to = '2026-03-02T12:00' } = more;
  const wrong = { entityId, fromMs: home.ms(from), toMs: home.ms(to), kwh: 1, reason: 'a' };
  await expect(home.energy.corrections.create(wrong, 'anna')).rejects.toThrow(words);
  expect(home.energy.corrections.list()).toEqual([]);
});
