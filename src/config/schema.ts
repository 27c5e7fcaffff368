import { join } from 'node:path';

import type { KeyValues } from './keys.ts';

/** The checked configuration. Free of secrets, so it may be logged. Paths are absolute. */
export interface HubConfig {
  /** The YAML file that was read; null where there was none. */
  readonly file: string | null;
  /** Database, HomeKit identity, keys, backups. */
  readonly dataDir: string;
  readonly home: {
    /** 1 to 63 bytes of UTF-8. */
    readonly name: string;
    /** An IANA name that Intl knows. */
    readonly timezone: string;
    /** Degrees, north positive; null together with longitude. */
    readonly latitude: KeyValues['home.latitude'];
    /** Degrees, east positive; null together with latitude. */
    readonly longitude: KeyValues['home.longitude'];
  };
  readonly graph: {
    /** 0 keeps everything. */
    readonly changeLogDays: number;
  };
  readonly activity: {
    /** 0: nothing is written down. */
    readonly keepDays: number;
  };
  readonly http: {
    readonly host: string;
    /** 0 to 65535; 0 is any free port. */
    readonly port: number;
    /** 0 is no limit. */
    readonly rateLimitPerMinute: number;
    /** Null when TLS is off. */
    readonly tls: {
      readonly host: string;
      /** A port of its own; 0 is any free port. */
      readonly port: number;
      /** PEM files; null where the hub makes its certificate itself. */
      readonly files: { readonly cert: string; readonly key: string } | null;
    } | null;
    /** `scheme://host[:port]`, lower case. */
    readonly corsOrigins: readonly string[];
    /** Further names under which the hub may be called, lower case. */
    readonly allowedHosts: readonly string[];
    /** IP addresses. */
    readonly trustedProxies: readonly string[];
  };
  readonly mqtt: {
    readonly mode: KeyValues['mqtt.mode'];
    /** Where the embedded broker listens. */
    readonly host: string;
    /** Of the embedded broker; 0 to 65535; 0 is any free port. */
    readonly port: number;
    /** The external broker; never null in mode `external`, never with credentials. */
    readonly url: string | null;
    readonly username: string | null;
    /** What is spoken with the external broker. */
    readonly protocol: KeyValues['mqtt.protocol'];
    readonly tls: {
      /** Of the embedded broker; 0 is any free port, null is no TLS. Always null in another mode. */
      readonly port: number | null;
      /** PEM files: the embedded broker's own, or those that the hub shows to an external one. Both or neither. */
      readonly cert: string | null;
      readonly key: string | null;
      /** PEM file of who vouches for the external broker; null where the system knows. */
      readonly ca: string | null;
      /** Null where the external broker's certificate has the name of the url. */
      readonly serverName: string | null;
    };
    /** Whether the hub announces itself to devices as the only reader of discovery. */
    readonly birth: boolean;
    /** Without wildcards and without `/` at either end. */
    readonly discoveryPrefix: string;
  };
  readonly homekit: {
    readonly enabled: boolean;
    /** 0 to 65535; 0 is any free port. */
    readonly port: number;
    /** 1 to 63 bytes of UTF-8. */
    readonly name: string;
    readonly advertiser: KeyValues['homekit.advertiser'];
  };
  readonly mdns: { readonly enabled: boolean };
  readonly reports: {
    /** How long daily reports are kept; 0 keeps all. */
    readonly keepDays: number;
    /** Null where no mail is sent. */
    readonly mail: {
      readonly host: string;
      readonly port: number;
      readonly tls: KeyValues['reports.mail.tls'];
      /** Null together with the password. */
      readonly username: string | null;
      readonly from: string;
      /** At least one. */
      readonly to: readonly string[];
      readonly kinds: KeyValues['reports.mail.kinds'];
    } | null;
    /** Of the webhook, where there is a URL, which is a secret. */
    readonly webhookKinds: KeyValues['reports.webhook.kinds'];
  };
  readonly secrets: {
    /** The secrets are to be kept in plain again. */
    readonly removePassphrase: boolean;
  };
  readonly metrics: {
    /** /metrics is open to whoever reaches the hub. */
    readonly isPublic: boolean;
  };
  readonly backup: {
    /** The schedule is followed. */
    readonly enabled: boolean;
    /** Five fields of cron, in the time of the home. */
    readonly schedule: string;
    readonly directory: string;
    readonly requireMount: boolean;
    readonly keep: number;
    readonly keepDays: number | null;
    /** Null where nothing goes to S3. Its secret is apart. */
    readonly s3: {
      readonly endpoint: string;
      readonly region: string;
      readonly bucket: string;
      /** Empty, or ends with `/`. */
      readonly prefix: string;
      readonly accessKey: string;
    } | null;
  };
  readonly logging: {
    readonly level: KeyValues['logging.level'];
    readonly format: NonNullable<KeyValues['logging.format']>;
    /** The log goes to the journal of systemd. */
    readonly journal: boolean;
  };
}

/** What was given as a secret; null where nothing was, and the owning part makes one up or does without. */
export interface HubSecrets {
  readonly mqttPassword: string | null;
  /** `XXX-XX-XXX`. */
  readonly homekitPin: string | null;
  /** At least 32 bytes. */
  readonly jwtSecret: string | null;
  /** For the first user, when there is none yet. */
  readonly adminPassword: string | null;
  readonly reportMailPassword: string | null;
  /** Null: reports are posted nowhere. */
  readonly reportWebhookUrl: string | null;
  /** Null where what is posted is not signed. */
  readonly reportWebhookSecret: string | null;
  /** Seals what the hub keeps of secrets. */
  readonly passphrase: string | null;
  /** Encrypts backups. */
  readonly backupPassphrase: string | null;
  readonly s3SecretKey: string | null;
}

/** What a configuration takes from the machine it is read on. */
export interface Surroundings {
  readonly file: string | null;
  /** Makes a written path absolute. */
  readonly toPath: (written: string) => string;
  /** Where data goes when nobody says. */
  readonly dataDir: string;
  readonly timezone: string;
  readonly logFormat: 'pretty' | 'json';
  readonly logsToJournal: boolean;
}

/** Gives checked values their shape. `http.tls.cert` and `http.tls.key` are either both set or both null here. */
export function toHubConfig(values: KeyValues, around: Surroundings): HubConfig {
  return {
    file: around.file,
    dataDir: around.toPath(values.data_dir ?? around.dataDir),
    home: {
      name: values['home.name'],
      timezone: values['home.timezone'] ?? around.timezone,
      latitude: values['home.latitude'],
      longitude: values['home.longitude'],
    },
    graph: { changeLogDays: values['graph.change_log_days'] },
    activity: { keepDays: values['activity.keep_days'] },
    http: {
      host: values['http.host'],
      port: values['http.port'],
      rateLimitPerMinute: values['http.rate_limit_per_minute'],
      tls: toTls(values, around),
      corsOrigins: values['http.cors_origins'],
      allowedHosts: values['http.allowed_hosts'],
      trustedProxies: values['http.trusted_proxies'],
    },
    mqtt: {
      mode: values['mqtt.mode'],
      host: values['mqtt.host'],
      port: values['mqtt.port'],
      url: values['mqtt.url'],
      username: values['mqtt.username'],
      protocol: values['mqtt.protocol'],
      tls: toMqttTls(values, around),
      birth: values['mqtt.birth'],
      discoveryPrefix: values['mqtt.discovery_prefix'],
    },
    homekit: {
      enabled: values['homekit.enabled'],
      port: values['homekit.port'],
      name: values['homekit.name'],
      advertiser: values['homekit.advertiser'],
    },
    mdns: { enabled: values['mdns.enabled'] },
    reports: {
      keepDays: values['reports.keep_days'],
      mail: toReportMail(values),
      webhookKinds: values['reports.webhook.kinds'],
    },
    secrets: { removePassphrase: values['secrets.remove_passphrase'] },
    metrics: { isPublic: values['metrics.public'] },
    backup: toBackup(values, around),
    logging: {
      level: values['logging.level'],
      format: values['logging.format'] ?? around.logFormat,
      journal: around.logsToJournal,
    },
  };
}

function toTls(values: KeyValues, { toPath }: Surroundings): HubConfig['http']['tls'] {
  const cert = values['http.tls.cert'];
  const key = values['http.tls.key'];
  const files = cert === null || key === null ? null : { cert: toPath(cert), key: toPath(key) };
  if (files === null && !values['http.tls.self_signed']) return null;
  return { host: values['http.tls.host'] ?? values['http.host'], port: values['http.tls.port'], files };
}

function toMqttTls(values: KeyValues, { toPath }: Surroundings): HubConfig['mqtt']['tls'] {
  const file = (key: 'mqtt.tls.cert' | 'mqtt.tls.key' | 'mqtt.tls.ca'): string | null => {
    const written = values[key];
    return written === null ? null : toPath(written);
  };
  return {
    port: values['mqtt.tls.port'],
    cert: file('mqtt.tls.cert'),
    key: file('mqtt.tls.key'),
    ca: file('mqtt.tls.ca'),
    serverName: values['mqtt.tls.server_name'],
  };
}

const MAIL_PORTS = { starttls: 587, implicit: 465, none: 25 };

/** The keys belong together, which was checked. */
function toReportMail(values: KeyValues): HubConfig['reports']['mail'] {
  const { 'reports.mail.host': host, 'reports.mail.from': from, 'reports.mail.tls': tls } = values;
  if (host === null || from === null) return null;
  return {
    host,
    port: values['reports.mail.port'] ?? MAIL_PORTS[tls],
    tls,
    username: values['reports.mail.username'],
    from,
    to: values['reports.mail.to'],
    kinds: values['reports.mail.kinds'],
  };
}

function toBackup(values: KeyValues, { toPath, dataDir }: Surroundings): HubConfig['backup'] {
  const [endpoint, bucket] = [values['backup.s3.endpoint'], values['backup.s3.bucket']];
  const accessKey = values['backup.s3.access_key'];
  return {
    enabled: values['backup.enabled'],
    schedule: values['backup.schedule'],
    directory: toPath(values['backup.directory'] ?? join(values.data_dir ?? dataDir, 'backups')),
    requireMount: values['backup.require_mount'],
    keep: values['backup.keep'],
    keepDays: values['backup.keep_days'],
    s3:
      endpoint === null || bucket === null || accessKey === null
        ? null
        : {
            endpoint,
            region: values['backup.s3.region'],
            bucket,
            prefix: values['backup.s3.prefix'] ?? '',
            accessKey,
          },
  };
}

export function toHubSecrets(values: KeyValues): HubSecrets {
  return {
    mqttPassword: values['mqtt.password'],
    homekitPin: values['homekit.pin'],
    jwtSecret: values['auth.jwt_secret'],
    adminPassword: values['auth.admin_password'],
    reportMailPassword: values['reports.mail.password'],
    reportWebhookUrl: values['reports.webhook.url'],
    reportWebhookSecret: values['reports.webhook.secret'],
    passphrase: values['secrets.passphrase'],
    backupPassphrase: values['backup.passphrase'],
    s3SecretKey: values['backup.s3.secret_key'],
  };
}
