import type { CharacteristicKind, HapValue, Requested } from './service-plan.ts';

/** How long a lone Hue waits for its Saturation (or the other way round). */
const OTHER_HALF_MS = 30;

export interface WriteBatchOptions {
  readonly isHalf: (requested: Requested) => boolean;
  /** Sends what was gathered as one command. */
  readonly send: (requested: Requested, origin: string) => Promise<void>;
  /** Told when a half that was answered already could not be sent in the end. */
  readonly onLateFailure: (error: unknown) => void;
}

/**
 * Gathers what controllers write to one service into one command. All writes of one HAP request arrive in one turn and
 * share its result. Hue and Saturation may also come as two requests; the second is sent only after the first was
 * answered, so a lone half is answered at once and sent when its other half is there, or a moment later.
 */
export class WriteBatch implements Disposable {
  readonly #options: WriteBatchOptions;
  #requested = new Map<CharacteristicKind, HapValue>();
  #origin = '';
  #turn: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WriteBatchOptions) {
    this.#options = options;
  }

  /** Resolves when the command was sent, or when a half was put aside for its other half. */
  async add(kind: CharacteristicKind, value: HapValue, origin: string): Promise<void> {
    this.#requested.set(kind, value);
    this.#origin = origin;
    this.#turn ??= Promise.resolve().then(() => this.#endTurn());
    await this.#turn;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#requested.clear();
  }

  async #endTurn(): Promise<void> {
    this.#turn = undefined;
    if (this.#options.isHalf(this.#requested)) {
      this.#timer ??= setTimeout(() => {
        this.#flush().catch(this.#options.onLateFailure);
      }, OTHER_HALF_MS);
      return;
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const requested = this.#requested;
    this.#requested = new Map();
    if (requested.size > 0) await this.#options.send(requested, this.#origin);
  }
}
