import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { LiveDevices, SyncDirection } from '../../src/sync/types.ts';

import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, principal, TestPhone, type Change, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;
let other: TestPhone;
let lamp: Change;
let state: Change;
let lost: Change;

/** What the fake WebSocket door was asked, and who is there. */
const asked: [string, SyncDirection][] = [];
let online = new Set<string>();
let whenAsked: (deviceId: string) => void = () => undefined;
const live: LiveDevices = {
  isOnline: (deviceId) => online.has(deviceId),
  requestSync: (deviceId, direction) => {
    if (!online.has(deviceId)) return 0;
    asked.push([deviceId, direction]);
    whenAsked(deviceId);
    return 1;
  },
};

const ANNA = { userId: 'anna', deviceId: 'http' };

beforeEach(async () => {
  asked.length = 0;
  online = new Set();
  whenAsked = () => undefined;
  folder = temporaryFolder();
  home = await openSyncHome(folder.path, undefined, live);
  phone = new TestPhone(home, 'phone-1', { protocol: 'inbetweenies-v1.1' });
  other = new TestPhone(home, 'phone-2', { protocol: 'inbetweenies-v1.1' });
  lamp = phone.create('lamp', { name: 'Lamp', power: 9, colour: 'white' }, 'device');
  await phone.sync([lamp]);
  state = phone.update(lamp, { power: 11 });
  await phone.sync([state]);
  lost = other.update(lamp, { power: 12, colour: 'red' });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function openConflict(): Promise<string> {
  const [first] = await home.sync.conflicts(0, 1);
  return first?.view.conflict.conflictId ?? 'none';
}

function latest(): unknown {
  const json = home.graph.latest('lamp')?.contentJson;
  return json == null ? null : JSON.parse(json);
}

describe('2.1.6 resolve', () => {
  test.each([
    ['keep_local', undefined, { name: 'Lamp', power: 11, colour: 'white' }],
    ['accept_remote', undefined, { name: 'Lamp', power: 12, colour: 'red' }],
    ['merge', undefined, { name: 'Lamp', power: 11, colour: 'red' }],
    ['merge', { name: 'Lamp', power: 10 }, { name: 'Lamp', power: 10 }],
  ] as const)(
    '%s makes a version with both parents that everybody is sent',
    async (resolution, content, becomes) => {
      await other.sync([lost]);
      const id = await openConflict();
      const made = await home.sync.resolve(ANNA, id, {
        resolution,
        content,
        localVersion: state.entity_version,
      });
      expect(made.parentVersions).toEqual([state.entity_version, lost.entity_version]);
      expect(latest()).toEqual(becomes);
      expect(await home.sync.conflicts(0, 10)).toEqual([]);
      for (const each of [phone, other]) {
        expect((await each.sync()).changes).toMatchObject([
          { entity_version: made.version, content: becomes },
        ]);
      }
      await expect(home.sync.resolve(ANNA, id, { resolution: 'keep_local' })).rejects.toMatchObject({
        kind: 'conflict',
        details: { conflict_id: id, current: { id: 'lamp', version: made.version, content: becomes } },
      });
    },
  );

  test('a resolution of what has moved on is refused with the current row', async () => {
    await other.sync([lost]);
    const id = await openConflict();
    const newer = phone.update(state, { name: 'Lamp 2' });
    await phone.sync([newer]);
    await expect(
      home.sync.resolve(ANNA, id, { resolution: 'accept_remote', localVersion: state.entity_version }),
    ).rejects.toMatchObject({ kind: 'conflict', details: { current: { version: newer.entity_version } } });
    expect(await home.sync.conflicts(0, 10)).toHaveLength(1);
    await home.sync.resolve(ANNA, id, { resolution: 'merge', localVersion: newer.entity_version });
    expect(latest()).toEqual({ name: 'Lamp 2', power: 11, colour: 'red' });
  });

  test('what keeps a log of decisions stands or falls with the decision', async () => {
    await other.sync([lost]);
    const id = await openConflict();
    const record = (): never => {
      throw new Error('the log is full');
    };
    await expect(home.sync.resolve(ANNA, id, { resolution: 'accept_remote', record })).rejects.toThrow(
      'the log is full',
    );
    expect(latest()).toEqual({ name: 'Lamp', power: 11, colour: 'white' });
    expect(await home.sync.conflicts(0, 10)).toHaveLength(1);
    const noted: string[] = [];
    const made = await home.sync.resolve(ANNA, id, {
      resolution: 'accept_remote',
      record: ({ version }, tx) => {
        const row = tx.get<{ open: number }>(
          'SELECT count(*) AS open FROM sync_conflict WHERE resolution IS NULL',
        );
        noted.push(`${version} ${row?.open}`);
      },
    });
    expect(noted).toEqual([`${made.version} 0`]);
  });

  test('an update of what was deleted: keep the deletion, or bring it back', async () => {
    const gone = phone.delete(state);
    await phone.sync([gone]);
    await other.sync([lost]);
    const kept = await home.sync.resolve(ANNA, await openConflict(), { resolution: 'keep_local' });
    expect(kept).toMatchObject({
      contentJson: null,
      parentVersions: [gone.entity_version, lost.entity_version],
    });

    const again = other.update(lamp, { colour: 'blue' });
    await other.sync([again]);
    await expect(
      home.sync.resolve(ANNA, await openConflict(), { resolution: 'merge', content: { name: '' } }),
    ).rejects.toMatchObject({ kind: 'invalid' });
    await home.sync.resolve(ANNA, await openConflict(), { resolution: 'accept_remote' });
    expect(latest()).toEqual({ name: 'Lamp', power: 9, colour: 'blue' });
  });

  test('a delete that missed an edit: accepting it leaves a tombstone', async () => {
    await other.sync([other.delete(lamp)]);
    const made = await home.sync.resolve(ANNA, await openConflict(), { resolution: 'accept_remote' });
    expect(made.contentJson).toBeNull();
    expect((await phone.sync()).changes).toMatchObject([{ change_type: 'delete' }]);
  });

  test('an update of an id that the hub never had can be accepted', async () => {
    const orphan = { ...other.update(lamp, { name: 'Ghost' }, ['unheard-of']), entity_id: 'ghost' };
    await other.sync([orphan]);
    const made = await home.sync.resolve(ANNA, await openConflict(), { resolution: 'accept_remote' });
    expect(made).toMatchObject({
      id: 'ghost',
      entityType: 'device',
      changeType: 'create',
      parentVersions: [orphan.entity_version],
    });
    expect((await phone.sync()).changes.map(({ entity_id }) => entity_id)).toEqual(['ghost']);
  });

  test('accepting a chain of patches of something unheard of keeps what they do not name', async () => {
    const first = other.update(lamp, { power: 20 }, ['unheard-of']);
    const second = other.update(first, { colour: 'black' });
    await other.sync([first, second]);
    await home.sync.resolve(ANNA, await openConflict(), { resolution: 'accept_remote' });
    expect(latest()).toEqual({ name: 'Lamp', power: 20, colour: 'black' });
  });

  test('conflicts survive a restart, are counted by device, and unknown ones are not found', async () => {
    await other.sync([lost]);
    const id = await openConflict();
    await home[Symbol.asyncDispose]();
    home = await openSyncHome(folder.path, home.clock, live);
    expect(await openConflict()).toBe(id);
    expect(home.sync.status('phone-2')?.openConflicts).toBe(1);
    expect(home.sync.status('phone-1')?.openConflicts).toBe(0);
    await expect(home.sync.resolve(ANNA, 'nonsense', { resolution: 'merge' })).rejects.toMatchObject({
      kind: 'not_found',
    });
  });
});

describe('2.3 force and devices', () => {
  test('a device that is there is asked and waited for', async () => {
    online.add('phone-2');
    let synced: Promise<unknown> = Promise.resolve();
    whenAsked = () => {
      synced = other.sync([other.create('hall', { name: 'Hall' })]);
    };
    await other.sync();
    await phone.sync([phone.create('attic', { name: 'Attic' })]);
    const forced = await home.sync.force('phone-2', 'both');
    await synced;
    expect(forced).toEqual({ status: 'completed', changesProcessed: 2, conflictsResolved: 0 });
    expect(asked).toEqual([['phone-2', 'both']]);
  });

  test('a sync that was under way before it was asked for does not count', async () => {
    online.add('phone-2');
    await other.sync();
    const underWay = other.sync();
    const asking = home.sync.force('phone-2', 'both');
    await underWay;
    expect(await asking).toMatchObject({ status: 'queued', changesProcessed: 0 });
  });

  test('one that is away, or does not come, is queued; one that never synced is not found', async () => {
    await other.sync();
    await expect(home.sync.force('phone-2', 'up')).resolves.toMatchObject({ status: 'queued' });
    online.add('phone-2');
    await expect(home.sync.force('phone-2', 'up')).resolves.toMatchObject({ status: 'queued' });
    await expect(home.sync.force('phone-9', 'up')).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('down makes the device begin from zero, once, and over a restart', async () => {
    await other.pullAll();
    home.clock.advance(1000);
    await home.sync.force('phone-2', 'down');
    await home[Symbol.asyncDispose]();
    home = await openSyncHome(folder.path, home.clock, live);
    other.moveTo(home);
    const before = other.clock;
    home.clock.advance(1000);
    expect(await other.sync()).toMatchObject({ resync: true });
    // That answer was lost: the device comes with its old cursor again.
    other.clock = before;
    const answer = await other.sync();
    expect(answer).toMatchObject({ resync: true, changes: [{ entity_id: 'lamp' }] });
    expect(await other.sync()).toMatchObject({ resync: false, changes: [] });
  });

  test('a guest is not remembered: he can neither use up what was asked of a phone nor push phones out', async () => {
    await other.pullAll();
    home.clock.advance(1000);
    await home.sync.force('phone-2', 'down');
    home.clock.advance(1000);
    const guest = principal('gast', 'guest');
    for (const deviceId of ['phone-2', ...Array.from({ length: 520 }, (_, n) => `made-up-${n}`)]) {
      const visitor = new TestPhone(home, deviceId, { userId: 'gast' });
      await home.sync.exchange(guest, visitor.body());
    }
    expect(home.sync.devices().map(({ deviceId }) => deviceId)).toEqual(['phone-2', 'phone-1']);
    expect(await other.sync()).toMatchObject({ resync: true });
  });

  test('the list of devices says who synced when, and what went wrong, a client that never got in included', async () => {
    online.add('phone-2');
    await other.sync([other.create('x', { name: '' }, 'device')]);
    const stranger = new TestPhone(home, 'phone-3');
    await expect(stranger.sync([{ nonsense: true }])).rejects.toThrow();
    expect(home.sync.devices()).toMatchObject([
      { deviceId: 'phone-3', lastSyncMs: null, lastError: expect.stringContaining('changes.0') as string },
      { deviceId: 'phone-2', isOnline: true, lastError: expect.stringContaining('refused') as string },
      { deviceId: 'phone-1', isOnline: false, lastError: null, protocol: 'inbetweenies-v1.1' },
    ]);
    await expect(home.sync.exchange(principal('mallory'), phone.body())).rejects.toMatchObject({
      kind: 'forbidden',
    });
  });
});
