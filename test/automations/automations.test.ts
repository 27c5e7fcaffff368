import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Content } from '../../src/graph/types.ts';

import { SETTLE_MS } from '../../src/automations/lookout.ts';
import { parseContent } from '../../src/automations/parse.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { temporaryFolder } from '../support/store.ts';
import { becomes, command, DAY, MAYA_HERE, openHome } from './home.ts';

test('a time fires once, whatever the clock does, and what was long ago is missed', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(Date.UTC(2026, 0, 5, 6, 0));
  await using home = await openHome(folder.path, clock);
  home.make('wake', { triggers: [{ type: 'time', at: '07:30' }], actions: [command(home.idOf('a'), true)] });
  clock.advance(30 * 60_000);
  home.automations.tick();
  home.automations.tick();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  clock.jumpTo(clock.nowMs() - 3600_000);
  home.automations.tick();
  clock.advance(3600_000);
  home.automations.tick();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  home.crash();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  clock.advance(SETTLE_MS);
  home.automations.tick();
  clock.jumpTo(clock.nowMs() + 3 * DAY + 3600_000);
  home.automations.tick();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  expect(home.automations.runs('wake', 10, 0)).toMatchObject([
    { outcome: 'missed', why: { reason: expect.stringContaining('3 times') as string } },
    { outcome: 'done', trigger: 'at 07:30' },
  ]);
});

test('a state fires when it becomes so, live only, and a loop is stopped', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  home.report('a', false);
  home.report('b', false);
  home.make('follow', { trigger: becomes(a, true), action: command(b, true) });
  home.make('back', { trigger: becomes(b, true), action: command(a, false) });
  home.make('again', { trigger: becomes(a, false), action: command(a, true) });
  home.report('a', true, true);
  home.report('a', false, true);
  await home.automations.settled();
  expect(home.sent).toEqual([]);
  home.report('a', true);
  home.report('a', true);
  await home.automations.settled();
  home.report('b', true);
  await home.automations.settled();
  home.report('a', false);
  await home.automations.settled();
  home.report('a', true);
  await home.automations.settled();
  expect(home.sent).toHaveLength(3);
  expect(home.automations.runs('follow', 1, 0)).toMatchObject([
    { outcome: 'stopped', why: { reason: expect.stringContaining('loop') as string } },
  ]);
});

test('a state that has to last does, through a restart', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock();
  await using home = await openHome(folder.path, clock);
  home.report('a', false);
  home.make('off', {
    trigger: becomes(home.idOf('a'), true, { for_seconds: 300 }),
    action: command(home.idOf('a'), false),
  });
  home.report('a', true);
  clock.advance(200_000);
  home.automations.tick();
  await home.restart();
  expect(home.sent).toEqual([]);
  clock.advance(100_000);
  home.automations.tick();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
  await home.restart();
  clock.advance(900_000);
  home.automations.tick();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
});

test('what came by sync is held until somebody entitled enables it, and a change of what it does holds it again', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  home.report('a', false);
  home.make('synced', { trigger: becomes(a, true), action: command(b, true) }, null);
  await home.graph.settled();
  await expect.poll(() => home.automations.list().map(({ status }) => status)).toEqual(['held']);
  home.forbidden.add('maya');
  await expect(home.automations.enable('synced', MAYA_HERE)).rejects.toThrow('no');
  home.forbidden.clear();
  expect(await home.automations.enable('synced', MAYA_HERE)).toMatchObject({ status: 'on' });
  const author = { userId: 'maya', deviceId: 'phone' };
  const say = async (content: Content): Promise<void> => {
    home.graph.transaction((writer) => writer.replaceContent('synced', content, author));
    await home.graph.settled();
  };
  await say({ name: 'renamed', trigger: becomes(a, true), action: command(b, true) });
  await expect.poll(() => home.automations.list()[0]?.definition.name).toBe('renamed');
  expect(home.automations.status('synced').status).toBe('on');
  home.users.clear();
  home.report('a', true);
  await home.automations.settled();
  expect(home.automations.runs('synced', 1, 0)).toMatchObject([{ outcome: 'refused' }]);
  await say({ name: 'renamed', trigger: becomes(a, true), action: command(b, false) });
  await expect.poll(() => home.automations.status('synced').status).toBe('held');
  expect(home.sent).toEqual([]);
});

test('a hub that ends between claim and end does not do it again', async () => {
  using folder = temporaryFolder();
  const clock = new ManualClock(Date.UTC(2026, 0, 5, 6, 29));
  await using home = await openHome(folder.path, clock);
  const stuck = Promise.withResolvers<void>();
  home.hangUntil(stuck.promise);
  home.make('wake', { triggers: [{ type: 'time', at: '07:30' }], actions: [command(home.idOf('a'), true)] });
  clock.advance(60_000);
  home.automations.tick();
  await expect.poll(() => home.sent.length).toBe(1);
  home.crash();
  expect(home.automations.runs('wake', 5, 0)).toMatchObject([{ outcome: 'interrupted' }]);
  stuck.resolve();
  await home.automations.settled();
  expect(home.sent).toHaveLength(1);
});

test('an unknown value makes a condition false, and the record says so', async () => {
  using folder = temporaryFolder();
  await using home = await openHome(folder.path, new ManualClock());
  const [a, b] = [home.idOf('a'), home.idOf('b')];
  home.report('a', false);
  const is = { type: 'state', entity_id: b, capability: 'on_off', is: true };
  home.make('if', {
    trigger: becomes(a, true),
    condition: { type: 'not', conditions: [is] },
    action: command(b, true),
  });
  home.report('a', true);
  await home.automations.settled();
  expect(home.automations.runs('if', 1, 0)).toMatchObject([
    { outcome: 'conditions', why: { reason: 'a condition is unknown' } },
  ]);
});

test('no content makes the parser throw, and what it does not understand does not run', () => {
  const word = fc.constantFrom(
    'time',
    'sun',
    'state',
    'event',
    'command',
    'scene',
    'note',
    'at',
    '07:30',
    'x',
  );
  const key = fc.constantFrom(
    'type',
    'triggers',
    'trigger',
    'actions',
    'conditions',
    'days',
    'at',
    'entity_id',
    'value',
    'cron',
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.jsonValue(),
      fc.array(tie('node')),
      fc.dictionary(key, tie('node')),
    ),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(key, value), (content) => {
      const { triggers, actions, problems } = parseContent('automation', content);
      expect(problems.length > 0 || (triggers.length > 0 && actions.length > 0)).toBe(true);
    }),
    { numRuns: 40 },
  );
});
