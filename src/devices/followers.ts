import type { StateChange, StateFollower } from './types.ts';

/**
 * Tells followers about state changes at once, without letting a slow one hold anything up: what a follower has not
 * taken yet is the last value per capability, so it costs at most one entry for each capability of the home.
 */
export class StateFollowers {
  readonly #followers = new Set<Follower>();

  follow(wake: () => void): StateFollower {
    const follower = new Follower(wake, () => this.#followers.delete(follower));
    this.#followers.add(follower);
    return follower;
  }

  tell(change: StateChange): void {
    for (const follower of this.#followers) follower.note(change);
  }

  clear(): void {
    this.#followers.clear();
  }
}

class Follower implements StateFollower {
  readonly #wake: () => void;
  readonly #leave: () => void;
  #waiting = new Map<string, StateChange>();

  constructor(wake: () => void, leave: () => void) {
    this.#wake = wake;
    this.#leave = leave;
  }

  note(change: StateChange): void {
    const key = `${change.entityId}\n${change.capability}`;
    const first = this.#waiting.size === 0;
    // Taken out and put back, so that what is taken comes in the order of the last changes.
    this.#waiting.delete(key);
    this.#waiting.set(key, change);
    if (first) this.#wake();
  }

  take(): StateChange[] {
    if (this.#waiting.size === 0) return [];
    const changes = [...this.#waiting.values()];
    this.#waiting = new Map();
    return changes;
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}
