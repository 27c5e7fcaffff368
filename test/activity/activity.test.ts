import { cpSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { decodeEvents, encodeEvents } from '../../src/activity/codec.ts';
import { DamagedBlockError } from '../../src/base/bytes.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HubError } from '../../src/base/errors.ts';
import { temporaryFolder } from '../support/store.ts';
import { DAY, FakeDevices, HOUR, MINUTE, openActivity, SECOND, type ActivityHome } from './home.ts';

const ANNA = { kind: 'person', userId: 'anna' } as const;

let folder: ReturnType<typeof temporaryFolder>;
let home: ActivityHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openActivity(folder.path);
  home.devices.report('lamp', 'on_off', false, { isKept: true });
  home.clock.advance(HOUR);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('who did it', () => {
  test('a report that confirms a command has its cause', () => {
    home.devices.command('lamp', 'on_off', true, { by: ANNA });
    home.clock.advance(3 * SECOND);
    home.devices.report('lamp', 'on_off', true);
    expect(home.told().slice(1)).toEqual([
      'command on_off true person anna',
      'state on_off true person anna',
    ]);
  });

  test('each door is somebody else', () => {
    const commands = [
      [{ origin: 'automation:dusk' }, 'automation dusk'],
      [{ origin: 'homekit:AA:BB' }, 'person'],
      [{ by: { kind: 'service', userId: 'key:1' } as const }, 'service key:1'],
      [{ origin: 'homekit:identify' }, 'hub'],
      [{ origin: 'homekit:adaptive-lighting' }, 'hub'],
      [{ origin: 'something new' }, 'hub'],
    ] as const;
    for (const [more, told] of commands) {
      home.devices.command('lamp', 'on_off', true, more);
      home.devices.report('lamp', 'on_off', true);
      expect(home.told().at(-1)).toBe(`state on_off true ${told}`);
      home.clock.advance(MINUTE);
    }
  });

  test('without a command a person was at the switch', () => {
    home.devices.report('lamp', 'on_off', true);
    expect(home.told().at(-1)).toBe('state on_off true person');
  });

  test('who switches it back at once was at the switch', () => {
    home.devices.command('lamp', 'on_off', true, { origin: 'automation:dusk' });
    home.devices.report('lamp', 'on_off', true);
    home.clock.advance(2 * SECOND);
    home.devices.report('lamp', 'on_off', false);
    expect(home.told().slice(-2)).toEqual(['state on_off true automation dusk', 'state on_off false person']);
  });

  test('a lamp that is told how bright to be goes on by that', () => {
    home.devices.command('lamp', 'brightness', 40, { origin: 'automation:dusk' });
    home.devices.report('lamp', 'on_off', true);
    expect(home.told().slice(-2)).toEqual([
      'command brightness 40 automation dusk',
      'state on_off true automation dusk',
    ]);
  });

  test('a command that did not leave explains nothing and did not happen', () => {
    home.devices.command('lamp', 'on_off', true, { origin: 'automation:dusk' }, ['sending', 'failed']);
    home.devices.report('lamp', 'on_off', true);
    expect(home.told().slice(1)).toEqual(['state on_off true person']);
  });

  test('after ten seconds a command explains nothing any more', () => {
    home.devices.command('lamp', 'on_off', true, { origin: 'automation:dusk' });
    home.clock.advance(11 * SECOND);
    home.devices.report('lamp', 'on_off', true);
    expect(home.told().at(-1)).toBe('state on_off true person');
  });

  test('what moves arrives by whoever set it going', () => {
    home.devices.report('lamp', 'open_close', 'closed', { isKept: true });
    home.devices.command('lamp', 'open_close', 'open', { by: ANNA });
    home.devices.report('lamp', 'open_close', 'opening');
    home.clock.advance(40 * SECOND);
    home.devices.report('lamp', 'open_close', 'open');
    expect(home.told().at(-1)).toBe('state open_close "open" person anna');
  });

  test('sensors, settings, kept values, first words and what came back are nobody', () => {
    home.devices.report('lamp', 'motion', true);
    home.devices.report('lamp', 'on_off:led', false);
    home.clock.advance(MINUTE);
    home.devices.report('lamp', 'on_off:led', true);
    home.devices.report('lamp', 'on_off', true, { isKept: true });
    home.devices.report('new', 'on_off', true);
    home.devices.report('lamp', 'available', false);
    home.devices.report('lamp', 'available', true);
    home.clock.advance(2 * SECOND);
    home.devices.report('lamp', 'on_off', false);
    for (const told of [...home.told(), ...home.told('new')]) expect(told).toMatch(/ device$/);
    expect(home.told()).toHaveLength(8);
  });

  test('each press counts; numbers and texts have no place here', () => {
    for (const value of ['single', 'single']) {
      home.devices.report('lamp', 'button_event', value, { isEvent: true });
    }
    home.devices.report('lamp', 'temperature', 21.5);
    home.devices.report('lamp', 'text', 'running since Tuesday');
    expect(home.told().slice(1)).toEqual(Array(2).fill('event button_event "single" person'));
  });
});

describe('what is kept', () => {
  test('comes through a restart, sorting and a second restart', async () => {
    for (let n = 0; n < 40; n++) {
      home.devices.report('lamp', 'on_off', n % 2 === 0);
      home.clock.advance(HOUR);
      await home.activity.tick();
    }
    const before = home.all();
    expect(before).toHaveLength(41);
    await home[Symbol.asyncDispose]();
    home = await openActivity(folder.path, { clock: home.clock });
    expect(home.all()).toEqual(before);
    await home.activity.sort();
    expect(home.all()).toEqual(before);
    home.devices.report('lamp', 'on_off', true);
    await home[Symbol.asyncDispose]();
    home = await openActivity(folder.path, { clock: home.clock });
    expect(home.all().slice(0, -1)).toEqual(before);
  });

  test('a power cut costs what waits and nothing else, in the middle of sorting too', async () => {
    home.devices.report('lamp', 'on_off', true);
    home.activity.flush();
    await home.activity.sort();
    home.clock.advance(MINUTE);
    home.devices.report('lamp', 'on_off', false);
    home.activity.flush();
    const written = home.all();
    home.devices.report('lamp', 'on_off', true);
    using copy = temporaryFolder();
    cpSync(folder.path, copy.path, { recursive: true });
    // As if the batches had been sorted and not been removed yet.
    await using after = await openActivity(copy.path, {
      clock: home.clock,
      devices: new FakeDevices(home.clock),
    });
    const rows = after.store.db.all<{ data: Uint8Array }>('SELECT data FROM activity_batch');
    await after.activity.sort();
    after.store.write((tx) => {
      for (const { data } of rows) tx.run('INSERT INTO activity_batch (data) VALUES (?)', data);
    });
    expect(after.all()).toEqual(written);
    await after.activity.sort();
    expect(after.all()).toEqual(written);
  });

  test('a disk that refuses keeps it waiting, and what cannot be kept any more is the oldest', async () => {
    const write = vi.spyOn(home.store, 'write').mockImplementation(() => {
      throw new HubError('storage_full', 'the disk is full');
    });
    for (let n = 0; n < 17_000; n++) {
      home.devices.report(`lamp ${n % 100}`, 'on_off', n % 200 < 100);
      home.clock.advance(SECOND);
    }
    await home.activity.tick();
    write.mockRestore();
    await home.activity.tick();
    await home.activity.sort();
    const kept = home.all('lamp 7');
    expect(kept.length).toBeGreaterThan(80);
    expect(kept.length).toBeLessThan(170);
    expect(kept.at(-1)?.timeMs).toBeGreaterThan(home.clock.nowMs() - 200 * SECOND);
  });

  test('pages, newest first, also through one moment', () => {
    for (let n = 0; n < 3; n++) {
      for (const capability of ['on_off', 'motion', 'on_off:led']) {
        home.devices.report('lamp', capability, n % 2 === 0);
      }
      home.clock.advance(DAY);
    }
    const everything = home.all().toReversed();
    const paged = [];
    const query = { entityId: 'lamp', fromMs: 0, toMs: home.clock.nowMs() };
    for (let cursor: number | null = 0; cursor !== null;) {
      const page = home.activity.query({ ...query, limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(everything);
    expect(home.activity.query({ ...query, capability: 'motion', limit: 9, cursor: 0 }).items).toHaveLength(
      3,
    );
  });

  test('the whole home is read day by day', async () => {
    for (let n = 0; n < 30; n++) {
      home.devices.report(`lamp ${n % 3}`, 'on_off', n % 2 === 0);
      home.clock.advance(3 * HOUR);
      if (n === 20) {
        home.activity.flush();
        await home.activity.sort();
      }
    }
    const read = [...home.activity.scan(0, home.clock.nowMs())].flat();
    expect(read.flatMap(({ events }) => events)).toHaveLength(31);
    const ofOne = read.filter(({ entityId }) => entityId === 'lamp 1').flatMap(({ events }) => events);
    expect(ofOne.map((event) => ({ ...event, capability: 'on_off' }))).toEqual(home.all('lamp 1'));
  });

  test('old days go, and the oldest where it is too much', async () => {
    await home[Symbol.asyncDispose]();
    home = await openActivity(folder.path, { clock: home.clock, keepDays: 5, maxBytes: 500 });
    for (let day = 0; day < 20; day++) {
      for (let n = 0; n < 10; n++) {
        home.devices.report('lamp', 'on_off', n % 2 === 0);
        home.clock.advance(DAY / 10);
      }
      await home.activity.tick();
    }
    const [first] = home.all();
    expect(home.clock.nowMs() - (first?.timeMs ?? 0)).toBeLessThanOrEqual(6 * DAY);
    const [row] = home.store.db.all<{ bytes: number; real: number }>(
      'SELECT bytes, (SELECT sum(length(data)) FROM activity_day) AS real FROM activity_size',
    );
    expect(row?.bytes).toBe(row?.real);
    expect(row?.bytes).toBeLessThanOrEqual(500);
  });

  test('a device of which nothing is kept any more is forgotten, one with unsorted words is not', async () => {
    await home[Symbol.asyncDispose]();
    home = await openActivity(folder.path, { clock: home.clock, keepDays: 5 });
    home.devices.report('lamp', 'on_off', true);
    home.devices.report('fan', 'on_off', true);
    for (let day = 0; day < 9; day++) {
      home.devices.report('heater', 'on_off', day % 2 === 0);
      home.clock.advance(DAY);
      await home.activity.tick();
      // The fan speaks again while the last day that it has is on its way out.
      if (day === 5) {
        home.devices.report('fan', 'on_off', false);
        home.activity.flush();
        home.activity.expire(home.clock.nowMs());
      }
    }
    expect(['lamp', 'fan', 'heater'].map((id) => home.activity.has(id))).toEqual([false, true, true]);
    const rows = home.store.db.all<{ entity_id: string }>('SELECT DISTINCT entity_id FROM activity_series');
    expect(rows.map(({ entity_id: id }) => id).toSorted()).toEqual(['fan', 'heater']);
    expect(home.all('fan').map(({ value }) => value)).toEqual([false]);
    // Whoever comes back is known anew.
    home.devices.report('lamp', 'on_off', false);
    home.activity.flush();
    expect(home.all('lamp')).toHaveLength(1);
  });

  test('where nothing is to be kept nothing is written, and what was is removed', async () => {
    home.devices.report('lamp', 'on_off', true);
    home.activity.flush();
    await home[Symbol.asyncDispose]();
    home = await openActivity(folder.path, { clock: home.clock, keepDays: 0 });
    home.devices.report('lamp', 'on_off', false);
    home.clock.advance(MINUTE);
    expect(await home.activity.cleanUp(home.clock.nowMs())).toBeGreaterThan(0);
    expect(home.all()).toEqual([]);
    for (const table of ['batch', 'day', 'span']) {
      expect(home.store.db.all(`SELECT * FROM activity_${table}`), table).toEqual([]);
    }
  });

  test('two clean-ups at the same time are one', async () => {
    for (let n = 0; n < 30; n++) {
      home.devices.report('lamp', 'on_off', n % 2 === 0);
      home.clock.advance(HOUR);
      home.activity.flush();
    }
    const before = home.all();
    await Promise.all([home.activity.cleanUp(home.clock.nowMs()), home.activity.cleanUp(home.clock.nowMs())]);
    expect(home.all()).toEqual(before);
    expect(home.store.db.all('SELECT * FROM activity_batch')).toEqual([]);
    expect(home.store.db.all('SELECT * FROM activity_day')).toHaveLength(2);
  });

  test('a clock that leaps ahead does not empty it', async () => {
    home.devices.report('lamp', 'on_off', true);
    await home.activity.tick();
    await home.activity.sort();
    const before = home.all();
    home.clock.jumpTo(home.clock.nowMs() + 3000 * DAY);
    expect(home.activity.expire(home.clock.nowMs())).toEqual({ deletedRows: 0, isDone: true });
    home.clock.jumpTo(home.clock.nowMs() - 3000 * DAY);
    expect(home.all()).toEqual(before);
  });

  test('a sensor that flaps is bounded', () => {
    for (let n = 0; n < 5000; n++) {
      home.devices.report('lamp', 'motion', n % 2 === 0);
      home.clock.advance(SECOND);
    }
    expect(home.all().filter(({ capability }) => capability === 'motion')).toHaveLength(3000);
  });
});

describe('the clock', () => {
  test('what comes before it is set is dated afterwards', async () => {
    await home[Symbol.asyncDispose]();
    const clock = new ManualClock(5000);
    home = await openActivity(folder.path, { clock, devices: new FakeDevices(clock) });
    home.devices.report('fan', 'on_off', true);
    await home.activity.tick();
    home.clock.advance(MINUTE);
    expect(home.activity.spans()).toHaveLength(1);
    const setMs = Date.UTC(2026, 5, 1, 12);
    home.clock.jumpTo(setMs);
    await home.activity.tick();
    expect(home.all('fan').map(({ timeMs }) => timeMs)).toEqual([setMs - MINUTE]);
  });

  test('the hub knows when it did not run', async () => {
    const beganMs = home.clock.nowMs() - HOUR;
    home.activity.flush();
    home.clock.advance(2 * HOUR);
    await home[Symbol.asyncDispose]();
    const stoppedMs = home.clock.nowMs();
    home.clock.advance(5 * HOUR);
    home = await openActivity(folder.path, { clock: home.clock });
    home.clock.advance(HOUR);
    expect(home.activity.spans()).toEqual([
      { startMs: beganMs, endMs: stoppedMs },
      { startMs: stoppedMs + 5 * HOUR, endMs: home.clock.nowMs() },
    ]);
  });
});

test('events are packed and a damaged block is noticed', () => {
  const cause = { kind: 'person', id: 'anna' } as const;
  const events = Array.from({ length: 100 }, (_, n) => ({
    timeMs: Date.UTC(2026, 0, 1) + n * 613_234,
    type: 'state' as const,
    value: n % 2 === 0,
    cause,
  }));
  const block = encodeEvents(events);
  expect(decodeEvents(block)).toEqual(events);
  expect(block.length / events.length).toBeLessThan(5);
  for (let cut = 0; cut < block.length; cut += 7) {
    expect(() => decodeEvents(block.subarray(0, cut))).toThrow(DamagedBlockError);
  }
});

test('what a finger drags is one order', () => {
  for (let level = 10; level <= 60; level += 5) {
    home.devices.command('lamp', 'brightness', level, { by: ANNA });
    home.clock.advance(100);
  }
  home.devices.command('lamp', 'brightness', 70, { origin: 'automation:dusk' });
  home.clock.advance(5 * SECOND);
  home.devices.command('lamp', 'brightness', 80, { origin: 'automation:dusk' });
  expect(home.told().slice(1)).toEqual([
    'command brightness 60 person anna',
    'command brightness 70 automation dusk',
    'command brightness 80 automation dusk',
  ]);
});
