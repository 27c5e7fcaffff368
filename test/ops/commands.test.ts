import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildDaemon, Daemon } from '../support/daemon.ts';
import { temporaryFolder } from '../support/store.ts';

const LAUNCHER = fileURLToPath(new URL('../../scripts/funkygibbon', import.meta.url));
let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  await buildDaemon();
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Runs a command of the built program, with what it reads on its standard input. */
async function run(dataDir: string, words: readonly string[], stdin = ''): Promise<Ran> {
  const running = promisify(execFile)(LAUNCHER, [...words, '--data-dir', join(folder.path, dataDir)], {
    maxBuffer: 64e6,
  });
  running.child.stdin?.end(stdin);
  return await running.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: unknown) => {
      const { stdout, stderr, code } = error as Ran;
      return { stdout, stderr, code };
    },
  );
}

const records = (text: string): string[] => text.split('\n').slice(1, -2);

test.each(['with a running hub', 'on the data folder itself'])(
  'the home goes out and comes in, %s',
  async (how) => {
    const name = how.replaceAll(' ', '-');
    const isRunning = how.startsWith('with');
    const hub = isRunning
      ? await Daemon.start({
          dataDir: join(folder.path, name),
          env: { FUNKYGIBBON_HOMEKIT__ENABLED: 'false' },
        })
      : undefined;
    try {
      const seeded = await run(name, ['seed', '--json']);
      expect([seeded.code, seeded.stderr]).toEqual([0, '']);
      expect((JSON.parse(seeded.stdout) as { taken: { entities: number } }).taken.entities).toBeGreaterThan(
        50,
      );

      const file = join(folder.path, `${name}.ndjson`);
      const exported = await run(name, ['export', file]);
      expect(exported.code).toBe(0);
      expect(exported.stderr).toMatch(/no users, passwords, tokens or keys/);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect((await run(name, ['export', file])).stderr).toMatch(/is there already.*--force/);
      const toStdout = await run(name, ['export', '-']);
      expect(records(toStdout.stdout)).toEqual(records(readFileSync(file, 'utf8')));

      const held = await run(name, ['import', '-', '--json'], toStdout.stdout);
      expect(JSON.parse(held.stdout)).toMatchObject({
        taken: { versions: 0 },
        held: records(toStdout.stdout).length,
      });
      const other = await run(`${name}-other`, ['import', file]);
      expect([other.code, other.stdout]).toEqual([0, expect.stringContaining('Imported the export')]);
      const back = await run(`${name}-other`, ['export']);
      expect(records(back.stdout)).toEqual(records(toStdout.stdout));
    } finally {
      expect(await hub?.stop()).toBe(isRunning ? 0 : undefined);
    }
  },
);

describe('what cannot be done is said, with exit code 1', () => {
  test.each([
    [['import'], /import needs a file/],
    [['import', 'a', 'b'], /one file; "b" is one too many/],
    [['export', '--mode', 'past'], /--mode is history or current/],
    [['seed', 'x'], /seed takes no file/],
    [['import', '/nowhere/at/all'], /cannot be read/],
  ])('%j', async (words, message) => {
    const { code, stderr } = await run('refusals', words);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  test('an export where there is no home makes none', async () => {
    const { code, stderr } = await run('nowhere', ['export']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/There is no home in/)]);
    expect(existsSync(join(folder.path, 'nowhere'))).toBe(false);
  });

  test('a file that was cut off changes nothing', async () => {
    const file = join(folder.path, 'cut.ndjson');
    await run('whole', ['seed']);
    const { stdout } = await run('whole', ['export']);
    writeFileSync(file, stdout.slice(0, stdout.length / 2));
    const { code, stderr } = await run('cut', ['import', file]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/cut off/)]);
    expect((await run('cut', ['export', '--mode', 'current', '--json'])).stderr).toMatch(/"entities":0/);
  });
});
