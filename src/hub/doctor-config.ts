import type { LoadedConfig } from '../config/config.ts';
import type { DoctorConfig } from '../ops/ops.ts';

import { DATABASE_FILE } from './open-store.ts';

/** What the doctor looks at of the configuration. */
export function doctorConfig({ config, file }: Pick<LoadedConfig, 'config' | 'file'>): DoctorConfig {
  const { http, mqtt, homekit, mdns, dataDir } = config;
  const ports = [
    { key: 'http.port', host: http.host, port: http.port },
    ...(http.tls ? [{ key: 'http.tls.port', host: http.tls.host, port: http.tls.port }] : []),
    ...(mqtt.mode === 'embedded' ? [{ key: 'mqtt.port', host: mqtt.host, port: mqtt.port }] : []),
    ...(mqtt.tls.port === null ? [] : [{ key: 'mqtt.tls.port', host: mqtt.host, port: mqtt.tls.port }]),
    ...(homekit.enabled ? [{ key: 'homekit.port', host: '::', port: homekit.port }] : []),
  ];
  return {
    dataDir,
    databaseFile: DATABASE_FILE,
    file,
    ports: ports.filter(({ port }) => port !== 0),
    advertiser: homekit.advertiser,
    isAnnounced: mdns.enabled,
  };
}
