import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { CommandSink, DeviceRegistry } from '../devices/types.ts';

export interface MqttOptions {
  readonly mode: 'embedded' | 'external';
  /** Where the embedded broker listens. */
  readonly host: string;
  /** Of the embedded broker; 0 = any free port. */
  readonly port: number;
  /** Of the external broker, without credentials; null in mode `embedded`. */
  readonly url: string | null;
  /** Of the one account of the embedded broker, or the hub's account at the external one (empty = none). */
  readonly username: string;
  readonly password: string;
  /** Without wildcards and without `/` at either end. */
  readonly discoveryPrefix: string;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * True when this hub is the only reader of discovery: then it announces itself on `<prefix>/status`, and devices that
   * do not retain their description send it again. Default false, so as not to disturb another hub on the broker.
   */
  readonly birth?: boolean;
  /** How long retained availability, or a lost broker, is waited for before devices count as gone. Default 3 s. */
  readonly availabilityGraceMs?: number;
}

/** The door to MQTT devices. */
export interface MqttPart extends AsyncDisposable {
  /** Where devices connect to, with the real port and without credentials. */
  readonly url: string;
  /** Takes the commands for the discovered components. */
  readonly sink: CommandSink;
  /** Whether the broker can be reached at the moment. */
  readonly connected: boolean;
}

export type Qos = 0 | 1 | 2;

/** A message on its way in. `payload` is only borrowed: whoever keeps it copies it. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** True when it was kept by the broker and is older than the subscription. */
  readonly retained: boolean;
}

/** A message on its way out. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
  readonly retain: boolean;
}

/** Who is told what a link sees. The calls come on the turn in which the packet arrived. */
export interface LinkHandlers {
  message(message: IncomingMessage): void;
  /** The link works (again); the broker has forgotten the subscriptions that it was told before. */
  connected(): void;
  disconnected(): void;
}

/** The hub as a client of a broker: its own, in the same process, or one elsewhere. */
export interface MqttLink extends AsyncDisposable {
  /** Where devices connect to; without credentials. */
  readonly url: string;
  readonly connected: boolean;
  /**
   * Asks for a filter's messages; its retained ones are delivered again each time. A link may deliver messages that
   * nobody asked for.
   */
  subscribe(filter: string, qos: Qos): void;
  unsubscribe(filter: string): void;
  /**
   * Hands a message to the transport; returns once it was taken, not once it was received.
   * @throws HubError `unavailable` while the link is down, `invalid` when the topic can't be published to.
   */
  publish(message: OutgoingMessage): void;
}

/** What devices show to the broker. */
export interface BrokerLogin {
  readonly username: string;
  readonly password: string;
  /** Where a generated password stands for the person; null when it was configured. */
  readonly file: string | null;
  /** It stands there sealed, so that it has to be shown. */
  readonly sealed?: boolean;
}
