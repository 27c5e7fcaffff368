/**
 * Followers are woken this long after a change, with all that came meanwhile, and rest ten times as long as listing all
 * devices took them: a burst of 500 devices must not be listed after each.
 */
const SETTLES_MS = { least: 50, most: 1000 };

/** Wakes those who list all devices again after the list has changed. */
export class StructureWakes implements Disposable {
  readonly #wakes = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #settlesMs = SETTLES_MS.least;

  follow(wake: () => void): Disposable {
    this.#wakes.add(wake);
    return { [Symbol.dispose]: () => void this.#wakes.delete(wake) };
  }

  /** The list has changed: soon everybody hears of it. */
  note(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const begunMs = performance.now();
      for (const wake of this.#wakes) wake();
      const restMs = 10 * (performance.now() - begunMs);
      this.#settlesMs = Math.min(Math.max(restMs, SETTLES_MS.least), SETTLES_MS.most);
    }, this.#settlesMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#wakes.clear();
  }
}
