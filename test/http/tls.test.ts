import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

import { ManualClock } from '../../src/base/clock.ts';
import { StartError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { welcomeText } from '../../src/cli/welcome.ts';
import { fingerprintOf, readPair } from '../../src/http/pem.ts';
import { machineNames, makeCertificate, needsRenewal } from '../../src/http/self-signed.ts';
import { TlsIdentity } from '../../src/http/tls-identity.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';
import { startTestApi, type TestApi } from './support.ts';
import { askSecurely, newKey, pemOf, watchedLog, writePair } from './tls-support.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

type StartOptions = NonNullable<Parameters<typeof startTestApi>[0]>;

async function startSecure(files: { cert: string; key: string } | null = null, more: StartOptions = {}) {
  const api = await startTestApi({
    tls: { host: '127.0.0.1', port: 0, files, settleMs: 5 },
    keyFolder: folder.path,
    ...more,
  });
  return Object.assign(api, { secureUrl: api.http.tls?.url ?? '' });
}

/** A connection behind TLS that has shaken hands. */
async function connectSecurely(api: TestApi): Promise<TLSSocket> {
  const socket = connectTls({ port: api.http.tls?.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

describe('a certificate that the hub makes itself', () => {
  test('is made at the first start, serves every route, and is the same at the next', async () => {
    let first: string;
    {
      await using api = await startSecure();
      first = api.http.tls?.fingerprint ?? '';
      expect(first).toMatch(/^sha256\/[\w+/]{43}=$/);
      const headers = { authorization: `Bearer ${api.token}` };
      const answer = await askSecurely(`${api.secureUrl}/api/entities`, { headers });
      expect(answer).toMatchObject({ status: 200, fingerprint: first, protocol: 'TLSv1.3' });
      expect((await askSecurely(`${api.secureUrl}/api/entities`)).status).toBe(401);
      expect((await fetch(`${api.url}/health`)).status).toBe(200);
      expect(statSync(join(folder.path, 'tls-key.pem')).mode & 0o777).toBe(0o600);
    }
    await using again = await startSecure();
    expect(again.http.tls?.fingerprint).toBe(first);
  });

  test('names the machine as it is called at home, and nobody else', async () => {
    const key = newKey();
    const nowMs = Date.UTC(2026, 0, 1);
    const names = machineNames();
    expect(names).toEqual(expect.arrayContaining(['localhost', '127.0.0.1', '::1']));
    const pem = await makeCertificate(key, [...names, 'hub.local', '192.168.1.7', 'fd00::7'], nowMs);
    const certificate = new X509Certificate(pem);
    for (const name of [...names, 'hub.local', '192.168.1.7', 'fd00::7']) {
      expect(certificate.checkHost(name) ?? certificate.checkIP(name), name).toBe(name);
    }
    expect(certificate.checkHost('other.example')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / DAY_MS;
    expect(days).toBeLessThanOrEqual(825);
    expect(needsRenewal(pem, key, names, nowMs)).toBe(false);
    expect(needsRenewal(pem, newKey(), names, nowMs)).toBe(true);
    expect(needsRenewal(pem, key, [...names, '192.168.1.8'], nowMs)).toBe(true);
    expect(needsRenewal(pem, key, [...names, 'new.local'], nowMs)).toBe(true);
    expect(needsRenewal('nonsense', key, names, nowMs)).toBe(true);
  });

  test('is renewed before its end, while the hub runs, for the same key', async () => {
    const clock = new ManualClock();
    const files = { cert: join(folder.path, 'tls-cert.pem'), key: join(folder.path, 'tls-key.pem') };
    using identity = await TlsIdentity.open({ files, selfSigned: true, clock, log: silentLogger });
    const before = identity.pair;
    const changed = vi.fn();
    identity.follow(changed);
    clock.advance(600 * DAY_MS);
    await identity.check();
    expect(changed).not.toHaveBeenCalled();
    clock.advance(200 * DAY_MS);
    await identity.check();
    expect(changed).toHaveBeenCalledOnce();
    expect(identity.pair.cert).not.toBe(before.cert);
    expect(identity.pair.notAfterMs).toBeGreaterThan(before.notAfterMs);
    expect(identity.pair.fingerprint).toBe(before.fingerprint);
  });

  test('with a key that cannot be read stops the start: another one would lock the phones out', async () => {
    writeFileSync(join(folder.path, 'tls-key.pem'), '');
    const error: unknown = await startSecure().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ part: 'http', badConfiguration: true });
    expect(String(error)).toMatch(/tls-key\.pem holds no private key.*backup/);
  });

  test('that is damaged is made again, for the same key', async () => {
    const { http } = await startSecure().then(async (api) => {
      await api[Symbol.asyncDispose]();
      return api;
    });
    writeFileSync(join(folder.path, 'tls-cert.pem'), '-----BEGIN CERTIFICATE-----\nnonsense\n');
    await using api = await startSecure();
    expect(api.http.tls?.fingerprint).toBe(http.tls?.fingerprint);
    expect((await askSecurely(`${api.secureUrl}/health`)).fingerprint).toBe(http.tls?.fingerprint);
  });
});

describe('files of one’s own', () => {
  const now = (): number => new ManualClock().nowMs();

  test('are taken, and taken again when they change, without a restart', async () => {
    const { log, lines } = watchedLog();
    const files = await writePair(folder.path, now());
    const onCertificateChange = vi.fn();
    await using api = await startSecure(files, { log, onCertificateChange });
    const first = await askSecurely(`${api.secureUrl}/health`);
    expect(first.fingerprint).toBe(fingerprintOf(new X509Certificate(readFileSync(files.cert)).publicKey));
    const kept = await connectSecurely(api);

    writeFileSync(files.key, pemOf(newKey()));
    await vi.waitFor(() => expect(lines.join('')).toMatch(/do not belong together/));
    expect((await askSecurely(`${api.secureUrl}/health`)).fingerprint).toBe(first.fingerprint);
    expect(onCertificateChange).not.toHaveBeenCalled();

    await writePair(folder.path, now());
    await vi.waitFor(() => expect(onCertificateChange).toHaveBeenCalled());
    const second = await askSecurely(`${api.secureUrl}/health`);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect(api.http.tls?.fingerprint).toBe(second.fingerprint);
    kept.write('GET /health HTTP/1.1\r\nhost: hub\r\n\r\n');
    const [data] = (await once(kept, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1\.1 200/);
    kept.destroy();
  });

  test('may be links that are put in place of others, as certbot does', async () => {
    const files = await writePair(folder.path, now());
    using archive = temporaryFolder();
    const link = (pair: { cert: string; key: string }): void => {
      for (const name of ['cert', 'key'] as const) {
        symlinkSync(pair[name], `${files[name]}.new`);
        renameSync(`${files[name]}.new`, files[name]);
      }
    };
    const changed = vi.fn();
    await using api = await startSecure(files, { onCertificateChange: changed });
    const before = api.http.tls?.fingerprint;
    link(await writePair(archive.path, now()));
    await vi.waitFor(() => expect(changed).toHaveBeenCalled());
    expect(api.http.tls?.fingerprint).not.toBe(before);
  });

  test('that cannot be used say why, and what to do', async () => {
    const files = await writePair(folder.path, now());
    const good = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
    const locked = createPrivateKey(good.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    });
    const expired = await makeCertificate(createPrivateKey(good.key), ['localhost'], now() - 900 * DAY_MS);
    const cases: [RegExp, Partial<typeof good>][] = [
      [/cert\.pem holds no certificate in PEM form/, { cert: 'a shopping list' }],
      [/cert\.pem holds no certificate in PEM form/, { cert: good.key }],
      [/key\.pem holds no private key in PEM form/, { key: good.cert }],
      [/key\.pem is locked with a passphrase.*openssl pkey/, { key: locked }],
      [/do not belong together/, { key: pemOf(newKey()) }],
      [/cert\.pem expired on 2025-\d\d-\d\d.*renewed/, { cert: expired }],
    ];
    for (const [why, bad] of cases) {
      writeFileSync(files.cert, bad.cert ?? good.cert);
      writeFileSync(files.key, bad.key ?? good.key);
      const error: unknown = await startSecure(files).catch((thrown: unknown) => thrown);
      expect(error, why.source).toBeInstanceOf(StartError);
      expect(error).toMatchObject({ part: 'http', badConfiguration: true });
      expect(String(error)).toMatch(why);
      expect(String(error)).not.toContain(good.key.slice(40, 80));
    }
    rmSync(files.cert);
    await expect(startSecure(files)).rejects.toThrow(
      /^http: http\.tls: the certificate cannot be read.*Check the path of the certificate/,
    );
  });

  test('that are not valid yet are used: it may be the clock of the hub that is wrong', async () => {
    const { log, lines } = watchedLog();
    const files = await writePair(folder.path, now() + 30 * DAY_MS);
    chmodSync(files.key, 0o644);
    await using api = await startSecure(files, { log });
    expect((await askSecurely(`${api.secureUrl}/health`)).status).toBe(200);
    expect(lines.join('')).toMatch(/not valid yet/);
    expect(lines.join('')).toMatch(/key can be read by others/);
  });

  test('that end soon are told of, once a day', async () => {
    const { log, lines } = watchedLog();
    const clock = new ManualClock();
    const files = await writePair(folder.path, clock.nowMs() - 815 * DAY_MS);
    using identity = await TlsIdentity.open({ files, selfSigned: false, clock, log });
    for (let n = 0; n < 3; n++) await identity.check();
    expect(lines.filter((line) => line.includes('ends soon'))).toHaveLength(1);
    clock.advance(DAY_MS);
    await identity.check();
    expect(lines.filter((line) => line.includes('ends soon'))).toHaveLength(2);
  });

  test.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    'of an authority, with plain HTTP for this machine only, tell browsers to come back by TLS',
    async () => {
      const at = (name: string): string => join(folder.path, name);
      const openssl = (...words: string[]): unknown =>
        execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'ignore'] });
      const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      openssl('req', '-x509', ...ec, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=CA');
      openssl('req', ...ec, '-keyout', at('key.pem'), '-out', at('req.pem'), '-subj', '/CN=hub');
      const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'];
      openssl('x509', '-req', '-in', at('req.pem'), ...signing, '-days', '30', '-out', at('cert.pem'));
      const files = { cert: at('cert.pem'), key: at('key.pem') };
      expect(readPair(files).isSelfSigned).toBe(false);
      const header = 'strict-transport-security';
      {
        await using local = await startSecure(files);
        expect((await askSecurely(`${local.secureUrl}/health`)).headers[header]).toBe('max-age=2592000');
        expect((await fetch(`${local.url}/health`)).headers.has(header)).toBe(false);
      }
      await using both = await startSecure(files, { host: '0.0.0.0' });
      expect((await askSecurely(`${both.secureUrl}/health`)).headers[header]).toBeUndefined();
      await using own = await startSecure();
      expect((await askSecurely(`${own.secureUrl}/health`)).headers[header]).toBeUndefined();
    },
  );
});

describe('behind TLS', () => {
  test('WebSockets are handed on as on the plain port', async () => {
    await using api = await startSecure(null, {
      upgrade: (_, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    });
    const socket = await connectSecurely(api);
    socket.write('GET /ws/anna HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).toMatch(/^HTTP\/1\.1 101/);
    socket.destroy();
  });

  test('nothing older than TLS 1.2 is spoken', async () => {
    await using api = await startSecure();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
    await expect(askSecurely(`${api.secureUrl}/health`, old)).rejects.toThrow();
    const answer = await askSecurely(`${api.secureUrl}/health`, { maxVersion: 'TLSv1.2' });
    expect(answer).toMatchObject({ status: 200, protocol: 'TLSv1.2' });
  });

  test('both ports share one number of places, and an idle connection of either gives way', async () => {
    await using api = await startSecure(null, { limits: { maxPlainConnections: 2 } });
    const secure = await connectSecurely(api);
    const gone = once(secure, 'close');
    for (let n = 0; n < 2; n++) {
      const socket = api.connect();
      socket.write('GET /health HTTP/1.1\r\nhost: hub\r\n\r\n');
      await once(socket, 'data');
    }
    await gone;
    expect((await askSecurely(`${api.secureUrl}/health`)).status).toBe(200);
    // What TLS had closes its place again when it ends.
    for (let n = 0; n < 5; n++) {
      const more = await connectSecurely(api);
      more.end();
      await once(more, 'close');
    }
    expect((await fetch(`${api.url}/health`)).status).toBe(200);
  });

  test('a handshake that dribbles, or is none, is ended while others are answered', async () => {
    await using api = await startSecure(null, { limits: { handshakeTimeoutMs: 100 } });
    const port = api.http.tls?.port ?? 0;
    const closed: Promise<unknown>[] = [];
    for (const bytes of ['', '\u0016\u0003\u0001', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(70_000)]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
      socket.resume();
      socket.write(bytes, 'latin1');
    }
    expect((await askSecurely(`${api.secureUrl}/health`)).status).toBe(200);
    await Promise.all(closed);
  });

  test('a port in use, and an address that is not ours, name the keys of TLS', async () => {
    await using api = await startSecure();
    const start = async (host: string, port: number): Promise<unknown> =>
      await startTestApi({ tls: { host, port, files: null }, keyFolder: folder.path });
    await expect(start('127.0.0.1', api.http.tls?.port ?? 0)).rejects.toThrow(/in use.*http\.tls\.port/);
    await expect(start('203.0.113.7', 0)).rejects.toThrow(/http\.tls\.host/);
  });
});

test('the whole hub tells where TLS is and by what it is known, and a phone follows the home through it', async () => {
  const env = {
    FUNKYGIBBON_HTTP__TLS__SELF_SIGNED: 'true',
    FUNKYGIBBON_HTTP__TLS__PORT: '0',
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: 'correct horse battery',
    FUNKYGIBBON_MQTT__MODE: 'off',
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
  };
  await using hub = await startTestHub(folder.path, env);
  const url = hub.ready.https_url ?? '';
  const { tls } = hub.pairing();
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect((await askSecurely(`${url}/health`)).fingerprint).toBe(tls?.fingerprint);
  expect(welcomeText(hub.pairing())).toContain(tls?.fingerprint);
  const login = await fetch(`${hub.ready.http_url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: 'correct horse battery' }),
  });
  const { access_token, user_id } = (await login.json()) as { access_token: string; user_id: string };
  const socket = new WebSocket(`${url.replace('https', 'wss')}/ws/${user_id}`, {
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${access_token}` },
  });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  socket.close();
  await closed;
});
