import * as z from 'zod';

import { BACKUP_KEYS } from './backup-keys.ts';
import { boolean, list, PORT, scalar, secret, type KeySpec } from './key-spec.ts';
import { MQTT_KEYS } from './mqtt-keys.ts';
import { REPORT_KEYS } from './report-keys.ts';
import {
  host,
  hostName,
  httpOrigin,
  HOMEKIT_ADVERTISERS,
  integer,
  ipAddress,
  jwtSecret,
  listOf,
  LOG_LEVELS,
  nameText,
  number,
  passphrase,
  port,
  setupCode,
  text,
  timeZone,
} from './values.ts';

/** Every key of the hub, in the order of the example file. */
export const KEYS = {
  data_dir: scalar({
    schema: text(4096),
    initial: null,
    initialText: './data, or the state directory that systemd gives the service',
    accepted: 'a folder',
    description:
      'Where the hub keeps its database, HomeKit identity, keys and backups. A relative path starts at the working directory.',
    example: './data',
  }),

  'home.name': scalar({
    schema: nameText,
    initial: 'Home',
    accepted: 'a name of 1 to 63 bytes',
    description: 'The name of the home, as phones find it on the network.',
  }),
  'home.timezone': scalar({
    schema: timeZone,
    initial: null,
    initialText: "the system's",
    accepted: 'a time zone such as Europe/Berlin or UTC',
    description: 'The time zone for schedules and reports.',
    example: 'Europe/Berlin',
  }),
  'home.latitude': scalar({
    schema: number(-90, 90),
    initial: null,
    initialText: 'none',
    accepted: 'degrees from -90 to 90, together with home.longitude',
    description: 'Where the home is, for sunrise and sunset. Needs home.longitude too.',
    example: '52.52',
  }),
  'home.longitude': scalar({
    schema: number(-180, 180),
    initial: null,
    initialText: 'none',
    accepted: 'degrees from -180 to 180, together with home.latitude',
    description: 'East is positive. Needs home.latitude too.',
    example: '13.405',
  }),

  'graph.change_log_days': scalar({
    schema: integer(0, 36_500),
    initial: '90',
    accepted: 'a whole number of days up to 36500; 0 keeps everything',
    description:
      'After how many days what the hub itself noted about its devices is thinned to one version a day. What people did is kept for ever. 0 = never.',
  }),

  'activity.keep_days': scalar({
    schema: integer(0, 3650),
    initial: '400',
    accepted: 'a whole number of days up to 3650; 0 writes nothing down',
    description:
      'How long it is kept who switched what and when. Suggestions look back 60 days. 0 = nothing is written down, and nothing is suggested.',
  }),

  'http.host': scalar({
    schema: host,
    initial: '0.0.0.0',
    accepted: 'an IP address or a host name, without a port',
    description:
      'The address the HTTP API and the WebSocket listen on. 127.0.0.1 keeps them on this machine.',
  }),
  'http.port': scalar({
    schema: port,
    initial: '8000',
    accepted: PORT,
    description: 'The port of the HTTP API and the WebSocket. 0 means any free port.',
  }),
  'http.rate_limit_per_minute': scalar({
    schema: integer(0, 1_000_000),
    initial: '600',
    accepted: 'a whole number from 0 to 1000000 (0 means no limit)',
    description: 'Requests a client may make in a minute. 0 means no limit; login keeps a limit of its own.',
  }),
  'http.cors_origins': list({
    schema: listOf(httpOrigin),
    initial: [],
    initialText: 'none',
    accepted: 'a list of origins such as https://panel.example, without a path',
    description: 'Web pages from these origins may call the API from a browser.',
    example: '[https://panel.example]',
  }),
  'http.allowed_hosts': list({
    schema: listOf(hostName),
    initial: [],
    initialText: 'none; IP addresses, localhost, *.local and names without a dot always work',
    accepted: 'a list of host names such as hub.example, without a port',
    description:
      'Further names under which the hub is called. A request under any other name is refused, so that a page from elsewhere cannot reach the hub by a name of its own (DNS rebinding).',
    example: '[hub.example]',
  }),
  'http.trusted_proxies': list({
    schema: listOf(ipAddress),
    initial: [],
    initialText: 'none',
    accepted: 'a list of IP addresses',
    description: "Reverse proxies whose X-Forwarded headers tell the client's address.",
    example: '[127.0.0.1]',
  }),
  'http.tls.self_signed': boolean({
    initial: 'false',
    description:
      'TLS with a certificate that the hub makes for itself and renews; phones know it by its fingerprint. Or name files of your own below.',
  }),
  'http.tls.cert': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'none',
    accepted: 'a PEM file, together with http.tls.key',
    description:
      'The certificate chain as a PEM file. Needs http.tls.key too. A changed file is taken over without a restart.',
    example: '/etc/funkygibbon/cert.pem',
  }),
  'http.tls.key': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'none',
    accepted: 'a PEM file, together with http.tls.cert',
    description: 'The private key as a PEM file. Needs http.tls.cert too.',
    example: '/etc/funkygibbon/key.pem',
  }),
  'http.tls.host': scalar({
    schema: host,
    initial: null,
    initialText: 'that of http.host',
    accepted: 'an IP address or a host name, without a port',
    description:
      'The address TLS listens on. With http.host at 127.0.0.1 and this at 0.0.0.0 the network has TLS only.',
    example: '0.0.0.0',
  }),
  'http.tls.port': scalar({
    schema: port,
    initial: '8443',
    accepted: PORT,
    description: 'TLS has a port of its own, beside http.port. 0 means any free port.',
  }),

  ...MQTT_KEYS,

  'homekit.enabled': boolean({ initial: 'true', description: 'Whether Apple Home sees the devices.' }),
  'homekit.port': scalar({
    schema: port,
    initial: '51826',
    accepted: PORT,
    description:
      'The port Apple Home talks to. A home of more than 140 devices has further bridges, on the ports after it. 0 means any free port.',
  }),
  'homekit.name': scalar({
    schema: nameText,
    initial: 'FunkyGibbon',
    accepted: 'a name of 1 to 63 bytes',
    description: 'The name of the bridge in Apple Home.',
  }),
  'homekit.pin': secret({
    schema: setupCode,
    initialText: 'made up on first start',
    accepted: 'XXX-XX-XXX in digits, and not an obvious one such as 111-11-111 or 123-45-678',
    description: 'The code that Apple Home asks for. Further bridges have codes of their own.',
  }),
  'homekit.advertiser': scalar({
    schema: z.enum(HOMEKIT_ADVERTISERS),
    initial: 'auto',
    accepted: HOMEKIT_ADVERTISERS.join(', '),
    description:
      'Who announces the bridges on the network: ciao (auto takes it) and bonjour-hap are built in, avahi is the avahi-daemon of this machine. Where phones find nothing: avahi where that runs, else bonjour-hap.',
  }),

  'mdns.enabled': boolean({
    initial: 'true',
    description: 'Whether the hub announces itself on the local network, so that phones find it.',
  }),

  ...REPORT_KEYS,

  'auth.admin_password': secret({
    schema: text(1024),
    initialText: 'none',
    accepted: 'a password of 1 to 1024 characters',
    description: "Sets the password of the first user, 'admin', on a hub that has no user yet.",
  }),
  'auth.jwt_secret': secret({
    schema: jwtSecret,
    initialText: 'made up on first start and kept in data_dir',
    accepted: 'at least 32 bytes (`openssl rand -base64 48` makes a good one)',
    description: 'Signs the access tokens.',
  }),

  'secrets.passphrase': secret({
    schema: passphrase,
    initialText: 'the systemd credential funkygibbon-passphrase where there is one, else none',
    accepted: 'a passphrase of 12 to 1024 characters',
    description:
      'Seals the keys and codes that the hub keeps. From then on it starts with this passphrase only: keep a copy elsewhere.',
  }),
  'secrets.remove_passphrase': boolean({
    initial: 'false',
    description: 'Has the next start, with the passphrase, keep the secrets in plain again.',
  }),

  'metrics.public': boolean({
    initial: 'false',
    description:
      'Whether whoever reaches the hub may read /metrics. Otherwise it takes an API key with the scope metrics, or the token of an admin.',
  }),

  ...BACKUP_KEYS,

  'logging.level': scalar({
    schema: z.enum(LOG_LEVELS),
    initial: 'info',
    accepted: LOG_LEVELS.join(', '),
    description: `How much the log says: ${LOG_LEVELS.join(', ')}.`,
  }),
  'logging.format': scalar({
    schema: z.enum(['pretty', 'json']),
    initial: null,
    initialText: 'pretty on a terminal, json otherwise',
    accepted: 'pretty or json',
    description: 'How a line of the log looks.',
    example: 'json',
  }),
} as const;

export type KeyName = keyof typeof KEYS;

/** The checked value of each key; null where nothing was given and there is no default. */
export type KeyValues = {
  readonly [K in KeyName]:
    | z.output<(typeof KEYS)[K]['schema']>
    | ((typeof KEYS)[K]['initial'] extends null ? null : never);
};

/** A key whose spec is read without knowing which key it is. */
export type AnyKeySpec = KeySpec<unknown>;

export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

/** `http.tls.cert` is set by `FUNKYGIBBON_HTTP__TLS__CERT`. */
export function environmentName(key: string): string {
  return `FUNKYGIBBON_${key.replaceAll('.', '__').toUpperCase()}`;
}

/** True for keys that may also be given as a file: `mqtt.password_file`. */
export function isSecret(key: KeyName): boolean {
  return (KEYS[key] as AnyKeySpec).secret === true;
}

/** Every name that may be written, which is the keys and, for each secret, `<key>_file`. */
export function writableNames(): string[] {
  return KEY_NAMES.flatMap((key) => (isSecret(key) ? [key, `${key}_file`] : [key]));
}

/** Finds the key that a written name means; `asFile` when the name is that of a file holding the secret. */
export function findKey(name: string): { key: KeyName; asFile: boolean } | undefined {
  if (Object.hasOwn(KEYS, name)) return { key: name as KeyName, asFile: false };
  const base = name.endsWith('_file') ? name.slice(0, -'_file'.length) : '';
  if (!Object.hasOwn(KEYS, base) || !isSecret(base as KeyName)) return undefined;
  return { key: base as KeyName, asFile: true };
}
