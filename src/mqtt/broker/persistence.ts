import { Readable } from 'node:stream';

import type { Qos } from '../types.ts';
import type { RetainedMessages } from './retained.ts';

import { LIMITS } from '../limits.ts';
import { filterMatcher, hasWildcard } from '../topics.ts';

/** A packet as the broker hands it over; only what is read here. */
export interface StoredPacket {
  readonly cmd: string;
  readonly topic?: string;
  readonly payload?: Buffer;
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
  messageId?: number | undefined;
  clientId?: string;
}

interface ClientRef {
  readonly id: string;
}

interface SubscriptionRecord {
  readonly qos: Qos;
  readonly rh?: number;
  readonly rap?: boolean;
  readonly nl?: boolean;
}

type Subscription = SubscriptionRecord & { readonly topic: string };
type Subscriber = Subscription & { readonly clientId: string };

interface Session {
  readonly subscriptions: Map<string, { record: SubscriptionRecord; matches: (topic: string) => boolean }>;
  queue: StoredPacket[];
  queueBytes: number;
}

/**
 * What the broker remembers for its clients, bounded where aedes' own memory persistence grows without end: sessions
 * that outlive their connection, their queues, and begun QoS 2 messages. Sessions are lost with the process, as
 * with any broker that has no disk for them; retained messages are not (see RetainedMessages).
 */
export class BrokerPersistence {
  readonly #retained: RetainedMessages;
  /** Least recently subscribed first. */
  readonly #sessions = new Map<string, Session>();
  readonly #incoming = new Map<string, Map<number, StoredPacket>>();
  readonly #wills = new Map<string, StoredPacket>();
  /** Clients by exact filter: most filters have no wildcard, and each publish looks here. */
  readonly #byTopic = new Map<string, Set<string>>();
  readonly #withWildcard = new Set<string>();
  #brokerId = '';

  constructor(retained: RetainedMessages) {
    this.#retained = retained;
  }

  async setup(broker: { id: string }): Promise<void> {
    this.#brokerId = await Promise.resolve(broker.id);
  }

  /** The broker writes retained messages itself, in the order of arrival; aedes calls this later and out of order. */
  async storeRetained(): Promise<void> {}

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter]);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#retainedPackets(filters));
  }

  *#retainedPackets(filters: readonly string[]): Generator<StoredPacket> {
    for (const filter of filters) {
      for (const { topic, payload, qos } of this.#retained.match(filter)) {
        yield { cmd: 'publish', topic, payload, qos, retain: true };
      }
    }
  }

  async addSubscriptions(client: ClientRef, subscriptions: readonly Subscription[]): Promise<void> {
    const session = this.#sessions.get(client.id) ?? {
      subscriptions: new Map(),
      queue: [],
      queueBytes: 0,
    };
    this.#sessions.delete(client.id);
    this.#sessions.set(client.id, session);
    for (const { topic, qos, rh, rap, nl } of subscriptions) {
      const record: SubscriptionRecord = {
        qos,
        ...(rh === undefined ? {} : { rh }),
        ...(rap === undefined ? {} : { rap }),
        ...(nl === undefined ? {} : { nl }),
      };
      session.subscriptions.set(topic, { record, matches: filterMatcher(topic) });
      this.#index(client.id, topic);
    }
    const oldest = this.#sessions.size > LIMITS.sessions ? this.#sessions.keys().next().value : undefined;
    if (oldest !== undefined) await this.cleanSubscriptions({ id: oldest });
  }

  #index(clientId: string, filter: string): void {
    if (hasWildcard(filter)) {
      this.#withWildcard.add(clientId);
      return;
    }
    const clients = this.#byTopic.get(filter) ?? new Set();
    clients.add(clientId);
    this.#byTopic.set(filter, clients);
  }

  async removeSubscriptions(client: ClientRef, filters: readonly string[]): Promise<void> {
    const session = this.#sessions.get(client.id);
    if (!session) return;
    for (const filter of filters) {
      session.subscriptions.delete(filter);
      this.#unindex(client.id, filter);
    }
    if (![...session.subscriptions.keys()].some(hasWildcard)) this.#withWildcard.delete(client.id);
    if (session.subscriptions.size === 0 && session.queue.length === 0) this.#sessions.delete(client.id);
  }

  #unindex(clientId: string, filter: string): void {
    const clients = this.#byTopic.get(filter);
    clients?.delete(clientId);
    if (clients?.size === 0) this.#byTopic.delete(filter);
  }

  async subscriptionsByClient(client: ClientRef): Promise<Subscription[]> {
    const session = this.#sessions.get(client.id);
    return [...(session?.subscriptions ?? [])].map(([topic, { record }]) => ({ topic, ...record }));
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    let subsCount = 0;
    for (const { subscriptions } of this.#sessions.values()) subsCount += subscriptions.size;
    return { subsCount, clientsCount: this.#sessions.size };
  }

  /** Who gets the message queued: one entry for each client, with its highest QoS above 0. */
  async subscriptionsByTopic(topic: string): Promise<Subscriber[]> {
    const clients = new Set([...(this.#byTopic.get(topic) ?? []), ...this.#withWildcard]);
    const found: Subscriber[] = [];
    for (const clientId of clients) {
      let best: Subscriber | undefined;
      for (const [filter, { matches, record }] of this.#sessions.get(clientId)?.subscriptions ?? []) {
        if (record.qos === 0 || (best && best.qos >= record.qos) || !matches(topic)) continue;
        best = { clientId, topic: filter, ...record };
      }
      if (best) found.push(best);
    }
    return found;
  }

  async cleanSubscriptions(client: ClientRef): Promise<void> {
    const session = this.#sessions.get(client.id);
    if (!session) return;
    for (const filter of session.subscriptions.keys()) this.#unindex(client.id, filter);
    this.#withWildcard.delete(client.id);
    this.#sessions.delete(client.id);
  }

  async outgoingEnqueue(subscriber: { clientId: string }, packet: StoredPacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscriber], packet);
  }

  async outgoingEnqueueCombi(
    subscribers: readonly { clientId: string }[],
    packet: StoredPacket,
  ): Promise<void> {
    for (const { clientId } of subscribers) {
      const session = this.#sessions.get(clientId);
      if (!session || session.queue.length >= LIMITS.queuedPerSession) continue;
      if (session.queueBytes + sizeOf(packet) > LIMITS.queuedBytesPerSession) continue;
      session.queue.push({ ...packet, messageId: undefined });
      session.queueBytes += sizeOf(packet);
    }
  }

  async outgoingUpdate(client: ClientRef, packet: StoredPacket): Promise<void> {
    const session = this.#sessions.get(client.id);
    for (const [index, queued] of session?.queue.entries() ?? []) {
      if (queued.brokerId === packet.brokerId) {
        if (queued.brokerCounter !== packet.brokerCounter) continue;
        queued.messageId = packet.messageId;
        return;
      }
      if (queued.messageId !== packet.messageId || !session) continue;
      session.queueBytes -= sizeOf(queued);
      session.queue[index] = packet;
      return;
    }
    throw new Error('the message is not in the queue');
  }

  async outgoingClearMessageId(client: ClientRef, packet: StoredPacket): Promise<StoredPacket | undefined> {
    const session = this.#sessions.get(client.id);
    const index = session?.queue.findIndex(({ messageId }) => messageId === packet.messageId) ?? -1;
    if (!session || index === -1) return undefined;
    const [removed] = session.queue.splice(index, 1);
    if (removed) session.queueBytes -= sizeOf(removed);
    return removed;
  }

  outgoingStream(client: ClientRef): Readable {
    return Readable.from([...(this.#sessions.get(client.id)?.queue ?? [])]);
  }

  async incomingStorePacket(client: ClientRef, packet: StoredPacket): Promise<void> {
    const store = this.#incoming.get(client.id) ?? new Map<number, StoredPacket>();
    this.#incoming.set(client.id, store);
    // Only the fact that the id is in use is ever asked for; the payload would be kept until the client finishes.
    if (packet.messageId !== undefined) store.set(packet.messageId, { cmd: packet.cmd });
  }

  async incomingGetPacket(client: ClientRef, packet: StoredPacket): Promise<StoredPacket> {
    const found = this.#incoming.get(client.id)?.get(packet.messageId ?? -1);
    if (!found) throw new Error('no such packet');
    return found;
  }

  async incomingDelPacket(client: ClientRef, packet: StoredPacket): Promise<void> {
    if (!this.#incoming.get(client.id)?.delete(packet.messageId ?? -1)) throw new Error('no such packet');
  }

  async cleanIncoming(client: ClientRef): Promise<void> {
    this.#incoming.delete(client.id);
  }

  async putWill(client: ClientRef, packet: StoredPacket): Promise<void> {
    Object.assign(packet, { brokerId: this.#brokerId, clientId: client.id });
    this.#wills.set(client.id, packet);
  }

  async getWill(client: ClientRef): Promise<StoredPacket | undefined> {
    return this.#wills.get(client.id);
  }

  async delWill(client: ClientRef): Promise<StoredPacket | undefined> {
    const will = this.#wills.get(client.id);
    this.#wills.delete(client.id);
    return will;
  }

  /** Wills of other brokers in a cluster, of which there is none. */
  streamWill(): Readable {
    return Readable.from([]);
  }

  getClientList(filter: string): Readable {
    return Readable.from([...(this.#byTopic.get(filter) ?? [])]);
  }

  async destroy(): Promise<void> {}
}

function sizeOf(packet: StoredPacket): number {
  return (packet.payload?.length ?? 0) + (packet.topic?.length ?? 0);
}
