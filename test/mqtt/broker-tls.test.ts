import { connectAsync, type MqttClient } from 'mqtt';
import { readFileSync } from 'node:fs';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { expect, test, vi } from 'vitest';

import type { TlsSource } from '../../src/mqtt/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { writePair } from '../http/tls-support.ts';
import { Folder, listen, PASSWORD, startHouse, USERNAME, type House } from './harness.ts';

const TLS = { port: 0, ca: null, cert: null, key: null, serverName: null };

/** A certificate that can be replaced, as the hub's own is. */
class Renewable implements TlsSource {
  pair: TlsSource['pair'];
  #onChange = (): void => undefined;

  private constructor(pair: TlsSource['pair']) {
    this.pair = pair;
  }

  static async make(folder: Folder): Promise<Renewable> {
    return new Renewable(await newPair(folder));
  }

  follow(onChange: () => void): void {
    this.#onChange = onChange;
  }

  async renew(folder: Folder): Promise<void> {
    this.pair = await newPair(folder);
    this.#onChange();
  }
}

async function newPair(folder: Folder): Promise<TlsSource['pair']> {
  const files = await writePair(folder.path, systemClock.nowMs());
  return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
}

async function connectSecurely(house: House, ca: string): Promise<MqttClient> {
  const options = { username: USERNAME, password: PASSWORD, reconnectPeriod: 0, ca };
  return await connectAsync(house.mqtt.tlsUrl ?? '', options);
}

/** The version that the port agrees to, or why not. */
async function negotiate(url: string, maxVersion: SecureVersion): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket: TLSSocket = connectTls(
    {
      host: hostname,
      port: Number(port),
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion,
      ciphers: 'ALL',
    },
    () => resolve(socket.getProtocol() ?? ''),
  );
  socket.on('error', () => resolve('refused'));
  const version = await promise;
  socket.destroy();
  return version;
}

test('the same broker behind TLS, and a renewed certificate without a restart', async () => {
  using folder = new Folder();
  const tlsIdentity = await Renewable.make(folder);
  await using house = await startHouse({ tls: TLS, tlsIdentity });
  expect(house.mqtt.tlsUrl).toMatch(/^mqtts:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const plain = await house.connect();
  const heard = await listen(plain, 'a');
  const first = tlsIdentity.pair.cert;
  const secure = await connectSecurely(house, first);
  await secure.publishAsync('a', 'x', { qos: 1 });
  await vi.waitFor(() => expect(heard).toEqual(['a x']));
  await tlsIdentity.renew(folder);
  const other = await connectSecurely(house, tlsIdentity.pair.cert);
  await expect(connectSecurely(house, first)).rejects.toThrow(/self-signed/);
  await secure.publishAsync('a', 'y', { qos: 1 });
  await vi.waitFor(() => expect(heard).toEqual(['a x', 'a y']));
  await Promise.all([secure.endAsync(true), other.endAsync(true)]);
});

test('nothing older than TLS 1.2, and no plain MQTT on that port', async () => {
  using folder = new Folder();
  await using house = await startHouse({ tls: TLS, tlsIdentity: await Renewable.make(folder) });
  const url = house.mqtt.tlsUrl ?? '';
  expect(await negotiate(url, 'TLSv1.1')).toBe('refused');
  expect(await negotiate(url, 'TLSv1.2')).toBe('TLSv1.2');
  const plain = connectAsync(
    url.replace('mqtts', 'mqtt'),
    { reconnectPeriod: 0, connectTimeout: 2_000 },
    false,
  );
  await expect(plain).rejects.toThrow();
  expect((await house.connect()).connected).toBe(true);
});

test('without a certificate, or with a port that is taken, the start says what to do', async () => {
  using folder = new Folder();
  await expect(startHouse({ tls: TLS })).rejects.toThrow(/mqtt\.tls\.port needs a certificate/);
  await using house = await startHouse();
  const port = Number(new URL(house.mqtt.url).port);
  const attempt = startHouse({ tls: { ...TLS, port }, tlsIdentity: await Renewable.make(folder) });
  await expect(attempt).rejects.toThrow(/in use.*mqtt\.tls\.port/s);
});
