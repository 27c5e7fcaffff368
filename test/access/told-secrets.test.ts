import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

import type { PhonePairing } from '../../src/cli/types.ts';
import type { Hub } from '../../src/hub.ts';

import { createLogger } from '../../src/base/log.ts';
import { askHub } from '../../src/cli/ask.ts';
import { CONTROL_SOCKET, PAIR_PHONE } from '../../src/cli/cli.ts';
import { Controller } from '../homekit/controller.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

/*
 * Each secret of a hub is used once, rightly and wrongly, while the hub says as much as it can; then whatever it said
 * and kept is searched. The database may hold what the hub itself has to know again: the key that signs tokens, and what
 * Apple Home knows the bridge by. The rest is there as a hash or not at all.
 */

type Told = Readonly<Record<string, string>>;

/** What is looked for, by a name that says what it is. */
const secrets = new Map<string, string>();
/** The secrets that are kept as they are, and the one file where. */
const KEPT: Readonly<Record<string, string>> = {
  'the key that signs tokens': 'funkygibbon.db',
  'the HomeKit code': 'funkygibbon.db',
  'the HomeKit signing key': 'funkygibbon.db',
  'the generated password of the broker': 'mqtt-credentials.json',
  'the TLS key': 'tls-key.pem',
};

const folder = temporaryFolder();
const lines: string[] = [];
const printed: string[] = [];
let hub: Hub;
let document = '';
let auditLog = '';
const answers: string[] = [];

function secret(name: string, value: string | undefined): string {
  if (value === undefined || value.length < 6) throw new Error(`there is no secret for ${name}`);
  secrets.set(name, value);
  return value;
}

async function call(
  path: string,
  init: { method?: string; token?: string; body?: unknown; text?: string; authorization?: string } = {},
): Promise<Response> {
  const { method = 'POST', token, body, text = body === undefined ? undefined : JSON.stringify(body) } = init;
  const authorization = init.authorization ?? (token === undefined ? undefined : `Bearer ${token}`);
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(text === undefined ? {} : { body: text }),
  });
}

async function right<T = Told>(path: string, init: Parameters<typeof call>[1] = {}): Promise<T> {
  const answer = await call(path, init);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json().catch(() => ({}))) as T;
}

/** What is refused; the refusal must not say the secret again either. */
async function wrong(path: string, init: Parameters<typeof call>[1] = {}): Promise<void> {
  const answer = await call(path, init);
  expect(answer.ok, path).toBe(false);
  answers.push(await answer.text());
}

async function tellSocket(path: string, headers: Told, protocols: string[], message?: object): Promise<void> {
  const socket = new WebSocket(`${hub.ready.http_url.replace('http', 'ws')}/ws/${path}`, protocols, {
    headers,
  });
  socket.on('error', () => undefined);
  socket.on('unexpected-response', () => socket.terminate());
  socket.on('message', (data: Buffer) => {
    answers.push(data.toString());
    socket.close();
  });
  socket.on('open', () => {
    if (message) socket.send(JSON.stringify(message));
  });
  const closed = Promise.withResolvers<void>();
  socket.on('close', () => closed.resolve());
  await closed.promise;
}

async function owner(): Promise<string> {
  const code = secret('the setup code', hub.pairing().setupCode ?? undefined);
  const password = secret('the password of the owner', 'correct horse battery');
  const wrongCode = secret('a wrong setup code', 'WRNG-C2DE-TYPD');
  await wrong('/api/auth/setup', { body: { code: wrongCode, username: 'anna', password } });
  const tokens = await right('/api/auth/setup', { body: { code, username: 'anna', password } });
  secret('the access token of the setup', tokens['access_token']);
  secret('the refresh token of the setup', tokens['refresh_token']);

  const typo = secret('a wrong password', 'correct house battery');
  await wrong('/api/auth/login', { body: { username: 'anna', password: typo } });
  await wrong('/api/auth/login', { body: { username: password, password: 'typed one field too early' } });
  await wrong('/api/auth/login', { text: `{"username":"anna","password":"${password}"` });
  await wrong('/api/auth/login', { body: { username: 'anna', password: [password] } });
  await wrong('/api/v1/auth/admin/login', { body: { password: typo } });
  const login = await right('/api/auth/login', { body: { username: 'anna', password, device_id: 'phone' } });
  const refreshToken = secret('a refresh token', login['refresh_token']);
  secret('the access token before a refresh', login['access_token']);
  const refreshed = await right('/api/auth/refresh', { body: { refresh_token: refreshToken } });
  const token = secret('the access token of a refresh', refreshed['access_token']);
  secret('the refresh token of a refresh', refreshed['refresh_token']);
  return token;
}

/** Tokens in each of the places in which a client may put them. */
async function tokensEverywhere(token: string, userId: string): Promise<void> {
  const forged = secret('a forged token', `${token.slice(0, -8)}AAAAAAAA`);
  await wrong('/api/auth/me', { method: 'GET', token: forged });
  await wrong('/api/auth/me', { method: 'GET', authorization: `Token ${token}` });
  await wrong(`/api/auth/me?access_token=${token}`, { method: 'GET' });
  const basic = Buffer.from('anna:correct horse battery').toString('base64');
  await wrong('/api/auth/me', { method: 'GET', authorization: `Basic ${secret('Basic', basic)}` });
  await wrong('/api/auth/refresh', {
    body: { refresh_token: secret('a wrong refresh token', 'x'.repeat(43)) },
  });
  for (const shown of [token, forged]) {
    await tellSocket(userId, { authorization: `Bearer ${shown}` }, []);
    await tellSocket(userId, {}, [`bearer.${shown}`]);
    await tellSocket(userId, {}, [], { type: 'auth', token: shown });
    await tellSocket(`${userId}?token=${shown}`, {}, [], { type: 'ping' });
  }
  await tellSocket(userId, {}, [], { type: token });
}

async function otherPeople(token: string): Promise<void> {
  const password = secret('the password of a new user', 'what the admin made up');
  await right('/api/users', { token, body: { username: 'ben', password, role: 'member' } });
  const ben = await right('/api/auth/login', { body: { username: 'ben', password } });
  const benToken = secret('an access token of a member', ben['access_token']);
  const newPassword = secret('a new password', 'what Ben made up himself');
  const change = { current_password: password, new_password: newPassword };
  await wrong('/api/auth/password', {
    method: 'PUT',
    token: benToken,
    body: { ...change, current_password: secret('a wrong current password', 'what Ben misremembers') },
  });
  await right('/api/auth/password', { method: 'PUT', token: benToken, body: change });
  await wrong('/api/users', { token: benToken, body: { username: 'x', password, role: 'admin' } });

  const key = await right('/api/auth/api-keys', { token, body: { name: 'panel', scopes: ['home:read'] } });
  const keySecret = secret('an API key', key['secret']);
  const rotated = await right(`/api/auth/api-keys/${key['id']}/rotate`, { token, body: {} });
  await right('/api/entities', { method: 'GET', token: secret('a rotated API key', rotated['secret']) });
  await right('/api/entities', { method: 'GET', token: keySecret });
  await wrong('/api/entities', { token: keySecret, body: { entity_type: 'note', content: {} } });
  const wrongKey = secret('a wrong API key', `${keySecret.slice(0, -6)}AAAAAA`);
  await wrong('/api/entities', { method: 'GET', token: wrongKey });
}

async function newcomers(token: string): Promise<void> {
  const shown = await right('/api/auth/pairing-codes', { token });
  const code = secret('a pairing code', shown['code']);
  await wrong('/api/auth/pair', {
    body: { code: secret('a wrong pairing code', 'BADC-2DEX-TRYD'), device_id: 'p' },
  });
  const paired = await right('/api/auth/pair', { body: { code, device_id: 'annas-phone' } });
  secret('the access token of a paired phone', paired['access_token']);
  secret('the refresh token of a paired phone', paired['refresh_token']);
  await wrong('/api/auth/pair', { body: { code, device_id: 'somebody-elses-phone' } });
  const terminal = (await askHub(join(folder.path, CONTROL_SOCKET), PAIR_PHONE, {
    user: 'anna',
  })) as PhonePairing;
  secret('a pairing code of the terminal', terminal.code);

  const { qr_data: guest } = await right<{ qr_data: Told }>('/api/v1/auth/guest/generate-qr', { token });
  const guestCode = secret('the code of a guest', guest['token']);
  const entered = await right('/api/v1/auth/guest/verify', { body: { token: guestCode } });
  const guestToken = secret('the access token of a guest', entered['access_token']);
  await wrong('/api/v1/auth/guest/verify', { body: { token: secret('a wrong guest code', 'g'.repeat(43)) } });
  await wrong('/api/entities', { token: guestToken, body: { entity_type: 'note', content: {} } });
  const noted = secret('a token that a client tells the hub to note', 'client-side-token');
  await right(`/api/v1/sync-metadata?client_id=c&server_url=http://x&auth_token=${noted}`, { token });
  await right(`/api/v1/auth/guest/revoke?token=${guestCode}`, { token });
}

async function devicesAndPhones(): Promise<void> {
  const pairing = hub.pairing();
  if (!pairing.homekit || !pairing.mqtt) throw new Error('everything is to be on');
  const { url, username } = pairing.mqtt;
  const password = secret('the generated password of the broker', pairing.mqtt.password);
  const wrongPassword = secret('a wrong password of the broker', 'what-a-lamp-was-told');
  const login = { username, connectTimeout: 5000, reconnectPeriod: 0 };
  await expect(mqtt.connectAsync(url, { ...login, password: wrongPassword })).rejects.toThrow();
  const device = await mqtt.connectAsync(url, { ...login, password });
  await device.endAsync(true);

  const pin = secret('the HomeKit code', pairing.homekit.pin);
  const { port, username: hapName } = pairing.homekit;
  const address = { port, username: hapName, pin };
  await using stranger = new Controller(address);
  await expect(stranger.pair(secret('a wrong HomeKit code', '135-79-246'))).rejects.toThrow();
  await using phone = await Controller.pair(address);
  await phone.accessories();
}

/** Every column of every table, as text and as hexadecimal. */
function dumpDatabase(): string {
  using database = new DatabaseSync(join(folder.path, 'funkygibbon.db'), { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const rows = tables.flatMap(({ name }) => {
    const statement = database.prepare(`SELECT * FROM "${String(name)}"`);
    statement.setReadBigInts(true);
    return statement.all().map((row) => ({ ...row, table: name }));
  });
  return rows
    .flatMap((row) => Object.values(row))
    .map((value) =>
      value instanceof Uint8Array
        ? `${Buffer.from(value).toString('latin1')}\n${Buffer.from(value).toString('hex')}`
        : String(value),
    )
    .join('\n');
}

/** The ways in which a secret could be written. */
function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const plain = [value, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')];
  return [...plain, encodeURIComponent(value), value.replaceAll('-', ''), JSON.stringify(value).slice(1, -1)];
}

function namesIn(text: string): string[] {
  return [...secrets]
    .filter(([, value]) => spellings(value).some((spelling) => text.includes(spelling)))
    .map(([name]) => name);
}

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    vi.spyOn(stream, 'write').mockImplementation((chunk, ...rest) => {
      printed.push(String(chunk));
      return write(chunk, ...(rest as []));
    });
  }
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ level: 'trace', format: 'json', destination });
  const env = { FUNKYGIBBON_HTTP__TLS__SELF_SIGNED: 'true', FUNKYGIBBON_HTTP__TLS__PORT: '0' };
  hub = await startTestHub(folder.path, env, { log });
  const token = await owner();
  const me = await right('/api/auth/me', { method: 'GET', token });
  await tokensEverywhere(token, me['user_id'] ?? '');
  await otherPeople(token);
  await newcomers(token);
  await devicesAndPhones();
  document = await (await fetch(`${hub.ready.http_url}/openapi.json`)).text();
  auditLog = JSON.stringify(await right('/api/audit?limit=500', { method: 'GET', token }));
  await right('/api/auth/logout', { token });
  using database = new DatabaseSync(join(folder.path, 'funkygibbon.db'), { readOnly: true });
  const keyRow = database.prepare("SELECT value FROM kept_value WHERE name = 'jwt_secret'").get();
  secret('the key that signs tokens', String(keyRow?.['value']));
  const bridge = database.prepare("SELECT value FROM hap_storage WHERE key LIKE 'AccessoryInfo.%'").get();
  const { signSk } = JSON.parse(String(bridge?.['value'])) as { signSk: string };
  secret('the HomeKit signing key', signSk);
  const pem = readFileSync(join(folder.path, 'tls-key.pem'), 'latin1');
  secret('the TLS key', pem.split('\n')[1]);
}, 60_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
  vi.restoreAllMocks();
});

test('the log says much, and no secret', () => {
  const log = lines.join('');
  for (const sentence of [
    'answered a request',
    'a login failed',
    'an API key was made',
    'a device was paired',
  ]) {
    expect(log).toContain(sentence);
  }
  expect(secrets.size).toBeGreaterThan(35);
  expect(namesIn(log)).toEqual([]);
});

test('nothing is printed beside the log', () => {
  expect(namesIn(printed.join(''))).toEqual([]);
});

test('the audit log tells of all of it, and no secret', () => {
  for (const action of ['setup', 'login', 'pair', 'api_key.rotate', 'guest_code.enter', 'password.change']) {
    expect(auditLog).toContain(`"${action}"`);
  }
  expect(namesIn(auditLog)).toEqual([]);
});

test('the document of the API shows none', () => {
  expect(namesIn(document)).toEqual([]);
});

test('a refusal does not say again what was wrong', () => {
  expect(namesIn(answers.join('\n'))).toEqual([]);
});

test('the database holds what the hub must know again, and of the rest a hash or nothing', () => {
  const expected = Object.keys(KEPT).filter((name) => KEPT[name] === 'funkygibbon.db');
  expect(namesIn(dumpDatabase()).toSorted()).toEqual(expected.toSorted());
});

test('no other file of the data folder holds more than the one that is its', () => {
  for (const name of readdirSync(folder.path, { recursive: true, encoding: 'utf8' })) {
    if (name.startsWith('funkygibbon.db') || name.endsWith('.sock')) continue;
    const expected = Object.keys(KEPT).filter((one) => KEPT[one] === name);
    expect(namesIn(readFileSync(join(folder.path, name), 'latin1')), name).toEqual(expected);
  }
});
