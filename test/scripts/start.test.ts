import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import { Checkout } from './checkout.ts';

describe('start.sh', () => {
  test('builds, then runs the hub with its flags, from anywhere, and leaves standard output to it', async () => {
    using checkout = new Checkout();
    const flags = ['--data-dir', 'a folder', '--http.port=0'];
    expect(await checkout.script('start.sh', flags)).toEqual({
      code: 0,
      stdout: `ready ${JSON.stringify(['start', ...flags])}\n`,
      stderr: 'Building FunkyGibbon …\n',
    });
    expect((await checkout.script('start.sh')).stderr).toBe('');
  });

  test('becomes the hub, so that a signal to the script reaches it', async () => {
    using checkout = new Checkout();
    checkout.write(
      'src/main.ts',
      `const alive = setInterval(() => {}, 1000);
       process.once('SIGTERM', () => { clearInterval(alive); process.stdout.write('stopped\\n'); });
       process.stdout.write(\`\${process.pid} \${process.version} \${process.execArgv.join(' ')}\\n\`);`,
    );
    const child = checkout.spawn(join(checkout.root, 'scripts/start.sh'));
    const stderr = text(child.stderr);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe(
      `${child.pid} ${process.version} --disable-warning=ExperimentalWarning --max-semi-space-size=2 --max-old-space-size=192`,
    );
    child.kill('SIGTERM');
    expect((await lines.next()).value).toBe('stopped');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await stderr).toBe('Building FunkyGibbon …\n');
  });

  test('runs the demo from source with --demo', async () => {
    using checkout = new Checkout();
    checkout.write(
      'scripts/demo.ts',
      "console.log('demo', process.version, process.argv.slice(2).join(' '));\n",
    );
    expect(await checkout.script('start.sh', ['--demo', '--http.port', '0'])).toEqual({
      code: 0,
      stdout: `demo ${process.version} --http.port 0\n`,
      // The command is built beside it, for `scripts/funkygibbon devices` and its like.
      stderr: 'Building FunkyGibbon …\n',
    });
  });

  test('does not start a hub that does not compile, and keeps the last good build', async () => {
    using checkout = new Checkout();
    await checkout.script('start.sh');
    checkout.write('src/main.ts', "const count: number = 'one';\nconsole.log(count);\n");
    const { code, stdout, stderr } = await checkout.script('start.sh');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/main\.ts.*TS2322/);
    expect(stderr).toMatch(/The build failed\./);
    expect((await checkout.script('funkygibbon', ['x'])).stdout).toBe('ready ["x"]\n');
  });

  test.each([
    ['are missing', (checkout: Checkout) => checkout.unlinkModules()],
    [
      'are older than the lock file',
      (checkout: Checkout) => {
        checkout.unlinkModules();
        mkdirSync(join(checkout.root, 'node_modules'));
        checkout.write('node_modules/.package-lock.json', '{}');
        utimesSync(join(checkout.root, 'package-lock.json'), 1_700_000_001, 1_700_000_001);
        utimesSync(join(checkout.root, 'node_modules/.package-lock.json'), 1_700_000_000, 1_700_000_000);
      },
    ],
    [
      'are an interrupted installation',
      (checkout: Checkout) => {
        checkout.unlinkModules();
        mkdirSync(join(checkout.root, 'node_modules/typescript'), { recursive: true });
      },
    ],
  ])('installs the dependencies with npm ci when they %s', async (_, prepare) => {
    using checkout = new Checkout();
    prepare(checkout);
    checkout.command('node', 'echo v20.0.0');
    checkout.command(
      'npm',
      'echo "npm $* in $PWD"; rm -rf node_modules; ln -s "$REPOSITORY/node_modules" node_modules; touch -d @0 package-lock.json',
    );
    const { code, stdout, stderr } = await checkout.script('start.sh');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ready ["start"]\n' });
    expect(stderr).toContain(
      `npm ci --include=dev --include=optional --loglevel=error --no-progress in ${checkout.root}\n`,
    );
    expect((await checkout.script('start.sh')).stderr).toBe('');
  });

  test('says so when npm fails', async () => {
    using checkout = new Checkout();
    checkout.unlinkModules();
    checkout.command('node', 'echo v22.1.0');
    checkout.command('npm', 'exit 1');
    const { code, stderr } = await checkout.script('start.sh');
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm could not install the dependencies/);
  });

  test('says which Node is needed when the one there is too old', async () => {
    using checkout = new Checkout();
    checkout.unlinkModules();
    checkout.command('node', 'echo v18.19.1');
    checkout.command('npm', 'echo called; exit 1');
    const { code, stdout, stderr } = await checkout.script('start.sh');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      'Node 18 is too old to install FunkyGibbon.\nPlease install Node 20 or newer with npm, then run this again.\n',
    );
  });

  test('asks apt for a missing Node, and the person when apt cannot help', async () => {
    using checkout = new Checkout();
    checkout.unlinkModules();
    checkout.reducePath(['dirname', 'find', 'id', 'sed', 'env', 'rm', 'ln', 'touch']);
    checkout.command('sudo', '[ "$1" = -n ] || exec "$@"');
    checkout.command('apt-get', 'echo "apt-get $*"; exit 1');
    const refused = await checkout.script('start.sh');
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'Node and npm are missing; asking apt for them …',
        'apt-get install -qq -y --no-install-recommends nodejs npm',
        'apt-get update -qq',
        'Please install Node 20 or newer with npm, then run this again.',
        '',
      ].join('\n'),
    });

    // The package lists were missing; after an update the packages arrive.
    checkout.command(
      'apt-get',
      `commands=$(dirname "$0")
       [ "$1" = install ] || { : >"$commands/updated"; exit; }
       [ -e "$commands/updated" ] || exit 100
       printf '#!/bin/sh\\necho v20.19.0\\n' >"$commands/node"
       printf '#!/bin/sh\\nln -s %s/node_modules node_modules; touch -d @0 package-lock.json\\n' "$REPOSITORY" >"$commands/npm"
       /bin/chmod +x "$commands/node" "$commands/npm"`,
    );
    const { code, stdout } = await checkout.script('start.sh');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ready ["start"]\n' });
  });
});

describe('build.mjs', () => {
  async function build(checkout: Checkout, ...args: string[]): Promise<boolean> {
    const { code, stdout, stderr } = await checkout.run(process.execPath, [
      join(checkout.root, 'scripts/build.mjs'),
      ...args,
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    return stderr.includes('Building');
  }

  test('builds only when something changed, or with --force', async () => {
    using checkout = new Checkout();
    expect(await build(checkout)).toBe(true);
    expect(await build(checkout)).toBe(false);
    expect(await build(checkout, '--force')).toBe(true);
    checkout.write('src/deep/part.ts', 'export const part = 1;\n');
    expect(await build(checkout)).toBe(true);
    rmSync(join(checkout.root, 'src/deep/part.ts'));
    expect(await build(checkout)).toBe(true);
    checkout.write('package.json', JSON.stringify({ type: 'module', version: '2.0.0' }));
    expect(await build(checkout)).toBe(true);
    expect(await build(checkout)).toBe(false);
  });

  test('rewrites imports and leaves no temporary folder, not even one of a build that was killed', async () => {
    using checkout = new Checkout();
    checkout.write('src/part.ts', 'export const part = 1;\n');
    checkout.write('src/main.ts', "import { part } from './part.ts';\nconsole.log(part);\n");
    const { pid: deadPid } = await finished(checkout);
    mkdirSync(join(checkout.root, `.dist-new-${deadPid}`));
    mkdirSync(join(checkout.root, `.dist-old-${deadPid}`));
    mkdirSync(join(checkout.root, `.dist-new-${process.pid}`));
    await build(checkout);
    expect(readdirSync(checkout.root).filter((name) => name.startsWith('.dist'))).toEqual([
      `.dist-new-${process.pid}`,
    ]);
    expect((await checkout.script('funkygibbon')).stdout).toBe('1\n');
  });

  test('may run several times at once', async () => {
    using checkout = new Checkout();
    expect(await Promise.all([build(checkout), build(checkout), build(checkout)])).toContain(true);
    expect((await checkout.script('funkygibbon')).stdout).toBe('ready []\n');
    expect(await build(checkout)).toBe(false);
  });

  /** A process that has ended, for its id. */
  async function finished(checkout: Checkout) {
    const child = checkout.spawn('true');
    await once(child, 'close');
    return { pid: child.pid };
  }
});

describe('the funkygibbon command', () => {
  test('finds its checkout through links to links', async () => {
    using checkout = new Checkout();
    await checkout.script('start.sh');
    symlinkSync('../the hub/scripts/funkygibbon', join(checkout.elsewhere, 'relative link'));
    symlinkSync(join(checkout.elsewhere, 'relative link'), join(checkout.elsewhere, 'absolute'));
    expect(await checkout.run('./absolute', ['pair', 'a b'])).toEqual({
      code: 0,
      stdout: 'ready ["pair","a b"]\n',
      stderr: '',
    });
  });

  test('says what to do when nothing is built', async () => {
    using checkout = new Checkout();
    const { code, stderr } = await checkout.script('funkygibbon');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FunkyGibbon is not built yet\. Run ".*\/the hub\/scripts\/start\.sh"/);
  });

  test('says what to do when there is no Node that can run it', async () => {
    using checkout = new Checkout();
    checkout.unlinkModules();
    checkout.command('node', 'echo v20.19.0');
    const { code, stderr } = await checkout.script('funkygibbon');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FunkyGibbon brings its own Node for 64-bit Linux/);
  });
});
