import type { Logger } from '../base/log.ts';
import type { IncomingMessage, MqttLink, Qos } from './types.ts';

import { Message } from './message.ts';
import { filterMatcher, hasWildcard } from './topics.ts';

/** Called on the turn in which the message arrived. */
export type Listener = (message: Message) => void;

/** Told every message, and whether anything in the hub listens to its topic. */
export type Overhearer = (message: IncomingMessage, isWanted: boolean) => void;

interface Subscription {
  readonly listeners: Set<Listener>;
  readonly matches: (topic: string) => boolean;
  qos: Qos;
  /** The broker was asked for it. */
  isAsked: boolean;
  /**
   * Of a topic that listeners go on joining: what it said last, so that each of them is told, and not all of them again
   * with each newcomer. A bridge of 500 devices has one topic on which it says that it is there.
   */
  isRemembered: boolean;
  /** The broker was asked since then: its answer is for all that join before it comes, and there may be none. */
  isAwaited: boolean;
  last: IncomingMessage | undefined;
  readonly newcomers: Set<Listener>;
}

/**
 * Who wants which topic. The broker is asked once for each filter however many listeners share it, and only while
 * there is one; a message that nobody wants costs one look-up.
 */
export class Router implements Disposable {
  readonly #exact = new Map<string, Subscription>();
  readonly #wildcards = new Map<string, Subscription>();
  readonly #toSubscribe = new Set<string>();
  readonly #getLink: () => MqttLink | undefined;
  readonly #log: Logger;
  #flushing: NodeJS.Immediate | undefined;
  #overhears: Overhearer | undefined;
  /** Messages that came, and times that a listener could not handle one, since the hub was started. */
  readonly counters = { received: 0, failed: 0 };

  /** `link` may answer undefined until the link is there. */
  constructor(link: () => MqttLink | undefined, log: Logger) {
    this.#getLink = link;
    this.#log = log;
  }

  /** From now on the listener gets the filter's messages; soon, the retained ones again too. */
  add(filter: string, qos: Qos, listener: Listener): void {
    const table = hasWildcard(filter) ? this.#wildcards : this.#exact;
    const subscription = table.get(filter) ?? newSubscription(filter, qos);
    subscription.listeners.add(listener);
    table.set(filter, subscription);
    const isCovered = subscription.qos >= qos;
    if (!isCovered) subscription.qos = qos;
    if (subscription.last && isCovered) subscription.newcomers.add(listener);
    else if (subscription.isAsked && table === this.#exact) {
      if (subscription.isAwaited && isCovered) return;
      subscription.isRemembered = subscription.isAwaited = true;
    }
    // A device announces ten components on one topic in a burst: asking once at its end gives all ten the state.
    this.ask(filter);
  }

  remove(filter: string, listener: Listener): void {
    const table = hasWildcard(filter) ? this.#wildcards : this.#exact;
    const subscription = table.get(filter);
    subscription?.newcomers.delete(listener);
    if (!subscription?.listeners.delete(listener) || subscription.listeners.size > 0) return;
    table.delete(filter);
    if (!this.#toSubscribe.delete(filter)) this.#getLink()?.unsubscribe(filter);
  }

  /** The retained messages of a filter that is listened to come again, soon. */
  ask(filter: string): void {
    this.#toSubscribe.add(filter);
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /** Asks the broker for everything anew, after it forgot. */
  resubscribe(): void {
    for (const filter of this.#wildcards.keys()) this.#toSubscribe.add(filter);
    for (const [filter, subscription] of this.#exact) {
      subscription.last = undefined;
      subscription.newcomers.clear();
      subscription.isAwaited = false;
      this.#toSubscribe.add(filter);
    }
    this.flush();
  }

  /** Sends the subscriptions that wait. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const link = this.#getLink();
    if (!link) return;
    const filters = [...this.#toSubscribe];
    this.#toSubscribe.clear();
    for (const filter of filters) {
      const subscription = this.#exact.get(filter) ?? this.#wildcards.get(filter);
      if (!subscription) continue;
      const { last, newcomers } = subscription;
      if (last && newcomers.size > 0) {
        const listeners = [...newcomers];
        newcomers.clear();
        this.#tell(listeners, new Message(last));
        continue;
      }
      subscription.isAsked = true;
      link.subscribe(filter, subscription.qos);
    }
  }

  /** Gives a message to all that want it. */
  deliver(incoming: IncomingMessage): void {
    this.counters.received += 1;
    const exact = this.#exact.get(incoming.topic);
    let message: Message | undefined;
    if (exact) {
      message = new Message(incoming);
      // Payloads are only borrowed; and whoever hears of it later hears of something kept.
      if (exact.isRemembered) {
        exact.last = { ...incoming, payload: Buffer.from(incoming.payload), retained: true };
        exact.newcomers.clear();
      }
      this.#tell(exact.listeners, message);
    }
    for (const subscription of this.#wildcards.values()) {
      if (!subscription.matches(incoming.topic)) continue;
      message ??= new Message(incoming);
      this.#tell(subscription.listeners, message);
    }
    this.#overhears?.(incoming, message !== undefined);
  }

  /**
   * Tells of every message, until disposed.
   * @param everything asks the broker for those too that the hub did not subscribe to.
   */
  overhear(everything: boolean, overhears: Overhearer): Disposable {
    this.#overhears = overhears;
    if (everything) this.#getLink()?.subscribe('#', 0);
    return {
      [Symbol.dispose]: () => {
        this.#overhears = undefined;
        if (everything) this.#getLink()?.unsubscribe('#');
      },
    };
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#flushing);
    this.#exact.clear();
    this.#wildcards.clear();
    this.#toSubscribe.clear();
  }

  /** One listener's error must not keep the message from the others, nor end the process. */
  #tell(listeners: Iterable<Listener>, message: Message): void {
    for (const listener of listeners) {
      try {
        listener(message);
      } catch (error) {
        this.counters.failed += 1;
        this.#log.error({ err: error, topic: message.topic }, 'a message could not be handled');
      }
    }
  }
}

function newSubscription(filter: string, qos: Qos): Subscription {
  return {
    listeners: new Set(),
    matches: filterMatcher(filter),
    qos,
    isAsked: false,
    isRemembered: false,
    isAwaited: false,
    last: undefined,
    newcomers: new Set(),
  };
}
