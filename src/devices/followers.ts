import type { Logger } from '../base/log.ts';
import type { StateChange, StateFollower } from './types.ts';

/** How many events wait for a follower before the oldest are dropped: far more than people press while it is slow. */
const WAITING_EVENTS = 1_000;

/**
 * Tells followers about state changes at once, without letting a slow one hold anything up: what a follower has not
 * taken yet is the last value per capability, so it costs at most one entry for each capability of the home. Events are
 * kept one by one, because two presses are not one; their number is bounded.
 */
export class StateFollowers {
  readonly #followers = new Set<Follower>();
  readonly #log: Logger;
  /** Those to be woken at the end of what is told together; undefined while nothing is. */
  #asleep: Set<Follower> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  follow(wake: () => void): StateFollower {
    const follower = new Follower({
      wake,
      becomesDue: () => {
        if (this.#asleep) this.#asleep.add(follower);
        else wake();
      },
      leave: () => this.#followers.delete(follower),
      log: this.#log,
    });
    this.#followers.add(follower);
    return follower;
  }

  /** What `work` tells wakes each follower once, at its end. */
  together(work: () => void): void {
    if (this.#asleep) {
      work();
      return;
    }
    const asleep = new Set<Follower>();
    this.#asleep = asleep;
    try {
      work();
    } finally {
      this.#asleep = undefined;
      for (const follower of asleep) if (this.#followers.has(follower)) follower.wake();
    }
  }

  tell(change: StateChange): void {
    const key = `${change.entityId}\n${change.capability}`;
    for (const follower of this.#followers) {
      if (change.isEvent) follower.noteEvent(change);
      else follower.note(key, change);
    }
  }

  clear(): void {
    this.#followers.clear();
  }
}

interface FollowerOptions {
  readonly wake: () => void;
  /** Called when there is something to take, after there was nothing. */
  readonly becomesDue: () => void;
  readonly leave: () => void;
  readonly log: Logger;
}

class Follower implements StateFollower {
  readonly #options: FollowerOptions;
  /** By capability, events by themselves. */
  #waiting = new Map<string | StateChange, StateChange>();
  #events = new Set<StateChange>();
  /** Events that were dropped since the follower took last. */
  #dropped = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Wakes whoever follows, unless everything was taken meanwhile. */
  wake(): void {
    if (this.#waiting.size > 0) this.#options.wake();
  }

  note(key: string, change: StateChange): void {
    this.#put(key, change);
  }

  noteEvent(change: StateChange): void {
    if (this.#events.size >= WAITING_EVENTS) this.#dropOldestEvent();
    this.#events.add(change);
    this.#put(change, change);
  }

  take(): StateChange[] {
    if (this.#waiting.size === 0) return [];
    const changes = [...this.#waiting.values()];
    if (this.#dropped > 0) {
      this.#options.log.warn({ dropped: this.#dropped }, 'events were lost: a follower took them too late');
    }
    this.#waiting = new Map();
    this.#events = new Set();
    this.#dropped = 0;
    return changes;
  }

  [Symbol.dispose](): void {
    this.#options.leave();
  }

  #put(key: string | StateChange, change: StateChange): void {
    const first = this.#waiting.size === 0;
    // Taken out and put back, so that what is taken comes in the order of the last changes.
    this.#waiting.delete(key);
    this.#waiting.set(key, change);
    if (first) this.#options.becomesDue();
  }

  #dropOldestEvent(): void {
    const [oldest] = this.#events;
    if (oldest === undefined) return;
    this.#events.delete(oldest);
    this.#waiting.delete(oldest);
    if (this.#dropped === 0) {
      this.#options.log.warn(
        { waiting: WAITING_EVENTS },
        'a follower of the states does not keep up; the oldest events are dropped',
      );
    }
    this.#dropped += 1;
  }
}
