import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { DataDir } from '../../src/base/data-dir.ts';
import { StartError } from '../../src/base/errors.ts';
import { writeFileDurably } from '../../src/base/files.ts';
import { createLogger, silentLogger } from '../../src/base/log.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let umask: number;
beforeEach(() => {
  folder = temporaryFolder();
  // The most careless one: what nobody asks to be private is not.
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  folder[Symbol.dispose]();
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

function openToOthers(path: string): string[] {
  const inside = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return ['.', ...inside].filter((name) => modeOf(join(path, name)) & 0o077);
}

test('whatever the hub makes is for its own user alone, also where the umask would let others in', async () => {
  const data = join(folder.path, 'data');
  const env = { FUNKYGIBBON_HTTP__TLS__SELF_SIGNED: 'true', FUNKYGIBBON_HTTP__TLS__PORT: '0' };
  await using _hub = await startTestHub(data, env);
  const names = readdirSync(data);
  const made = ['funkygibbon.db', 'funkygibbon.db-wal', 'funkygibbon.db-shm', 'hub.lock', 'hub.sock'];
  const secrets = ['mqtt-credentials.json', 'tls-key.pem', 'tls-cert.pem'];
  expect(names).toEqual(expect.arrayContaining([...made, ...secrets]));
  expect(openToOthers(data)).toEqual([]);
});

describe('a data folder that was there', () => {
  test('is closed to others, with the files in it, and the log says so', () => {
    const data = join(folder.path, 'data');
    mkdirSync(data, { mode: 0o755 });
    mkdirSync(join(data, 'backups'), { mode: 0o755 });
    for (const name of ['funkygibbon.db', 'funkygibbon.db-wal', 'tls-key.pem']) {
      writeFileSync(join(data, name), '', { mode: 0o644 });
    }
    writeFileSync(join(data, 'private'), '', { mode: 0o400 });
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLogger({ level: 'warn', format: 'json', destination });
    using opened = DataDir.open(data, log);
    expect(opened.path).toBe(data);
    expect(modeOf(data)).toBe(0o700);
    expect(modeOf(join(data, 'funkygibbon.db'))).toBe(0o600);
    expect(modeOf(join(data, 'tls-key.pem'))).toBe(0o600);
    expect(modeOf(join(data, 'private'))).toBe(0o400);
    expect(lines.filter((line) => line.includes('now they cannot'))).toHaveLength(4);
  });

  test('of somebody else, or shared by all, is refused and left as it is', () => {
    const data = join(folder.path, 'data');
    mkdirSync(data);
    chmodSync(data, 0o777);
    const uid = vi.spyOn(process, 'getuid').mockReturnValue(statSync(data).uid + 1);
    expect(() => DataDir.open(data, silentLogger)).toThrow(StartError);
    expect(() => DataDir.open(data, silentLogger)).toThrow(/data_dir: .*not the hub's own.*chmod 700/);
    uid.mockRestore();
    chmodSync(data, 0o1777);
    expect(() => DataDir.open(data, silentLogger)).toThrow(/folder of its own/);
    expect(modeOf(data)).toBe(0o777);
  });
});

test('a file that a library is to open is made private, and kept when it is there', () => {
  using opened = DataDir.open(join(folder.path, 'data'), silentLogger);
  const path = opened.privateFile('some.db');
  expect(modeOf(path)).toBe(0o600);
  writeFileSync(path, 'kept');
  expect(statSync(opened.privateFile('some.db')).size).toBe(4);
});

test('what an interrupted write has left behind lends its mode to nothing', () => {
  const path = join(folder.path, 'secret.json');
  writeFileSync(`${path}.new`, 'half', { mode: 0o666 });
  writeFileDurably(path, 'whole', 0o600);
  expect(modeOf(path)).toBe(0o600);
});
