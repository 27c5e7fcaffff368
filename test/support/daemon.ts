import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LAUNCHER = `${ROOT}scripts/funkygibbon`;

export interface Ready {
  readonly http_url: string;
  readonly mqtt_url: string;
  readonly homekit: { readonly port: number; readonly paired: boolean };
  readonly data_dir: string;
  readonly node_id: string;
}

/** Compiles the sources into dist/ when they have changed, as start.sh does. */
export async function buildDaemon(): Promise<void> {
  await promisify(execFile)(process.execPath, [`${ROOT}scripts/build.mjs`], { cwd: ROOT });
}

/** Runs a command of the built program and returns what it printed. */
export async function runCommand(words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(LAUNCHER, [...words]);
  return stdout;
}

export interface DaemonOptions {
  readonly dataDir: string;
  /** Further configuration, `FUNKYGIBBON_…` names. */
  readonly env?: Readonly<Record<string, string>>;
  /** What to run instead of the launcher itself, for example in a network namespace. */
  readonly prefix?: readonly string[];
}

/** The built hub as a process of its own: every port free, nothing announced, everything on loopback. */
export class Daemon implements AsyncDisposable {
  readonly ready: Ready;
  readonly #child: ChildProcess;
  readonly #log: () => string;

  private constructor(child: ChildProcess, ready: Ready, log: () => string) {
    this.#child = child;
    this.ready = ready;
    this.#log = log;
  }

  /** Resolves with the `ready` line; rejects with the log when the process ends before it. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const [program, ...words] = [...(options.prefix ?? []), LAUNCHER, 'start'];
    const child = spawn(program, words, {
      env: {
        PATH: process.env['PATH'],
        FUNKYGIBBON_DATA_DIR: options.dataDir,
        FUNKYGIBBON_HTTP__HOST: '127.0.0.1',
        FUNKYGIBBON_HTTP__PORT: '0',
        FUNKYGIBBON_MQTT__HOST: '127.0.0.1',
        FUNKYGIBBON_MQTT__PORT: '0',
        FUNKYGIBBON_HOMEKIT__PORT: '0',
        FUNKYGIBBON_MDNS__ENABLED: 'false',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      log = (log + chunk).slice(-64 * 1024);
    });
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      const line = /^ready (.*)\n/m.exec(out);
      if (line) resolve(JSON.parse(String(line[1])) as Ready);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the hub ended (${code ?? signal}) before it was ready:\n${log}`)),
    );
    return new Daemon(child, await promise, () => log);
  }

  get pid(): number {
    return Number(this.#child.pid);
  }

  /** The last 64 KiB of the log. */
  get log(): string {
    return this.#log();
  }

  /** Stops as systemd does and returns the exit code. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM');
  }

  /** The power switch, as far as a process can feel it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
    return this.#child.exitCode;
  }
}
