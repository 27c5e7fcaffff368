import type { StateEvent } from './messages.ts';
import type { LocalChange, Report } from './types.ts';

/**
 * How the client stands with its hub: `stopped` (nobody called `start`), `offline`, `syncing`, `polling` (in contact
 * without a WebSocket), `live`, `signed_out` (log in and call `wake`).
 */
export type Status = 'stopped' | 'offline' | 'syncing' | 'polling' | 'live' | 'signed_out';

/** What the client tells. Everything but `state`, `notice` and `error` can be read again: an event only says when. */
export interface ClientEvents {
  /** Things look different now; it is stored. */
  change: readonly LocalChange[];
  /** An edit did not become the state. */
  report: Report;
  /** A device reports a value, while live. */
  state: StateEvent;
  status: Status;
  /** The hub has something to say to people, or did not understand the client. */
  notice: { readonly level: string; readonly text: string };
  /** Something failed that nobody waits for; it is tried again where that can help. */
  error: unknown;
}

type Listener<T> = (event: T) => void;

/** Calls listeners; one that throws stops neither the others nor the client. */
export class Events {
  readonly #listeners: { [Name in keyof ClientEvents]: Set<Listener<ClientEvents[Name]>> } = {
    change: new Set(),
    report: new Set(),
    state: new Set(),
    status: new Set(),
    notice: new Set(),
    error: new Set(),
  };

  /** Returns how to stop listening. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    this.#listeners[name].add(listener);
    return () => {
      this.#listeners[name].delete(listener);
    };
  }

  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    for (const listener of this.#listeners[name]) {
      try {
        listener(event);
      } catch (error) {
        if (name !== 'error') this.emit('error', error);
      }
    }
  }
}
