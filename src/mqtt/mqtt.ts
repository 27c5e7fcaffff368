import type { LinkHandlers, MqttLink, MqttOptions, MqttPart, OutgoingMessage } from './types.ts';

import { StartError } from '../base/errors.ts';
import { Discovery } from './discovery/discovery.ts';
import { DiscoveryQueue } from './discovery/queue.ts';
import { discoveryFilters } from './discovery/topic.ts';
import { Router } from './router.ts';
import { MqttSink } from './sink.ts';
import { isPublishTopic } from './topics.ts';

export { keepBrokerLogin } from './broker-login.ts';
export type { MqttOptions, MqttPart } from './types.ts';

/**
 * Starts the broker, or connects to one, and begins to discover devices. A state message reaches `registry.report` on
 * the turn in which its packet arrived. An external broker that is not there yet is waited for in the background.
 * @throws StartError `mqtt`: the port is taken, the credentials were refused, an option can't be right.
 */
export async function startMqtt(options: MqttOptions): Promise<MqttPart> {
  checkOptions(options);
  const part = new Mqtt(options);
  try {
    await part.start();
    return part;
  } catch (error) {
    await part[Symbol.asyncDispose]();
    throw error;
  }
}

const AVAILABILITY_GRACE_MS = 3_000;
/** Devices answer a birth with all their states at once; by then the hub listens to them. */
const BIRTH_DELAY_MS = 2_000;

class Mqtt implements MqttPart {
  readonly sink: MqttSink;
  readonly #options: MqttOptions;
  readonly #router: Router;
  readonly #discovery: Discovery;
  readonly #queue: DiscoveryQueue;
  #link: MqttLink | undefined;
  #url = '';
  #lostTimer: NodeJS.Timeout | undefined;
  #birthTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MqttOptions) {
    const { discoveryPrefix: prefix, registry, log } = options;
    this.#options = options;
    this.#router = new Router(() => this.#link, log);
    this.#discovery = new Discovery({
      prefix,
      registry,
      router: this.#router,
      log,
      availabilityGraceMs: this.#graceMs,
    });
    this.#queue = new DiscoveryQueue((message) => this.#discovery.handle(message));
    this.sink = new MqttSink(
      () => this.#link,
      (id) => this.#discovery.find(id),
    );
  }

  get url(): string {
    return this.#url;
  }

  get connected(): boolean {
    return this.#link?.connected ?? false;
  }

  async start(): Promise<void> {
    this.#listen();
    const handlers: LinkHandlers = {
      message: (message) => this.#router.deliver(message),
      connected: () => this.#onConnected(),
      disconnected: () => this.#onDisconnected(),
    };
    this.#link = await this.#startLink(handlers);
    this.#url = this.#link.url;
    if (this.#link.connected) this.#onConnected();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  get #graceMs(): number {
    return this.#options.availabilityGraceMs ?? AVAILABILITY_GRACE_MS;
  }

  get #statusTopic(): string {
    return `${this.#options.discoveryPrefix}/status`;
  }

  /** Each mode's libraries are loaded only where they are used: they cost megabytes on a small Pi. */
  async #startLink(handlers: LinkHandlers): Promise<MqttLink> {
    const { mode, host, port, url, username, password, store, clock, log } = this.#options;
    if (mode === 'embedded') {
      const { EmbeddedLink } = await import('./link/embedded-link.ts');
      return await EmbeddedLink.start({ host, port, username, password, store, clock, log }, handlers);
    }
    const { ExternalLink } = await import('./link/external-link.ts');
    const will = this.#options.birth ? { will: this.#status('offline') } : {};
    return await ExternalLink.start({ url: url ?? '', username, password, log, ...will }, handlers);
  }

  #listen(): void {
    for (const filter of discoveryFilters(this.#options.discoveryPrefix)) {
      this.#router.add(filter, 1, ({ topic, text }) => this.#queue.push({ topic, text }));
    }
    this.#router.add(this.#statusTopic, 0, ({ text }) => {
      this.#options.log.debug({ status: text.slice(0, 40) }, 'a reader of discovery announced itself');
    });
  }

  #onConnected(): void {
    // The first call comes while the link is still being made; `start` repeats it then.
    if (!this.#link) return;
    clearTimeout(this.#lostTimer);
    this.#router.resubscribe();
    for (const component of this.#discovery.components()) component.linkFound();
    if (!this.#options.birth) return;
    clearTimeout(this.#birthTimer);
    this.#birthTimer = setTimeout(() => {
      if (this.connected) this.#link?.publish(this.#status('online'));
    }, BIRTH_DELAY_MS);
  }

  #onDisconnected(): void {
    clearTimeout(this.#birthTimer);
    clearTimeout(this.#lostTimer);
    this.#lostTimer = setTimeout(() => {
      for (const component of this.#discovery.components()) component.linkLost();
    }, this.#graceMs);
  }

  #status(payload: 'online' | 'offline'): OutgoingMessage {
    return { topic: this.#statusTopic, payload, qos: 0, retain: false };
  }

  async #close(): Promise<void> {
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#birthTimer);
    this.#queue[Symbol.dispose]();
    const link = this.#link;
    this.#link = undefined;
    this.#discovery[Symbol.dispose]();
    this.#router[Symbol.dispose]();
    if (this.#options.birth && link?.connected) link.publish(this.#status('offline'));
    await link?.[Symbol.asyncDispose]();
  }
}

function checkOptions({ mode, username, password, discoveryPrefix }: MqttOptions): void {
  if (!isPublishTopic(discoveryPrefix) || /^\/|\/$/.test(discoveryPrefix)) {
    throw new StartError(
      'mqtt',
      'mqtt.discovery_prefix must be a topic without wildcards and without / at its ends, such as homeassistant.',
      { badConfiguration: true },
    );
  }
  if (mode === 'embedded' && (username === '' || password === '')) {
    throw new StartError(
      'mqtt',
      'the built-in broker needs mqtt.username and mqtt.password: it lets nobody in without.',
      {
        badConfiguration: true,
      },
    );
  }
}
