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

  constructor(log: Logger) {
    this.#log = log;
  }

  follow(wake: () => void): StateFollower {
    const follower = new Follower(wake, () => this.#followers.delete(follower), this.#log);
    this.#followers.add(follower);
    return follower;
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

class Follower implements StateFollower {
  readonly #wake: () => void;
  readonly #leave: () => void;
  readonly #log: Logger;
  /** By capability, events by themselves. */
  #waiting = new Map<string | StateChange, StateChange>();
  #events = new Set<StateChange>();
  /** Events that were dropped since the follower took last. */
  #dropped = 0;

  constructor(wake: () => void, leave: () => void, log: Logger) {
    this.#wake = wake;
    this.#leave = leave;
    this.#log = log;
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
      this.#log.warn({ dropped: this.#dropped }, 'events were lost: a follower took them too late');
    }
    this.#waiting = new Map();
    this.#events = new Set();
    this.#dropped = 0;
    return changes;
  }

  [Symbol.dispose](): void {
    this.#leave();
  }

  #put(key: string | StateChange, change: StateChange): void {
    const first = this.#waiting.size === 0;
    // Taken out and put back, so that what is taken comes in the order of the last changes.
    this.#waiting.delete(key);
    this.#waiting.set(key, change);
    if (first) this.#wake();
  }

  #dropOldestEvent(): void {
    const [oldest] = this.#events;
    if (oldest === undefined) return;
    this.#events.delete(oldest);
    this.#waiting.delete(oldest);
    if (this.#dropped === 0) {
      this.#log.warn(
        { waiting: WAITING_EVENTS },
        'a follower of the states does not keep up; the oldest events are dropped',
      );
    }
    this.#dropped += 1;
  }
}
