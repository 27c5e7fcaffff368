/** The parts that are open, by name, closed in reverse order. */
export class OpenParts implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #open: string[];

  constructor(stack = new AsyncDisposableStack(), open: string[] = []) {
    this.#stack = stack;
    this.#open = open;
  }

  get open(): readonly string[] {
    return this.#open;
  }

  add<T extends Disposable | AsyncDisposable>(name: string, part: T): T {
    this.#open.push(name);
    // Deferred callbacks run in reverse: the name goes once the part is closed.
    this.#stack.defer(() => void this.#open.splice(this.#open.indexOf(name), 1));
    return this.#stack.use(part);
  }

  /** Hands the parts over, so that leaving the opening scope closes nothing. */
  move(): OpenParts {
    return new OpenParts(this.#stack.move(), this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
