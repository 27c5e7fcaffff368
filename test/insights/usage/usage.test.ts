import { expect, test } from 'vitest';

import { ManualClock } from '../../../src/base/clock.ts';
import { Usage } from '../../../src/insights/usage/usage.ts';
import { DAY, MINUTE, NOBODY, SimulatedHome } from '../habits/simulator.ts';

test('counts by the days of the home, and tells when nobody counted', async () => {
  // On 29 March the clocks in Berlin go forward: that day has 23 hours.
  const home = new SimulatedHome({ days: 6, until: '2026-03-31' });
  home.add('lamp', 'on_off');
  home.add('door', 'contact');
  for (const { at, n } of home.days()) {
    // Just after midnight on the wall, which is the day before in UTC.
    home.act('lamp', at(10), true);
    for (let k = 0; k < n; k++) home.happen('door', 'contact', at(600 + k), k % 2 === 0, NOBODY);
    home.happen('lamp', 'on_off', at(700), false, { kind: 'automation', id: 'x' });
  }
  const gapMs = home.zone.day('2026-03-28').startMs;
  home.gaps = [{ startMs: gapMs, endMs: gapMs + DAY / 2 }];
  const usage = new Usage({
    log: home,
    home: {
      entityCounts: () =>
        new Map([
          ['device', 2],
          ['room', 1],
        ]),
      nameOf: (id) => (id === 'lamp' ? 'The lamp' : null),
    },
    zone: home.zone,
    clock: new ManualClock(home.nowMs),
  });
  const report = await usage.report(5);
  expect(report.days.map(({ date }) => date)).toEqual([
    '2026-03-27',
    '2026-03-28',
    '2026-03-29',
    '2026-03-30',
    '2026-03-31',
  ]);
  expect(report.days[0]).toMatchObject({
    events: 4,
    commands: 1,
    byCause: { person: 1, automation: 1, device: 2, service: 0, hub: 0 },
    coveredMs: DAY,
  });
  expect(report.days[1]).toMatchObject({ coveredMs: DAY / 2, lengthMs: DAY });
  expect(report.days[2]).toMatchObject({ coveredMs: 23 * 60 * MINUTE, lengthMs: 23 * 60 * MINUTE });
  expect(report.days[4]).toMatchObject({ events: 0, lengthMs: 10 * 60 * MINUTE });
  expect(report.gaps).toEqual([{ fromMs: gapMs, toMs: gapMs + DAY / 2 }]);
  expect(report.recordedSinceMs).toBe(home.firstMs);
  expect(report.devices).toEqual([
    expect.objectContaining({ entityId: 'door', name: null, events: 14, commands: 0, byPeople: 0 }),
    expect.objectContaining({ entityId: 'lamp', name: 'The lamp', events: 8, commands: 4, byPeople: 4 }),
  ]);
  expect(report.entities.get('device')).toBe(2);
});
