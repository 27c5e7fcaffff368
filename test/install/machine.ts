import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** What a checkout is made of, as far as installing it needs. */
const CHECKOUT = [
  'package.json',
  'package-lock.json',
  'README.md',
  'CHANGELOG.md',
  'config',
  'systemd',
  'scripts',
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Whether a machine of this machine's own files can be made: root, an overlay file system, Python, Debian's tools. */
export const canMakeMachine =
  process.getuid?.() === 0 &&
  readFileSync('/proc/filesystems', 'utf8').includes('overlay') &&
  spawnSync('python3', ['--version']).status === 0 &&
  spawnSync('systemd-sysusers', ['--version']).status === 0;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A Debian machine that is not ours: the files of this one below an overlay, so that whatever an installer writes lands
 * in a folder of the test. systemd does not run in it; a stand-in does what the unit says.
 */
export class Machine implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'machine-'));
  readonly root = join(this.#folder, 'root');
  #mounts: string[] = [];

  static start(): Machine {
    const machine = new Machine();
    try {
      machine.#mount();
      return machine;
    } catch (error) {
      machine.#unmount();
      throw error;
    }
  }

  path(name: string): string {
    return join(this.root, name);
  }

  exists(name: string): boolean {
    return existsSync(this.path(name));
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name: string, content: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content, { mode });
    chmodSync(this.path(name), mode);
  }

  /** A copy of the checkout at a path of the machine, with its build. */
  checkOut(place: string): void {
    for (const name of [...CHECKOUT, 'dist']) {
      cpSync(join(REPOSITORY, name), join(this.path(place), name), { recursive: true });
    }
  }

  /** Runs a command on it to its end, as root unless another user is named. */
  async run(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const child = spawn('chroot', [this.root, ...words], {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        ...npmEnv(),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.exists('run/stand-in')) await this.run(['systemctl', 'stop', 'funkygibbon.service']);
    this.#unmount();
  }

  #mount(): void {
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(this.#folder, name));
    const layers = ['lowerdir=/', `upperdir=${this.#folder}/upper`, `workdir=${this.#folder}/work`];
    this.#add(['-t', 'overlay', 'overlay', '-o', layers.join(',')], this.root);
    this.#add(['--bind', '/proc'], join(this.root, 'proc'));
    this.#add(['--bind', '/dev'], join(this.root, 'dev'));
    this.#add(['-t', 'tmpfs', 'tmpfs'], join(this.root, 'run'));
    this.#add(['-t', 'tmpfs', 'tmpfs'], join(this.root, 'tmp'));
    mkdirSync(this.path('run/systemd/system'), { recursive: true });
    const standIn = readFileSync(join(import.meta.dirname, 'systemctl.py'), 'utf8');
    this.write('usr/local/sbin/systemctl', standIn, 0o755);
    // Files of this machine that stand for an installation that the test is to make.
    for (const name of ['opt/funkygibbon', 'etc/funkygibbon', 'var/lib/funkygibbon'])
      rmSync(this.path(name), { recursive: true, force: true });
  }

  #add(words: readonly string[], place: string): void {
    execFileSync('mount', [...words, place]);
    this.#mounts.push(place);
  }

  #unmount(): void {
    for (const place of this.#mounts.splice(0).reverse()) execFileSync('umount', ['-l', place]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Where npm finds packages on this machine, and its cache. */
function npmEnv(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) =>
    /^npm_config_(registry|cache|prefer_offline)$/i.test(name),
  );
  return Object.fromEntries(own.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
