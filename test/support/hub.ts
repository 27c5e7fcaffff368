import { loadConfig } from '../../src/config/config.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startHub, type Hub, type HubOverrides } from '../../src/hub.ts';

/** Starts the whole hub inside the test: every port free, on loopback, nothing announced. */
export async function startTestHub(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  overrides: HubOverrides = {},
): Promise<Hub> {
  const { config, secrets } = loadConfig({
    argv: [],
    env: {
      FUNKYGIBBON_DATA_DIR: dataDir,
      FUNKYGIBBON_HTTP__HOST: '127.0.0.1',
      FUNKYGIBBON_HTTP__PORT: '0',
      FUNKYGIBBON_MQTT__HOST: '127.0.0.1',
      FUNKYGIBBON_MQTT__PORT: '0',
      FUNKYGIBBON_HOMEKIT__PORT: '0',
      FUNKYGIBBON_MDNS__ENABLED: 'false',
      ...env,
    },
    cwd: dataDir,
    stderrIsTty: false,
    defaultFile: '/nonexistent/hub.yaml',
  });
  return await startHub(config, secrets, { log: silentLogger, loopbackOnly: true, ...overrides });
}
