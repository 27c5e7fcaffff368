import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import type { ChildProcessWithoutNullStreams } from 'node:child_process';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A checkout with the real scripts, a hub of a few lines, and the real dependencies by a link. Its path has blanks, and
 * a folder before everything else on the PATH takes commands that a test wants to fake.
 */
export class Checkout implements Disposable {
  readonly #parent = mkdtempSync(join(tmpdir(), 'check out '));
  readonly root = join(this.#parent, 'the hub');
  /** Somewhere that is not the checkout. */
  readonly elsewhere = join(this.#parent, 'else where');
  readonly #commands = join(this.#parent, 'commands');
  /** The whole PATH, when the system's commands would be too many. */
  path = `${this.#commands}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

  constructor() {
    for (const folder of [this.root, this.elsewhere, this.#commands]) mkdirSync(folder);
    cpSync(join(REPOSITORY, 'scripts'), join(this.root, 'scripts'), { recursive: true });
    for (const name of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'vitest.config.ts']) {
      cpSync(join(REPOSITORY, name), join(this.root, name));
    }
    this.write('package.json', JSON.stringify({ type: 'module' }));
    this.write('src/main.ts', 'process.stdout.write(`ready ${JSON.stringify(process.argv.slice(2))}\\n`);\n');
    this.write('src/base/checkpoint-worker.ts', 'export {};\n');
    this.write('src/base/maintenance-worker.ts', 'export {};\n');
    this.write('src/ops/backup/database-worker.ts', 'export {};\n');
    this.linkModules();
    // No test may really install anything on the machine it runs on.
    this.command('apt-get', 'exit 1');
    this.command('sudo', 'exit 1');
  }

  /** Lets the dependencies look as if `npm ci` had run after the lock file was written. */
  linkModules(): void {
    symlinkSync(join(REPOSITORY, 'node_modules'), join(this.root, 'node_modules'));
    utimesSync(join(this.root, 'package-lock.json'), 0, 0);
  }

  unlinkModules(): void {
    rmSync(join(this.root, 'node_modules'));
  }

  write(name: string, content: string): void {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }

  /** A command of the PATH that runs `body` in sh; `$REPOSITORY` and `$ROOT` are set. */
  command(name: string, body: string): void {
    const path = join(this.#commands, name);
    writeFileSync(path, `#!/bin/sh\nREPOSITORY='${REPOSITORY}'\nROOT='${this.root}'\n${body}\n`);
    chmodSync(path, 0o755);
  }

  /** Leaves nothing on the PATH but the faked commands and those named here. */
  reducePath(names: readonly string[]): void {
    for (const name of names) this.command(name, `exec /usr/bin/${name} "$@"`);
    this.path = this.#commands;
  }

  spawn(program: string, args: readonly string[] = []): ChildProcessWithoutNullStreams {
    return spawn(program, args, {
      cwd: this.elsewhere,
      env: { PATH: this.path, HOME: this.elsewhere },
      stdio: 'pipe',
    });
  }

  async run(program: string, args: readonly string[] = []): Promise<Finished> {
    const child = this.spawn(program, args);
    child.stdin.end();
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  /** Runs a file of `scripts/`. */
  async script(name: string, args: readonly string[] = []): Promise<Finished> {
    return this.run(join(this.root, 'scripts', name), args);
  }

  [Symbol.dispose](): void {
    rmSync(this.#parent, { recursive: true, force: true });
  }
}
