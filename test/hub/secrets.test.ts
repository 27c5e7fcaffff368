import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { HubError, StartError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { Controller } from '../homekit/controller.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const PASSPHRASE = 'a passphrase that is long enough';
const SEALED = { FUNKYGIBBON_SECRETS__PASSPHRASE: PASSPHRASE };
const EVERYTHING = { FUNKYGIBBON_HTTP__TLS__SELF_SIGNED: 'true', FUNKYGIBBON_HTTP__TLS__PORT: '0' };

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  vi.restoreAllMocks();
  folder[Symbol.dispose]();
});

const dataDir = (): string => join(folder.path, 'data');

/** What makes the home this home, as who depends on it sees it. */
interface Home {
  readonly token: string;
  readonly mqttPassword: string | undefined;
  readonly pin: string | undefined;
  readonly setupUri: string | undefined;
  readonly paired: boolean | undefined;
  readonly fingerprint: string | undefined;
}

/** Starts the hub with everything on, looks at it and stops it. */
async function look(
  env: Readonly<Record<string, string>> = {},
  path = dataDir(),
  token?: string,
): Promise<Home> {
  await using hub = await startTestHub(path, { ...EVERYTHING, ...env });
  const { homekit, mqtt, tls } = hub.pairing();
  if (token !== undefined) {
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${hub.ready.http_url}/api/auth/me`, { headers })).status).toBe(200);
  }
  return {
    token: token ?? (await setUp(hub.ready.http_url, hub.pairing().setupCode ?? '')),
    mqttPassword: mqtt?.password,
    pin: homekit?.pin,
    setupUri: homekit?.setupUri.slice(0, 12),
    paired: homekit?.paired,
    fingerprint: tls?.fingerprint,
  };
}

async function setUp(url: string, code: string): Promise<string> {
  const answer = await fetch(`${url}/api/auth/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, username: 'anna', password: PASSWORD }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** A home in plain, with a phone paired with Apple Home. */
async function openHome(): Promise<{ home: Home; secrets: ReadonlyMap<string, string> }> {
  mkdirSync(dataDir());
  const first = await look();
  {
    await using hub = await startTestHub(dataDir(), EVERYTHING);
    const { homekit } = hub.pairing();
    if (!homekit) throw new Error('HomeKit is to be on');
    await using phone = await Controller.pair(homekit);
    await phone.accessories();
  }
  const secrets = new Map([
    ['pin', first.pin ?? ''],
    ['mqtt', first.mqttPassword ?? ''],
    ['tls', readFileSync(join(dataDir(), 'tls-key.pem'), 'latin1').split('\n')[1] ?? ''],
  ]);
  using database = new DatabaseSync(join(dataDir(), 'funkygibbon.db'));
  const kept = database.prepare("SELECT value FROM kept_value WHERE name = 'jwt_secret'").get();
  secrets.set('jwt', String(kept?.['value']));
  const bridge = database.prepare("SELECT value FROM hap_storage WHERE key LIKE 'AccessoryInfo.%'").get();
  const info = JSON.parse(String(bridge?.['value'])) as {
    signSk: string;
    pairedClients: Record<string, string>;
  };
  secrets.set('bridge', info.signSk);
  secrets.set('phone', Object.values(info.pairedClients)[0] ?? '');
  for (const [name, value] of secrets)
    if (value.length < 8) throw new Error(`there is no secret for ${name}`);
  return { home: { ...first, paired: true }, secrets };
}

/** A database page may end in the middle of a long secret. */
function piecesOf(value: string): string[] {
  return value.length < 32 ? [value] : [value.slice(0, 16), value.slice(16, 32), value.slice(-16)];
}

/** What the database says, whatever its pages look like. */
function rowsIn(path: string): string {
  using database = new DatabaseSync(join(path, 'funkygibbon.db'), { readOnly: true });
  return ['kept_value', 'hap_storage']
    .flatMap((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all())
    .map((row) => JSON.stringify(row))
    .join('\n');
}

/** The secrets that stand in plain anywhere in the folder, whatever kind of file it is. */
function plainIn(path: string, secrets: ReadonlyMap<string, string>): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => existsSync(join(path, name)) && !name.endsWith('.sock') && name !== 'backups')
    .flatMap((name) => {
      const text = readFileSync(join(path, name), 'latin1');
      return [...secrets]
        .filter(([, value]) => piecesOf(value).some((piece) => text.includes(piece)))
        .map(([what]) => `${what} in ${name}`);
    });
}

async function refusalOf(env: Readonly<Record<string, string>>, path = dataDir()): Promise<StartError> {
  const error: unknown = await startTestHub(path, { ...EVERYTHING, ...env }).then(
    async (hub) => await hub[Symbol.asyncDispose](),
    (refusal: unknown) => refusal,
  );
  if (!(error instanceof StartError)) throw new Error(`it started, or failed otherwise: ${String(error)}`);
  return error;
}

describe('with a passphrase', () => {
  test('what is there is sealed, no file has a secret in plain any more, and everything goes on', async () => {
    const { home, secrets } = await openHome();
    const found = plainIn(dataDir(), secrets).map((where) => where.split(' ', 1)[0]);
    expect(new Set(found)).toEqual(new Set(secrets.keys()));
    {
      await using hub = await startTestHub(dataDir(), { ...EVERYTHING, ...SEALED });
      expect(plainIn(dataDir(), secrets)).toEqual([]);
      const { homekit } = hub.pairing();
      expect(homekit?.paired).toBe(true);
    }
    expect(plainIn(dataDir(), secrets)).toEqual([]);
    expect(await look(SEALED, dataDir(), home.token)).toEqual(home);
    expect(plainIn(dataDir(), secrets)).toEqual([]);
  });

  test('a home that begins with one never has a secret in plain', async () => {
    mkdirSync(dataDir());
    const home = await look(SEALED);
    const secrets = new Map([
      ['pin', home.pin ?? ''],
      ['mqtt', home.mqttPassword ?? ''],
      ['tls', 'PRIVATE KEY'],
      ['bridge', 'signSk'],
    ]);
    expect(plainIn(dataDir(), secrets)).toEqual([]);
    expect(await look(SEALED, dataDir(), home.token)).toEqual(home);
  });

  test('without it, or with another, the hub says what to do and touches nothing', async () => {
    const { home } = await openHome();
    await look(SEALED, dataDir(), home.token);
    const files = ['mqtt-credentials.json', 'tls-key.pem', 'tls-cert.pem'];
    const contents = (): string[] => [
      rowsIn(dataDir()),
      ...files.map((name) => readFileSync(join(dataDir(), name), 'latin1')),
    ];
    const before = contents();
    for (const env of [{}, { FUNKYGIBBON_SECRETS__PASSPHRASE: 'another passphrase' }]) {
      const refusal = await refusalOf(env);
      expect(refusal.badConfiguration).toBe(true);
      expect(refusal.message).toMatch(/secrets\.passphrase.*Nothing was changed/);
      expect(refusal.message).not.toContain('another passphrase');
    }
    expect(contents()).toEqual(before);
    expect(await look(SEALED, dataDir(), home.token)).toEqual(home);
  });

  test('it can be taken away again with the passphrase', async () => {
    const { home, secrets } = await openHome();
    await look(SEALED, dataDir(), home.token);
    const remove = { FUNKYGIBBON_SECRETS__REMOVE_PASSPHRASE: 'true' };
    await refusalOf(remove);
    expect(plainIn(dataDir(), secrets)).toEqual([]);
    expect(await look({ ...SEALED, ...remove }, dataDir(), home.token)).toEqual(home);
    expect(await look({ ...SEALED, ...remove }, dataDir(), home.token)).toEqual(home);
    expect(await look({}, dataDir(), home.token)).toEqual(home);
  });

  test('a file that cannot be opened stops the start, naming it', async () => {
    const { home } = await openHome();
    await look(SEALED, dataDir(), home.token);
    const file = join(dataDir(), 'mqtt-credentials.json');
    writeFileSync(file, `${readFileSync(file, 'utf8').slice(0, -4)}AAAA`);
    expect((await refusalOf(SEALED)).message).toContain('mqtt-credentials.json');
  });

  test('a disk too full for the wiping does not stop the hub, and the next start wipes', async () => {
    const { home, secrets } = await openHome();
    const lines: string[] = [];
    const log = createLogger({
      level: 'warn',
      format: 'json',
      destination: { write: (line) => lines.push(line) },
    });
    vi.spyOn(Store.prototype, 'rewrite').mockImplementationOnce(() => {
      throw new HubError('storage_full', 'The disk is full.');
    });
    const hub = await startTestHub(dataDir(), { ...EVERYTHING, ...SEALED }, { log });
    await hub[Symbol.asyncDispose]();
    expect(lines.join('')).toContain('the next start tries again');
    expect(plainIn(dataDir(), secrets)).not.toEqual([]);
    expect(await look(SEALED, dataDir(), home.token)).toEqual(home);
    expect(plainIn(dataDir(), secrets)).toEqual([]);
  });

  test('copies from before are named, for they are as they were', async () => {
    await openHome();
    mkdirSync(join(dataDir(), 'backups'));
    writeFileSync(join(dataDir(), 'backups', 'before-migration-x.db'), '');
    const lines: string[] = [];
    const log = createLogger({
      level: 'warn',
      format: 'json',
      destination: { write: (line) => lines.push(line) },
    });
    const hub = await startTestHub(dataDir(), { ...EVERYTHING, ...SEALED }, { log });
    await hub[Symbol.asyncDispose]();
    expect(lines.join('')).toContain('backups/before-migration-x.db');
  });

  test('it may come as a systemd credential', async () => {
    const { home } = await openHome();
    const credentials = join(folder.path, 'credentials');
    mkdirSync(credentials);
    writeFileSync(join(credentials, 'funkygibbon-passphrase'), `${PASSPHRASE}\n`, { mode: 0o400 });
    const env = { CREDENTIALS_DIRECTORY: credentials };
    expect(await look(env, dataDir(), home.token)).toEqual(home);
    expect(await look(SEALED, dataDir(), home.token)).toEqual(home);
    await refusalOf({});
  });
});

/** Copies the folder before and after each step that a start takes until its secrets are open. */
async function copiesOf(env: Readonly<Record<string, string>>): Promise<string[]> {
  const copies: string[] = [];
  let isOver = false;
  const copy = (): void => {
    if (isOver) return;
    const target = join(folder.path, `copy-${copies.length}`);
    cpSync(dataDir(), target, { recursive: true });
    copies.push(target);
  };
  for (const step of ['write', 'durable', 'rewrite'] as const) {
    const original = Store.prototype[step] as (this: Store, ...given: unknown[]) => unknown;
    vi.spyOn(Store.prototype, step).mockImplementation(function (this: Store, ...given: unknown[]) {
      copy();
      const result = original.apply(this, given);
      copy();
      return result as never;
    });
  }
  // Between the files that are replaced one after the other there is a line in the log.
  const destination = { write: copy };
  const log = createLogger({ level: 'info', format: 'json', destination });
  const { useSecrets } = Store.prototype;
  vi.spyOn(Store.prototype, 'useSecrets').mockImplementation(function (this: Store, secrets) {
    isOver = true;
    useSecrets.call(this, secrets);
  });
  const hub = await startTestHub(dataDir(), { ...EVERYTHING, ...env }, { log });
  isOver = true;
  await hub[Symbol.asyncDispose]();
  vi.restoreAllMocks();
  return copies;
}

describe('a power cut', () => {
  test('at any step of the sealing leaves a home that starts, and is sealed then', async () => {
    const { home, secrets } = await openHome();
    const copies = await copiesOf(SEALED);
    expect(copies.length).toBeGreaterThan(8);
    for (const copy of copies) {
      expect(await look(SEALED, copy, home.token), copy).toEqual(home);
      expect(plainIn(copy, secrets), copy).toEqual([]);
    }
  }, 60_000);

  test('at any step of taking the passphrase away leaves a home that starts', async () => {
    const { home } = await openHome();
    await look(SEALED, dataDir(), home.token);
    const remove = { ...SEALED, FUNKYGIBBON_SECRETS__REMOVE_PASSPHRASE: 'true' };
    const copies = (await copiesOf(remove)).slice(0, 10);
    expect(copies.length).toBeGreaterThan(3);
    for (const copy of copies) {
      expect(await look(remove, copy, home.token), copy).toEqual(home);
      expect(await look({}, copy, home.token), copy).toEqual(home);
    }
  }, 60_000);
});
