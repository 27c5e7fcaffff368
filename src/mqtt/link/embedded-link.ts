import type { BrokerOptions } from '../broker/broker.ts';
import type { BrokerUsers, LinkHandlers, MqttLink, OutgoingMessage } from '../types.ts';

import { HubError } from '../../base/errors.ts';
import { Broker } from '../broker/broker.ts';
import { isPublishTopic } from '../topics.ts';

/**
 * The hub as a client of the broker in its own process: no socket, no parser, no copy. A message reaches the hub on
 * the turn in which the broker accepted it, before any slow client is waited for.
 */
export class EmbeddedLink implements MqttLink {
  readonly #handlers: LinkHandlers;
  readonly #host: string;
  #broker: Broker | undefined;

  private constructor(host: string, handlers: LinkHandlers) {
    this.#host = host;
    this.#handlers = handlers;
  }

  /** @throws StartError when the port can't be had. */
  static async start(
    options: Omit<BrokerOptions, 'onMessage'>,
    handlers: LinkHandlers,
  ): Promise<EmbeddedLink> {
    const link = new EmbeddedLink(options.host, handlers);
    link.#broker = await Broker.start({ ...options, onMessage: (message) => handlers.message(message) });
    return link;
  }

  get url(): string {
    return `mqtt://${this.#urlHost}:${this.#broker?.port ?? 0}`;
  }

  get tlsUrl(): string | null {
    const port = this.#broker?.tlsPort ?? null;
    return port === null ? null : `mqtts://${this.#urlHost}:${port}`;
  }

  get users(): BrokerUsers | null {
    return this.#broker?.users ?? null;
  }

  get #urlHost(): string {
    return this.#host.includes(':') ? `[${this.#host}]` : this.#host;
  }

  get connected(): boolean {
    return this.#broker !== undefined;
  }

  /** Every message of the broker arrives anyway; what a subscription adds is the retained ones. */
  subscribe(filter: string): void {
    for (const { topic, payload } of this.#broker?.retained.match(filter) ?? []) {
      this.#handlers.message({ topic, payload, retained: true });
    }
  }

  unsubscribe(): void {}

  publish(message: OutgoingMessage): void {
    this.#checked(message).publish(message);
    this.#hearLater(message);
  }

  async deliver(message: OutgoingMessage): Promise<void> {
    const taken = this.#checked(message).deliver(message);
    this.#hearLater(message);
    await taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    await broker?.[Symbol.asyncDispose]();
  }

  #checked(message: OutgoingMessage): Broker {
    if (!this.#broker) throw new HubError('unavailable', 'The hub is shutting down; try again in a moment.');
    if (!isPublishTopic(message.topic)) {
      throw new HubError(
        'invalid',
        `The device asks for commands at "${message.topic}", which is no MQTT topic.`,
      );
    }
    return this.#broker;
  }

  /** As with any broker the hub hears itself, but only after whoever publishes has finished its turn. */
  #hearLater({ topic, payload: text }: OutgoingMessage): void {
    const payload = Buffer.from(text);
    setImmediate(() => {
      if (this.#broker) this.#handlers.message({ topic, payload, retained: false });
    });
  }
}
