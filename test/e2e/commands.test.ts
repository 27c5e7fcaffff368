import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { COMMANDS } from '../../src/cli/command-table.ts';
import { buildDaemon, Daemon } from '../support/daemon.ts';

const LAUNCHER = fileURLToPath(new URL('../../scripts/funkygibbon', import.meta.url));

let folder: string;
let hub: Daemon;

interface Typed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command against the running hub, as a person would. */
async function type(words: readonly string[], input = ''): Promise<Typed> {
  const child = spawn(LAUNCHER, words, {
    env: { PATH: process.env['PATH'], FUNKYGIBBON_DATA_DIR: join(folder, 'data') },
  });
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'commands-'));
  await buildDaemon();
  hub = await Daemon.start({ dataDir: join(folder, 'data') });
}, 60_000);

afterAll(async () => {
  await hub?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** For each command a line that must work with a running hub, and what it says. */
const WORKING: Readonly<Record<string, readonly [words: string, says: RegExp][]>> = {
  pair: [['', /setup#/]],
  status: [
    ['', /FunkyGibbon \S+ \(/],
    ['--json', /"entities":\d+/],
  ],
  logs: [['--lines 5', /\w/]],
  users: [
    ['', /Nobody has an account/],
    ['add ben --role member --no-password', /ben is member now/],
    ['role ben admin', /admin/],
    ['list --json', /"username":"ben"/],
    ['remove ben --yes', /removed/],
  ],
  devices: [['', /\w/]],
  mqtt: [
    ['', /broker|embedded/i],
    ['ghosts', /\w/],
    ['users', /\w/],
  ],
  accessories: [['--json', /[[{]/]],
  homekit: [
    ['', /waits to be added in Apple Home/],
    ['accessories', /\w/],
  ],
  energy: [['', /\w/]],
  suggestions: [['', /14 days/]],
  automations: [['', /\w/]],
  reports: [['', /\w/]],
  jobs: [
    ['', /database-check/],
    ['run access-cleanup', /expired/],
    ['history --json', /access-cleanup/],
  ],
  backup: [
    ['create --json', /"sha256":"[0-9a-f]{64}"/],
    ['', /\.tar\.gz/],
  ],
  export: [['- --mode current', /^\{/]],
  seed: [['--dry-run', /\w/]],
  config: [
    ['check', /is right/],
    ['print', /^http\.port +8000$/m],
    ['schema', /"\$schema"/],
  ],
  completion: [['bash', /complete .*funkygibbon/]],
  version: [['', /^\d+\.\d+\.\d+/]],
};

/** Told elsewhere: with an exit code of its own, without a running hub, or by the installer. */
const APART = ['start', 'doctor', 'import', 'restore', 'upgrade', 'rollback'];

describe('every command, by the built program against a running hub', () => {
  test('is told here, or apart', () => {
    const names = COMMANDS.map(({ usage }) => usage.split(' ')[0]);
    expect(new Set([...Object.keys(WORKING), ...APART])).toEqual(new Set(names));
  });

  test.for(Object.entries(WORKING))('%s', async ([name, lines]) => {
    for (const [words, says] of lines) {
      const typed = await type([name, ...words.split(' ').filter((word) => word !== '')]);
      expect(typed.code, `${name} ${words}\n${typed.stderr}`).toBe(0);
      expect(typed.stdout, `${name} ${words}`).toMatch(says);
    }
  });

  test('doctor names each problem with what to do, and tells by its exit code', async () => {
    const { code, stdout } = await type(['doctor', '--json']);
    const report = JSON.parse(stdout) as {
      checks: { name: string; status: string; what_to_do: string | null }[];
    };
    const bad = report.checks.filter(({ status }) => status === 'warn' || status === 'fail');
    expect(code).toBe(bad.length === 0 ? 0 : 1);
    for (const { name, what_to_do: advice } of bad) expect(advice, name).toMatch(/\w/);
    expect(report.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['database', 'disk', 'broker', 'jobs']),
    );
  });

  test('import takes an export, and says so when it is none', async () => {
    const file = join(folder, 'home.ndjson');
    expect((await type(['export', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^\{/);
    expect(await type(['import', file, '--dry-run'])).toMatchObject({ code: 0 });
    writeFileSync(file, 'rubbish\n');
    const refused = await type(['import', file]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/\w/);
  });

  test('restore wants a hub that is stopped', async () => {
    const { stdout } = await type(['backup', 'create', '--json']);
    const { path } = JSON.parse(stdout) as { path: string };
    const refused = await type(['restore', path, '--yes']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/stop|runs|held/i);
  });

  test('a password is taken from standard input, and never comes out again', async () => {
    const added = await type(['users', 'add', 'anna', '--role', 'owner'], 'a good password\n');
    expect(added).toMatchObject({ code: 0, stdout: 'anna is owner now.\n' });
    const login = await fetch(`${hub.ready.http_url}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'anna', password: 'a good password' }),
    });
    expect(login.status).toBe(200);
    expect(hub.log).not.toContain('a good password');
    expect(await type(['users', 'password', 'anna'], '')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nothing came/),
    });
  });

  test('what is not installed cannot be upgraded, and says where to look', async () => {
    for (const words of [['upgrade', '/nowhere'], ['rollback']]) {
      const refused = await type(words);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/install\.sh/);
    }
  });

  test('a wrong configuration ends with 78 and says what is wrong', async () => {
    for (const words of [['start'], ['status'], ['config', 'check']]) {
      const refused = await type([...words, '--http.prot', '1']);
      expect(refused.code, words.join(' ')).toBe(78);
      expect(refused.stderr).toMatch(/--http\.port/);
    }
  });
});
