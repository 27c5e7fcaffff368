import type { Logger } from '../base/log.ts';

/** Firings of one automation that wait for the end of an earlier one. */
const MAX_WAITING = 10;

/** One after the other for each automation: two firings must not mix their commands. */
export class Turns {
  readonly #log: Logger;
  readonly #running = new Map<string, { readonly last: Promise<unknown>; readonly count: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Runs the body when what came before it has ended. An error is logged, and the caller's too. */
  async take<T>(automationId: string, body: () => Promise<T>): Promise<T> {
    const before = this.#running.get(automationId) ?? { last: Promise.resolve(), count: 0 };
    const next = before.last.then(body);
    const last = next.then(
      () => undefined,
      (error: unknown) => this.#log.error({ err: error, automation: automationId }, 'an automation failed'),
    );
    this.#running.set(automationId, { last, count: before.count + 1 });
    void last.then(() => {
      const now = this.#running.get(automationId);
      if (now?.last === last) this.#running.delete(automationId);
      else if (now) this.#running.set(automationId, { ...now, count: now.count - 1 });
    });
    return await next;
  }

  /** Why nothing more can wait; undefined where it can. */
  refusal(automationId: string): string | undefined {
    const { count = 0 } = this.#running.get(automationId) ?? {};
    return count > MAX_WAITING ? `it is still busy with ${count} earlier firings` : undefined;
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled([...this.#running.values()].map(({ last }) => last));
    }
  }
}
