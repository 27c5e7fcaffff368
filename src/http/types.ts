import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Access } from '../access/access.ts';
import type { ActivityHistory } from '../activity/types.ts';
import type { Clock } from '../base/clock.ts';
import type { AutomationDirectory } from '../automations/types.ts';
import type { JsonObject } from '../base/json.ts';
import type { Logger } from '../base/log.ts';
import type { Secrets } from '../base/secret-box.ts';
import type { ClientRecords } from '../clients/clients.ts';
import type { ComponentView, DeviceControl } from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { Insights } from '../insights/insights.ts';
import type { Sync, SyncV2 } from '../sync/sync.ts';
import type { ReadingHistory } from '../readings/types.ts';
import type { AccessoryDirectory } from './routes/accessories.ts';
import type { BackupKeeper } from './routes/backups.ts';
import type { JobDirectory } from './routes/jobs.ts';
import type { MqttUserDirectory } from './routes/mqtt-users.ts';
import type { SystemWatch } from './routes/watch.ts';
import type { ReportDirectory } from './routes/reports.ts';
import type { ServerLimits } from './server.ts';

export type { SystemWatch } from './routes/watch.ts';

/** What this door asks of the sync rules. */
export type SyncService = Pick<
  Sync,
  'exchange' | 'status' | 'devices' | 'force' | 'conflicts' | 'resolve'
> & {
  readonly v2: Pick<SyncV2, 'exchange' | 'status'>;
};

/** The devices, and what was discovered for them where the rules can tell. */
export interface DeviceDirectory extends DeviceControl {
  components?(): readonly ComponentView[];
}

/** What a person asks when something does not work; answers in the words of the API. */
export interface Diagnosis {
  /** Whether the broker and what hangs on it can be reached. */
  mqtt(): JsonObject;
  /** Where each value of a device comes from. @throws HubError `not_found`. */
  explain(entityId: string): JsonObject;
  /** Descriptions that the broker keeps while nothing is heard of their devices. @throws HubError `conflict` without MQTT. */
  ghosts(silentHours: number): readonly JsonObject[];
  /** @throws HubError `not_found`, `unavailable`, `conflict` without MQTT. */
  clearGhosts(topics: readonly string[]): void;
  /** Listens for a while. @throws HubError `conflict` without MQTT, or while somebody else listens. */
  sniff(options: { readonly seconds: number; readonly signal?: AbortSignal }): Promise<object>;
}

/** The bridges to Apple Home, in the words of the API. */
export interface HomekitDirectory {
  /** The bridges with their codes, and what is shown and what not. */
  overview(): JsonObject;
  /** What Apple Home forgets when the device is deleted, for a person; null where there is nothing to forget. */
  lossByRemoval(entityId: string): string | null;
  /**
   * Keeps a device out, puts it on another bridge, turns its directions round, or shows it as what it is by now.
   * @throws HubError `not_found`, `invalid`, `conflict` where HomeKit is off or something would be lost.
   */
  choose(
    entityId: string,
    choice: {
      readonly excluded?: boolean | undefined;
      readonly bridge?: number | undefined;
      readonly alone?: true | undefined;
      readonly invertOpening?: boolean | undefined;
      readonly invertTilt?: boolean | undefined;
      readonly component?: string | undefined;
      readonly renew?: true | undefined;
      readonly confirm?: boolean | undefined;
    },
  ): Promise<JsonObject>;
}

/** Counts requests; it is on the way of each of them. */
export interface HttpObserver {
  began(): void;
  answered(request: {
    readonly method: string;
    /** The pattern of the route that answered; undefined where none did. */
    readonly endpoint: string | undefined;
    readonly status: number;
    readonly ms: number;
  }): void;
}

export interface HttpOptions {
  /** The address to listen on; `0.0.0.0` and `::` are every one. */
  host: string;
  /** 0 is any free port. */
  port: number;
  /** Requests a signed-in user may make in a minute; others get at most 100. 0 is no limit. */
  rateLimitPerMinute: number;
  /** Exact origins of web pages that may call from a browser. */
  corsOrigins: readonly string[];
  /** Further names under which the hub may be called, in lower case. */
  allowedHosts?: readonly string[];
  /** A second listener, for TLS, with everything that the first one has; null or absent is none. */
  tls?: TlsListenOptions | null;
  /** Where the hub keeps the certificate and the key that it makes itself; needed where `tls` names no files. */
  keyFolder?: string;
  /** How the key there is written; default in plain. */
  secrets?: Secrets;
  /** Called when another certificate is in use. */
  onCertificateChange?: () => void;
  /** How long, how much and how many; a test has less. */
  limits?: Partial<ServerLimits>;
  /** IP addresses or networks (`10.0.0.0/8`) whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** The hub's own version, for /health. */
  version: string;
  access: Access;
  graph: Graph;
  devices: DeviceDirectory;
  sync: SyncService;
  readings: ReadingHistory;
  /** Null or absent where nothing is written down. */
  activity?: ActivityHistory | null;
  /** Null or absent where none are made. */
  insights?: Insights | null;
  /** Null or absent where none are kept. */
  reports?: ReportDirectory | null;
  /** Null or absent where HomeKit is off. */
  accessories?: AccessoryDirectory | null;
  /** Null or absent where nothing runs by itself. */
  automations?: AutomationDirectory | null;
  /** Null or absent where nothing is scheduled. */
  jobs?: JobDirectory | null;
  /** Null or absent where none are made. */
  backups?: BackupKeeper | null;
  /** Null or absent where the hub has no broker of its own. */
  mqttUsers?: MqttUserDirectory | null;
  diagnosis: Diagnosis;
  homekit: HomekitDirectory;
  /** Absent where nobody counts. */
  observer?: HttpObserver;
  /** How it goes with the hub, its metrics and its log; null or absent where nobody watches. */
  watch?: SystemWatch | null;
  /** /metrics is open to whoever reaches the hub. Default false. */
  metricsPublic?: boolean;
  /** What v2 clients note about their own syncs. */
  clients: ClientRecords;
  /** The URL under which phones in the house reach the hub, for codes that they scan; default: as the request did. */
  urlForOthers?: () => string;
  /** The same for TLS; null where there is none. */
  tlsUrlForOthers?: () => string | null;
  /** By which clients know the hub behind TLS (see `fingerprintOf`); null where there is none. */
  tlsFingerprint?: () => string | null;
  /** Takes WebSocket upgrades below `/ws/`. The socket already has an error handler. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Why the hub cannot do its work at the moment, for /ready; null when it can. */
  notReady?: () => string | null;
  clock: Clock;
  log: Logger;
}

export interface TlsListenOptions {
  host: string;
  /** 0 is any free port. */
  port: number;
  /** PEM files; null where the hub makes its own in `keyFolder`. */
  files: { readonly cert: string; readonly key: string } | null;
  /** How long changed files must have been left alone before they are read; a test does not wait. */
  settleMs?: number;
}

export interface HttpPart extends AsyncDisposable {
  /** Where this machine reaches the hub, such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The real port. */
  readonly port: number;
  /** True where only this machine reaches the plain port. */
  readonly isLocalOnly: boolean;
  /** The TLS listener; null where there is none. */
  readonly tls: {
    /** Where this machine reaches it, such as `https://127.0.0.1:8443`. */
    readonly url: string;
    readonly port: number;
    /** `sha256/…` of the public key of the certificate that is in use. */
    readonly fingerprint: string;
    /** When that certificate ends, ms since the Unix epoch. */
    readonly notAfterMs: number;
  } | null;
}
