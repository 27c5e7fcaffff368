import { Readable } from 'node:stream';

import type { RetainedMessages } from './retained.ts';
import type { Session, StoredPacket, SubscriptionRecord } from './session.ts';
import type { Sessions } from './sessions.ts';

import { filterMatcher, hasWildcard } from '../topics.ts';

interface ClientRef {
  readonly id: string;
}

type Subscription = SubscriptionRecord & { readonly topic: string };
type Subscriber = Subscription & { readonly clientId: string };

export interface PersistenceOptions {
  readonly retained: RetainedMessages;
  readonly sessions: Sessions;
  /** As whom the client came in, and whether that is a named user. */
  readonly ownerOf: (client: ClientRef) => { readonly name: string; readonly isNamed: boolean };
  /** Whether the client may subscribe to it. */
  readonly maySubscribe: (client: ClientRef, filter: string) => boolean;
}

/**
 * What the broker remembers for its clients, bounded where aedes' own memory persistence grows without end: sessions
 * that outlive their connection (see Sessions), begun QoS 2 messages and wills. Retained messages are written in
 * another way (see RetainedMessages).
 */
export class BrokerPersistence {
  readonly #options: PersistenceOptions;
  readonly #retained: RetainedMessages;
  readonly #sessions: Sessions;
  readonly #incoming = new Map<string, Map<number, StoredPacket>>();
  readonly #wills = new Map<string, StoredPacket>();
  /** Clients by exact filter: most filters have no wildcard, and each publish looks here. */
  readonly #byTopic = new Map<string, Set<string>>();
  readonly #withWildcard = new Set<string>();
  #brokerId = '';

  constructor(options: PersistenceOptions) {
    this.#options = options;
    this.#retained = options.retained;
    this.#sessions = options.sessions;
    this.#sessions.onDrop = (session) => this.#forget(session);
    for (const session of this.#sessions.values()) {
      for (const filter of session.subscriptions.keys()) this.#index(session.clientId, filter);
    }
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

  /** The broker hands over all filters of a packet, those that it has refused among them. */
  async addSubscriptions(client: ClientRef, subscriptions: readonly Subscription[]): Promise<void> {
    const allowed = subscriptions.filter(({ topic }) => this.#options.maySubscribe(client, topic));
    if (allowed.length === 0) return;
    const { name, isNamed } = this.#options.ownerOf(client);
    const session = this.#sessions.get(client.id) ?? this.#sessions.make(client.id, name, isNamed);
    for (const { topic, qos, rh, rap, nl } of allowed) {
      const record: SubscriptionRecord = {
        qos,
        ...(rh === undefined ? {} : { rh }),
        ...(rap === undefined ? {} : { rap }),
        ...(nl === undefined ? {} : { nl }),
      };
      session.subscriptions.set(topic, { record, matches: filterMatcher(topic) });
      this.#index(client.id, topic);
    }
    this.#sessions.changed(session);
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
    if (session) this.#unsubscribe(session, filters);
  }

  #unsubscribe(session: Session, filters: readonly string[]): void {
    for (const filter of filters) {
      session.subscriptions.delete(filter);
      this.#unindex(session.clientId, filter);
    }
    if (![...session.subscriptions.keys()].some(hasWildcard)) this.#withWildcard.delete(session.clientId);
    if (session.subscriptions.size === 0 && session.queue.length === 0) this.#sessions.drop(session);
    else this.#sessions.changed(session);
  }

  #unindex(clientId: string, filter: string): void {
    const clients = this.#byTopic.get(filter);
    clients?.delete(clientId);
    if (clients?.size === 0) this.#byTopic.delete(filter);
  }

  #forget({ clientId, subscriptions }: Session): void {
    for (const filter of subscriptions.keys()) this.#unindex(clientId, filter);
    this.#withWildcard.delete(clientId);
    this.#incoming.delete(clientId);
  }

  /** A client came in under this name: a session that somebody else has made is not for it. */
  claim(clientId: string, owner: string): void {
    const session = this.#sessions.get(clientId);
    if (session && session.owner !== owner) this.#sessions.drop(session);
  }

  /** The user may do less, or, with null, nothing any more: what its sessions hold goes. */
  revise(owner: string, maySubscribe: ((clientId: string) => (filter: string) => boolean) | null): void {
    for (const session of this.#sessions.values()) {
      if (session.owner !== owner) continue;
      const allows = maySubscribe?.(session.clientId) ?? (() => false);
      const lost = [...session.subscriptions.keys()].filter((filter) => !allows(filter));
      if (lost.length === 0) continue;
      for (const filter of lost) session.subscriptions.delete(filter);
      const stays = ({ topic }: StoredPacket): boolean =>
        topic === undefined || [...session.subscriptions.values()].some(({ matches }) => matches(topic));
      for (let index = session.queue.length - 1; index >= 0; index -= 1) {
        const packet = session.queue[index]?.packet;
        if (packet && !stays(packet)) this.#sessions.remove(session, index);
      }
      this.#unsubscribe(session, lost);
    }
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
    this.#sessions.drop(this.#sessions.get(client.id));
  }

  async outgoingEnqueue(subscriber: { clientId: string }, packet: StoredPacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscriber], packet);
  }

  async outgoingEnqueueCombi(
    subscribers: readonly { clientId: string }[],
    packet: StoredPacket,
  ): Promise<void> {
    if (subscribers.length === 0) return;
    const kept = { ...packet, ...(packet.payload && { payload: ownCopy(packet.payload) }) };
    for (const { clientId } of subscribers) {
      const session = this.#sessions.get(clientId);
      if (session) this.#sessions.enqueue(session, kept);
    }
  }

  async outgoingUpdate(client: ClientRef, packet: StoredPacket): Promise<void> {
    const session = this.#sessions.get(client.id);
    for (const queued of session?.queue ?? []) {
      const known = queued.packet;
      if (!session) break;
      if (known.brokerId === packet.brokerId) {
        if (known.brokerCounter !== packet.brokerCounter) continue;
        this.#sessions.sent(session, queued, packet.messageId);
        return;
      }
      if (known.messageId !== packet.messageId) continue;
      this.#sessions.replace(session, queued, packet);
      return;
    }
    throw new Error('the message is not in the queue');
  }

  async outgoingClearMessageId(client: ClientRef, packet: StoredPacket): Promise<StoredPacket | undefined> {
    const session = this.#sessions.get(client.id);
    const index = session?.queue.findIndex((queued) => queued.packet.messageId === packet.messageId) ?? -1;
    return session && index !== -1 ? this.#sessions.remove(session, index) : undefined;
  }

  outgoingStream(client: ClientRef): Readable {
    return Readable.from((this.#sessions.get(client.id)?.queue ?? []).map(({ packet }) => packet));
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

/** The payload is a view into the socket's buffer: keeping the view would keep 64 KiB for every small message. */
function ownCopy(payload: Buffer): Buffer {
  return payload.buffer.byteLength > 2 * payload.length ? Buffer.from(payload) : payload;
}
