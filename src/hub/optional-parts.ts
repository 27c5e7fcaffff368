import type { Clock } from '../base/clock.ts';
import type { DataDir } from '../base/data-dir.ts';
import type { Logger } from '../base/log.ts';
import type { OpenParts } from '../base/open-parts.ts';
import type { Store } from '../base/store.ts';
import type { HubConfig, HubSecrets } from '../config/config.ts';
import type { Devices } from '../devices/devices.ts';
import type { TlsIdentity } from '../http/http.ts';
import type { HomekitPart } from '../homekit/types.ts';
import type { BrokerLogin, MqttPart } from '../mqtt/types.ts';
import type { CommandSinks } from './command-sinks.ts';

import { bridgeable } from './accessories-part.ts';

/** What the parts that may be off share with the rest. */
export interface Shared {
  readonly store: Store;
  readonly devices: Devices;
  readonly sinks: CommandSinks;
  readonly clock: Clock;
  readonly log: Logger;
  readonly opening: OpenParts;
}

/** Where the embedded broker's generated login stands. */
export const MQTT_CREDENTIALS = 'mqtt-credentials.json';

/** Starts MQTT, unless it is off. */
export async function startMqttPart(
  config: HubConfig,
  secrets: HubSecrets,
  dataDir: DataDir,
  shared: Shared,
): Promise<{ part: MqttPart; login: BrokerLogin } | null> {
  const { mode } = config.mqtt;
  if (mode === 'off') return null;
  const { keepBrokerLogin, startMqtt } = await import('../mqtt/mqtt.ts');
  const configured = { username: config.mqtt.username, password: secrets.mqttPassword };
  const login =
    mode === 'embedded'
      ? keepBrokerLogin(dataDir.file(MQTT_CREDENTIALS), configured, shared.store.secrets)
      : { username: configured.username ?? '', password: configured.password ?? '', file: null };
  const tlsIdentity = mode === 'embedded' ? await openMqttIdentity(config, dataDir, shared) : null;
  const part = shared.opening.add(
    'mqtt',
    await startMqtt({
      ...config.mqtt,
      mode,
      tlsIdentity,
      username: login.username,
      password: login.password,
      store: shared.store,
      registry: shared.devices,
      clock: shared.clock,
      log: shared.log.child({ part: 'mqtt' }),
    }),
  );
  shared.sinks.mqtt = part.sink;
  return { part, login };
}

/** What the embedded broker shows on its TLS port: somebody's certificate, or the one that the hub made for itself. */
async function openMqttIdentity(
  config: HubConfig,
  dataDir: DataDir,
  { store, clock, log, opening }: Shared,
): Promise<TlsIdentity | null> {
  const { port, cert, key } = config.mqtt.tls;
  if (port === null) return null;
  const { TlsIdentity, ownTlsFiles } = await import('../http/http.ts');
  const given = cert !== null && key !== null ? { cert, key } : null;
  return opening.add(
    'mqtt_tls',
    await TlsIdentity.open({
      files: given ?? ownTlsFiles(dataDir.path),
      selfSigned: given === null,
      part: 'mqtt',
      secrets: store.secrets,
      clock,
      log: log.child({ part: 'mqtt' }),
    }),
  );
}

/** Starts HomeKit, unless it is off. */
export async function startHomekitPart(
  config: HubConfig,
  secrets: HubSecrets,
  version: string,
  overrides: { readonly loopbackOnly?: boolean },
  shared: Shared,
): Promise<HomekitPart | null> {
  if (!config.homekit.enabled) return null;
  const { startHomekit } = await import('../homekit/homekit.ts');
  return shared.opening.add(
    'homekit',
    await startHomekit({
      name: config.homekit.name,
      advertiser: config.homekit.advertiser,
      port: config.homekit.port,
      pin: secrets.homekitPin,
      host: null,
      store: shared.store,
      devices: bridgeable(shared.devices),
      clock: shared.clock,
      log: shared.log.child({ part: 'homekit' }),
      softwareVersion: version,
      advertise: config.mdns.enabled && overrides.loopbackOnly !== true,
      loopbackOnly: overrides.loopbackOnly ?? false,
    }),
  );
}
