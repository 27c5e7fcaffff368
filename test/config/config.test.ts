import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ConfigError, loadConfig } from '../../src/config/config.ts';
import { environmentName, isSecret, KEY_NAMES, writableNames } from '../../src/config/keys.ts';

import type { LoadedConfig } from '../../src/config/config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config test '));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Given {
  argv?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** The text of the file that stands in for /etc/funkygibbon/hub.yaml. */
  yaml?: string;
  stderrIsTty?: boolean;
  stderrId?: string;
}

function load(given: Given = {}): LoadedConfig {
  const defaultFile = join(folder, 'hub.yaml');
  if (given.yaml !== undefined) writeFileSync(defaultFile, given.yaml);
  return loadConfig({
    argv: given.argv ?? [],
    env: given.env ?? {},
    cwd: folder,
    stderrIsTty: given.stderrIsTty ?? false,
    ...(given.stderrId === undefined ? {} : { stderrId: given.stderrId }),
    defaultFile,
  });
}

function failure(given: Given): ConfigError {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** The only problem, which the test expects to be the only one. */
function onlyProblem(given: Given) {
  const { problems } = failure(given);
  expect(problems).toHaveLength(1);
  return problems[0];
}

/** What was understood, wherever it was said. */
function told(...how: Parameters<typeof load>): Omit<LoadedConfig, 'effective'> {
  const { effective, ...rest } = load(...how);
  expect(effective.length).toBeGreaterThan(0);
  return rest;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('defaults', () => {
  test('are those of the documentation', () => {
    expect(told({ env: { TZ: 'UTC' } })).toEqual({
      config: {
        file: null,
        dataDir: join(folder, 'data'),
        home: {
          name: 'Home',
          timezone: expect.stringMatching(/./),
          latitude: null,
          longitude: null,
        },
        graph: { changeLogDays: 90 },
        activity: { keepDays: 400 },
        http: {
          host: '0.0.0.0',
          port: 8000,
          rateLimitPerMinute: 600,
          tls: null,
          corsOrigins: [],
          allowedHosts: [],
          trustedProxies: [],
        },
        mqtt: {
          mode: 'embedded',
          host: '0.0.0.0',
          port: 1883,
          url: null,
          username: null,
          protocol: 'auto',
          tls: { port: null, cert: null, key: null, ca: null, serverName: null },
          birth: false,
          discoveryPrefix: 'homeassistant',
        },
        homekit: { enabled: true, port: 51826, name: 'FunkyGibbon', advertiser: 'auto' },
        mdns: { enabled: true },
        reports: { keepDays: 90, mail: null, webhookKinds: ['daily', 'weekly', 'monthly'] },
        secrets: { removePassphrase: false },
        metrics: { isPublic: false },
        backup: {
          enabled: true,
          schedule: '40 3 * * *',
          directory: join(folder, 'data/backups'),
          requireMount: false,
          keep: 7,
          keepDays: null,
          s3: null,
        },
        logging: { level: 'info', format: 'json', journal: false },
      },
      secrets: {
        mqttPassword: null,
        homekitPin: null,
        jwtSecret: null,
        adminPassword: null,
        reportMailPassword: null,
        reportWebhookUrl: null,
        reportWebhookSecret: null,
        passphrase: null,
        backupPassphrase: null,
        s3SecretKey: null,
      },
      file: null,
    });
  });

  test('log prettily on a terminal', () => {
    expect(load({ stderrIsTty: true }).config.logging.format).toBe('pretty');
  });

  test('tell the journal of systemd how grave a line is, where the log really goes there', () => {
    const journal = (stream: string, stderrId: string): boolean =>
      load({ env: { JOURNAL_STREAM: stream }, stderrId }).config.logging.journal;
    expect(journal('8:4711', '8:4711')).toBe(true);
    expect(journal('8:4711', '8:4712')).toBe(false);
  });

  test('put data into the state directory of systemd', () => {
    expect(load({ env: { STATE_DIRECTORY: '/var/lib/funkygibbon:/var/lib/other' } }).config.dataDir).toBe(
      '/var/lib/funkygibbon',
    );
    expect(load({ env: { STATE_DIRECTORY: '' } }).config.dataDir).toBe(join(folder, 'data'));
  });
});

describe('the passphrase', () => {
  const withCredential = (): NodeJS.ProcessEnv => {
    writeFileSync(join(folder, 'funkygibbon-passphrase'), 'of the credential\n');
    return { CREDENTIALS_DIRECTORY: folder };
  };

  test('is the systemd credential where nothing else is said', () => {
    expect(load({ env: { CREDENTIALS_DIRECTORY: '/nonexistent' } }).secrets.passphrase).toBeNull();
    expect(load({ env: withCredential() }).secrets.passphrase).toBe('of the credential');
    const env = { ...withCredential(), FUNKYGIBBON_SECRETS__PASSPHRASE: 'of the environment' };
    expect(load({ env }).secrets.passphrase).toBe('of the environment');
    const yaml = 'secrets:\n  passphrase: of the yaml file\n';
    expect(load({ yaml, env: withCredential() }).secrets.passphrase).toBe('of the yaml file');
  });

  test('has at least 12 characters, and is not shown when it has not', () => {
    const problem = onlyProblem({ env: { FUNKYGIBBON_SECRETS__PASSPHRASE: 'too short' } });
    expect(problem?.found).toBe('a secret of 9 bytes (not shown)');
  });
});

describe('sources', () => {
  const yaml = 'http:\n  port: 1001\n';
  const env = { FUNKYGIBBON_HTTP__PORT: '1002' };

  test('rank file, environment and flags in this order', () => {
    expect(load({ yaml }).config.http.port).toBe(1001);
    expect(load({ yaml, env }).config.http.port).toBe(1002);
    expect(load({ yaml, env, argv: ['--http.port', '1003'] }).config.http.port).toBe(1003);
  });

  test('let --config name the file instead, relative to the working directory', () => {
    const path = write('mine.yaml', 'http: {port: 7}');
    for (const argv of [['--config', 'mine.yaml'], [`--config=${path}`]]) {
      const loaded = load({ yaml, argv });
      expect(loaded.file).toBe(path);
      expect(loaded.config.http.port).toBe(7);
    }
  });

  test('reach every key by environment and by flag', () => {
    const values: Record<string, string> = {
      data_dir: '/srv/hub',
      'home.name': 'Villa',
      'home.timezone': 'Europe/Berlin',
      'home.latitude': '-33.8',
      'home.longitude': '151.2',
      'graph.change_log_days': '0',
      'activity.keep_days': '30',
      'http.host': '::1',
      'http.port': '0',
      'http.rate_limit_per_minute': '0',
      'http.cors_origins': 'https://a.example, http://b.example:3000',
      'http.allowed_hosts': 'Hub.example, panel.example',
      'http.trusted_proxies': '127.0.0.1,::1',
      'http.tls.self_signed': 'off',
      'http.tls.cert': 'cert.pem',
      'http.tls.key': '/keys/key.pem',
      'http.tls.host': '0.0.0.0',
      'http.tls.port': '443',
      'mqtt.mode': 'external',
      'mqtt.host': 'localhost',
      'mqtt.port': '65535',
      'mqtt.url': 'mqtts://broker.example:8883',
      'mqtt.username': 'me',
      'mqtt.password': 'p w',
      'mqtt.protocol': '3.1.1',
      'mqtt.tls.cert': 'mqtt.pem',
      'mqtt.tls.key': '/keys/mqtt.pem',
      'mqtt.tls.ca': 'ca.pem',
      'mqtt.tls.server_name': 'Broker.lan',
      'mqtt.birth': 'true',
      'mqtt.discovery_prefix': 'my/home',
      'homekit.enabled': 'no',
      'homekit.port': '1',
      'homekit.name': 'Bridge',
      'homekit.pin': '03145154',
      'homekit.advertiser': 'avahi',
      'mdns.enabled': 'FALSE',
      'reports.keep_days': '30',
      'reports.mail.host': 'smtp.example',
      'reports.mail.port': '2525',
      'reports.mail.tls': 'none',
      'reports.mail.username': 'me',
      'reports.mail.password': 'm w',
      'reports.mail.from': 'Hub <hub@example.org>',
      'reports.mail.to': 'ana@example.org, Ben <ben@example.org>',
      'reports.mail.kinds': 'monthly',
      'reports.webhook.url': 'https://hooks.example/secret',
      'reports.webhook.secret': 'w s',
      'reports.webhook.kinds': 'daily,weekly',
      'auth.admin_password': 'secret',
      'auth.jwt_secret': 'x'.repeat(32),
      'secrets.passphrase': 'twelve letters',
      'secrets.remove_passphrase': 'yes',
      'metrics.public': 'true',
      'backup.enabled': 'off',
      'backup.schedule': '0 5 * * 0',
      'backup.directory': '/mnt/usb',
      'backup.require_mount': 'yes',
      'backup.keep': '3',
      'backup.keep_days': '90',
      'backup.passphrase': 'thirteen words',
      'backup.s3.endpoint': 'https://s3.example',
      'backup.s3.region': 'eu-1',
      'backup.s3.bucket': 'homes',
      'backup.s3.prefix': 'pi/4/',
      'backup.s3.access_key': 'AKIA',
      'backup.s3.secret_key': 's k',
      'logging.level': 'silent',
      'logging.format': 'pretty',
    };
    // mqtt.tls.port is for the embedded broker only; its own test is below.
    expect(Object.keys(values)).toEqual(KEY_NAMES.filter((key) => key !== 'mqtt.tls.port'));
    const expected = {
      config: {
        file: null,
        dataDir: '/srv/hub',
        home: { name: 'Villa', timezone: 'Europe/Berlin', latitude: -33.8, longitude: 151.2 },
        graph: { changeLogDays: 0 },
        activity: { keepDays: 30 },
        http: {
          host: '::1',
          port: 0,
          rateLimitPerMinute: 0,
          tls: {
            host: '0.0.0.0',
            port: 443,
            files: { cert: join(folder, 'cert.pem'), key: '/keys/key.pem' },
          },
          corsOrigins: ['https://a.example', 'http://b.example:3000'],
          allowedHosts: ['hub.example', 'panel.example'],
          trustedProxies: ['127.0.0.1', '::1'],
        },
        mqtt: {
          mode: 'external',
          host: 'localhost',
          port: 65535,
          url: 'mqtts://broker.example:8883',
          username: 'me',
          protocol: '3.1.1',
          tls: {
            port: null,
            cert: join(folder, 'mqtt.pem'),
            key: '/keys/mqtt.pem',
            ca: join(folder, 'ca.pem'),
            serverName: 'broker.lan',
          },
          birth: true,
          discoveryPrefix: 'my/home',
        },
        homekit: { enabled: false, port: 1, name: 'Bridge', advertiser: 'avahi' },
        mdns: { enabled: false },
        reports: {
          keepDays: 30,
          mail: {
            host: 'smtp.example',
            port: 2525,
            tls: 'none',
            username: 'me',
            from: 'Hub <hub@example.org>',
            to: ['ana@example.org', 'Ben <ben@example.org>'],
            kinds: ['monthly'],
          },
          webhookKinds: ['daily', 'weekly'],
        },
        secrets: { removePassphrase: true },
        metrics: { isPublic: true },
        backup: {
          enabled: false,
          schedule: '0 5 * * 0',
          directory: '/mnt/usb',
          requireMount: true,
          keep: 3,
          keepDays: 90,
          s3: {
            endpoint: 'https://s3.example',
            region: 'eu-1',
            bucket: 'homes',
            prefix: 'pi/4/',
            accessKey: 'AKIA',
          },
        },
        logging: { level: 'silent', format: 'pretty', journal: false },
      },
      secrets: {
        mqttPassword: 'p w',
        homekitPin: '031-45-154',
        jwtSecret: 'x'.repeat(32),
        adminPassword: 'secret',
        reportMailPassword: 'm w',
        reportWebhookUrl: 'https://hooks.example/secret',
        reportWebhookSecret: 'w s',
        passphrase: 'twelve letters',
        backupPassphrase: 'thirteen words',
        s3SecretKey: 's k',
      },
      file: null,
    };
    const entries = Object.entries(values);
    expect(
      told({ env: Object.fromEntries(entries.map(([key, value]) => [environmentName(key), value])) }),
    ).toEqual(expected);
    expect(told({ argv: entries.flatMap(([key, value]) => [`--${key}`, value]) })).toEqual(expected);
    expect(told({ argv: entries.map(([key, value]) => `--${key.replaceAll('_', '-')}=${value}`) })).toEqual(
      expected,
    );
  });

  test('leave names of the environment without a section alone', () => {
    expect(load({ env: { FUNKYGIBBON_VERSION: '9', FUNKYGIBBON: 'x', PATH: '/bin' } }).config.http.port).toBe(
      8000,
    );
    expect(load({ env: { FUNKYGIBBON_DATA_DIR: 'elsewhere' } }).config.dataDir).toBe(
      join(folder, 'elsewhere'),
    );
  });

  test('collect a repeated list flag, and take the last of another', () => {
    const { http } = load({
      argv: [
        '--http.trusted-proxies',
        '10.0.0.1',
        '--http.port',
        '1',
        '--http.trusted_proxies=10.0.0.2',
        '--http.port=2',
      ],
    }).config;
    expect(http.trustedProxies).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(http.port).toBe(2);
  });

  test('let a list be emptied again', () => {
    const { http } = load({
      yaml: 'http:\n  trusted_proxies: [10.0.0.1]\n  cors_origins: [https://a.example]\n',
      env: { FUNKYGIBBON_HTTP__TRUSTED_PROXIES: '' },
      argv: ['--http.cors_origins='],
    }).config;
    expect(http.trustedProxies).toEqual([]);
    expect(http.corsOrigins).toEqual([]);
  });

  test('take a switch without a value as on', () => {
    const argv = ['--mdns.enabled', '--homekit.enabled'];
    const env = { FUNKYGIBBON_MDNS__ENABLED: 'off', FUNKYGIBBON_HOMEKIT__ENABLED: '0' };
    expect(load({ env }).config.mdns.enabled).toBe(false);
    const { config } = load({ env, argv });
    expect([config.mdns.enabled, config.homekit.enabled]).toEqual([true, true]);
  });
});

describe('secrets', () => {
  const jwt = 'j'.repeat(40);

  test('may be files, by every source, without the last newline', () => {
    const path = write('jwt', `${jwt}\n`);
    write('pin', '031-45-154\r\n');
    write('pass', 'with trailing blanks  \n');
    const { secrets } = load({
      yaml: 'mqtt:\n  username: hub\n  password_file: pass\n',
      env: { FUNKYGIBBON_AUTH__JWT_SECRET_FILE: path },
      argv: ['--homekit.pin-file', 'pin'],
    });
    expect(secrets).toEqual({
      mqttPassword: 'with trailing blanks  ',
      homekitPin: '031-45-154',
      jwtSecret: jwt,
      adminPassword: null,
      reportMailPassword: null,
      reportWebhookUrl: null,
      reportWebhookSecret: null,
      passphrase: null,
      backupPassphrase: null,
      s3SecretKey: null,
    });
  });

  test('given in a higher source replace a file of a lower one, which is not even read', () => {
    const { secrets } = load({
      yaml: 'auth: {jwt_secret_file: /nowhere/at/all}',
      env: { FUNKYGIBBON_AUTH__JWT_SECRET: jwt },
    });
    expect(secrets.jwtSecret).toBe(jwt);
  });

  test('given twice by one source are a problem', () => {
    expect(
      onlyProblem({
        yaml: `auth:\n  jwt_secret: ${jwt}\n  jwt_secret_file: x\n`,
        env: { FUNKYGIBBON_AUTH__JWT_SECRET: jwt },
      }),
    ).toMatchObject({ key: 'auth.jwt_secret', accepted: 'the secret or its file, not both' });
  });

  test('in a file that is not there are a problem that names the file', () => {
    expect(onlyProblem({ env: { FUNKYGIBBON_MQTT__PASSWORD_FILE: '/nowhere/pass' } })).toEqual({
      key: 'mqtt.password_file',
      source: 'environment FUNKYGIBBON_MQTT__PASSWORD_FILE',
      found: 'no file at /nowhere/pass',
      accepted: 'a readable file that holds the secret',
      nearest: null,
    });
    expect(onlyProblem({ argv: ['--mqtt.password_file', folder] })?.found).toBe(`a folder at ${folder}`);
    write('long', 'x'.repeat(20_000));
    expect(onlyProblem({ argv: ['--mqtt.password_file', 'long'] })?.found).toMatch(
      /^more than 16384 bytes in /,
    );
    write('empty', '\n');
    expect(onlyProblem({ argv: ['--mqtt.password_file', 'empty'] })?.found).toBe('nothing');
  });

  test('never show in a message, wherever they stand', () => {
    const secret = 'hunter2hunter2';
    write('pin', secret);
    const cases: Given[] = [
      { yaml: `homekit:\n  pin: ${secret}\n` },
      { yaml: `homekit:\n  pim: ${secret}\n` },
      { yaml: `homekit:\n  pin: "${secret}\n` },
      { yaml: `mqtt:\n  password: |${secret}\n` },
      { yaml: `mqtt:\n  password: %${secret}\n` },
      { yaml: `mqtt:\n  password: "\\${secret}"\n` },
      { yaml: `mqtt:\n  password: !${secret} x\n` },
      { yaml: `mqtt:\n  password: x: ${secret}\n` },
      { yaml: `mqtt:\n  password ${secret}\n` },
      { yaml: `mqtt:\n  password: [${secret}]\n` },
      { yaml: secret },
      { env: { FUNKYGIBBON_AUTH__JWT_SECRET: secret } },
      { env: { FUNKYGIBBON_AUTH__JWT_SECERT: secret } },
      { argv: ['--homekit.pin-file', 'pin'] },
      { argv: ['--mqtt.pasword', secret] },
      { argv: ['--mqtt.password', 'x', secret] },
      { argv: ['--mqtt.url', `mqtt://me:${secret}@broker`] },
      { argv: ['--mqtt.url', `mqtt://me:a/${secret}@broker`] },
    ];
    for (const given of cases) {
      const error = failure(given);
      expect(error.message + JSON.stringify(error.problems)).not.toContain('hunter2');
    }
  });
});

describe('the file', () => {
  test('may be empty, all comments, or have empty sections and keys', () => {
    for (const yaml of [
      '',
      '# nothing\n',
      '---\n',
      'http:\nmqtt:\n  port:\n  url: ~\n  username: null\nhome: {}\n',
    ]) {
      expect(load({ yaml }).config.mqtt).toMatchObject({ port: 1883, url: null, username: null });
    }
  });

  test('keeps digits as they are written', () => {
    const { config, secrets } = load({
      yaml: 'homekit:\n  pin: 03145154\nmqtt:\n  username: 007\n  password: 1e3\n  mode: off\nhome:\n  name: yes\n',
    });
    expect(secrets.homekitPin).toBe('031-45-154');
    expect(secrets.mqttPassword).toBe('1e3');
    expect(config.mqtt).toMatchObject({ username: '007', mode: 'off' });
    expect(config.home.name).toBe('yes');
  });

  test('takes lists, text with commas, and keys written with dots', () => {
    const { http } = load({
      yaml: 'http.trusted_proxies: [10.0.0.1, "::1"]\nhttp:\n  cors_origins: https://a.example,https://b.example\n  tls: {cert: c, key: k}\n',
    }).config;
    expect(http.trustedProxies).toEqual(['10.0.0.1', '::1']);
    expect(http.corsOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(http.tls).toEqual({
      host: '0.0.0.0',
      port: 8443,
      files: { cert: join(folder, 'c'), key: join(folder, 'k') },
    });
  });

  test.each([
    ['http:\n\tport: 1\n', /line 2/, 'a tab as indentation'],
    ['http:\n  port: 1\n  port: 2\n', /line 3/, 'a key that is written twice'],
    ['mqtt:\n  password: !secret mqtt\n', /line 2/, 'a !tag that the hub does not know'],
    ['http:\n  port: 1\n---\nhttp:\n', /line 3/, 'a second document (---)'],
    [
      'http:\n  host: "0.0.0.0\n',
      /line/,
      'a missing character, such as a closing quote or the : after a key',
    ],
  ])('that is not YAML is a problem with its line: %j', (yaml, place, found) => {
    const { problems } = failure({ yaml });
    expect(problems[0]).toMatchObject({ key: 'the file', source: expect.stringMatching(place), found });
  });

  test.each([
    ['http: 8000\n', 'http', 'a single value', /^a section with host, port, .*tls$/],
    ['http:\n  - port: 1\n', 'http', 'a list', /^a section/],
    ['http.port: 1\nhttp:\n  port: 2\n', 'http.port', 'a key that is written twice', /^one value$/],
    ['- http\n', 'the file', 'a list', /^a section with data_dir, home, graph, activity, http/],
    ['http:\n  port: [1, 2]\n', 'http.port', 'a list', /^a whole number/],
    ['http:\n  port: {a: 1}\n', 'http.port', 'a section', /^a whole number/],
    ['http:\n  trusted_proxies: [[10.0.0.1]]\n', 'http.trusted_proxies', 'a list', /^a list of IP/],
    [
      'home: {name: &n x}\nhomekit:\n  name: *n\n',
      'homekit.name',
      'an alias (*), which the hub does not follow',
      /^a name/,
    ],
  ])('with the wrong shape is a problem: %j', (yaml, key, found, accepted) => {
    expect(onlyProblem({ yaml })).toMatchObject({ key, found, accepted: expect.stringMatching(accepted) });
  });

  test('that nests without end or is huge is refused without harm', () => {
    expect(failure({ yaml: '['.repeat(200_000) }).problems.length).toBeGreaterThan(0);
    expect(failure({ yaml: 'a: '.repeat(50_000) }).problems.length).toBeGreaterThan(0);
    expect(onlyProblem({ yaml: '#'.repeat(300_000) })?.found).toMatch(/^more than 262144 bytes/);
  });

  test('that --config names must be there', () => {
    expect(onlyProblem({ argv: ['--config', 'no.yaml'] })).toMatchObject({
      source: 'flag --config',
      found: `no file at ${join(folder, 'no.yaml')}`,
    });
  });

  test('that is a folder is a problem, even where nobody named it', () => {
    mkdirSync(join(folder, 'hub.yaml'));
    expect(onlyProblem({})).toMatchObject({ found: `a folder at ${join(folder, 'hub.yaml')}` });
  });
});

describe('unknown names', () => {
  test.each([
    ['http:\n  prot: 1\n', 'http.prot', 'http.port', 2],
    ['htpp:\n  port: 1\n', 'htpp', 'http', 1],
    ['\n\ndata-dir: x\n', 'data-dir', 'data_dir', 3],
    ['mqtt:\n  passwordfile: x\n', 'mqtt.passwordfile', 'mqtt.password_file', 2],
    ['http:\n  port_file: x\n', 'http.port_file', null, 2],
    ['completely: different\n', 'completely', null, 1],
  ])('in the file stop the start: %j', (yaml, key, nearest, line) => {
    expect(onlyProblem({ yaml })).toEqual({
      key,
      source: `${join(folder, 'hub.yaml')}, line ${line}`,
      found: 'an unknown name',
      accepted: 'the names in config/hub.example.yaml',
      nearest,
    });
  });

  test.each([
    ['FUNKYGIBBON_HTTP__PROT', 'FUNKYGIBBON_HTTP__PORT'],
    ['FUNKYGIBBON_HTTP__port', 'FUNKYGIBBON_HTTP__PORT'],
    ['FUNKYGIBBON_DATA__DIR', 'FUNKYGIBBON_DATA_DIR'],
    ['FUNKYGIBBON_MQTT__PASWORD_FILE', 'FUNKYGIBBON_MQTT__PASSWORD_FILE'],
    ['FUNKYGIBBON_NOTHING__LIKE_IT_AT_ALL', null],
  ])('in the environment stop the start: %s', (variable, nearest) => {
    expect(onlyProblem({ env: { [variable]: '1' } })).toMatchObject({ key: variable, nearest });
  });

  test.each([
    [['--http.prot', '1'], '--http.prot', '--http.port'],
    [['--datadir=x'], '--datadir', '--data-dir'],
    [['--confg', 'x'], '--confg', '--config'],
    [['--constructor', 'x'], '--constructor', null],
  ])('as flags stop the start: %j', (argv, key, nearest) => {
    expect(onlyProblem({ argv })).toMatchObject({ key, nearest });
  });

  test.each([
    [['stray'], 'a word after it that belongs to no flag'],
    [['-p', '--http.port=1'], 'a word after it that belongs to no flag'],
    [['--http.port'], 'no value after it'],
    [['--http.port', '--mdns.enabled'], 'no value after it'],
    [['--config'], 'no value after it'],
  ])('a command line that makes no sense stops the start: %j', (argv, found) => {
    expect(onlyProblem({ argv })).toMatchObject({ source: 'command line', found });
  });
});

describe('values', () => {
  const bad: [string, string[]][] = [
    ['data_dir', ['', 'a\nb']],
    ['home.name', ['', '   ', 'x'.repeat(64), 'ü'.repeat(32), 'a\tb']],
    ['home.timezone', ['', 'Europe/Nowhere', 'CEST']],
    ['graph.change_log_days', ['-1', '1.5', '36501', 'never']],
    ['activity.keep_days', ['-1', '1.5', '3651', 'never']],
    ['http.host', ['', 'http://x', 'a b', '300.1.1.1', '192.168.1', '10.0.0.1:80', '-x', 'x..y']],
    ['http.port', ['', '-1', '65536', '80a', '8_000', '1.5', '0x50', ' ', '1e3']],
    ['http.rate_limit_per_minute', ['-1', 'off', '1000001']],
    ['http.cors_origins', ['*', 'panel.example', 'https://a.example/', 'https://u@a.example', 'https://']],
    ['http.trusted_proxies', ['10.0.0.0/8', 'localhost', 'loopback']],
    ['mqtt.mode', ['', 'Embedded', 'true']],
    ['mqtt.username', ['', 'x'.repeat(257), 'a\u0000']],
    ['mqtt.discovery_prefix', ['', 'a/#', '+', 'a/+/b', '/a', 'a/', '/', 'a b', '$SYS', 'a\u0000']],
    ['homekit.enabled', ['', 'maybe', '2']],
    [
      'homekit.pin',
      ['', '1234567', '123456789', '12-345-678', 'abc-de-fgh', '000-00-000', '11111111', '999-99-999'],
    ],
    ['homekit.pin', ['123-45-678', '12345678', '876-54-321', '87654321', '٠٣١-٤٥-١٥٤']],
    ['homekit.advertiser', ['', 'Ciao', 'none', 'resolved']],
    ['auth.jwt_secret', ['', 'x'.repeat(31)]],
    ['logging.level', ['verbose', 'INFO']],
    ['logging.format', ['text']],
  ];
  test.each(bad.flatMap(([key, values]) => values.map((value) => [key, value] as const)))(
    'of %s stop the start when they are %j',
    (key, value) => {
      expect(onlyProblem({ argv: [`--${key}=${value}`] })).toMatchObject({
        key,
        source: `flag --${key}`,
        nearest: null,
      });
    },
  );

  test('at the edge of what is accepted are accepted', () => {
    const good: [string, string][] = [
      ['home.name', 'ü'.repeat(31)],
      ['home.timezone', 'UTC'],
      ['http.host', '::'],
      ['http.host', 'my-pi.local'],
      ['http.port', '65535'],
      ['http.cors_origins', 'capacitor://localhost'],
      ['mqtt.discovery_prefix', 'a'],
      ['mqtt.discovery_prefix', 'zuhause/entdeckung'],
      ['homekit.pin', '111-11-112'],
      ['homekit.advertiser', 'bonjour-hap'],
      ['auth.jwt_secret', 'ü'.repeat(16)],
      ['logging.level', 'trace'],
    ];
    for (const [key, value] of good) load({ argv: [`--${key}`, value] });
  });

  test.each(['http://x', 'mqtt://', 'broker:1883', 'broker', 'mqtt://me@broker', 'mqtt://:pw@broker'])(
    'of mqtt.url stop the start when they are %j',
    (url) => {
      expect(onlyProblem({ argv: ['--mqtt.mode=external', `--mqtt.url=${url}`] })).toMatchObject({
        key: 'mqtt.url',
      });
    },
  );

  test.each(['mqtt://10.0.0.1', 'mqtts://b:8883', 'ws://b/mqtt', 'wss://b:443/mqtt', 'mqtt://[::1]:1883'])(
    'of mqtt.url are taken when they are %j',
    (url) => {
      expect(load({ argv: ['--mqtt.mode=external', `--mqtt.url=${url}`] }).config.mqtt.url).toBe(url);
    },
  );

  test.each([
    [['--home.latitude=1'], 'home.longitude', 'nothing, but there is a value for home.latitude'],
    [['--home.longitude=1'], 'home.latitude', 'nothing, but there is a value for home.longitude'],
    [['--home.latitude=91', '--home.longitude=1'], 'home.latitude', '"91"'],
    [['--home.latitude=1', '--home.longitude=-180.5'], 'home.longitude', '"-180.5"'],
    [['--http.tls.cert=a'], 'http.tls.key', 'nothing, but there is a value for http.tls.cert'],
    [['--http.tls.key=a'], 'http.tls.cert', 'nothing, but there is a value for http.tls.key'],
    [['--http.tls.port=1'], 'http.tls.port', 'a value, but no certificate'],
    [['--http.tls.host=::1'], 'http.tls.host', 'a value, but no certificate'],
    [
      ['--http.tls.self_signed', '--http.tls.cert=a', '--http.tls.key=b'],
      'http.tls.self_signed',
      'true, but there is a certificate too',
    ],
    [['--http.tls.self_signed', '--http.tls.port=8000'], 'http.tls.port', 'the port of http.port'],
    [['--mqtt.mode=external'], 'mqtt.url', 'nothing, but mqtt.mode is external'],
    [['--mqtt.url=mqtt://b'], 'mqtt.mode', 'nothing, but there is a value for mqtt.url'],
    [
      ['--mqtt.mode=external', '--mqtt.url=mqtt://b', '--mqtt.password=x'],
      'mqtt.username',
      'nothing, but there is a value for mqtt.password',
    ],
    [
      ['--mqtt.tls.port=1', '--mqtt.tls.cert=a'],
      'mqtt.tls.key',
      'nothing, but there is a value for mqtt.tls.cert',
    ],
    [
      ['--mqtt.tls.port=1', '--mqtt.tls.key=a'],
      'mqtt.tls.cert',
      'nothing, but there is a value for mqtt.tls.key',
    ],
    [
      ['--mqtt.tls.cert=a', '--mqtt.tls.key=b'],
      'mqtt.tls.port',
      'nothing, but there is a value for mqtt.tls.cert',
    ],
    [['--mqtt.tls.port=1883'], 'mqtt.tls.port', 'the port of mqtt.port'],
    [
      ['--mqtt.mode=external', '--mqtt.url=mqtts://b', '--mqtt.tls.port=1'],
      'mqtt.tls.port',
      'a value, but mqtt.mode is external',
    ],
    [
      ['--mqtt.mode=external', '--mqtt.url=mqtt://b', '--mqtt.tls.ca=a'],
      'mqtt.url',
      '"mqtt://b", but there is a value for mqtt.tls.ca',
    ],
  ])('that do not go together stop the start: %j', (argv, key, found) => {
    expect(onlyProblem({ argv })).toMatchObject({ key, found });
  });
});

test('TLS with a certificate of its own making is off until it is asked for, and listens where HTTP does', () => {
  expect(load({}).config.http.tls).toBeNull();
  expect(load({ argv: ['--http.tls.self_signed'] }).config.http.tls).toEqual({
    host: '0.0.0.0',
    port: 8443,
    files: null,
  });
  const apart = ['--http.tls.self_signed', '--http.host=127.0.0.1', '--http.tls.host=::', '--http.port=0'];
  expect(load({ argv: [...apart, '--http.tls.port=0'] }).config.http.tls).toMatchObject({
    host: '::',
    port: 0,
  });
});

test('TLS of the embedded broker needs a port only', () => {
  expect(load({ argv: ['--mqtt.tls.port=8883'] }).config.mqtt.tls).toMatchObject({ port: 8883, cert: null });
  const files = ['--mqtt.tls.port=0', '--mqtt.tls.cert=a', '--mqtt.tls.key=b'];
  expect(load({ argv: files }).config.mqtt.tls).toMatchObject({
    port: 0,
    cert: join(folder, 'a'),
    key: join(folder, 'b'),
  });
});

test.each(['hub.example:8000', 'https://hub.example', '192.168.1.2', '*', 'a b'])(
  '%j is no host name for http.allowed_hosts',
  (name) => {
    expect(onlyProblem({ argv: ['--http.allowed_hosts', name] })?.key).toBe('http.allowed_hosts');
  },
);

test('all problems are told at once, each with its place, and none with a secret', () => {
  const path = join(folder, 'hub.yaml');
  const error = failure({
    yaml: 'http:\n  port: 80a\nhomekit:\n  pin: 123-45-678\n  nmae: Bridge\n',
    env: { FUNKYGIBBON_LOGGING__LEVEL: 'loud', FUNKYGIBBON_HTTP__HSOT: '::' },
    argv: ['--home.latitude', '100', '--mqtt.discovery_prefix', ''],
  });
  expect(error.name).toBe('ConfigError');
  expect(error.message).toBe(`The configuration has 8 problems:
  homekit.nmae (${path}, line 5)
      found an unknown name; accepted: the names in config/hub.example.yaml.
      Did you mean homekit.name?
  FUNKYGIBBON_HTTP__HSOT (environment)
      found an unknown name; accepted: the names in config/hub.example.yaml.
      Did you mean FUNKYGIBBON_HTTP__HOST?
  home.latitude (flag --home.latitude)
      found "100"; accepted: degrees from -90 to 90, together with home.longitude.
  http.port (${path}, line 2)
      found "80a"; accepted: a whole number from 0 to 65535 (0 means any free port).
  mqtt.discovery_prefix (flag --mqtt.discovery_prefix)
      found nothing; accepted: a topic without wildcards (+ and #) and without / at either end.
  homekit.pin (${path}, line 4)
      found a secret of 10 bytes (not shown); accepted: XXX-XX-XXX in digits, and not an obvious one such as 111-11-111 or 123-45-678.
  logging.level (environment FUNKYGIBBON_LOGGING__LEVEL)
      found "loud"; accepted: trace, debug, info, warn, error, fatal, silent.
  home.longitude (flag --home.latitude)
      found nothing, but there is a value for home.latitude; accepted: degrees from -180 to 180, together with home.latitude.`);
});

test('a message cannot drive the terminal', () => {
  expect(failure({ argv: ['--\u001b[2Jx\u0007=1'] }).message).not.toMatch(/(?!\n)\p{Cc}/u);
});

test('every secret may be a file, and nothing else', () => {
  const files = writableNames().filter((name) => name.endsWith('_file'));
  expect(files).toEqual(KEY_NAMES.filter(isSecret).map((key) => `${key}_file`));
  expect(files).toHaveLength(10);
});
