import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { BackupRow } from '../../../src/ops/backup/types.ts';

import {
  backupName,
  checkSpace,
  isBackupName,
  partPrefix,
  timeOfName,
} from '../../../src/ops/backup/folder.ts';
import { toRemove } from '../../../src/ops/backup/retention.ts';
import { BackupHome } from './home.ts';

const DAY_MS = 24 * 3600_000;
let home: BackupHome;
beforeEach(async () => {
  home = await BackupHome.open();
});
afterEach(async () => await home[Symbol.asyncDispose]());

function row(id: number, more: Partial<BackupRow> = {}): BackupRow {
  return {
    id,
    place: '/b',
    name: `n${id}`,
    origin: 'schedule',
    createdMs: id * DAY_MS,
    sizeBytes: 1,
    sha256: '',
    encrypted: false,
    entities: 0,
    verifiedMs: 0,
    problem: null,
    ...more,
  };
}

describe('what goes', () => {
  const ids = (rows: readonly BackupRow[]): number[] => rows.map(({ id }) => id);

  test('what is too many goes, counted apart for the schedule and by hand', () => {
    const rows = [6, 5, 4, 3, 2, 1].map((id) => row(id, { origin: id > 3 ? 'hand' : 'schedule' }));
    expect(ids(toRemove(rows, { keep: 2, keepDays: null, nowMs: 7 * DAY_MS }))).toEqual([4, 1]);
  });

  test('what is too old goes, except the last good one; a bad one saves no room', () => {
    const rows = [row(4, { problem: 'damaged' }), row(3), row(2), row(1)];
    expect(ids(toRemove(rows, { keep: 5, keepDays: 10, nowMs: 100 * DAY_MS }))).toEqual([4, 2, 1]);
    expect(ids(toRemove(rows, { keep: 1, keepDays: null, nowMs: 100 * DAY_MS }))).toEqual([2, 1]);
    expect(ids(toRemove([row(1)], { keep: 1, keepDays: 1, nowMs: 100 * DAY_MS }))).toEqual([]);
  });
});

describe('names', () => {
  test('hold on every file system, and are told from others', () => {
    const nowMs = Date.UTC(2026, 10, 27, 3, 40, 5);
    const name = backupName('Müller’s: Haus/Garten', nowMs, true, new Set());
    expect(name).toBe('funkygibbon-mu-ller-s-haus-garten-20261127T034005Z.tar.gz.age');
    expect(backupName('家', nowMs, false, new Set())).toBe('funkygibbon-home-20261127T034005Z.tar.gz');
    expect(backupName('家', nowMs, false, new Set(['funkygibbon-home-20261127T034005Z.tar.gz']))).toBe(
      'funkygibbon-home-20261127T034005Z-2.tar.gz',
    );
    expect([name, `${name}.part`, 'photo.tar.gz', 'before-migration-1.db'].map(isBackupName)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(timeOfName(name)).toBe(nowMs);
  });
});

describe('making', () => {
  test('a backup is listed once it was read again, and holds the small files', async () => {
    writeFileSync(join(home.dataDir, 'mqtt-credentials.json'), '{}');
    writeFileSync(join(home.dataDir, 'large.bin'), Buffer.alloc(2 * 1024 * 1024));
    const view = await home.backups.create({ origin: 'hand' });
    expect(view).toMatchObject({
      path: join(home.directory, view.name),
      origin: 'hand',
      missing: false,
      problem: null,
      sizeBytes: statSync(view.path).size,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await home.backups.list()).toEqual([view]);
    expect(readdirSync(home.directory)).toEqual([view.name]);
    expect(statSync(view.path).mode & 0o077).toBe(0);
    expect(await home.backups.verify(view.name)).toMatchObject({ problem: null });
    expect(readdirSync(home.dataDir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('only one at a time', async () => {
    const first = home.backups.create({ origin: 'hand' });
    await expect(home.backups.create({ origin: 'hand' })).rejects.toMatchObject({ kind: 'conflict' });
    await first;
  });

  test('one that is stopped leaves nothing', async () => {
    const stop = new AbortController();
    const made = home.backups.create({
      origin: 'hand',
      signal: stop.signal,
      progress: () => stop.abort(new Error('enough')),
    });
    await expect(made).rejects.toThrow('enough');
    expect(readdirSync(home.directory)).toEqual([]);
    expect(home.backups.health()).toMatchObject({ ok: true, lastError: null });
  });

  test('what is damaged later is found, noted, and never counts as the last good one', async () => {
    const view = await home.backups.create({ origin: 'schedule' });
    const whole = readFileSync(view.path);
    whole[whole.length >> 1] = Number(whole[whole.length >> 1]) ^ 1;
    writeFileSync(view.path, whole);
    await expect(home.backups.verify(view.name)).rejects.toMatchObject({ kind: 'invalid' });
    expect(await home.backups.get(view.name)).toMatchObject({ problem: expect.stringContaining('damaged') });
    expect(home.backups.health().lastGoodMs).toBeNull();
  });

  test('a wrong passphrase says nothing about the backup', async () => {
    home.use({ passphrase: 'a passphrase of twelve' });
    const view = await home.backups.create({ origin: 'hand' });
    expect(view).toMatchObject({ encrypted: true, name: expect.stringMatching(/\.age$/) });
    home.use({ passphrase: 'quite another one' });
    await expect(home.backups.verify(view.name)).rejects.toThrow('not the passphrase');
    expect(await home.backups.get(view.name)).toMatchObject({ problem: null });
  });

  test('the schedule is kept by number, and only what it made goes', async () => {
    const backups = home.use({ keep: 2 });
    mkdirSync(home.directory);
    const strange = 'funkygibbon-other-20200101T000000Z.tar.gz';
    for (const name of ['before-migration-1.db', strange, 'photo.jpg'])
      writeFileSync(join(home.directory, name), 'x');
    const made: string[] = [];
    for (let day = 0; day < 4; day++) {
      made.push((await backups.create({ origin: 'schedule' })).name);
      home.clock.advance(DAY_MS);
    }
    expect(readdirSync(home.directory).toSorted()).toEqual(
      ['before-migration-1.db', strange, 'photo.jpg', ...made.slice(2)].toSorted(),
    );
    // By hand as often as one likes: it pushes out none of the schedule.
    for (let n = 0; n < 3; n++) await backups.create({ origin: 'hand' });
    expect(readdirSync(home.directory)).toEqual(expect.arrayContaining(made.slice(2)));
    // Deleted by a person: it counts no more, and neither does one that was changed go.
    rmSync(join(home.directory, String(made[3])));
    writeFileSync(join(home.directory, String(made[2])), 'changed');
    for (let n = 0; n < 2; n++) await backups.create({ origin: 'schedule' });
    expect(readFileSync(join(home.directory, String(made[2])), 'utf8')).toBe('changed');
  });

  test('by age, and the last one stays', async () => {
    const backups = home.use({ keepDays: 3 });
    await backups.create({ origin: 'schedule' });
    const last = await backups.create({ origin: 'schedule' });
    home.clock.advance(10 * DAY_MS);
    expect(await backups.removeOld(home.clock.nowMs())).toBe(1);
    expect(readdirSync(home.directory)).toEqual([last.name]);
    expect(backups.health()).toMatchObject({ ok: false, lastGoodMs: last.createdMs });
  });
});

describe('disks', () => {
  test('one that is not mounted is not filled in its place', async () => {
    const mountPoint = join(home.dataDir, '..', 'usb');
    mkdirSync(mountPoint);
    const backups = home.use({ directory: mountPoint, requireMount: true });
    await expect(backups.create({ origin: 'schedule' })).rejects.toThrow('not mounted');
    expect(readdirSync(mountPoint)).toEqual([]);
    expect(backups.health()).toMatchObject({ ok: false, lastError: expect.stringContaining('not mounted') });
    // A file system of its own, as every Linux has one.
    const mounted = mkdtempSync('/dev/shm/funkygibbon-');
    try {
      const view = await home.use({ directory: mounted, requireMount: true }).create({ origin: 'schedule' });
      expect(existsSync(view.path)).toBe(true);
      expect(home.backups.health()).toMatchObject({ ok: true, lastError: null });
    } finally {
      rmSync(mounted, { recursive: true });
    }
  });

  test('a folder that is not there is named, and no folder is made on the way to a stick', async () => {
    const backups = home.use({ directory: join(home.dataDir, '..', 'nowhere', 'backups') });
    await expect(backups.create({ origin: 'hand' })).rejects.toThrow('There is no folder');
  });

  test('too little room is told before anything is written', async () => {
    await expect(checkSpace(home.dataDir, 1e18, 1e18)).rejects.toMatchObject({ kind: 'storage_full' });
  });

  test('what a process that was killed has left goes with the next one', async () => {
    mkdirSync(home.directory);
    const { store } = home;
    const nodeId = store.db.get<{ value: string }>(
      "SELECT value FROM kept_value WHERE name = 'node_id'",
    )?.value;
    const left = join(home.directory, `${partPrefix(String(nodeId))}archive.part`);
    const others = join(home.directory, `${partPrefix('another-hub')}archive.part`);
    for (const path of [left, others]) writeFileSync(path, 'half');
    await home.backups.tidy();
    expect(readdirSync(home.directory).map((name) => join(home.directory, name))).toEqual([others]);
  });
});
