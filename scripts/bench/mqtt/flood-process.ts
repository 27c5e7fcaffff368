import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the publisher is told. */
export interface FloodOrder {
  readonly base: string;
  readonly devices: number;
  readonly messages: number;
  /** The power that the last message tells, of the device after the others. */
  readonly marker: number;
  /** Null = as fast as the broker takes them. */
  readonly perSecond: number | null;
}

export interface Broker {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

/** The publisher's process. */
export class FloodProcess implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start({ url, username, password }: Broker): Promise<FloodProcess> {
    const login = username === undefined ? [] : [username, password ?? ''];
    return new FloodProcess(await forkReady('flood.ts', [url, ...login]));
  }

  /** Resolves when all was handed to the broker. */
  async flood(order: FloodOrder): Promise<void> {
    const done = once(this.#child, 'message');
    this.#child.send(order);
    await done;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** The reference: a bare client that receives and does nothing else, as a process. */
export class BareClient implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start({ url, username, password }: Broker, filter: string): Promise<BareClient> {
    const login = username === undefined ? [] : [username, password ?? ''];
    return new BareClient(await forkReady('ref-client.ts', [filter, url, ...login]));
  }

  /** Resolves when the message with the marker has come, with how many came in all. */
  async heard(marker: number): Promise<number> {
    const answer = once(this.#child, 'message') as Promise<[{ count: number }]>;
    this.#child.send({ marker });
    const [{ count }] = await answer;
    return count;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

async function forkReady(script: string, words: readonly string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [...words], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}
