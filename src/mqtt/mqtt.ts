import type {
  BrokerUsers,
  LinkHandlers,
  MqttLink,
  MqttOptions,
  MqttPart,
  OutgoingMessage,
  TlsSource,
} from './types.ts';

import { StartError } from '../base/errors.ts';
import { Discovery } from './discovery/discovery.ts';
import { DiscoveryQueue } from './discovery/queue.ts';
import { discoveryFilters } from './discovery/topic.ts';
import { Inspection } from './inspection.ts';
import { NativeProtocols } from './native/native.ts';
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
  readonly #natives: NativeProtocols;
  readonly inspector: Inspection;
  #link: MqttLink | undefined;
  #url = '';
  #lostTimer: NodeJS.Timeout | undefined;
  #birthTimer: NodeJS.Timeout | undefined;
  /** Published, and not yet heard back. */
  #ownBirths = 0;
  #warnedOfReader = false;
  #closing: Promise<void> | undefined;

  constructor(options: MqttOptions) {
    const { discoveryPrefix: prefix, registry, clock, log, mode } = options;
    const link = (): MqttLink | undefined => this.#link;
    this.#options = options;
    this.#router = new Router(link, log);
    this.#discovery = new Discovery({
      prefix,
      registry,
      router: this.#router,
      clock,
      log,
      availabilityGraceMs: this.#graceMs,
      askAgain: () => this.#askAgain(),
      ...(options.betterSourceMs === undefined ? {} : { betterSourceMs: options.betterSourceMs }),
    });
    const shared = { router: this.#router, discovery: this.#discovery, link };
    this.#natives = new NativeProtocols({ ...shared, log });
    this.inspector = new Inspection({ ...shared, mode, url: () => this.#url, clock });
    this.#queue = new DiscoveryQueue(
      (message) => this.#discovery.handle(message),
      () => this.#discovery.settle(),
    );
    this.sink = new MqttSink(
      link,
      (id) => this.#discovery.find(id),
      (id) => this.inspector.whyUnavailable(id),
    );
  }

  get url(): string {
    return this.#url;
  }

  get tlsUrl(): string | null {
    return this.#link?.tlsUrl ?? null;
  }

  get users(): BrokerUsers | null {
    return this.#link?.users ?? null;
  }

  get connected(): boolean {
    return this.#link?.connected ?? false;
  }

  async start(): Promise<void> {
    this.#listen();
    const handlers: LinkHandlers = {
      message: (message) => this.#options.registry.together(() => this.#router.deliver(message)),
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
      const tls = this.#brokerTls();
      return await EmbeddedLink.start({ host, port, tls, username, password, store, clock, log }, handlers);
    }
    const { ExternalLink } = await import('./link/external-link.ts');
    const { tls, protocol } = this.#options;
    const will = this.#options.birth ? { will: this.#status('offline') } : {};
    const further = { tls: tls ?? null, protocol: protocol ?? 'auto', ...will };
    return await ExternalLink.start({ url: url ?? '', username, password, log, ...further }, handlers);
  }

  #brokerTls(): { port: number; identity: TlsSource } | null {
    const { tls, tlsIdentity: identity } = this.#options;
    const port = tls?.port ?? null;
    if (port === null) return null;
    if (identity) return { port, identity };
    throw new StartError('mqtt', 'mqtt.tls.port needs a certificate.', { badConfiguration: true });
  }

  #listen(): void {
    for (const filter of discoveryFilters(this.#options.discoveryPrefix)) {
      this.#router.add(filter, 1, ({ topic, text }) => this.#queue.push({ topic, text }));
    }
    this.#router.add(this.#statusTopic, 0, ({ text }) => this.#onStatus(text));
  }

  #onConnected(): void {
    // The first call comes while the link is still being made; `start` repeats it then.
    if (!this.#link) return;
    clearTimeout(this.#lostTimer);
    this.inspector.noteLink();
    this.#router.resubscribe();
    this.#natives.connected();
    for (const component of this.#discovery.components()) component.linkFound();
    if (!this.#options.birth) return;
    clearTimeout(this.#birthTimer);
    this.#birthTimer = setTimeout(() => {
      if (!this.connected) return;
      this.#ownBirths += 1;
      this.#link?.publish(this.#status('online'));
    }, BIRTH_DELAY_MS);
  }

  /** Two readers that both call themselves the only one make devices send everything twice. */
  #onStatus(text: string): void {
    const { birth, log } = this.#options;
    if (text === 'online' && this.#ownBirths > 0) this.#ownBirths -= 1;
    else if (birth && text === 'online' && !this.#warnedOfReader) {
      this.#warnedOfReader = true;
      log.warn(
        { topic: this.#statusTopic },
        'another reader of discovery announces itself on this broker: switch mqtt.birth off',
      );
    } else log.debug({ status: text.slice(0, 40) }, 'a reader of discovery announced itself');
  }

  /** Has every device told of again, by whoever tells of it. */
  #askAgain(): void {
    for (const filter of discoveryFilters(this.#options.discoveryPrefix)) this.#router.ask(filter);
    this.#natives.askAgain();
  }

  #onDisconnected(): void {
    clearTimeout(this.#birthTimer);
    clearTimeout(this.#lostTimer);
    this.inspector.noteLink();
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
    this.#natives[Symbol.dispose]();
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
