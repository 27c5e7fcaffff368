import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { BareDone, BareJob } from './bare-process.ts';

/** The reference: the three bare statements with `synchronous=FULL` on data that is ready, in a process of their own. */
export class BareWriter implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param env further environment, such as a disk that is slow */
  static async start(folder: string, env: Readonly<Record<string, string>> = {}): Promise<BareWriter> {
    const script = fileURLToPath(new URL('bare-process.ts', import.meta.url));
    const child = fork(script, [join(folder, 'bare.db')], { env: { ...process.env, ...env } });
    await once(child, 'message');
    return new BareWriter(child);
  }

  async run(job: BareJob): Promise<BareDone> {
    const done = once(this.#child, 'message');
    this.#child.send(job);
    return ((await done) as [BareDone])[0];
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}
