import type { DeviceRegistry } from '../../devices/types.ts';

import { isSource, type SourceName } from './sources.ts';

export interface TakeoverOptions {
  readonly registry: Pick<DeviceRegistry, 'retire' | 'sourcesOf' | 'withdraw'>;
  /** Whether somebody tells of the component. */
  readonly isLive: (componentId: string) => boolean;
  /** Runs what may fail, outside of any message. */
  readonly attempt: (work: () => void) => void;
  /** How long a better source has for the last of its topics, at most. */
  readonly betterSourceMs?: number;
}

/** How long those that tell of a device on many topics have for the last of them. */
const TAKEOVER_MS = 5_000;

/** Components that a better source made superfluous, unless it yet tells of what takes their place. */
export class Takeover implements Disposable {
  readonly #options: TakeoverOptions;
  readonly #superseded = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** The components whose place may be taken. */
  get superseded(): ReadonlySet<string> {
    return this.#superseded;
  }

  /** What another source told of the device before the last stop, and has not told since. */
  silentOthers(source: SourceName, identifiers: readonly string[]): string[] {
    const { registry, isLive } = this.#options;
    return [...registry.sourcesOf(identifiers)].flatMap(([id, other]) =>
      other !== source && isSource(other) && !isLive(id) ? [id] : [],
    );
  }

  begin(ids: ReadonlySet<string>): void {
    for (const id of ids) this.#superseded.add(id);
  }

  /** The component is told of: it goes on. */
  keep(id: string): void {
    this.#superseded.delete(id);
  }

  /**
   * What nobody takes over goes: at once where the better source has told everything in one message, or else when the
   * last of its topics had time to arrive. A stop meanwhile finds it withdrawn.
   */
  retireSoon(ids: ReadonlySet<string>, isComplete: boolean): void {
    const { registry, isLive, attempt, betterSourceMs } = this.#options;
    if (isComplete) {
      this.#retire(ids);
      return;
    }
    for (const id of ids) if (!isLive(id)) registry.withdraw(id);
    clearTimeout(this.#timer);
    const delayMs = Math.min(TAKEOVER_MS, betterSourceMs ?? TAKEOVER_MS);
    this.#timer = setTimeout(() => attempt(() => this.#retire(this.#superseded)), delayMs).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #retire(ids: ReadonlySet<string>): void {
    const gone = [...ids].filter((id) => !this.#options.isLive(id));
    for (const id of ids) this.#superseded.delete(id);
    if (gone.length > 0) this.#options.registry.retire(gone);
  }
}
