import { expect, test } from 'vitest';

import { insertRun } from '../../src/automations/writer.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { parseContent as contentOf } from '../../src/graph/graph.ts';
import { temporaryFolder } from '../support/store.ts';
import { becomes, command, DAY, HOUR, MAYA_HERE, MINUTE, openHome } from './home.ts';

const MANUAL = { type: 'manual' };

test('scenes: of automations in their order, of a device, not in a ring, not while switched off', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, b, movie] = [home.idOf('a'), home.idOf('b'), home.idOf('movie')];
  const scene = (entityId: string) => ({ type: 'scene', entity_id: entityId });
  home.make('dark', { trigger: MANUAL, actions: [command(a, false), command(b, false)] });
  home.make('evening', { trigger: MANUAL, actions: [scene('dark'), command(a, true), scene(movie)] });
  const run = async (id: string) =>
    await home.automations.run(id, MAYA_HERE, { force: false }).catch((error: Error) => error.message);
  expect(await run('evening')).toMatchObject({
    actions: [{ ok: true }, { ok: true }, { ok: true }, { ok: true, result: 'sent' }],
  });
  expect(home.sent.map((line) => line.split(' automation:')[0])).toEqual([
    'test/a [false]',
    'test/b [false]',
    'test/a [true]',
    'test/movie ["activate"]',
  ]);
  await home.automations.disable('dark', MAYA_HERE);
  expect(await run('evening')).toMatchObject({
    outcome: 'partly',
    actions: [{ ok: false, result: 'dark is switched off.' }, { ok: true }, { ok: true }],
  });
  home.make('ring', { trigger: MANUAL, actions: [scene('back')] });
  home.make('back', { trigger: MANUAL, actions: [scene('ring')] });
  expect(await run('ring')).toMatch(/ring/);
  home.make('lost', { trigger: MANUAL, actions: [scene('nothing')] });
  expect(await run('lost')).toMatch(/no scene nothing/);
});

test('a note is written by who answers for it, tied to what it is about, and not without end', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const a = home.idOf('a');
  home.report('a', false);
  home.make('tell', { trigger: becomes(a, true), action: { type: 'note', text: 'It was on.', about: a } });
  for (let press = 0; press < 15; press++) {
    home.report('a', true);
    home.report('a', false);
    await home.automations.settled();
  }
  const notes = home.graph.list({ entityType: 'note' }, 50).items;
  expect(notes).toHaveLength(10);
  expect(contentOf(notes[0] ?? expect.fail('no note'))).toMatchObject({
    name: 'tell',
    text: 'It was on.',
    automation_id: 'tell',
    about: a,
  });
  expect(notes[0]).toMatchObject({ userId: 'maya', sourceType: 'generated' });
  const edges = home.graph.relationshipsOf(a, 'from').filter(({ toEntityId }) => toEntityId === notes[0]?.id);
  expect(edges).toMatchObject([{ relationshipType: 'documented_by' }]);
  expect(home.automations.runs('tell', 1, 0)).toMatchObject([
    { outcome: 'failed', actions: [{ ok: false, result: expect.stringContaining('too many notes') }] },
  ]);
  clock.advance(MINUTE);
  home.report('a', true);
  await home.automations.settled();
  expect(home.graph.list({ entityType: 'note' }, 50).items).toHaveLength(11);
});

test('a device that cannot be reached fails alone, and the record says which and why', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  home.devices.setAvailable('test/a', false);
  home.make('both', { trigger: MANUAL, actions: [command(a, true), command(b, true)] });
  expect(await home.automations.run('both', MAYA_HERE, { force: false })).toMatchObject({
    outcome: 'partly',
    actions: [
      {
        action: `command ${a}: on_off = true`,
        ok: false,
        result: expect.stringContaining('cannot be reached'),
      },
      { ok: true, result: 'sent' },
    ],
  });
});

test('one that is edited while it runs ends as it began, and what waits behind it is done as it is then', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  const trigger = becomes(b, true);
  home.report('b', false);
  home.make('two', { trigger, actions: [command(a, true), { type: 'note', text: 'old' }] });
  const stuck = Promise.withResolvers<void>();
  home.hangUntil(stuck.promise);
  const press = (): void => {
    home.report('b', true);
    home.report('b', false);
  };
  press();
  await expect.poll(() => home.sent.length).toBe(1);
  press();
  home.edit('two', { trigger, actions: [command(a, false), { type: 'note', text: 'new' }] });
  stuck.resolve();
  await home.automations.settled();
  expect(home.sent.map((line) => line.split(' ')[1])).toEqual(['[true]', '[false]']);
  expect(home.graph.list({ entityType: 'note' }, 9).items.map((note) => contentOf(note)['text'])).toEqual(
    expect.arrayContaining(['old', 'new']),
  );
  const again = Promise.withResolvers<void>();
  home.hangUntil(again.promise);
  press();
  await expect.poll(() => home.sent.length).toBe(3);
  for (let more = 0; more < 15; more++) press();
  await home.automations.disable('two', MAYA_HERE);
  again.resolve();
  await home.automations.settled();
  expect(home.sent).toHaveLength(3);
  const outcomes = home.automations
    .runs('two', 50, 0)
    .map(({ outcome, why }) => `${outcome} ${String(why['reason'])}`);
  expect(outcomes.filter((text) => /stopped.*before its turn/.test(text))).toHaveLength(10);
  expect(outcomes.filter((text) => /stopped.*still busy/.test(text))).toHaveLength(1);
});

test('records: the newest 200 and 90 days, 20 always; what had a time for a day; of what is gone none after 90 days', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(Date.UTC(2026, 5, 1));
  await using home = await openHome(folder.path, clock);
  home.make('some', { trigger: MANUAL, action: command(home.idOf('a'), true) });
  const put = (automationId: string, count: number, agoMs: number, isTimed = false): void =>
    home.store.write((tx) => {
      for (let run = 0; run < count; run++) {
        const startedMs = clock.nowMs() - agoMs;
        insertRun(tx, {
          automationId,
          firing: isTimed ? `${automationId} ${agoMs} ${run}` : null,
          trigger: 't',
          why: {},
          scheduledMs: isTimed ? startedMs : null,
          startedMs,
          outcome: 'done',
        });
      }
    });
  const kept = (id: string): number =>
    home.store.db.all('SELECT key FROM automation_run WHERE entity_id = ?', id).length;
  put('gone', 30, 100 * DAY);
  put('gone', 5, 80 * DAY);
  put('some', 30, 100 * DAY);
  put('timed', 150, 30 * HOUR, true);
  put('timed', 250, HOUR, true);
  put('timed', 10, HOUR);
  put('many', 300, DAY);
  await home.pass(DAY - 2 * HOUR);
  expect([kept('gone'), kept('some'), kept('many')]).toEqual([35, 30, 300]);
  await home.pass(2 * HOUR);
  expect([kept('gone'), kept('some'), kept('many')]).toEqual([5, 20, 200]);
  expect(kept('timed')).toBe(260);
  await home.pass(DAY);
  expect(kept('timed')).toBe(200);
});
