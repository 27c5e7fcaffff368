import { expect, test } from 'vitest';

import type { Content } from '../../src/graph/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { temporaryFolder } from '../support/store.ts';
import { command, MAYA_HERE, openHome } from './home.ts';

const BERLIN = { zone: 'Europe/Berlin', latitude: 52.52, longitude: 13.4 };
const at = (time: string): number => Date.parse(time);

test('every kind of condition, alone and together, with what was seen', async () => {
  using folder = temporaryFolder();
  // A Monday, 13:00 on the wall.
  const clock = new ManualClock(at('2026-01-05T12:00:00Z'));
  await using home = await openHome(folder.path, clock, BERLIN);
  const [a, b, meter] = [home.idOf('a'), home.idOf('b'), home.idOf('meter')];
  home.report('a', true);
  home.report('meter', 42);
  let count = 0;
  const outcome = async (condition: Content | Content[], when?: string): Promise<string> => {
    if (when !== undefined) clock.jumpTo(at(when));
    const id = `c${++count}`;
    home.make(id, { trigger: { type: 'manual' }, conditions: condition, action: command(b, true) });
    const run = await home.automations.run(id, MAYA_HERE, { force: false });
    return run.outcome === 'done' ? 'yes' : String(run.why['reason']).replace('a condition ', '');
  };
  const isOn = { type: 'state', entity_id: a, capability: 'on_off', is: true };
  const isOff = { ...isOn, is: false };
  const unknown = { ...isOn, entity_id: b };
  const watts = (more: object): Content => ({
    type: 'state',
    entity_id: meter,
    capability: 'power',
    ...more,
  });
  const all = (type: string, ...conditions: Content[]): Content => ({ type, conditions });
  const [yes, no, nobody] = ['yes', 'does not hold', 'is unknown'];
  expect(await outcome(isOn)).toBe(yes);
  expect(await outcome(isOff)).toBe(no);
  expect(await outcome(unknown)).toBe(nobody);
  expect(await outcome(watts({ above: 41 }))).toBe(yes);
  expect(await outcome(watts({ above: 42 }))).toBe(no);
  expect(await outcome(watts({ above: 40, below: 43 }))).toBe(yes);
  expect(await outcome(watts({ below: 42 }))).toBe(no);
  expect(await outcome([isOn, isOff])).toBe(no);
  expect(await outcome(all('any', isOff, isOn))).toBe(yes);
  expect(await outcome(all('any', isOff, unknown))).toBe(nobody);
  expect(await outcome(all('any', isOn, unknown))).toBe(yes);
  expect(await outcome(all('all', isOn, unknown))).toBe(nobody);
  expect(await outcome(all('all', isOff, unknown))).toBe(no);
  expect(await outcome(all('not', isOff))).toBe(yes);
  expect(await outcome(all('not', isOn))).toBe(no);
  expect(await outcome(all('not', unknown))).toBe(nobody);
  expect(await outcome(all('not', all('any', isOff, watts({ above: 100 }))))).toBe(yes);
  expect(await outcome({ type: 'sun', is: 'up' })).toBe(yes);
  expect(await outcome({ type: 'sun', is: 'down' })).toBe(no);
  expect(await outcome({ type: 'time', after: '13:00', before: '13:01' })).toBe(yes);
  expect(await outcome({ type: 'time', before: '13:00' })).toBe(no);
  expect(await outcome({ type: 'time', days: ['mon'] })).toBe(yes);
  expect(await outcome({ type: 'time', days: ['tue'] })).toBe(no);
  const night = { type: 'time', after: '22:00', before: '06:00', days: ['mon'] };
  expect(await outcome(night)).toBe(no);
  expect(await outcome(night, '2026-01-05T21:00:00Z')).toBe(yes);
  // The small hours of Tuesday belong to the night of Monday, those of Monday to that of Sunday.
  expect(await outcome(night, '2026-01-06T04:59:00Z')).toBe(yes);
  expect(await outcome(night, '2026-01-06T05:00:00Z')).toBe(no);
  expect(await outcome(night, '2026-01-05T04:00:00Z')).toBe(no);
  expect(await outcome({ type: 'sun', is: 'down' })).toBe(yes);
  // The hour that comes twice is one, and the one that is skipped is none.
  const twice = { type: 'time', after: '02:00', before: '03:00' };
  expect(await outcome(twice, '2026-10-25T00:30:00Z')).toBe(yes);
  expect(await outcome(twice, '2026-10-25T01:30:00Z')).toBe(yes);
  expect(await outcome(twice, '2026-03-29T01:00:00Z')).toBe(no);

  home.devices.setAvailable('test/a', false);
  const available = { type: 'state', entity_id: a, capability: 'available', is: false };
  expect(await outcome(isOn)).toBe(nobody);
  expect(await outcome(available)).toBe(yes);
  expect(await outcome({ ...isOn, entity_id: 'nothing' })).toBe(nobody);
  home.make('told', { trigger: { type: 'manual' }, conditions: [available, isOn], action: command(b, true) });
  expect(await home.automations.run('told', MAYA_HERE, { force: false })).toMatchObject({
    outcome: 'conditions',
    why: {
      by: 'maya',
      conditions: ['available of a is false: yes', 'on_off of a is null: unknown (it cannot be reached)'],
    },
  });
  expect(await home.automations.run('told', MAYA_HERE, { force: true })).toMatchObject({
    outcome: 'done',
    why: { by: 'maya', force: true },
  });
});

test('without a place the sun is unknown to a condition', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  home.make('x', {
    trigger: { type: 'manual' },
    condition: { type: 'sun', is: 'down' },
    action: command(home.idOf('a'), true),
  });
  expect(await home.automations.run('x', MAYA_HERE, { force: false })).toMatchObject({
    outcome: 'conditions',
    why: { reason: 'a condition is unknown', conditions: [expect.stringContaining('home.latitude')] },
  });
});
