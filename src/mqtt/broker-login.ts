import { existsSync } from 'node:fs';

import type { BrokerLogin } from './types.ts';

import { errorText, StartError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { PLAIN, readSecretFile, writeSecretFile, type Secrets } from '../base/secret-box.ts';

/**
 * What devices show to the embedded broker: what is configured, and for the rest what was generated on the first start
 * and is kept in `file` (mode 0600), where the person finds it. A configured password is not written anywhere.
 * @throws StartError when the file is there and cannot be understood.
 */
export function keepBrokerLogin(
  file: string,
  configured: { username: string | null; password: string | null },
  secrets: Secrets,
): BrokerLogin {
  if (configured.password !== null) {
    return { username: configured.username ?? DEFAULT_USERNAME, password: configured.password, file: null };
  }
  const kept = existsSync(file) ? readLogin(file, secrets) : undefined;
  const login = {
    username: configured.username ?? kept?.username ?? DEFAULT_USERNAME,
    password: kept?.password ?? randomToken(15),
  };
  if (kept?.username !== login.username)
    writeSecretFile(file, `${JSON.stringify(login, null, 2)}\n`, secrets);
  return { ...login, file, sealed: secrets !== PLAIN };
}

const DEFAULT_USERNAME = 'home';

function readLogin(file: string, secrets: Secrets): { username: string; password: string } {
  try {
    const { username, password } = JSON.parse(readSecretFile(file, secrets)) as Record<string, unknown>;
    if (typeof username === 'string' && typeof password === 'string') return { username, password };
    throw new Error('it must hold a "username" and a "password"');
  } catch (error) {
    throw new StartError(
      'mqtt',
      `${file} cannot be read (${errorText(error)}). Mend it, or delete it to have new credentials made.`,
      { badConfiguration: true, cause: error },
    );
  }
}
