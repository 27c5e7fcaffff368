import { expect, test } from 'vitest';

import { SETTLE_MS } from '../../src/automations/lookout.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { temporaryFolder } from '../support/store.ts';
import { becomes, command, MINUTE, openHome } from './home.ts';

test('an amount fires when it crosses, a test of what it was before is kept, and no test is every change', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, meter] = [home.idOf('a'), home.idOf('meter')];
  const power = { type: 'state', entity_id: meter, capability: 'power' };
  const action = command(a, true);
  home.make('above', { trigger: { ...power, above: 100 }, action });
  home.make('between', { trigger: { ...power, above: 10, below: 20 }, action });
  home.make('any', { trigger: power, action });
  home.make('from', { trigger: { ...power, to: 15, from: 150 }, action });
  const counts = async (): Promise<number[]> => {
    await home.automations.settled();
    return ['above', 'between', 'any', 'from'].map(
      (id) => home.sent.filter((line) => line.endsWith(`:${id}`)).length,
    );
  };
  home.report('meter', 5);
  expect(await counts()).toEqual([0, 0, 0, 0]);
  for (const watts of [150, 160, 15]) home.report('meter', watts);
  expect(await counts()).toEqual([1, 1, 3, 0]);
  for (const watts of [100, 150, 15]) home.report('meter', watts);
  expect(await counts()).toEqual([2, 2, 6, 1]);
});

test('a press fires each time, also of a device that was commanded just now, and another word does not', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const remote = home.idOf('remote');
  home.make('press', {
    trigger: { type: 'event', entity_id: remote, value: 'single' },
    action: command(home.idOf('a'), true),
  });
  home.report('remote', 'single', true);
  for (let press = 0; press < 3; press++) {
    home.report('remote', 'single');
    home.report('remote', 'double');
    await home.automations.settled();
    clock.advance(1000);
  }
  expect(home.sent).toHaveLength(3);
  expect(home.automations.runs('press', 9, 0).map(({ why }) => why)).toEqual(
    Array.from({ length: 3 }, () => ({ trigger: 'event', value: 'single' })),
  );
});

test('the first who comes and the last who leaves, whatever trackers are silent, kept or removed', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  home.report('maya', 'home', true);
  home.report('tom', 'home', true);
  await home.restart();
  const action = command(home.idOf('a'), true);
  home.make('empty', { trigger: { type: 'presence', event: 'last_leaves' }, action });
  home.make('back', { trigger: { type: 'presence', event: 'first_arrives' }, action });
  const told = async (): Promise<string> => {
    await home.automations.settled();
    return home.sent.map((line) => line.split('automation:')[1]).join(' ');
  };
  home.report('maya', 'not_home');
  home.report('tom', null);
  expect(await told()).toBe('');
  home.report('tom', 'home');
  home.report('tom', 'work');
  expect(await told()).toBe('empty');
  home.report('maya', 'home', true);
  home.report('tom', 'home');
  expect(await told()).toBe('empty');
  home.report('maya', 'shop');
  home.report('tom', 'shop');
  expect(await told()).toBe('empty empty');
  home.report('tom', 'home');
  home.report('maya', 'home');
  expect(await told()).toBe('empty empty back');
  // A phone that was given away stays nowhere.
  home.devices.remove(['test/tom']);
  await home.graph.settled();
  await expect.poll(() => home.devices.list().some(({ name }) => name === 'tom')).toBe(false);
  home.report('maya', 'not_home');
  expect(await told()).toBe('empty empty back empty');
});

test('what has to last begins anew after silence, waits for devices after a restart, and fires once through a crash', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const a = home.idOf('a');
  home.report('a', false);
  home.make('off', { trigger: becomes(a, true, { for_minutes: 5 }), action: command(a, false) });
  home.report('a', true);
  clock.advance(4 * MINUTE);
  home.report('a', null);
  clock.advance(2 * MINUTE);
  await home.tick();
  home.report('a', true);
  clock.advance(4 * MINUTE);
  await home.tick();
  expect(home.sent).toHaveLength(0);
  clock.advance(MINUTE);
  await home.tick();
  expect(home.sent).toHaveLength(1);
  home.report('a', null);
  home.report('a', true);
  clock.advance(9 * MINUTE);
  await home.tick();
  home.crash();
  clock.advance(9 * MINUTE);
  await home.tick();
  expect(home.sent).toHaveLength(1);
  home.report('a', false);
  home.report('a', true);
  clock.advance(4 * MINUTE);
  await home.restart(MINUTE);
  await home.tick();
  // Somebody switched it off while the hub was away, as its broker tells.
  home.report('a', false, true);
  clock.advance(SETTLE_MS);
  await home.tick();
  expect(home.sent).toHaveLength(1);
  home.report('a', true);
  clock.advance(4 * MINUTE);
  await home.restart(MINUTE);
  clock.advance(SETTLE_MS);
  await home.tick();
  expect(home.sent).toHaveLength(2);
});

test('a lamp with its own sensor is not taken for a loop, and a clock that is set changes nothing of what lasts', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  home.report('a', false);
  home.make('on', { trigger: becomes(a, true), action: command(b, true) });
  home.make('off', { trigger: becomes(a, false, { for_seconds: 5 }), action: command(b, false) });
  for (let walk = 0; walk < 3; walk++) {
    home.report('a', true);
    home.report('b', true);
    home.report('a', false);
    clock.jumpTo(clock.nowMs() + (walk === 1 ? -3_600_000 : 0));
    clock.advance(4999);
    await home.tick();
    expect(home.sent).toHaveLength(2 * walk + 1);
    clock.advance(1);
    await home.tick();
    expect(home.sent).toHaveLength(2 * walk + 2);
    home.report('b', false);
  }
  expect(home.automations.runs('on', 9, 0).every(({ outcome }) => outcome === 'done')).toBe(true);
});

test('a flood is limited, told once, and costs little', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const meter = home.idOf('meter');
  const power = { type: 'state', entity_id: meter, capability: 'power' };
  home.make('flood', { trigger: power, action: command(home.idOf('a'), true) });
  const blocked = { type: 'state', entity_id: home.idOf('b'), capability: 'on_off', is: true };
  home.make('blocked', { trigger: power, condition: blocked, action: command(home.idOf('a'), true) });
  home.report('b', false);
  for (let watts = 0; watts < 200; watts++) {
    home.report('meter', watts);
    await home.automations.settled();
  }
  expect(home.sent).toHaveLength(60);
  const outcomes = home.automations.runs('flood', 500, 0).map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === 'stopped')).toHaveLength(1);
  expect(home.automations.runs('blocked', 500, 0)).toHaveLength(1);
  // What was kept from running by its condition has not used up what it may.
  home.report('b', true);
  home.report('meter', 1000);
  await home.automations.settled();
  expect(home.automations.runs('blocked', 500, 0)).toMatchObject([
    { outcome: 'done' },
    { outcome: 'conditions' },
  ]);
});
