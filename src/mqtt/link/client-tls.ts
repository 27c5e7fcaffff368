import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

import type { MqttTlsOptions } from '../types.ts';

import { errorText, StartError } from '../../base/errors.ts';

/** What TLS needs for a connection to an external broker. The broker's certificate is always checked. */
export interface ClientTls {
  readonly rejectUnauthorized: true;
  readonly minVersion: 'TLSv1.2';
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/**
 * Reads the files as they are now: a client certificate is renewed every few months, and taken over with the next
 * connection.
 * @throws StartError that says which file, and what to do.
 */
export function readClientTls(options: MqttTlsOptions | null): ClientTls {
  const { ca = null, cert = null, key = null, serverName = null } = options ?? {};
  const tls = {
    rejectUnauthorized: true as const,
    minVersion: 'TLSv1.2' as const,
    ...(ca === null ? {} : { ca: readPem('mqtt.tls.ca', ca, (text) => new X509Certificate(text)) }),
    ...(cert === null ? {} : { cert: readPem('mqtt.tls.cert', cert, (text) => new X509Certificate(text)) }),
    ...(key === null ? {} : { key: readPem('mqtt.tls.key', key, (text) => createPrivateKey(text)) }),
    ...(serverName === null ? {} : { servername: serverName }),
  };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw refusal(`mqtt.tls.cert and mqtt.tls.key do not belong together (${errorText(error)}).`, error);
  }
  return tls;
}

function readPem(configKey: string, file: string, parse: (text: string) => unknown): string {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw refusal(
      `${file} cannot be read (${errorText(error)}). Check ${configKey}, and that the hub's user may read the file.`,
      error,
    );
  }
  try {
    parse(text);
    return text;
  } catch (error) {
    throw refusal(
      `${file}, named by ${configKey}, is no such thing in PEM form (${errorText(error)}).`,
      error,
    );
  }
}

function refusal(text: string, cause: unknown): StartError {
  return new StartError('mqtt', text, { badConfiguration: true, cause });
}
