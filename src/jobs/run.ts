import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { JobDefinition, JobOutcome } from './types.ts';

/** How a try ended, and how long it took. */
export type Ending = { readonly busyMs: number } & (
  | { readonly kind: 'done'; readonly outcome: JobOutcome }
  | { readonly kind: 'failed' | 'cancelled' | 'released'; readonly error: unknown }
);

const DEFAULT_LIMIT_MS = 30 * 60_000;

/** One try that is under way in this process. */
export class ActiveRun {
  readonly id: number;
  readonly name: string;
  /** Never rejects. */
  readonly ending: Promise<Ending>;
  readonly #abort = new AbortController();
  readonly #limit: NodeJS.Timeout;
  #reason: 'failed' | 'cancelled' | 'released' = 'failed';
  #isOverdue = false;

  constructor(
    definition: JobDefinition,
    run: { id: number; attempt: number; payload: JsonObject; believedMs: number; log: Logger },
  ) {
    this.id = run.id;
    this.name = definition.name;
    const limitMs = limitOf(definition);
    this.#limit = setTimeout(() => {
      this.#isOverdue = true;
      this.#end('failed', `It took longer than ${Math.round(limitMs / 60_000)} minutes.`);
    }, limitMs).unref();
    this.ending = this.#run(definition, run);
  }

  /** Its limit is over, and it has not ended. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  cancel(): void {
    this.#end('cancelled', 'It was cancelled.');
  }

  /** The hub stops: the try does not count. */
  release(): void {
    this.#end('released', 'The hub stops.');
  }

  #end(reason: 'failed' | 'cancelled' | 'released', message: string): void {
    if (this.#abort.signal.aborted) return;
    this.#reason = reason;
    this.#abort.abort(new Error(message));
  }

  async #run(
    definition: JobDefinition,
    {
      attempt,
      payload,
      believedMs,
      log,
    }: { attempt: number; payload: JsonObject; believedMs: number; log: Logger },
  ): Promise<Ending> {
    const { signal } = this.#abort;
    const startMs = performance.now();
    const ended = (): { busyMs: number } => ({ busyMs: performance.now() - startMs });
    try {
      const outcome = await definition.run({ signal, payload, log, attempt, believedMs });
      // Whoever was told to end and came to the end all the same has done the work, unless it took too long.
      if (this.#isOverdue) return { ...ended(), kind: 'failed', error: signal.reason };
      return { ...ended(), kind: 'done', outcome };
    } catch (error) {
      if (signal.aborted) return { ...ended(), kind: this.#reason, error: signal.reason };
      return { ...ended(), kind: 'failed', error };
    } finally {
      clearTimeout(this.#limit);
    }
  }
}

export function limitOf({ limitMs }: JobDefinition): number {
  return limitMs ?? DEFAULT_LIMIT_MS;
}
