import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { CapabilityKind, CommandSink, DeviceRegistry } from '../devices/types.ts';

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
  /** With TLS: the files of an external broker, or the second port of the embedded one. */
  readonly tls?: MqttTlsOptions;
  /** What the embedded broker shows on its TLS port; needed where there is one. */
  readonly tlsIdentity?: TlsSource | null;
  /** What is spoken with an external broker. Default `auto`: MQTT 5, or 3.1.1 where that is refused. */
  readonly protocol?: MqttProtocol;
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
  /** See DiscoveryOptions. */
  readonly betterSourceMs?: number;
}

export type MqttProtocol = 'auto' | '3.1.1' | '5';

export interface MqttTlsOptions {
  /** Of the embedded broker, beside the plain one; 0 = any free port, null = no TLS. */
  readonly port: number | null;
  /** PEM file of the authority that vouches for an external broker; null = those that the system trusts. */
  readonly ca: string | null;
  /** PEM files that the hub shows to an external broker; null where it asks for none. */
  readonly cert: string | null;
  readonly key: string | null;
  /** The name in the external broker's certificate where it is not that of the URL. */
  readonly serverName: string | null;
}

/** A certificate and its key, as text, that may be renewed while the broker runs. */
export interface TlsSource {
  readonly pair: { readonly cert: string; readonly key: string };
  /** Calls back whenever there is another pair. */
  follow(onChange: () => void): void;
}

/** The door to MQTT devices. */
export interface MqttPart extends AsyncDisposable {
  /** Where devices connect to, with the real port and without credentials. */
  readonly url: string;
  /** The same with TLS; null where there is none of our own. */
  readonly tlsUrl: string | null;
  /** Takes the commands for the discovered components. */
  readonly sink: CommandSink;
  /** Whether the broker can be reached at the moment. */
  readonly connected: boolean;
  /** Answers what a person asks. */
  readonly inspector: MqttInspector;
  /** Who may use the embedded broker; null with an external one, which has its own. */
  readonly users: BrokerUsers | null;
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
  readonly tlsUrl: string | null;
  /** Null where somebody else runs the broker. */
  readonly users: BrokerUsers | null;
  readonly connected: boolean;
  /**
   * Asks for a filter's messages; its retained ones are delivered again each time. A link may deliver messages that
   * nobody asked for.
   */
  subscribe(filter: string, qos: Qos): void;
  unsubscribe(filter: string): void;
  /**
   * Hands a message to the transport and does not look back; what becomes of it is logged where it fails.
   * @throws HubError `unavailable` while the link is down, `invalid` when the topic can't be published to.
   */
  publish(message: OutgoingMessage): void;
  /**
   * Publishes, and resolves once the broker has the message: from then on it reaches the devices even if the hub loses
   * its power. The broker of the hub itself has it when it lies in the sockets of the devices that read.
   * @throws HubError as `publish`; `unavailable` also where the broker does not take it in time. It is not sent later then.
   */
  deliver(message: OutgoingMessage): Promise<void>;
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

/** A named user of the embedded broker: a device, or a program, with a password and rights of its own. */
export interface BrokerUser {
  readonly name: string;
  /** What it may publish to; `%u` stands for its name, `%c` for the id that its client shows. */
  readonly publish: readonly string[];
  /** What it may subscribe to: each filter that asks for no more than one of these. */
  readonly subscribe: readonly string[];
  readonly enabled: boolean;
  readonly createdMs: number;
  /** Clients that are connected as this user. */
  readonly connections: number;
}

/** A new user. Without filters it may publish and subscribe to everything but the broker's own `$` topics. */
export interface NewBrokerUser {
  readonly name: string;
  /** Absent: one is made up. */
  readonly password?: string | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly subscribe?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
}

/** What is to be different; the rest stays. */
export interface BrokerUserChange extends Omit<NewBrokerUser, 'name'> {
  /** Have another password made up. */
  readonly newPassword?: boolean | undefined;
}

/** A user and, where one was made up, its password, which is shown this once. */
export interface ToldBrokerUser {
  readonly user: BrokerUser;
  readonly password: string | null;
}

/**
 * Who may use the embedded broker besides the hub's one login. Each change is on disk before the promise resolves, and
 * has disconnected the user's clients by then.
 */
export interface BrokerUsers {
  /** By name. */
  list(): BrokerUser[];
  /** @throws HubError `invalid`, `conflict`. */
  create(user: NewBrokerUser): Promise<ToldBrokerUser>;
  /** @throws HubError `invalid`, `not_found`. */
  change(name: string, change: BrokerUserChange): Promise<ToldBrokerUser>;
  /** @throws HubError `not_found`. */
  delete(name: string): Promise<void>;
}

/** What a component heard last, or what of it could not be understood. */
export interface Heard {
  readonly atMs: number;
  readonly topic: string;
  /** The beginning of the payload. */
  readonly payload: string;
  readonly retained: boolean;
}

/** Where the values of a kind come from, for whoever asks. */
export interface ValueSource {
  readonly kind: CapabilityKind;
  /** A filter. */
  readonly topic: string;
  /** Null where the whole payload is the value. */
  readonly template: string | null;
}

/** What one topic says about whether a component can be reached. */
export interface AvailabilityWord {
  readonly topic: string;
  /** Null until one of the two texts came. */
  readonly available: boolean | null;
  readonly sinceMs: number | null;
}

/** Where a component's values come from. */
export interface ComponentOrigin {
  readonly componentId: string;
  /** `discovery`, or the devices' own protocol. */
  readonly source: string;
  /** The discovery topic, or `protocol:key`. */
  readonly announcedOn: string;
  /** Filters that are listened to. */
  readonly topics: readonly string[];
  readonly values: readonly ValueSource[];
  readonly availability: readonly AvailabilityWord[];
  readonly lastHeard: Heard | null;
  readonly lastFailure: (Heard & { readonly reason: string }) | null;
}

/** One cause of trouble and everything that it makes unreachable. */
export interface MqttProblem {
  readonly kind: 'broker_unreachable' | 'offline';
  /** Where it was said. */
  readonly topic: string | null;
  readonly sinceMs: number | null;
  readonly componentIds: readonly string[];
}

export interface MqttStatus {
  readonly mode: 'embedded' | 'external';
  readonly url: string;
  readonly connected: boolean;
  /** Since when it is connected, or not. */
  readonly sinceMs: number;
  readonly components: { readonly total: number; readonly unsupported: number };
  readonly problems: readonly MqttProblem[];
}

/** A description that is kept by the broker while nothing is heard of what it describes. */
export interface Ghost {
  /** The discovery topic; an empty retained message there removes it. */
  readonly topic: string;
  readonly componentIds: readonly string[];
  readonly announcedMs: number;
  /** A value that the broker kept counts as heard when it came. */
  readonly lastHeardMs: number | null;
}

export interface SniffOptions {
  /** How long to listen, 1 to 300. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/** What was not understood; payloads are cut, and what looks like a secret is replaced. */
export interface SniffReport {
  readonly seconds: number;
  readonly messages: number;
  /** Topics that nothing in the hub listens to, or of which nothing was understood. */
  readonly unread: readonly {
    readonly topic: string;
    readonly count: number;
    readonly retained: boolean;
    readonly payload: string;
  }[];
  /** True where there were more topics than the report takes. */
  readonly isCut: boolean;
  /** Descriptions that could not be used. */
  readonly refused: readonly { readonly topic: string; readonly reason: string }[];
  readonly unsupported: readonly { readonly component: string; readonly reason: string }[];
  /** Messages of which a template could make nothing. */
  readonly failed: readonly {
    readonly component: string;
    readonly topic: string;
    readonly payload: string;
    readonly reason: string;
  }[];
}

/** What a person may ask about MQTT. */
export interface MqttInspector {
  status(): MqttStatus;
  /** Messages that came, and times that one could not be handled, since the hub was started. */
  counters(): { readonly received: number; readonly failed: number };
  /** Undefined for what has not announced itself since the hub started. */
  explain(componentId: string): ComponentOrigin | undefined;
  /** Why a component cannot be reached, as the end of a sentence; null where nothing is known. */
  whyUnavailable(componentId: string): string | null;
  /** Descriptions of which nothing was heard for so long, in this run of the hub; 0: not once. */
  ghosts(silentHours: number): Ghost[];
  /**
   * Has the broker forget descriptions; what they described is removed a day later, unless it announces itself again.
   * @throws HubError `not_found` for a topic on which nothing is announced, `unavailable` without a broker.
   */
  clear(topics: readonly string[]): void;
  /** Listens for a while. @throws HubError `conflict` while somebody else does. */
  sniff(options: SniffOptions): Promise<SniffReport>;
}
