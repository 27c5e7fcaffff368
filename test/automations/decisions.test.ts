import { expect, test } from 'vitest';

import type { Actor, Principal } from '../../src/access/types.ts';
import type { Content } from '../../src/graph/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { temporaryFolder } from '../support/store.ts';
import { command, MAYA, MAYA_HERE, openHome, type TestHome } from './home.ts';

const TOM: Principal = { ...MAYA, userId: 'tom', username: 'tom' };
const TOM_HERE: Actor = { principal: TOM, address: '192.168.1.6' };
const MANUAL = { type: 'manual' };

async function openTwo(folder: string): Promise<TestHome> {
  const home = await openHome(folder, new ManualClock(Date.parse('2026-01-05T06:00:00Z')));
  home.users.set('tom', TOM);
  home.forbidden.add('tom');
  return home;
}
const status = (home: TestHome, id: string): string => home.automations.status(id).status;
const acts = (home: TestHome): string[] =>
  home.decided
    .splice(0)
    .map(
      ({ action, by, entityId }) =>
        `${action.slice('automation.'.length)} ${entityId} ${by.principal.userId}`,
    );

/** An edit by a way that tells the automations nothing, as sync, the tools and an import are. */
async function edit(home: TestHome, id: string, content: Content): Promise<void> {
  home.edit(id, content, null);
  await home.graph.settled();
  const said = JSON.stringify(content['name'] ?? id);
  await expect.poll(() => JSON.stringify(home.automations.status(id).definition.name) === said).toBe(true);
}

test('what is switched off and on again, changed and changed back, or brought back, asks for somebody anew', async () => {
  using folder = temporaryFolder();
  await using home = await openTwo(folder.path);
  const content = { trigger: MANUAL, action: command(home.idOf('a'), true) };
  const other = { trigger: MANUAL, action: command(home.idOf('a'), false) };
  home.make('x', content);
  expect(status(home, 'x')).toBe('on');
  await edit(home, 'x', { ...content, name: '1', enabled: false });
  await edit(home, 'x', { ...content, name: '2', enabled: true });
  expect(status(home, 'x')).toBe('held');
  await home.automations.enable('x', MAYA_HERE);
  expect(status(home, 'x')).toBe('on');
  await edit(home, 'x', { ...other, name: '3' });
  await edit(home, 'x', { ...content, name: '4' });
  expect(status(home, 'x')).toBe('held');
  await home.automations.approve('x', MAYA_HERE);
  home.graph.transaction((writer) => writer.deleteEntity('x', { userId: 'tom', deviceId: 'phone' }));
  await home.graph.settled();
  await expect.poll(() => home.automations.list().length).toBe(0);
  home.graph.transaction((writer) =>
    writer.restoreEntity('x', undefined, { userId: 'tom', deviceId: 'phone' }),
  );
  await home.graph.settled();
  await expect.poll(() => home.automations.list().length).toBe(1);
  expect(status(home, 'x')).toBe('held');
  await home.restart();
  expect(status(home, 'x')).toBe('held');
  expect(acts(home)).toEqual(['approve x maya', 'approve x maya', 'approve x maya']);
});

test('who may not do all that it does neither enables, approves nor runs it, nor makes it theirs by an edit', async () => {
  using folder = temporaryFolder();
  await using home = await openTwo(folder.path);
  const content = { trigger: MANUAL, action: command(home.idOf('a'), true) };
  home.make('toms', content, TOM_HERE);
  expect(status(home, 'toms')).toBe('held');
  for (const act of [
    () => home.automations.enable('toms', TOM_HERE),
    () => home.automations.approve('toms', TOM_HERE),
    () => home.automations.run('toms', TOM_HERE, { force: true }),
  ]) {
    await expect(act()).rejects.toMatchObject({ kind: 'forbidden' });
  }
  expect(acts(home)).toEqual([]);
  home.make('hers', content);
  home.edit('hers', { ...content, name: 'renamed' }, TOM_HERE);
  expect(home.automations.status('hers')).toMatchObject({ status: 'on', approvedBy: 'maya' });
  home.edit('hers', { ...content, enabled: false }, TOM_HERE);
  home.edit('hers', { ...content, enabled: true }, TOM_HERE);
  expect(status(home, 'hers')).toBe('held');
  home.edit('hers', { ...content, enabled: false });
  home.edit('hers', { ...content, enabled: true });
  expect(status(home, 'hers')).toBe('on');
  home.edit('hers', { ...content, action: command(home.idOf('b'), true) }, TOM_HERE);
  expect(status(home, 'hers')).toBe('held');
  expect(home.sent).toEqual([]);
});

test('a rename does not approve what came by sync, not even when it has not been looked at yet', async () => {
  using folder = temporaryFolder();
  await using home = await openTwo(folder.path);
  const content = { trigger: MANUAL, action: command(home.idOf('a'), true) };
  home.make('x', content);
  const pushed = { trigger: MANUAL, action: command(home.idOf('b'), true) };
  home.edit('x', pushed, null);
  home.edit('x', { ...pushed, name: 'renamed' });
  expect(status(home, 'x')).toBe('held');
});

test('the times of a schedule are of who moves them, with what goes by them', async () => {
  using folder = temporaryFolder();
  await using home = await openTwo(folder.path);
  const times = (time: string): Content => ({ time, name: time });
  home.make('mornings', times('07:30'), MAYA_HERE, 'schedule');
  const trigger = { type: 'schedule', entity_id: 'mornings' };
  home.make('coffee', { trigger, action: command(home.idOf('a'), true) });
  await home.pass(45 * 60_000);
  expect(home.sent).toHaveLength(1);
  home.edit('mornings', times('08:00'));
  expect(status(home, 'coffee')).toBe('on');
  await home.pass(60 * 60_000);
  expect(home.sent).toHaveLength(2);
  home.edit('mornings', times('09:00'), TOM_HERE);
  expect(status(home, 'coffee')).toBe('held');
  await home.automations.approve('coffee', MAYA_HERE);
  await edit(home, 'mornings', times('10:00'));
  expect(status(home, 'coffee')).toBe('held');
});

test('each decision is told with who and which; an approval of what is off is refused, and a loss of rights is shown', async () => {
  using folder = temporaryFolder();
  await using home = await openTwo(folder.path);
  home.make('x', { trigger: MANUAL, action: command(home.idOf('a'), true) });
  await home.automations.disable('x', MAYA_HERE);
  await expect(home.automations.approve('x', MAYA_HERE)).rejects.toMatchObject({ kind: 'conflict' });
  await home.automations.enable('x', MAYA_HERE);
  const run = await home.automations.run('x', MAYA_HERE, { force: true });
  expect(home.decided.at(-1)).toMatchObject({
    action: 'automation.run',
    by: MAYA_HERE,
    entityId: 'x',
    details: { name: 'x', run: run.id, outcome: 'done', force: true },
  });
  expect(acts(home)).toEqual(['approve x maya', 'disable x maya', 'enable x maya', 'run x maya']);
  home.forbidden.add('maya');
  expect(home.automations.status('x')).toMatchObject({ status: 'on', reason: 'no' });
  home.users.delete('maya');
  expect(home.automations.status('x').reason).toMatch(/not a user/);
});
