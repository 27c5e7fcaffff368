import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { BackupIo } from '../../../src/hub/backup-run.ts';

import { loadConfig } from '../../../src/config/config.ts';
import { runBackupOrder } from '../../../src/hub/backup-run.ts';
import { finishRestore } from '../../../src/ops/backup/restore-swap.ts';
import { readBackupOrder } from '../../../src/cli/backup-commands.ts';
import { startTestHub } from '../../support/hub.ts';
import { temporaryFolder } from '../../support/store.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const SOON = { timeout: 60_000, interval: 2 };
const folder = temporaryFolder();
const data = join(folder.path, 'data');
const stick = join(folder.path, 'stick');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...words: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [MAIN, 'backup', ...words],
      environment(),
    );
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

function environment(): { env: Record<string, string> } {
  return { env: { PATH: process.env['PATH'] ?? '', FUNKYGIBBON_LOGGING__LEVEL: 'silent' } };
}

function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, 'backup', ...words], { ...environment(), stdio: 'ignore' });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Rows that pack badly, so that a backup takes its time. */
function fatten(dataDir: string, megabytes: number): void {
  const db = new DatabaseSync(join(dataDir, 'funkygibbon.db'));
  db.exec('CREATE TABLE fat (x BLOB); BEGIN');
  for (let n = 0; n < megabytes; n++) db.exec('INSERT INTO fat VALUES (randomblob(1000000))');
  db.exec('COMMIT');
  db.close();
}

beforeAll(async () => {
  mkdirSync(data, { mode: 0o700 });
  mkdirSync(stick);
  const hub = await startTestHub(data, { FUNKYGIBBON_HOMEKIT__ENABLED: 'false' });
  await hub[Symbol.asyncDispose]();
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

describe('the words', () => {
  test('are read, and what is wrong is said', () => {
    expect(readBackupOrder(['create', '--to', '/x', '--json', '--data-dir', '/d'])).toEqual({
      verb: 'create',
      file: null,
      to: '/x',
      passphraseFile: null,
      yes: false,
      json: true,
      configFlags: ['--data-dir', '/d'],
    });
    expect(readBackupOrder(['restore', 'f', '--yes', '--passphrase-file=p'])).toMatchObject({
      verb: 'restore',
      file: 'f',
      passphraseFile: 'p',
      yes: true,
    });
    for (const words of [
      ['restore'],
      ['verify'],
      ['list', 'x'],
      ['list', '--to', 'x'],
      ['create', '--yes'],
      ['erase'],
    ]) {
      expect(() => readBackupOrder(words)).toThrow('backup takes create');
    }
  });
});

/** The same order in this process: a process of its own takes seconds to start. */
async function order(...words: string[]): Promise<string> {
  const read = readBackupOrder(words);
  const argv = [...read.configFlags, '--logging.level', 'silent'];
  const loaded = loadConfig({
    argv,
    env: {},
    cwd: folder.path,
    stderrIsTty: false,
    defaultFile: '/nonexistent',
  });
  return await runBackupOrder(read, loaded, {
    stdin: Readable.from([]) as BackupIo['stdin'],
    stderr: process.stderr,
    progress: () => undefined,
    signal: new AbortController().signal,
    cwd: folder.path,
  });
}

function keptValue(dir: string, name: string): unknown {
  const db = new DatabaseSync(join(dir, 'funkygibbon.db'), { readOnly: true });
  const row = db.prepare('SELECT value FROM kept_value WHERE name = ?').get(name);
  db.close();
  return row?.['value'];
}

describe('where no hub runs', () => {
  test('create --json and restore --yes, as processes', async () => {
    const created = await run('create', '--to', stick, '--json', '--data-dir', data);
    expect(created).toMatchObject({ code: 0, err: '' });
    const made = JSON.parse(created.out) as Record<string, unknown>;
    expect(Object.keys(made)).toEqual(['path', 'size_bytes', 'sha256', 'created_at']);
    const path = String(made['path']);
    const bytes = readFileSync(path);
    expect(made).toMatchObject({
      size_bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(await order('list', '--data-dir', data)).toContain(path);
    expect(await order('verify', path, '--data-dir', data)).toContain('is good');

    const fresh = join(folder.path, 'fresh');
    // Nobody sits at the terminal.
    await expect(order('restore', path, '--data-dir', fresh)).rejects.toThrow('say --yes');
    expect(existsSync(fresh)).toBe(false);
    const restored = await run('restore', path, '--data-dir', fresh, '--yes', '--json');
    expect(JSON.parse(restored.out)).toMatchObject({ data_dir: fresh, home_name: 'Home', kept_in: null });
    expect(readdirSync(fresh).toSorted()).toEqual(['funkygibbon.db', 'hub.lock', 'mqtt-credentials.json']);
    expect(keptValue(fresh, 'node_id')).toBe(keptValue(data, 'node_id'));
    expect(keptValue(fresh, 'graph_epoch')).not.toBe(keptValue(data, 'graph_epoch'));
    expect(keptValue(fresh, 'graph_epoch')).toMatch(/^[0-9a-f]{12}$/);
  }, 120_000);

  test('a passphrase from a file, another one, and a file that is cut', async () => {
    writeFileSync(join(folder.path, 'passphrase'), 'a passphrase of twelve\n');
    writeFileSync(join(folder.path, 'wrong'), 'quite another one');
    const created = await order(
      'create',
      '--to',
      stick,
      '--json',
      '--passphrase-file',
      'passphrase',
      '--data-dir',
      data,
    );
    const { path } = JSON.parse(created) as { path: string };
    expect(path).toMatch(/\.tar\.gz\.age$/);
    const fresh = join(folder.path, 'fresh-2');
    const restore = async (...words: string[]): Promise<string> =>
      await order('restore', path, '--yes', ...words, '--data-dir', fresh);
    await expect(restore()).rejects.toThrow('--passphrase-file');
    await expect(restore('--passphrase-file', 'wrong')).rejects.toThrow('not the passphrase');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    await expect(restore('--passphrase-file', 'passphrase')).rejects.toThrow(/cut off/);
    expect(existsSync(fresh)).toBe(false);
  }, 60_000);

  test('one of a newer version is refused with what to do', async () => {
    const newer = join(folder.path, 'newer');
    await order('restore', newest(), '--yes', '--data-dir', newer);
    const db = new DatabaseSync(join(newer, 'funkygibbon.db'));
    db.exec("INSERT INTO schema_version VALUES ('time-travel', 1, 'x')");
    db.close();
    const { path } = JSON.parse(await order('create', '--to', stick, '--json', '--data-dir', newer)) as {
      path: string;
    };
    const refused = order('restore', path, '--yes', '--data-dir', join(folder.path, 'older'));
    await expect(refused).rejects.toThrow('are newer than what this version');
    rmSync(path);
  }, 60_000);
});

test('with the running hub: create by its socket, and restore is refused', async () => {
  await using _hub = await startTestHub(data, { FUNKYGIBBON_HOMEKIT__ENABLED: 'false' });
  writeFileSync(join(folder.path, 'passphrase'), 'a passphrase of twelve\n');
  const { path } = JSON.parse(await order('create', '--json', '--data-dir', data)) as { path: string };
  expect(path.startsWith(join(data, 'backups'))).toBe(true);
  await expect(order('restore', path, '--yes', '--data-dir', data)).rejects.toThrow('another hub is running');
  const secret = await order('create', '--to', stick, '--passphrase-file', 'passphrase', '--data-dir', data);
  expect(secret).toContain('.age');
  await expect(order('create', '--to', 'nowhere', '--data-dir', data)).rejects.toThrow('There is no folder');
}, 60_000);

describe('kill -9', () => {
  test('in a backup leaves nothing under a name, and the next one clears away', async () => {
    const fat = join(folder.path, 'fat');
    await order('restore', newest(), '--yes', '--data-dir', fat);
    fatten(fat, 20);
    const target = join(folder.path, 'target');
    mkdirSync(target);
    for (const stage of ['database.part', 'archive.part']) {
      const child = start('create', '--to', target, '--data-dir', fat);
      await vi.waitFor(
        () => expect(readdirSync(target).some((name) => name.endsWith(stage))).toBe(true),
        SOON,
      );
      await kill(child);
      expect(readdirSync(target).filter((name) => !name.startsWith('.'))).toEqual([]);
    }
    const { path } = JSON.parse(await order('create', '--to', target, '--json', '--data-dir', fat)) as {
      path: string;
    };
    expect(readdirSync(target).map((name) => join(target, name))).toEqual([path]);
  }, 180_000);

  test('in a restore leaves the old home or the new one, whole', async () => {
    const target = join(folder.path, 'target');
    const [name = ''] = readdirSync(target);
    const fat = join(folder.path, 'fat');
    const sizeOf = (): number => {
      const db = new DatabaseSync(join(fat, 'funkygibbon.db'), { readOnly: true });
      const { n } = db.prepare('SELECT count(*) AS n FROM fat').get() as { n: number };
      expect(db.prepare('PRAGMA quick_check').get()).toEqual({ quick_check: 'ok' });
      db.close();
      return n;
    };
    const db = new DatabaseSync(join(fat, 'funkygibbon.db'));
    db.exec('DELETE FROM fat WHERE rowid > 10');
    db.close();
    for (const seen of ['.restore-staged', 'restore.json']) {
      const child = start('restore', join(target, name), '--yes', '--data-dir', fat);
      const ended = once(child, 'exit');
      await Promise.race([
        ended,
        vi.waitFor(() => expect(readdirSync(fat).some((one) => one === seen)).toBe(true), {
          ...SOON,
          interval: 1,
        }),
      ]);
      if (child.exitCode === null) await kill(child);
      finishRestore(fat);
      expect([10, 20]).toContain(sizeOf());
      expect(readdirSync(fat)).not.toContain('.restore-staged');
      expect(readdirSync(fat)).toContain('mqtt-credentials.json');
    }
  }, 180_000);
});

/** A plain backup that was made before. */
function newest(): string {
  const [name = ''] = readdirSync(stick).filter((one) => one.endsWith('.tar.gz'));
  return join(stick, name);
}
