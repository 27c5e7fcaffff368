import { expect, test } from 'vitest';

import { randomOf } from '../simulator.ts';
import { openEnergyHome } from './home.ts';

const MINUTE_MS = 60_000;

/** A day of a counter that is restarted, reset and cut off at random; what is counted is never more than what was used. */
test.each(Array.from({ length: 12 }, (_, n) => n + 1))('nothing is made up, seed %d', async (seed) => {
  await using home = await openEnergyHome();
  home.add('plug', { kinds: ['energy'] });
  const random = randomOf(seed);
  let [count, used, heard, watts] = [random() * 5000, 0, true, 500];
  let wasReset = false;
  for (let minute = 0; minute < 1440; minute++) {
    if (random() < 0.02) watts = random() < 0.3 ? 0 : random() * 3000;
    count += watts / 60_000;
    used += watts / 60_000;
    if (random() < 0.002) [count, wasReset] = [0, true];
    if (heard && random() < 0.004) {
      heard = false;
      home.source.say('plug', 'available', false);
    } else if (!heard && random() < 0.03) heard = true;
    if (heard) home.source.say('plug', 'energy', random() < 0.004 ? 0 : Math.round(count * 1000) / 1000);
    home.clock.jumpTo(home.clock.nowMs() + MINUTE_MS);
    if (minute % 10 === 9) await home.readings.tick();
  }
  const span = { fromDate: '2026-03-02', toDate: '2026-03-03' };
  const report = await home.report({ span, resolution: '15m', entityId: 'plug' });
  const device = report.devices[0];
  const told = (device?.kwh ?? 0) + (device?.unattributedKwh ?? 0);
  expect(told).toBeLessThan(used + 0.01);
  expect(device?.quarantinedKwh).toBe(0);
  // A reset may cost what was used since the reading before, and a gap over it what was used in the gap.
  if (!wasReset) expect(told).toBeGreaterThan(0.97 * used - 0.1);
  for (const { kwh } of report.buckets) {
    expect(kwh ?? 0).toBeGreaterThanOrEqual(0);
    expect(kwh ?? 0).toBeLessThan(0.25 * 3 + 0.3);
  }
  // When only hours are left it is no more either.
  home.at('2026-07-15T00:00');
  const old = await home.device('plug', { span });
  expect(old.kwh + old.unattributedKwh).toBeLessThan(used + 0.01);
  expect(old.kwh).toBeCloseTo(device?.kwh ?? -1, 1);
});
