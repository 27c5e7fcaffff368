import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { temporaryFolder } from '../support/store.ts';
import { openSyncHome, principal, TestPhone, type Answer, type SyncHome } from './sync-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SyncHome;
let phone: TestPhone;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openSyncHome(folder.path);
  phone = new TestPhone(home, 'phone-1');
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** Makes rooms as the hub does and waits until they are durable. */
async function makeRooms(count: number, size = 4): Promise<void> {
  home.graph.transaction((writer) => {
    for (let index = 0; index < count; index++) {
      writer.createEntity({
        id: `room-${String(index).padStart(5, '0')}`,
        entityType: 'room',
        content: { name: 'x'.repeat(size) },
        author: HUB_AUTHOR,
        sourceType: 'manual',
      });
    }
  });
  await home.graph.settled();
}

const idsOf = (answers: readonly Answer[]): string[] =>
  answers.flatMap(({ changes }) => changes.map(({ entity_id }) => entity_id));

describe('the request', () => {
  test('the answer has every field that the protocol promises', async () => {
    await makeRooms(1);
    const answer = await phone.sync();
    expect(Object.keys(answer).sort()).toEqual(
      [
        'applied',
        'changes',
        'conflicts',
        'digest',
        'has_more',
        'next_sync_token',
        'protocol_version',
        'rejected',
        'resync',
        'server_time',
        'sync_status',
        'vector_clock',
      ].sort(),
    );
    expect(Object.keys(answer.changes[0] ?? {}).sort()).toEqual(
      [
        'change_type',
        'content',
        'device_id',
        'entity_id',
        'entity_type',
        'entity_version',
        'parent_versions',
        'timestamp',
        'user_id',
      ].sort(),
    );
    expect(answer).toMatchObject({ protocol_version: 'inbetweenies-v1', resync: false, conflicts: [] });
  });

  test('a user_id that is not the token’s is forbidden', async () => {
    await expect(
      home.sync.exchange(principal('anna'), phone.body([], { user_id: 'ben' })),
    ).rejects.toMatchObject({ kind: 'forbidden' });
  });

  test('an unknown protocol is named as such', async () => {
    await expect(phone.sync([], { protocol_version: 'inbetweenies-v9' })).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION_MISMATCH',
    });
  });

  test('a missing or wrong field is named', async () => {
    const cases: [unknown, string][] = [
      [null, 'body'],
      [phone.body([], { device_id: undefined }), 'device_id'],
      [phone.body([], { device_id: 'server' }), 'device_id'],
      [phone.body([], { vector_clock: undefined }), 'vector_clock'],
      [phone.body([], { changes: 'none' }), 'changes'],
      [phone.body([], { compression: 'rar' }), 'compression'],
      [phone.body([], { sync_filter: { entity_types: 'room' } }), 'sync_filter.entity_types'],
    ];
    for (const [body, field] of cases) {
      await expect(home.sync.exchange(principal(), body), field).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        field,
      });
    }
  });

  test('unknown fields are ignored', async () => {
    await expect(phone.sync([], { favourite_colour: 'blue', metadata: { a: 1 } })).resolves.toBeDefined();
  });
});

describe('2.2 the cursor', () => {
  test('a clock without a server entry pulls from zero, and nothing twice', async () => {
    await makeRooms(3);
    expect(idsOf([await phone.sync()])).toHaveLength(3);
    expect(idsOf([await phone.sync()])).toEqual([]);
  });

  test('an idle client is told how far it was scanned, rows that were left out included', async () => {
    const answer = await phone.sync([phone.create('kitchen', { name: 'Kitchen' })]);
    expect(answer.changes).toEqual([]);
    expect(answer.vector_clock['server']).toMatch(/-1$/);
    expect(answer.vector_clock['phone-1']).toBe('v1-phone-1');
  });

  test('it is the latest state of each entity and not its every step', async () => {
    await makeRooms(1);
    for (const name of ['a', 'b', 'c']) {
      home.graph.transaction((writer) => writer.replaceContent('room-00000', { name }, HUB_AUTHOR));
    }
    await home.graph.settled();
    expect((await phone.sync()).changes.map(({ content }) => content)).toEqual([{ name: 'c' }]);
  });

  test('2500 rows come in three pages, each once', async () => {
    await makeRooms(2500);
    const answers = await phone.pullAll();
    expect(answers.map(({ changes }) => changes.length)).toEqual([1000, 1000, 500]);
    expect(new Set(idsOf(answers)).size).toBe(2500);
    expect(answers.map(({ has_more }) => has_more)).toEqual([true, true, false]);
  });

  test('a page ends at about 4 MiB', async () => {
    await makeRooms(50, 200 * 1024);
    const answers = await phone.pullAll();
    expect(answers.length).toBe(3);
    expect(idsOf(answers)).toHaveLength(50);
    for (const answer of answers) expect(JSON.stringify(answer).length).toBeLessThan(4.3 * 1024 * 1024);
  });

  test('the sync token says the same as the clock', async () => {
    await makeRooms(1500);
    const first = await phone.sync();
    phone.clock = {};
    const second = await phone.sync([], { sync_token: first.next_sync_token });
    expect(idsOf([first, second])).toHaveLength(1500);
    expect(second.resync).toBe(false);
  });

  test('a cursor outlives a restart of the hub', async () => {
    await makeRooms(3);
    await phone.sync();
    await home[Symbol.asyncDispose]();
    home = await openSyncHome(folder.path);
    phone.moveTo(home);
    const answer = await phone.sync();
    expect(answer).toMatchObject({ resync: false, changes: [] });
  });

  test('another epoch, another view, or a seq above the head starts from zero and says so', async () => {
    await makeRooms(3);
    const { vector_clock: clock } = await phone.sync();
    const server = String(clock['server']);
    const variants = [
      server.replace(home.graph.epoch, '0123456789ab'),
      server.replace(/-3$/, '-4'),
      server.replace(/-[0-9a-f]{8}-3$/, '-00000000-3'),
    ];
    for (const variant of variants) {
      phone.clock = { server: variant };
      const answer = await phone.sync();
      expect(answer.resync, variant).toBe(true);
      expect(answer.changes, variant).toHaveLength(3);
    }
  });

  test('a malformed cursor is INVALID_VECTOR_CLOCK and nothing is written', async () => {
    for (const server of ['', 'x', '2026-01-01', `2026-01-01T00:00:00.000Z-${home.graph.epoch}-ff-1;`]) {
      phone.clock = { server };
      await expect(phone.sync([phone.create('a', { name: 'a' })]), server).rejects.toMatchObject({
        kind: 'invalid',
        code: 'INVALID_VECTOR_CLOCK',
      });
    }
    phone.clock = {};
    await expect(phone.sync([], { sync_token: 'nonsense' })).rejects.toMatchObject({
      code: 'INVALID_VECTOR_CLOCK',
    });
    expect(home.graph.committedSeq).toBe(0);
  });

  test('device entries are merged key by key', async () => {
    const other = new TestPhone(home, 'phone-2', { userId: 'ben' });
    await other.sync([other.create('a', { name: 'a' })]);
    phone.clock = { 'phone-7': 'seen-elsewhere' };
    const answer = await phone.sync([phone.create('b', { name: 'b' })]);
    expect(answer.vector_clock).toMatchObject({
      'phone-1': 'v1-phone-1',
      'phone-2': 'v1-phone-2',
      'phone-7': 'seen-elsewhere',
    });
  });

  test('a version text that two entities share hides only the one that was pushed', async () => {
    const other = new TestPhone(home, 'phone-2', { userId: 'ben' });
    await other.sync([{ ...other.create('theirs', { name: 'a' }), entity_version: 'v1' }]);
    const answer = await phone.sync([{ ...phone.create('mine', { name: 'b' }), entity_version: 'v1' }]);
    expect(answer.applied).toEqual(['v1']);
    expect(idsOf([answer])).toEqual(['theirs']);
  });

  test('the live cursor of the head goes on in a sync of any protocol', async () => {
    await makeRooms(3);
    phone.clock = { server: home.sync.headCursor() };
    expect(await phone.sync()).toMatchObject({ resync: false, changes: [] });
    expect(home.sync.parse(home.sync.headCursor())).toEqual({ epochMatches: true, seq: 3 });
    expect(home.sync.parse(String(phone.clock['server']))).toEqual({ epochMatches: true, seq: 3 });
    expect(home.sync.parse(home.sync.headCursor().replace(home.graph.epoch, 'abc'))).toMatchObject({
      epochMatches: false,
    });
    expect(() => home.sync.parse('yesterday')).toThrow(
      expect.objectContaining({ code: 'INVALID_VECTOR_CLOCK' }),
    );
  });
});

describe('sync_filter', () => {
  test('types and deleted rows are left out, and the filter is part of the view', async () => {
    const lamp = phone.create('lamp', { name: 'Lamp' }, 'device');
    const hall = phone.create('hall', { name: 'Hall' });
    await phone.sync([lamp, hall, phone.create('note', { text: 'x' }, 'note')]);
    await phone.sync([phone.delete(hall)]);

    const other = new TestPhone(home, 'phone-2');
    const filter = { sync_filter: { entity_types: ['ROOM', 'device'], exclude_deleted: true } };
    expect(idsOf([await other.sync([], filter)])).toEqual(['lamp']);
    expect(await other.sync([], filter)).toMatchObject({ changes: [], resync: false, digest: null });
    const whole = await other.sync();
    expect(whole.resync).toBe(true);
    expect(idsOf([whole]).sort()).toEqual(['hall', 'lamp', 'note']);
  });
});

describe('the digest', () => {
  test('it covers the current versions by id, is given to an idle client, and to nobody else', async () => {
    const b = phone.create('b', { name: 'b' });
    const a = phone.create('a', { name: 'a' });
    const gone = phone.create('gone', { name: 'x' });
    const pushed = await phone.sync([b, a, gone]);
    await phone.sync([phone.delete(gone)]);
    expect(pushed.digest).toBeNull();
    const expected = createHash('sha256')
      .update(`a\u001f${a.entity_version}\u001eb\u001f${b.entity_version}\u001e`)
      .digest('hex');
    expect((await phone.sync()).digest).toBe(expected);
    expect((await phone.sync([], { sync_filter: { exclude_deleted: true } })).digest).toBeNull();
  });

  test('a page that has more has no digest', async () => {
    await makeRooms(1200);
    const [first, second] = await phone.pullAll();
    expect(first?.digest).toBeNull();
    expect(second?.digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('2.3 status', () => {
  test('it tells when a device synced last and how much it would be sent now', async () => {
    expect(home.sync.status('phone-1')).toBeUndefined();
    await phone.sync([phone.create('a', { name: 'a' })]);
    await makeRooms(2);
    const expected = {
      deviceId: 'phone-1',
      lastSyncMs: home.clock.nowMs(),
      clockValue: 'v1-phone-1',
      lastError: null,
      userId: 'anna',
      protocol: 'inbetweenies-v1',
      cursorSeq: 1,
      startsOverMs: null,
      isOnline: false,
      openConflicts: 0,
    };
    expect(home.sync.status('phone-1')).toEqual({ ...expected, pendingChanges: 2 });
    await home[Symbol.asyncDispose]();
    home = await openSyncHome(folder.path, home.clock);
    // The cursor is written with the next sync that comes a minute later.
    expect(home.sync.status('phone-1')).toMatchObject({ ...expected, cursorSeq: 0 });
  });

  test('it says why the last sync did not work wholly', async () => {
    await phone.sync([phone.create('lamp', { name: '' }, 'device')]);
    expect(home.sync.status('phone-1')?.lastError).toContain('name');
    await phone.sync();
    expect(home.sync.status('phone-1')?.lastError).toBeNull();
  });
});

test('2.4 syncs of one device are applied one after the other, and a flood of them is refused', async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 12 }, async (_, index) =>
      phone.sync([phone.create(`room-${index}`, { name: 'x' })]),
    ),
  );
  const refused = answers.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(home.graph.versions('room-0')).toHaveLength(1);
  expect(home.graph.list({}, 50).items.map(({ id }) => id)).toEqual(
    Array.from({ length: 12 - refused.length }, (_, index) => `room-${index}`),
  );
});
