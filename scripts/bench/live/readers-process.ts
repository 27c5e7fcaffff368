import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the process that reads is told. */
export type Order =
  | {
      readonly type: 'open';
      readonly kind: 'raw' | 'live';
      /** A port of this machine, or the path of a Unix socket. */
      readonly at: number | string;
      readonly count: number;
      /** The entities to subscribe to. */
      readonly subscribe: readonly string[];
    }
  /** Wait for one message on each socket but the first `skip`. */
  | { readonly type: 'expect'; readonly kind: 'raw' | 'live'; readonly skip: number }
  /** Stop reading on the first `count` live sockets. */
  | { readonly type: 'stall'; readonly count: number }
  /** Read on, until each of them has been told to sync. */
  | { readonly type: 'resume' };

/** What it answers. */
export type Report =
  | { readonly type: 'opened' | 'expecting' | 'stalled' | 'resumed' }
  /** When each message came, in ms of the system's steady clock, and how long the frame was. */
  | { readonly type: 'arrived'; readonly arrivals: number[]; readonly bytes: number };

/** The steady clock that all processes of a machine share. */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The process at the other end of the sockets. */
export class ReadersProcess implements Disposable {
  readonly #child = fork(fileURLToPath(new URL('readers.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

  #waiting: PromiseWithResolvers<Report> | undefined;
  #gone = false;

  constructor() {
    this.#child.on('message', (report: Report) => this.#waiting?.resolve(report));
    this.#child.on('exit', () => {
      this.#gone = true;
      this.#waiting?.reject(new Error('the readers are gone'));
    });
  }

  async open(order: Omit<Extract<Order, { type: 'open' }>, 'type'>): Promise<void> {
    await this.#ask({ type: 'open', ...order }, 'opened');
  }

  /** Arranges for the next message on each socket; what it resolves to is awaited after the message was sent. */
  async expect(
    kind: 'raw' | 'live',
    skip = 0,
  ): Promise<{ arrived: Promise<Extract<Report, { type: 'arrived' }>> }> {
    await this.#ask({ type: 'expect', kind, skip }, 'expecting');
    return { arrived: this.#next('arrived') as Promise<Extract<Report, { type: 'arrived' }>> };
  }

  async stall(count: number): Promise<void> {
    await this.#ask({ type: 'stall', count }, 'stalled');
  }

  async resume(): Promise<void> {
    await this.#ask({ type: 'resume' }, 'resumed');
  }

  [Symbol.dispose](): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  async #ask(order: Order, answer: Report['type']): Promise<void> {
    const answered = this.#next(answer);
    this.#child.send(order);
    await answered;
  }

  async #next(type: Report['type']): Promise<Report> {
    if (this.#gone) throw new Error('the readers are gone');
    this.#waiting = Promise.withResolvers<Report>();
    const report = await this.#waiting.promise;
    if (report.type !== type) throw new Error(`the readers said ${report.type}, not ${type}`);
    return report;
  }
}
