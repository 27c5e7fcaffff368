import { expect, test } from 'vitest';

import { Library } from '../../src/automations/library.ts';
import { SETTLE_MS } from '../../src/automations/lookout.ts';
import { Timetable } from '../../src/automations/timetable.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HomeZone } from '../../src/base/home-zone.ts';
import { Sun } from '../../src/base/sun.ts';
import { temporaryFolder } from '../support/store.ts';
import { command, DAY, HOUR, MAYA_HERE, MINUTE, openHome, type TestHome } from './home.ts';

const at = (time: string): number => Date.parse(time);
const daily = (home: TestHome, time: string, value = true) => ({
  trigger: { type: 'time', at: time },
  action: command(home.idOf('a'), value),
});
/** When it fired, oldest first. */
const firings = (home: TestHome, id: string): string[] =>
  home.automations
    .runs(id, 500, 0)
    .filter(({ outcome }) => outcome === 'done')
    .map(({ startedMs }) => new Date(startedMs).toISOString().slice(0, 16))
    .toReversed();

test('at a clock change a time fires once: after the gap, and the first of two', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-03-29T00:00:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('night', daily(home, '02:30'));
  home.make('hourly', { cron: '0 * * * *', actions: [command(home.idOf('a'), true)] }, undefined, 'schedule');
  await home.pass(3 * HOUR);
  expect(firings(home, 'night')).toEqual(['2026-03-29T01:00']);
  expect(firings(home, 'hourly')).toHaveLength(3);
  clock.jumpTo(at('2026-10-24T23:59:00Z'));
  await home.tick();
  await home.pass(4 * HOUR);
  expect(firings(home, 'night').slice(1)).toEqual(['2026-10-25T00:30']);
  expect(firings(home, 'hourly').slice(3)).toEqual([
    '2026-10-25T00:00',
    '2026-10-25T01:00',
    '2026-10-25T02:00',
    '2026-10-25T03:00',
  ]);
});

test('a hub that starts in 1970 fires what its time brings once it is told the time, and no more', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T06:25:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('wake', daily(home, '07:30'));
  await home.restart();
  clock.jumpTo(0);
  await home.restart();
  await home.pass(2 * MINUTE);
  expect(home.sent).toEqual([]);
  clock.jumpTo(at('2026-01-05T06:33:00Z'));
  await home.tick();
  expect(home.sent).toHaveLength(1);
  await home.pass(2 * HOUR);
  await home.restart(MINUTE);
  await home.pass(2 * MINUTE);
  expect(home.sent).toHaveLength(1);
});

test('a hub that never knew the time misses nothing of the years before', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(0);
  await using home = await openHome(folder.path, clock);
  home.make('wake', daily(home, '07:30'));
  await home.pass(MINUTE);
  clock.jumpTo(at('2026-01-05T12:00:00Z'));
  await home.tick();
  expect(home.automations.runs('wake', 10, 0)).toEqual([]);
  await home.pass(DAY);
  expect(home.sent).toHaveLength(1);
});

test('a clock that is set forward by mistake and put right loses no firing, one set back brings none again', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T11:00:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('wake', daily(home, '07:30'));
  clock.jumpTo(at('2026-01-06T11:00:00Z'));
  await home.tick();
  expect(home.automations.runs('wake', 10, 0)).toMatchObject([{ outcome: 'missed' }]);
  clock.jumpTo(at('2026-01-05T11:01:00Z'));
  await home.tick();
  await home.pass(20 * HOUR);
  expect(firings(home, 'wake')).toEqual(['2026-01-06T06:30']);
  clock.jumpTo(at('2026-01-06T06:00:00Z'));
  await home.tick();
  await home.pass(2 * HOUR);
  expect(firings(home, 'wake')).toHaveLength(1);
});

test('what fires every minute fires none again when the clock is set back', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T00:00:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('often', { cron: '* * * * *', actions: [command(home.idOf('a'), true)] }, undefined, 'schedule');
  await home.pass(12 * MINUTE);
  clock.jumpTo(at('2026-01-05T00:00:30Z'));
  await home.tick();
  await home.pass(11 * MINUTE);
  expect(home.sent).toHaveLength(12);
  await home.pass(2 * MINUTE);
  expect(home.sent).toHaveLength(13);
});

test('what is late comes in its order, after devices had time to come back; what is too late is told as missed', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T20:00:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('1-off', daily(home, '21:35', false));
  home.make('2-on', daily(home, '21:33', true));
  home.make('3-early', daily(home, '21:20'));
  await home.restart(37 * MINUTE);
  await home.tick();
  expect(home.sent).toEqual([]);
  clock.advance(SETTLE_MS);
  await home.tick();
  expect(home.sent.map((line) => line.replace('test/a ', ''))).toEqual([
    '[true] automation:2-on',
    '[false] automation:1-off',
  ]);
  expect(home.automations.runs('3-early', 10, 0)).toMatchObject([
    { outcome: 'missed', scheduledMs: at('2026-01-05T20:20:00Z') },
  ]);
  await home.restart();
  clock.advance(SETTLE_MS);
  await home.tick();
  expect(home.sent).toHaveLength(2);
  expect(home.automations.runs(null, 10, 0)).toHaveLength(3);
});

test('a restart in the moment of a firing neither loses nor doubles it', async () => {
  for (const [before, after] of [
    [-1, 1],
    [0, 0],
    [-1, 0],
  ] as const) {
    using folder = temporaryFolder();
    const clock = new ManualClock(at('2026-01-05T06:29:00Z'));
    await using home = await openHome(folder.path, clock);
    home.make('wake', daily(home, '07:30'));
    clock.advance(MINUTE + before);
    await home.tick();
    await home.restart(after - before);
    clock.advance(SETTLE_MS);
    await home.tick();
    expect(home.sent, `${before} ${after}`).toHaveLength(1);
    await home.restart();
    clock.advance(SETTLE_MS);
    await home.tick();
    expect(home.sent, `${before} ${after}`).toHaveLength(1);
  }
});

test('what an edit takes away has fired if it was due before', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T06:29:59Z'));
  await using home = await openHome(folder.path, clock);
  home.make('wake', daily(home, '07:30'));
  clock.advance(1500);
  home.edit('wake', { ...daily(home, '07:30'), name: 'renamed' });
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  clock.advance(500);
  // What is wanted only now was not due.
  home.make('new', daily(home, '07:30'));
  await home.tick();
  expect(home.sent).toHaveLength(1);
});

test('a home that moves to another zone fires at its new times, and no time twice a day', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-01-05T06:00:00Z'));
  await using home = await openHome(folder.path, clock);
  home.make('wake', daily(home, '07:30'));
  await home.pass(HOUR);
  await home.restart(0, { zone: 'America/New_York' });
  await home.pass(36 * HOUR);
  expect(firings(home, 'wake')).toEqual(['2026-01-05T06:30', '2026-01-06T12:30']);
});

test('the sun over a year: every day once, and not at all where it does not rise or set', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const zone = new HomeZone('Europe/Oslo');
  const [fromMs, toMs] = [at('2026-01-01T00:00:00Z'), at('2027-01-01T00:00:00Z')];
  const count = (latitude: number, event: string): string[] => {
    const sun = new Sun(latitude, 18.96, zone);
    const library = new Library(home.graph);
    const timetable = new Timetable({ zone, sun, library });
    const content = { trigger: { type: 'sun', event }, action: command('lamp', true) };
    const definition = library.define(
      { id: 'x', version: '', entityType: 'automation', modifiedAtMs: 0 },
      content,
    );
    const keys: string[] = [];
    // Pieces that do not fit the days, as a hub that looks now and then does.
    for (let ms = fromMs; ms < toMs; ms += 17 * HOUR) {
      keys.push(...timetable.due(definition, ms, Math.min(toMs, ms + 17 * HOUR), 9).map(({ key }) => key));
    }
    expect(new Set(keys).size).toBe(keys.length);
    return keys;
  };
  expect(count(59.91, 'sunset')).toHaveLength(365);
  const sunrises = count(69.65, 'sunrise');
  const days = new Set(sunrises.map((key) => key.slice(0, 10)));
  // In Tromsø it does not rise from the end of November on, and does not set in June.
  for (const day of ['2026-01-05', '2026-06-21', '2026-12-21']) expect(days.has(day), day).toBe(false);
  for (const day of ['2026-02-10', '2026-04-10', '2026-09-22']) expect(days.has(day), day).toBe(true);
  expect(count(69.65, 'dawn').length).toBeGreaterThan(sunrises.length);
});

test('sun triggers without a place do not run, and say why; with an offset they fire by it', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(at('2026-06-01T00:00:00Z'));
  const trigger = { type: 'sun', event: 'sunset', offset_minutes: -20, days: ['mon'] };
  await using home = await openHome(folder.path, clock);
  home.make('dusk', { trigger, action: command(home.idOf('a'), true) });
  expect(home.automations.status('dusk')).toMatchObject({
    status: 'not_runnable',
    definition: { problems: [{ message: expect.stringContaining('home.latitude') as string }] },
  });
  const place = { zone: 'Europe/Berlin', latitude: 52.52, longitude: 13.4 };
  await home.restart(0, place);
  const zone = new HomeZone('Europe/Berlin');
  const sunset = new Sun(52.52, 13.4, zone).on(zone.day('2026-06-01')).sunset ?? 0;
  await home.automations.enable('dusk', MAYA_HERE);
  expect(home.automations.status('dusk').nextMs).toBe(Math.floor(sunset - 20 * MINUTE));
  await home.pass(DAY);
  expect(home.sent).toHaveLength(1);
});
