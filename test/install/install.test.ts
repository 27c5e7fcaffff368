import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { buildDaemon } from '../support/daemon.ts';
import { canMakeMachine, Machine, REPOSITORY, type Ran } from './machine.ts';

const SETTINGS = `data_dir: /var/lib/funkygibbon
http: { host: 127.0.0.1, port: 0 }
mqtt: { host: 127.0.0.1, port: 0 }
homekit: { enabled: false, port: 0 }
mdns: { enabled: false }
`;

/** Long: npm and a build run for real. */
const SLOW_MS = 120_000;

let machine: Machine;

const said = ({ stdout, stderr }: Ran): string => `${stdout}\n${stderr}`;

async function install(...options: string[]): Promise<Ran> {
  return await machine.run(['/srv/funkygibbon/scripts/install.sh', '--yes', ...options]);
}

async function funkygibbon(...words: string[]): Promise<Ran> {
  return await machine.run(['funkygibbon', ...words]);
}

async function status(): Promise<{ version: string; entities: number; node_id: string }> {
  const { stdout, stderr, code } = await funkygibbon('status', '--json');
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as { version: string; entities: number; node_id: string };
}

function release(): string {
  const { stdout } = spawnSync('readlink', [machine.path('opt/funkygibbon/current')], { encoding: 'utf8' });
  return stdout.trim().split('/').at(-1) ?? '';
}

/** Another version, at a path of the machine; its build is made there where it differs in more than its number. */
function makeVersion(place: string, version: string): void {
  machine.checkOut(place);
  const file = machine.path(`${place}/package.json`);
  const changed = readFileSync(file, 'utf8').replace(/"version": "[^"]*"/, `"version": "${version}"`);
  writeFileSync(file, changed);
  restamp(place);
}

/** Says that the build is that of the sources: only the number of the version, or the build itself, was changed. */
function restamp(place: string): void {
  const script = join(machine.path(place), 'scripts/build.mjs');
  const { stdout } = spawnSync(process.execPath, [script, '--fingerprint'], { encoding: 'utf8' });
  writeFileSync(machine.path(`${place}/dist/.build-stamp`), stdout.trim());
}

/** Minutes, and the registry of packages: asked for with INSTALL_TEST=1. */
const isWanted = process.env['INSTALL_TEST'] === '1' && canMakeMachine;

describe.runIf(isWanted)('the installer, on a machine of its own', () => {
  beforeAll(async () => {
    await buildDaemon();
    machine = Machine.start();
    machine.checkOut('srv/funkygibbon');
    machine.write('etc/funkygibbon/hub.yaml', SETTINGS, 0o640);
  }, SLOW_MS);

  afterAll(async () => await machine?.[Symbol.asyncDispose](), SLOW_MS);

  test('a dry run tells what it would do, and changes nothing', { timeout: SLOW_MS }, async () => {
    const ran = await install('--dry-run');
    expect(ran.code, said(ran)).toBe(0);
    expect(ran.stderr).toMatch(/nothing was changed/);
    expect(machine.exists('opt/funkygibbon')).toBe(false);
    expect(machine.exists('etc/systemd/system/funkygibbon.service')).toBe(false);
  });

  test('it installs, and the hub runs as its own user', { timeout: SLOW_MS }, async () => {
    const ran = await install();
    expect(ran.code, said(ran)).toBe(0);
    expect(said(ran)).toMatch(/FunkyGibbon \S+ is installed/);
    expect(ran.stdout).toMatch(/setup#/);
    expect(release()).toMatch(/^\d+\.\d+\.\d+-[0-9a-f]{8}$/);
    const data = statSync(machine.path('var/lib/funkygibbon'));
    expect(data.mode & 0o777).toBe(0o700);
    expect(data.uid).toBeGreaterThan(0);
    for (const name of readdirSync(machine.path('var/lib/funkygibbon')))
      expect(statSync(machine.path(`var/lib/funkygibbon/${name}`)).uid, name).toBe(data.uid);
    // Only what runs it: no sources, no tests, no tools.
    const place = `opt/funkygibbon/releases/${release()}`;
    const inside = readdirSync(machine.path(place));
    expect(inside).not.toContain('src');
    expect(inside).not.toContain('test');
    expect(machine.exists(`${place}/node_modules/vitest`)).toBe(false);
    expect(machine.exists(`${place}/node_modules/.bin/node`)).toBe(true);
    expect(await status()).toMatchObject({ version: expect.any(String) });
    expect(machine.read('etc/funkygibbon/hub.yaml')).toBe(SETTINGS);
  });

  test('run again it changes nothing, and the hub goes on', { timeout: SLOW_MS }, async () => {
    const before = await status();
    const pid = machine.read('run/stand-in/funkygibbon.service.pid');
    const ran = await install();
    expect(ran.code, said(ran)).toBe(0);
    expect(said(ran)).toMatch(/installed already/);
    expect(machine.read('run/stand-in/funkygibbon.service.pid')).toBe(pid);
    expect(await status()).toMatchObject({ node_id: before.node_id });
  });

  test('a command of another user says what to do', { timeout: SLOW_MS }, async () => {
    const ran = await machine.run(['setpriv', '--reuid=65534', '--clear-groups', 'funkygibbon', 'status']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/sudo funkygibbon status/);
  });

  test(
    'an upgrade that does not work goes back by itself, and the home is whole',
    { timeout: SLOW_MS },
    async () => {
      expect((await funkygibbon('seed')).code).toBe(0);
      const before = await status();
      expect(before.entities).toBeGreaterThan(10);
      const old = release();
      makeVersion('srv/broken', '0.8.0');
      // It damages the home, and then does not start.
      writeFileSync(
        machine.path('srv/broken/dist/main.js'),
        `import { writeFileSync } from 'node:fs';
if (process.argv[2] === 'version') console.log('0.8.0');
else { writeFileSync('/var/lib/funkygibbon/funkygibbon.db', 'rubbish'); process.exit(1); }
`,
      );
      const ran = await funkygibbon('upgrade', '/srv/broken', '--yes');
      expect(ran.code, said(ran)).not.toBe(0);
      expect(ran.stderr).toMatch(/is in use again, with the home as it was before/);
      expect(release()).toBe(old);
      expect(await status()).toMatchObject({ entities: before.entities, node_id: before.node_id });
    },
  );

  test('an upgrade from an archive, and the way back', { timeout: SLOW_MS }, async () => {
    const before = await status();
    const old = release();
    makeVersion('srv/newer', '0.9.0');
    expect((await machine.run(['tar', '-czf', '/srv/newer.tar.gz', '-C', '/srv', 'newer'])).code).toBe(0);
    const up = await funkygibbon('upgrade', '/srv/newer.tar.gz', '--yes');
    expect(up.code, said(up)).toBe(0);
    expect(release()).toMatch(/^0\.9\.0-/);
    expect(await status()).toMatchObject({
      version: '0.9.0',
      entities: before.entities,
      node_id: before.node_id,
    });
    const back = await funkygibbon('rollback', '--yes');
    expect(back.code, said(back)).toBe(0);
    expect(release()).toBe(old);
    expect(await status()).toMatchObject({ version: before.version, entities: before.entities });
  });

  test(
    'an upgrade that lost its power half-way is finished by the next run',
    { timeout: SLOW_MS },
    async () => {
      const old = release();
      // As the power leaves it: the link points to a release that does not start, and the journal says where it came from.
      const { stdout } = await funkygibbon('backup', 'create', '--json');
      const backup = (JSON.parse(stdout) as { path: string }).path;
      await machine.run(['systemctl', 'stop', 'funkygibbon.service']);
      cpSync(
        machine.path(`opt/funkygibbon/releases/${old}/`),
        machine.path('opt/funkygibbon/releases/0.8.1-00000000'),
        {
          recursive: true,
          verbatimSymlinks: true,
        },
      );
      writeFileSync(
        machine.path('opt/funkygibbon/releases/0.8.1-00000000/dist/main.js'),
        'process.exit(1);\n',
      );
      await machine.run([
        'ln',
        '-sfn',
        '/opt/funkygibbon/releases/0.8.1-00000000',
        '/opt/funkygibbon/current',
      ]);
      machine.write(
        'opt/funkygibbon/upgrade-in-progress',
        `before=${old}\nwanted=0.8.1-00000000\nbackup=${backup}\n`,
        0o600,
      );
      const ran = await install();
      expect(ran.code, said(ran)).toBe(0);
      expect(said(ran)).toMatch(/was interrupted/);
      expect(release()).toBe(old);
      expect((await status()).entities).toBeGreaterThan(10);
      expect(machine.exists('opt/funkygibbon/upgrade-in-progress')).toBe(false);
    },
  );

  test('uninstalling leaves the home; with --purge nothing stays', { timeout: SLOW_MS }, async () => {
    const kept = await install('--uninstall');
    expect(kept.code, said(kept)).toBe(0);
    expect(machine.exists('opt/funkygibbon')).toBe(false);
    expect(machine.exists('usr/local/bin/funkygibbon')).toBe(false);
    expect(machine.exists('etc/systemd/system/funkygibbon.service')).toBe(false);
    expect(machine.exists('var/lib/funkygibbon/funkygibbon.db')).toBe(true);
    const purged = await install('--uninstall', '--purge');
    expect(purged.code, said(purged)).toBe(0);
    for (const name of ['var/lib/funkygibbon', 'etc/funkygibbon', 'var/cache/funkygibbon'])
      expect(machine.exists(name), name).toBe(false);
    expect((await machine.run(['id', 'funkygibbon'])).code).not.toBe(0);
  });
});

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

describe('what is handed to systemd', () => {
  test.runIf(has('systemd-analyze'))('the unit is valid, alone and with each drop-in', () => {
    const work = mkdtempSync(join(tmpdir(), 'units-'));
    onTestFinished(() => rmSync(work, { recursive: true }));
    const from = join(REPOSITORY, 'systemd');
    for (const drop of ['', ...readdirSync(join(from, 'drop-ins'))]) {
      const folder = join(work, drop || 'alone');
      const dropIns = join(folder, 'funkygibbon.service.d');
      mkdirSync(dropIns, { recursive: true });
      cpSync(join(from, 'funkygibbon.service'), join(folder, 'funkygibbon.service'));
      if (drop) cpSync(join(from, 'drop-ins', drop), join(dropIns, drop));
      const { stderr } = spawnSync(
        'systemd-analyze',
        ['verify', '--man=no', join(folder, 'funkygibbon.service')],
        {
          encoding: 'utf8',
          env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
        },
      );
      const complaints = stderr
        .split('\n')
        .filter((line) => line !== '' && !line.includes('is not executable'));
      expect(complaints, drop).toEqual([]);
    }
  });

  test.runIf(has('systemd-analyze'))('its sandbox scores 2.0 or better', () => {
    const unit = join(REPOSITORY, 'systemd/funkygibbon.service');
    const { status: code, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=20', '--no-pager', unit],
      { encoding: 'utf8' },
    );
    expect(code, stdout.split('\n').slice(-3).join('\n')).toBe(0);
  });

  test.runIf(has('shellcheck'))('the scripts are sound', () => {
    const scripts = ['scripts', 'scripts/install'].flatMap((folder) =>
      readdirSync(join(REPOSITORY, folder))
        .filter((name) => name.endsWith('.sh') || name === 'funkygibbon')
        .map((name) => join(REPOSITORY, folder, name)),
    );
    const { stdout } = spawnSync('shellcheck', ['-x', '-P', REPOSITORY, ...scripts], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});
