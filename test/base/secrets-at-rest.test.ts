import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { silentLogger } from '../../src/base/log.ts';
import { isSealed } from '../../src/base/secret-box.ts';
import { openSecrets, type SecretsAtRest } from '../../src/base/secrets-at-rest.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

test('what a power cut left half-written beside a file is not left there in plain', async () => {
  using folder = temporaryFolder();
  await using store = await openTestStore(folder.path, []);
  const file = join(folder.path, 'login.json');
  const options: SecretsAtRest = {
    store,
    passphrase: 'a passphrase that is long enough',
    remove: false,
    columns: [],
    files: [file],
    copies: join(folder.path, 'backups'),
    log: silentLogger,
  };
  writeFileSync(file, 'hunter2');
  await openSecrets(options);
  expect(isSealed(readFileSync(file, 'utf8'))).toBe(true);
  // The passphrase was to be taken away, and the power went before the file was in its place.
  writeFileSync(`${file}.new`, 'hunter2');
  await openSecrets(options);
  expect(existsSync(`${file}.new`)).toBe(false);
  expect(isSealed(readFileSync(file, 'utf8'))).toBe(true);
});
