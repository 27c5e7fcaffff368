import type { DataDir } from '../base/data-dir.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { HubConfig, HubSecrets } from '../config/config.ts';

import { accessSecrets } from '../access/tables.ts';
import { accessorySecrets } from '../accessories/tables.ts';
import { openSecrets } from '../base/secrets-at-rest.ts';
import { homekitSecrets } from '../homekit/tables.ts';
import { TLS_KEY } from '../http/http.ts';
import { MQTT_CREDENTIALS } from './optional-parts.ts';

/** Seals what is secret in the home where there is a passphrase. @throws StartError when it is missing or wrong. */
export async function openHomeSecrets(
  config: HubConfig,
  given: HubSecrets,
  { store, dataDir, log }: { readonly store: Store; readonly dataDir: DataDir; readonly log: Logger },
): Promise<void> {
  await openSecrets({
    store,
    passphrase: given.passphrase,
    remove: config.secrets.removePassphrase,
    columns: [...accessSecrets, ...homekitSecrets, ...accessorySecrets],
    files: [dataDir.file(MQTT_CREDENTIALS), dataDir.file(TLS_KEY)],
    copies: dataDir.file('backups'),
    log: log.child({ part: 'secrets' }),
  });
}
