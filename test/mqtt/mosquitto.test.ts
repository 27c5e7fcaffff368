import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';

import type { MqttTlsOptions } from '../../src/mqtt/types.ts';

import { StartError } from '../../src/base/errors.ts';
import { watchedLog } from '../http/tls-support.ts';
import {
  announce,
  connectDevice,
  listen,
  RecordingRegistry,
  startHouse,
  type House,
  type HouseOptions,
} from './harness.ts';
import {
  hasDynamicSecurity,
  refuseSubscription,
  hasMosquitto,
  Mosquitto,
  TestAuthority,
} from './mosquitto-support.ts';

const NO_TLS: MqttTlsOptions = { port: null, ca: null, cert: null, key: null, serverName: null };
const PLAIN_CONFIG = { cmd_t: 'a/set', stat_t: 'a', avty_t: 'a/lwt' };

async function startHub(broker: Mosquitto, options: HouseOptions = {}): Promise<House> {
  return await startHouse({ mode: 'external', url: broker.url, ...options });
}

/** Says which version of MQTT the hub came with. */
function versionIn(lines: readonly string[]): unknown {
  const line = lines.find((text) => text.includes('connected to the MQTT broker'));
  return line === undefined ? undefined : (JSON.parse(line) as { protocol?: unknown }).protocol;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.runIf(hasMosquitto)('Mosquitto', () => {
  test.each([
    ['auto', '5'],
    ['5', '5'],
    ['3.1.1', '3.1.1'],
  ] as const)('with protocol %s: discovery, state, commands, in MQTT %s', async (protocol, spoken) => {
    await using broker = await Mosquitto.start();
    const device = await connectDevice(broker.url);
    await announce(device, 'homeassistant/switch/a/config', PLAIN_CONFIG);
    await announce(device, 'a/lwt', 'online');
    await announce(device, 'a', 'ON');
    const { log, lines } = watchedLog();
    await using hub = await startHub(broker, { protocol, log });
    await vi.waitFor(() => expect(hub.registry.values('switch/a')).toEqual({ on_off: true }));
    expect(hub.registry.available.get('switch/a')).toBe(true);
    expect(versionIn(lines)).toBe(spoken);
    const heard = await listen(device, 'a/set');
    await hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: false }], 'x');
    await vi.waitFor(() => expect(heard).toEqual(['a/set OFF']));
    await device.endAsync(true);
  });

  test.each(['5', '3.1.1'] as const)(
    'that refuses the password in MQTT %s stops the start with words',
    async (protocol) => {
      await using broker = await Mosquitto.start();
      const attempt = startHub(broker, { protocol, password: 'guess' });
      await expect(attempt).rejects.toThrow(StartError);
      await expect(attempt).rejects.toThrow(/refused the user name or password.*mqtt\.password/s);
    },
  );

  test.runIf(hasDynamicSecurity).each([
    ['5', 'this user may not do that'],
    ['3.1.1', 'it gives no reason'],
  ] as const)(
    'that refuses a subscription in MQTT %s is told of, and the rest works',
    async (protocol, words) => {
      await using broker = await Mosquitto.prepare();
      await broker.start(refuseSubscription(broker, 'b'));
      const { log, lines } = watchedLog();
      await using hub = await startHub(broker, { log, protocol });
      const device = await connectDevice(broker.url);
      await announce(device, 'homeassistant/switch/b/config', { cmd_t: 'b/set', stat_t: 'b' });
      await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', stat_t: 'a' });
      await announce(device, 'a', 'ON');
      await vi.waitFor(() => expect(hub.registry.values('switch/a')).toEqual({ on_off: true }));
      const refusals = lines.filter((line) => line.includes('refused a subscription'));
      expect(refusals).toHaveLength(1);
      expect(refusals[0]).toContain('"filter":"b"');
      expect(refusals[0]).toContain(words);
      await device.endAsync(true);
    },
  );

  test('that refuses a command says why, in MQTT 5, and the connection stays', async () => {
    await using broker = await Mosquitto.prepare();
    const acl = broker.write('acl', 'user hub\ntopic read #\ntopic write homeassistant/#\n');
    await broker.start([`acl_file ${acl}`]);
    await using hub = await startHub(broker);
    const device = await connectDevice(broker.url);
    await announce(device, 'homeassistant/switch/a/config', { cmd_t: 'a/set', qos: 1 });
    await vi.waitFor(() => expect(hub.registry.components.has('switch/a')).toBe(true));
    const order = hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: true }], 'x');
    await expect(order).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/did not take the command: .*this user may not do that/),
    });
    expect(hub.mqtt.connected).toBe(true);
    await device.endAsync(true);
  });

  test('that hangs up on MQTT 5 without a word is spoken to in 3.1.1', async () => {
    await using broker = await Mosquitto.start();
    // Byte 8 of CONNECT is the protocol level.
    const old = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (chunk) => {
        if (chunk[8] === 5) return socket.destroy();
        const inner = connect(broker.port, '127.0.0.1');
        inner.on('error', () => undefined);
        inner.on('close', () => socket.destroy());
        socket.on('close', () => inner.destroy());
        inner.write(chunk);
        return socket.pipe(inner).pipe(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(old, 'listening');
    const { port } = old.address() as AddressInfo;
    const { log, lines } = watchedLog();
    {
      await using hub = await startHub(broker, { url: `mqtt://127.0.0.1:${port}`, log });
      expect(hub.mqtt.connected).toBe(true);
      expect(versionIn(lines)).toBe('3.1.1');
    }
    old.close();
    await once(old, 'close');
  });

  test('with a will: another client sees that the hub has vanished, and its birth', async () => {
    await using broker = await Mosquitto.start();
    const watcher = await connectDevice(broker.url);
    const heard = await listen(watcher, 'homeassistant/status');
    {
      await using hub = await startHub(broker, { birth: true });
      await vi.waitFor(() => expect(heard).toEqual(['homeassistant/status online']), 5_000);
      expect(hub.mqtt.connected).toBe(true);
    }
    // The hub hangs up without DISCONNECT, so that the will is told even when its last word is lost.
    await vi.waitFor(() => expect(heard.slice(1)).toContain('homeassistant/status offline'));
    await watcher.endAsync(true);
  });

  test('that restarts and keeps its messages: nobody notices within the grace', async () => {
    await using broker = await Mosquitto.prepare();
    await broker.start(['persistence true', `persistence_location ${broker.folder}/`]);
    const registry = new RecordingRegistry();
    await using hub = await startHub(broker, { registry, availabilityGraceMs: 8_000 });
    const device = await connectDevice(broker.url);
    await announce(device, 'homeassistant/switch/a/config', PLAIN_CONFIG);
    await announce(device, 'a/lwt', 'online');
    await announce(device, 'a', 'ON');
    await vi.waitFor(() => expect(registry.available.get('switch/a')).toBe(true));
    await device.endAsync(true);
    const told = vi.spyOn(registry, 'setAvailable');
    await broker.stop();
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(false));
    await broker.restart();
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(true), 10_000);
    expect(told.mock.calls.filter(([, available]) => !available)).toEqual([]);
    expect(registry.withdrawn).toEqual([]);
  });

  test('that restarts and has forgotten: devices are gone after the grace, and back when they speak', async () => {
    await using broker = await Mosquitto.start(['persistence false']);
    const registry = new RecordingRegistry();
    await using hub = await startHub(broker, { registry, availabilityGraceMs: 200 });
    {
      const device = await connectDevice(broker.url);
      await announce(device, 'homeassistant/switch/a/config', PLAIN_CONFIG);
      await announce(device, 'a/lwt', 'online');
      await vi.waitFor(() => expect(registry.available.get('switch/a')).toBe(true));
      await device.endAsync(true);
    }
    await broker.restart();
    await vi.waitFor(() => expect(registry.available.get('switch/a')).toBe(false), 10_000);
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(true), 10_000);
    const device = await connectDevice(broker.url);
    await announce(device, 'a/lwt', 'online');
    await vi.waitFor(() => expect(registry.available.get('switch/a')).toBe(true));
    expect(registry.withdrawn).toEqual([]);
    await device.endAsync(true);
  });

  test('with a small max_packet_size: what does not fit is refused here, and the connection stays', async () => {
    await using broker = await Mosquitto.start(['max_packet_size 300']);
    await using hub = await startHub(broker);
    const device = await connectDevice(broker.url);
    await announce(device, 'homeassistant/text/a/config', {
      cmd_t: 'a/set',
      max: 255,
      cmd_tpl: `${'x'.repeat(40)}{{ value }}`,
    });
    await vi.waitFor(() => expect(hub.registry.components.has('text/a')).toBe(true));
    const heard = await listen(device, 'a/set');
    const [capability] = hub.registry.components.get('text/a')?.capabilities ?? [];
    const send = async (value: string) =>
      await hub.mqtt.sink.send('text/a', [{ kind: capability?.kind ?? 'text', value }], 'x');
    await expect(send('y'.repeat(250))).rejects.toMatchObject({ kind: 'invalid' });
    await send('short');
    await vi.waitFor(() => expect(heard).toEqual([`a/set ${'x'.repeat(40)}short`]));
    expect(hub.mqtt.connected).toBe(true);
    await device.endAsync(true);
  });

  test('with the highest QoS at 0 takes what the hub sends', async () => {
    await using broker = await Mosquitto.start(['max_qos 0']);
    await using hub = await startHub(broker);
    const device = await connectDevice(broker.url);
    await device.publishAsync('homeassistant/switch/a/config', JSON.stringify({ cmd_t: 'a/set', qos: 1 }), {
      retain: true,
    });
    await vi.waitFor(() => expect(hub.registry.components.has('switch/a')).toBe(true));
    const heard: string[] = [];
    device.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
    await device.subscribeAsync('a/set');
    await hub.mqtt.sink.send('switch/a', [{ kind: 'on_off', value: true }], 'x');
    await vi.waitFor(() => expect(heard).toEqual(['a/set ON']));
    expect(hub.mqtt.connected).toBe(true);
    await device.endAsync(true);
  });
});

describe.runIf(hasMosquitto)('Mosquitto behind TLS', () => {
  /** With a certificate for `altName`, and the hub's options for it. */
  async function startSecure(altName: string, further: (authority: TestAuthority) => string[] = () => []) {
    const broker = await Mosquitto.prepare();
    const authority = new TestAuthority(broker.folder);
    const { cert, key } = authority.issue('server', altName);
    await broker.start([
      `cafile ${authority.ca}`,
      `certfile ${cert}`,
      `keyfile ${key}`,
      ...further(authority),
    ]);
    const url = broker.url.replace('mqtt:', 'mqtts:');
    return { broker, authority, url };
  }

  async function expectWorks(hub: House): Promise<void> {
    expect(hub.mqtt.connected).toBe(true);
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(true));
  }

  test('is checked with the authority of mqtt.tls.ca', async () => {
    const { broker, authority, url } = await startSecure('IP:127.0.0.1');
    await using _broker = broker;
    await using hub = await startHub(broker, { url, tls: { ...NO_TLS, ca: authority.ca } });
    await expectWorks(hub);
    const unknown = startHub(broker, { url, tls: NO_TLS });
    await expect(unknown).rejects.toThrow(StartError);
    await expect(unknown).rejects.toThrow(/mqtt\.tls\.ca/);
  });

  test('has to have the right name, or the one that was said', async () => {
    const { broker, authority, url } = await startSecure('DNS:broker.lan');
    await using _broker = broker;
    const tls = { ...NO_TLS, ca: authority.ca };
    await expect(startHub(broker, { url, tls })).rejects.toThrow(/another name.*mqtt\.tls\.server_name/s);
    await using hub = await startHub(broker, { url, tls: { ...tls, serverName: 'broker.lan' } });
    await expectWorks(hub);
  });

  test('that asks for a client certificate gets the one of mqtt.tls.cert', async () => {
    const { broker, authority, url } = await startSecure('IP:127.0.0.1', () => ['require_certificate true']);
    await using _broker = broker;
    const tls = { ...NO_TLS, ca: authority.ca };
    await expect(startHub(broker, { url, tls })).rejects.toThrow(/client certificate.*mqtt\.tls\.cert/s);
    const client = authority.issue('hub', 'DNS:hub');
    await using hub = await startHub(broker, { url, tls: { ...tls, ...client } });
    await expectWorks(hub);
  });

  test('a client certificate that was renewed is shown at the next connection', async () => {
    const { broker, authority, url } = await startSecure('IP:127.0.0.1', () => [
      'require_certificate true',
      'use_subject_as_username false',
    ]);
    await using _broker = broker;
    const client = authority.issue('hub', 'DNS:hub');
    await using hub = await startHub(broker, { url, tls: { ...NO_TLS, ca: authority.ca, ...client } });
    await expectWorks(hub);
    authority.issue('hub', 'DNS:hub');
    await broker.restart();
    await vi.waitFor(() => expect(hub.mqtt.connected).toBe(true), 10_000);
  });

  test('files that are missing or are something else stop the start with their name', async () => {
    const { broker, authority, url } = await startSecure('IP:127.0.0.1');
    await using _broker = broker;
    const client = authority.issue('hub', 'DNS:hub');
    const other = authority.issue('other', 'DNS:other');
    const ca = authority.ca;
    for (const [tls, words] of [
      [{ ca: '/nonexistent/ca.pem' }, /ca\.pem cannot be read.*mqtt\.tls\.ca/],
      [{ ca: client.key }, /mqtt\.tls\.ca, is no such thing/],
      [{ ca, cert: client.cert, key: other.key }, /do not belong together/],
      [{ ca, cert: client.cert, key: client.cert }, /mqtt\.tls\.key, is no such thing/],
    ] as const) {
      await expect(startHub(broker, { url, tls: { ...NO_TLS, ...tls } })).rejects.toThrow(words);
    }
    rmSync(other.key);
  });
});

test.skipIf(hasMosquitto)('Mosquitto is not installed: apt-get install mosquitto', ({ skip }) => skip());
