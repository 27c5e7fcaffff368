import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { exampleYaml } from '../../src/config/example.ts';
import { isSecret, KEY_NAMES } from '../../src/config/keys.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-example-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Loads a YAML text with nothing else around it. */
function load(yaml: string) {
  const path = join(folder, 'hub.yaml');
  writeFileSync(path, yaml);
  return loadConfig({ argv: ['--config', path], env: {}, cwd: folder, stderrIsTty: false });
}

test('the example file is the one made from the table of keys (`vitest run test/config -u` renews it)', async () => {
  await expect(exampleYaml()).toMatchFileSnapshot('../../config/hub.example.yaml');
});

test('the example file as it stands changes nothing', () => {
  const committed = readFileSync(new URL('../../config/hub.example.yaml', import.meta.url), 'utf8');
  expect(load(committed).config).toEqual(load('').config);
});

test('the example file with every key uncommented is a valid configuration that keeps the plain defaults', () => {
  writeFileSync(join(folder, 'mqtt-password'), 'password');
  writeFileSync(join(folder, 'homekit-pin'), '031-45-154');
  writeFileSync(join(folder, 'auth-admin-password'), 'password');
  writeFileSync(join(folder, 'secrets-passphrase'), 'twelve letters');
  writeFileSync(join(folder, 'reports-mail-password'), 'password');
  writeFileSync(join(folder, 'reports-webhook-url'), 'https://hooks.example/abc');
  writeFileSync(join(folder, 'reports-webhook-secret'), 'a secret');
  writeFileSync(join(folder, 'backup-passphrase'), 'a passphrase');
  writeFileSync(join(folder, 'backup-s3-secret-key'), 'a secret');
  writeFileSync(join(folder, 'auth-jwt-secret'), 'x'.repeat(32));
  writeFileSync(join(folder, 'backup-passphrase'), 'twelve letters');
  writeFileSync(join(folder, 'backup-s3-secret-key'), 'a secret');
  const uncommented = exampleYaml()
    .replaceAll(/^( *)#(\w)/gm, '$1$2')
    .replaceAll('/etc/funkygibbon/', `${folder}/`);
  for (const key of KEY_NAMES) {
    const name = key.split('.').at(-1);
    expect(uncommented).toMatch(new RegExp(`^ *${name}${isSecret(key) ? '_file' : ''}: `, 'm'));
  }
  const { config, secrets } = load(uncommented);
  const { config: preset } = load('');
  expect(config).toEqual({
    ...preset,
    backup: {
      ...preset.backup,
      directory: '/mnt/usb/funkygibbon',
      keepDays: 30,
      s3: {
        endpoint: 'https://s3.eu-central-1.example.com',
        region: 'us-east-1',
        bucket: 'home-backups',
        prefix: 'pi/',
        accessKey: 'AKIAEXAMPLE',
      },
    },
    home: { name: 'Home', timezone: 'Europe/Berlin', latitude: 52.52, longitude: 13.405 },
    http: {
      ...preset.http,
      corsOrigins: ['https://panel.example'],
      allowedHosts: ['hub.example'],
      trustedProxies: ['127.0.0.1'],
      tls: {
        host: '0.0.0.0',
        port: 8443,
        files: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` },
      },
    },
    reports: {
      keepDays: 90,
      mail: {
        host: 'smtp.example',
        port: 587,
        tls: 'starttls',
        username: 'hub@example.org',
        from: 'Hub <hub@example.org>',
        to: ['ana@example.org'],
        kinds: ['weekly', 'monthly'],
      },
      webhookKinds: ['monthly'],
    },
    mqtt: {
      ...preset.mqtt,
      url: 'mqtt://192.168.1.10:1883',
      username: 'hub',
      tls: {
        port: 8883,
        cert: `${folder}/mqtt-cert.pem`,
        key: `${folder}/mqtt-key.pem`,
        ca: `${folder}/mqtt-ca.pem`,
        serverName: 'broker.example',
      },
    },
  });
  expect(secrets.homekitPin).toBe('031-45-154');
});
