import { spawn } from 'node:child_process';

import type { Logger } from '../base/log.ts';

import { errorText } from '../base/errors.ts';

/** How long one message may take: a process that is started and ends, on a small machine that is busy. */
const MESSAGE_WITHIN_MS = 20_000;

export interface ServiceManagerOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/**
 * systemd, as the hub tells it how it is: ready, alive, stopping (sd_notify(3)). Node has no datagram sockets of Unix, so
 * each message is sent by systemd-notify, which is there wherever systemd is; the unit needs `NotifyAccess=all`.
 */
export class ServiceManager implements Disposable {
  readonly #log: Logger;
  readonly #watchdogMs: number | null;
  #timer: NodeJS.Timeout | undefined;
  #isMissing = false;

  private constructor(watchdogMs: number | null, log: Logger) {
    this.#watchdogMs = watchdogMs;
    this.#log = log;
  }

  /** Null where nobody asked to be told: on a terminal, in a container. */
  static fromEnvironment({ env, log }: ServiceManagerOptions): ServiceManager | null {
    if (!env['NOTIFY_SOCKET']) return null;
    const pid = Number(env['WATCHDOG_PID'] ?? process.pid);
    const microseconds = Number(env['WATCHDOG_USEC'] ?? 0);
    // The variables are inherited: they may be meant for the shell that started us, or for somebody further up.
    const isForUs = pid === process.pid && Number.isFinite(microseconds) && microseconds > 0;
    return new ServiceManager(isForUs ? microseconds / 1000 : null, log);
  }

  /** Milliseconds after which the hub is killed when it has not said that it is alive; null where nobody watches. */
  get watchdogMs(): number | null {
    return this.#watchdogMs;
  }

  /** The hub can be used; `systemctl start` returns now. */
  async ready(status: string): Promise<void> {
    await this.#tell('READY=1', `STATUS=${status}`);
  }

  /** One line for `systemctl status`. */
  async status(status: string): Promise<void> {
    await this.#tell(`STATUS=${status}`);
  }

  async stopping(): Promise<void> {
    this[Symbol.dispose]();
    await this.#tell('STOPPING=1', 'STATUS=Stopping');
  }

  /**
   * Says twice in each period that the hub is alive, as long as `isAlive` finds it so. A hub that hangs, or whose
   * database does not answer, says nothing any more and is started anew.
   */
  watch(isAlive: () => Promise<boolean>): void {
    if (this.#watchdogMs === null || this.#timer) return;
    const periodMs = this.#watchdogMs / 2;
    const feed = async (): Promise<void> => {
      const late = AbortSignal.timeout(periodMs);
      try {
        const answered = new Promise<never>((_, reject) => {
          late.addEventListener('abort', () => reject(new Error('the check did not end in time')));
        });
        if (await Promise.race([isAlive(), answered])) await this.#tell('WATCHDOG=1');
        else
          this.#log.error('the hub does not count as alive; systemd will start it anew unless it recovers');
      } catch (error) {
        this.#log.error({ err: error }, 'whether the hub is alive could not be found out');
      }
    };
    this.#timer = setInterval(() => void feed(), periodMs);
    void feed();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #tell(...messages: string[]): Promise<void> {
    if (this.#isMissing) return;
    const ended = Promise.withResolvers<void>();
    const child = spawn('systemd-notify', messages, {
      stdio: 'ignore',
      timeout: MESSAGE_WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    child.on('error', (error) => {
      this.#isMissing = true;
      this.#log.error(
        { reason: errorText(error) },
        'systemd-notify does not start, so systemd is told nothing',
      );
      ended.resolve();
    });
    child.on('exit', (code, signal) => {
      if (code !== 0) this.#log.warn({ code, signal, messages }, 'systemd did not take a message');
      ended.resolve();
    });
    await ended.promise;
  }
}
