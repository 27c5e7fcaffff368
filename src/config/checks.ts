import { KEYS, type KeyName, type KeyValues } from './keys.ts';

import type { ConfigProblem } from './errors.ts';
import type { Setting } from './sources.ts';

/** All of them, or none. */
const S3_KEYS = [
  'backup.s3.endpoint',
  'backup.s3.bucket',
  'backup.s3.access_key',
  'backup.s3.secret_key',
] as const;

/**
 * Checks what no key can tell alone. A key that is absent from `values` had a bad value, which is reported already, and
 * counts as given.
 */
export function checkTogether(
  values: Partial<KeyValues>,
  settings: ReadonlyMap<KeyName, Setting>,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const isNone = (key: KeyName): boolean => values[key] === null;
  /** `key` is missing or wrong because of `cause`, which was written somewhere. */
  const report = (
    key: KeyName,
    cause: KeyName,
    found: string,
    accepted: string = KEYS[key].accepted,
  ): void => {
    const source = settings.get(cause)?.source ?? 'default';
    problems.push({ key, source, found, accepted, nearest: null });
  };
  const needsPartner = (key: KeyName, partner: KeyName): void => {
    if (!isNone(key) && isNone(partner)) report(partner, key, `nothing, but there is a value for ${key}`);
  };

  needsPartner('home.latitude', 'home.longitude');
  needsPartner('home.longitude', 'home.latitude');
  needsPartner('http.tls.cert', 'http.tls.key');
  needsPartner('http.tls.key', 'http.tls.cert');
  const ownCertificate = !isNone('http.tls.cert') || !isNone('http.tls.key');
  if (values['http.tls.self_signed'] === true && ownCertificate) {
    report(
      'http.tls.self_signed',
      'http.tls.self_signed',
      'true, but there is a certificate too',
      'false, or no http.tls.cert and http.tls.key',
    );
  }
  const tls = ownCertificate || values['http.tls.self_signed'] !== false;
  for (const key of ['http.tls.port', 'http.tls.host'] as const) {
    if (tls || !settings.has(key)) continue;
    report(
      key,
      key,
      'a value, but no certificate',
      'http.tls.self_signed: true, or http.tls.cert and http.tls.key, with it',
    );
  }
  const tlsHost = values['http.tls.host'] ?? values['http.host'];
  const port = values['http.port'];
  if (tls && port !== 0 && port === values['http.tls.port'] && tlsHost === values['http.host']) {
    report('http.tls.port', 'http.tls.port', 'the port of http.port', 'a port of its own, such as 8443');
  }

  if (values['mqtt.mode'] === 'external' && isNone('mqtt.url')) {
    report('mqtt.url', 'mqtt.mode', 'nothing, but mqtt.mode is external');
  }
  if (!isNone('mqtt.url') && !settings.has('mqtt.mode')) {
    // Starting a broker of our own beside the one that was meant would look as if every device had gone.
    report('mqtt.mode', 'mqtt.url', 'nothing, but there is a value for mqtt.url', 'external, to use the url');
  }
  if (values['mqtt.mode'] === 'external' && !isNone('mqtt.password') && isNone('mqtt.username')) {
    // MQTT 3.1.1 forbids a password without a user name (MQTT-3.1.2-22).
    report('mqtt.username', 'mqtt.password', 'nothing, but there is a value for mqtt.password');
  }
  for (const key of S3_KEYS) for (const partner of S3_KEYS) if (key !== partner) needsPartner(key, partner);
  needsPartner('backup.s3.prefix', 'backup.s3.endpoint');
  if (values['backup.require_mount'] === true && isNone('backup.directory')) {
    report(
      'backup.directory',
      'backup.require_mount',
      'nothing, but backup.require_mount is true',
      'a folder on a disk of its own: the default lies in data_dir',
    );
  }

  needsPartner('mqtt.tls.cert', 'mqtt.tls.key');
  needsPartner('mqtt.tls.key', 'mqtt.tls.cert');
  if (values['mqtt.mode'] === 'embedded') {
    if (!isNone('mqtt.tls.cert') && isNone('mqtt.tls.port')) {
      report('mqtt.tls.port', 'mqtt.tls.cert', 'nothing, but there is a value for mqtt.tls.cert');
    }
    const tlsPort = values['mqtt.tls.port'];
    if (tlsPort !== 0 && tlsPort !== null && tlsPort === values['mqtt.port']) {
      report('mqtt.tls.port', 'mqtt.tls.port', 'the port of mqtt.port', 'a port of its own, such as 8883');
    }
  }
  if (values['mqtt.mode'] === 'external') {
    if (!isNone('mqtt.tls.port')) {
      report(
        'mqtt.tls.port',
        'mqtt.tls.port',
        'a value, but mqtt.mode is external',
        'none: it is for the embedded broker; the port of an external one stands in mqtt.url',
      );
    }
    const url = values['mqtt.url'];
    for (const key of ['mqtt.tls.ca', 'mqtt.tls.cert', 'mqtt.tls.server_name'] as const) {
      // Somebody who names a certificate believes that nobody listens.
      if (isNone(key) || typeof url !== 'string' || /^(mqtts|wss):/i.test(url)) continue;
      report(
        'mqtt.url',
        key,
        `${JSON.stringify(url)}, but there is a value for ${key}`,
        'a URL with mqtts:// or wss://',
      );
    }
  }
  needsPartner('reports.mail.host', 'reports.mail.from');
  needsPartner('reports.mail.from', 'reports.mail.host');
  needsPartner('reports.mail.username', 'reports.mail.password');
  needsPartner('reports.mail.password', 'reports.mail.username');
  needsPartner('reports.mail.username', 'reports.mail.host');
  needsPartner('reports.webhook.secret', 'reports.webhook.url');
  const hasReaders = (values['reports.mail.to']?.length ?? 1) > 0;
  if (!isNone('reports.mail.host') && !hasReaders) {
    report('reports.mail.to', 'reports.mail.host', 'nobody, but there is a value for reports.mail.host');
  }
  if (isNone('reports.mail.host') && hasReaders && settings.has('reports.mail.to')) {
    report('reports.mail.host', 'reports.mail.to', 'nothing, but there is a value for reports.mail.to');
  }
  return problems;
}
