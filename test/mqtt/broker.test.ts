import { connect, connectAsync, type IClientOptions } from 'mqtt';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

import { systemClock } from '../../src/base/clock.ts';
import { HubError, StartError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { RetainedMessages } from '../../src/mqtt/broker/retained.ts';
import { LIMITS } from '../../src/mqtt/limits.ts';
import {
  Folder,
  listen,
  openStore,
  PASSWORD,
  RecordingRegistry,
  startHouse,
  USERNAME,
  type House,
} from './harness.ts';

/** A raw connection; what it sends is no business of an MQTT library. */
async function connectRaw(house: House): Promise<Socket> {
  const { hostname, port } = new URL(house.mqtt.url);
  const socket = connectTcp(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

/** CONNECT of MQTT 3.1.1 with user name and password. */
function connectPacket(username: string, password: string, clientId = 'raw'): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
  };
  const body = Buffer.concat([
    text('MQTT'),
    Buffer.from([4, 0xc2, 0, 60]),
    text(clientId),
    text(username),
    text(password),
  ]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

/** The header of a PUBLISH that announces so many bytes. */
function publishHeader(length: number): Buffer {
  const bytes = [0x30];
  let rest = length;
  do {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** It still lets a device in and carries its messages. */
async function expectAlive(house: House, options: IClientOptions = {}): Promise<void> {
  const device = await house.connect(options);
  const heard = await listen(device, 'alive');
  await device.publishAsync('alive', 'yes', { qos: 1 });
  await vi.waitFor(() => expect(heard).toEqual(['alive yes']));
}

describe('who may in', () => {
  test('a wrong password is refused with the code for it', async () => {
    await using house = await startHouse();
    const attempt = connectAsync(house.mqtt.url, {
      username: USERNAME,
      password: 'guess',
      reconnectPeriod: 0,
    });
    await expect(attempt).rejects.toMatchObject({ code: 4 });
  });

  test('nobody comes in without credentials, or with half of them', async () => {
    await using house = await startHouse();
    for (const half of [{}, { username: USERNAME }, { username: 'other', password: PASSWORD }]) {
      const attempt = connectAsync(house.mqtt.url, { reconnectPeriod: 0, ...half });
      await expect(attempt).rejects.toMatchObject({ code: 4 });
    }
  });

  test('a client without a password never reaches the registry with its messages', async () => {
    await using house = await startHouse();
    const socket = await connectRaw(house);
    const topic = 'homeassistant/switch/evil/config';
    const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from('{}')]);
    socket.write(Buffer.concat([connectPacket(USERNAME, 'guess'), publishHeader(body.length), body]));
    await closed(socket);
    await expectAlive(house);
    expect(house.registry.described).toEqual([]);
  });

  test('the embedded broker does not start without credentials', async () => {
    await expect(startHouse({ password: '' })).rejects.toThrow(StartError);
  });

  test('the url names the real port and no secret', async () => {
    await using house = await startHouse();
    expect(house.mqtt.url).toMatch(/^mqtt:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(house.mqtt.connected).toBe(true);
  });

  test('a port that is taken stops the start and says what to do', async () => {
    await using house = await startHouse();
    const port = Number(new URL(house.mqtt.url).port);
    const attempt = startHouse({ port });
    await expect(attempt).rejects.toThrow(/in use.*mqtt\.port.*mqtt\.mode = external/s);
    await expect(attempt).rejects.toThrow(StartError);
  });
});

describe('hostile input', () => {
  test('an announced giant is cut off at its header, before its bytes', async () => {
    await using house = await startHouse();
    const socket = await connectRaw(house);
    socket.write(connectPacket(USERNAME, PASSWORD));
    const [connack] = (await once(socket, 'data')) as [Buffer];
    expect([...connack]).toEqual([0x20, 2, 0, 0]);
    socket.write(publishHeader(LIMITS.packetBytes + 1));
    await closed(socket);
    expect(socket.bytesRead).toBe(4);
    await expectAlive(house);
  });

  test('the largest packet that is allowed arrives whole', async () => {
    await using house = await startHouse();
    const [sender, receiver] = [await house.connect(), await house.connect()];
    const heard: number[] = [];
    receiver.on('message', (_topic, payload) => heard.push(payload.length));
    await receiver.subscribeAsync('big');
    const payload = Buffer.alloc(LIMITS.packetBytes - 5, 'x');
    await sender.publishAsync('big', payload);
    await vi.waitFor(() => expect(heard).toEqual([payload.length]));
  });

  test('many large packets at once share one budget', async () => {
    await using house = await startHouse();
    const sockets: Socket[] = [];
    for (let count = 0; count < Math.floor(LIMITS.largeBytes / LIMITS.packetBytes); count += 1) {
      const socket = await connectRaw(house);
      sockets.push(socket);
      socket.write(connectPacket(USERNAME, PASSWORD, `large${count}`));
      await once(socket, 'data');
      socket.write(publishHeader(LIMITS.packetBytes));
    }
    const late = await connectRaw(house);
    late.write(connectPacket(USERNAME, PASSWORD, 'late'));
    await once(late, 'data');
    late.write(publishHeader(LIMITS.packetBytes));
    await closed(late);
    for (const socket of sockets) socket.destroy();
    await expectAlive(house);
  });

  test('before the password little is listened to', async () => {
    await using house = await startHouse();
    const socket = await connectRaw(house);
    socket.write(publishHeader(LIMITS.packetBytes));
    socket.write(Buffer.alloc(LIMITS.bytesBeforeLogin + 1));
    await closed(socket);
    await expectAlive(house);
  });

  test('garbage and torn packets cut off their sender and nobody else', async () => {
    await using house = await startHouse();
    // Some of the torn packets hold a wrong password, which slows down whoever is not known at this address.
    const known = { clientId: 'known' };
    await (await house.connect(known)).endAsync();
    const good = connectPacket(USERNAME, PASSWORD);
    let seed = 7;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 200; round += 1) {
      const socket = await connectRaw(house);
      const noise = Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256)));
      const at = Math.floor(random() * good.length);
      const torn = Buffer.from(good);
      torn[at] = Math.floor(random() * 256);
      socket.end([noise, Buffer.concat([good, noise]), torn, good.subarray(0, at)][round % 4] ?? noise);
      socket.resume();
      await closed(socket);
    }
    await expectAlive(house, known);
  });

  test.each([
    ['too deep', Array.from({ length: LIMITS.topicLevels + 1 }, () => 'a').join('/')],
    ['too long', 'a'.repeat(LIMITS.topicChars + 1)],
    ['reserved', '$SYS/broker/uptime'],
  ])('a topic that is %s is refused', async (_name, topic) => {
    await using house = await startHouse();
    const device = await house.connect();
    const gone = new Promise<void>((resolve) => device.once('close', () => resolve()));
    device.publish(topic, 'x');
    await gone;
    await expectAlive(house);
  });

  test('a filter that is too long is refused, and the connection lives on', async () => {
    await using house = await startHouse();
    const device = await house.connect();
    await expect(device.subscribeAsync('a'.repeat(LIMITS.topicChars + 1))).rejects.toThrow();
    await device.publishAsync('alive', 'x', { qos: 1 });
    expect(device.connected).toBe(true);
  });

  test('a client that does not read keeps nobody else from being heard', async () => {
    await using house = await startHouse();
    const frozen = await house.connect();
    await frozen.subscribeAsync('flood');
    frozen.stream.pause();
    const [flooder, device] = [await house.connect(), await house.connect()];
    for (let count = 0; count < 3000; count += 1) flooder.publish('flood', 'x'.repeat(10_000));
    await device.publishAsync('homeassistant/switch/a/config', '{"cmd_t":"a/set","stat_t":"a"}', { qos: 1 });
    const started = performance.now();
    await device.publishAsync('a', 'ON');
    await vi.waitFor(() => expect(house.registry.values('switch/a')).toEqual({ on_off: true }));
    expect(performance.now() - started).toBeLessThan(LIMITS.drainTimeoutMs / 2);
  });

  test('a registry that throws does not harm the broker', async () => {
    const registry = new RecordingRegistry();
    const broken = (): never => {
      throw new Error('the registry is broken');
    };
    registry.report = broken;
    registry.setAvailable = broken;
    registry.withdraw = broken;
    await using house = await startHouse({ registry, availabilityGraceMs: 1 });
    const device = await house.connect();
    const config = { cmd_t: 'a/set', stat_t: 'a', avty_t: 'a/lwt', exp_aft: 0.001 };
    await device.publishAsync('homeassistant/switch/a/config', JSON.stringify(config), { qos: 1 });
    await device.publishAsync('homeassistant/sensor/a/config', JSON.stringify(config), { qos: 1 });
    await device.publishAsync('a', 'ON', { qos: 1 });
    registry.describe = broken;
    await device.publishAsync('homeassistant/switch/b/config', JSON.stringify(config), { qos: 1 });
    await device.publishAsync('homeassistant/switch/a/config', '', { qos: 1 });
    await expectAlive(house);
  });
});

describe('what the broker keeps', () => {
  test('retained messages survive a restart, removed ones stay removed', async () => {
    using folder = new Folder();
    {
      await using house = await startHouse({ folder });
      const device = await house.connect();
      await device.publishAsync('kept', 'old', { retain: true, qos: 1 });
      await device.publishAsync('kept', 'new', { retain: true, qos: 1 });
      await device.publishAsync('gone', 'x', { retain: true, qos: 1 });
      await device.publishAsync('gone', '', { retain: true, qos: 1 });
      await device.publishAsync('fleeting', 'x', { qos: 1 });
      await device.publishAsync('bytes', Buffer.from([0, 255, 1]), { retain: true, qos: 1 });
    }
    await using house = await startHouse({ folder });
    const device = await house.connect();
    const heard = new Map<string, number[]>();
    device.on('message', (topic, payload, packet) => {
      if (packet.retain) heard.set(topic, [...payload]);
    });
    await device.subscribeAsync('#');
    await vi.waitFor(() => expect(heard.size).toBe(2));
    expect(heard.get('kept')).toEqual([...Buffer.from('new')]);
    expect(heard.get('bytes')).toEqual([0, 255, 1]);
  });

  test('the wills of those who are cut off by the stop are neither told nor kept', async () => {
    using folder = new Folder();
    {
      await using house = await startHouse({ folder });
      const will = { topic: 'node/status', payload: Buffer.from('offline'), retain: true, qos: 0 as const };
      const device = await house.connect({ will });
      await device.publishAsync('node/status', 'online', { retain: true, qos: 1 });
      await house.mqtt[Symbol.asyncDispose]();
    }
    await using house = await startHouse({ folder });
    const heard = await listen(await house.connect(), '#');
    await vi.waitFor(() => expect(heard).toEqual(['node/status online']));
  });

  test('the will of a device that vanishes is told', async () => {
    await using house = await startHouse();
    const heard = await listen(await house.connect(), 'node/status');
    const will = { topic: 'node/status', payload: Buffer.from('offline'), retain: true, qos: 0 as const };
    const device = await house.connect({ will });
    device.stream.destroy();
    await vi.waitFor(() => expect(heard).toEqual(['node/status offline']));
  });

  test('a session that outlives its connection gets what it missed, up to a limit', async () => {
    await using house = await startHouse();
    const options = { clientId: 'sleeper', clean: false };
    const sleeper = await house.connect(options);
    await sleeper.subscribeAsync('news/+', { qos: 1 });
    await sleeper.endAsync();
    const sender = await house.connect();
    for (let count = 0; count < LIMITS.queuedPerSession + 50; count += 1) {
      sender.publish('news/today', String(count), { qos: 1 });
    }
    await sender.publishAsync('news/today', 'last', { qos: 1 });
    const missed: string[] = [];
    const client = connect(house.mqtt.url, {
      username: USERNAME,
      password: PASSWORD,
      reconnectPeriod: 0,
      ...options,
    });
    client.on('message', (_topic, payload) => missed.push(payload.toString()));
    await vi.waitFor(() => expect(missed.length).toBe(LIMITS.queuedPerSession), 10_000);
    expect(missed.slice(0, 3)).toEqual(['0', '1', '2']);
    await client.endAsync(true);
  });

  test('QoS 2 arrives once', async () => {
    await using house = await startHouse();
    const receiver = await house.connect();
    const heard: string[] = [];
    receiver.on('message', (_topic, payload) => heard.push(payload.toString()));
    await receiver.subscribeAsync('exact', { qos: 2 });
    const sender = await house.connect();
    await sender.publishAsync('exact', 'once', { qos: 2 });
    await sender.publishAsync('exact', 'end', { qos: 2 });
    await vi.waitFor(() => expect(heard).toEqual(['once', 'end']));
  });
});

describe('retained messages on disk', () => {
  const retainedOptions = { clock: systemClock, log: silentLogger };

  test('new topics are written soon, and many changes of one topic as one row', async () => {
    using folder = new Folder();
    await using store = await openStore(folder);
    await using retained = RetainedMessages.load({ ...retainedOptions, store, soonMs: 20, laterMs: 60 });
    const before = store.counters.commits;
    for (let count = 0; count < 500; count += 1) retained.set('sensor', Buffer.from(String(count)), 0);
    await vi.waitFor(() => expect(store.counters.commits).toBe(before + 1));
    retained.set('sensor', Buffer.from('499'), 0);
    retained.set('sensor', Buffer.from('500'), 0);
    await vi.waitFor(() => expect(store.counters.commits).toBe(before + 2));
    using file = new DatabaseSync(join(folder.path, 'hub.db'), { readOnly: true });
    expect(file.prepare('SELECT topic, CAST(payload AS TEXT) AS text FROM mqtt_retained').all()).toEqual([
      { topic: 'sensor', text: '500' },
    ]);
  });

  test('a disk that refuses is tried again, and nothing is lost', async () => {
    using folder = new Folder();
    await using store = await openStore(folder);
    const write = vi.spyOn(store, 'write').mockImplementation(() => {
      throw new HubError('storage_full', 'The disk is full.');
    });
    await using retained = RetainedMessages.load({ ...retainedOptions, store, soonMs: 1, laterMs: 10 });
    retained.set('kept', Buffer.from('yes'), 1);
    await vi.waitFor(() => expect(write.mock.calls.length).toBeGreaterThan(2));
    expect(retained.get('kept')?.payload.toString()).toBe('yes');
    write.mockRestore();
    await vi.waitFor(() => {
      expect(RetainedMessages.load({ ...retainedOptions, store }).get('kept')?.qos).toBe(1);
    });
  });

  test('more topics than the limit are delivered but not kept', async () => {
    using folder = new Folder();
    await using store = await openStore(folder);
    await using retained = RetainedMessages.load({ ...retainedOptions, store });
    for (let count = 0; count <= LIMITS.retainedTopics; count += 1) {
      retained.set(`topic/${count}`, Buffer.from('x'), 0);
    }
    expect(retained.size).toBe(LIMITS.retainedTopics);
    retained.set('topic/0', Buffer.from('y'), 0);
    expect(retained.get('topic/0')?.payload.toString()).toBe('y');
  });
});

test('stopping twice, and while clients are connected, leaves the port free', async () => {
  const house = await startHouse();
  await house.connect();
  const port = Number(new URL(house.mqtt.url).port);
  await house.mqtt[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
  await using again = await startHouse({ port });
  await expectAlive(again);
});

test('a discovery prefix that is empty or has wildcards is refused', async () => {
  await expect(startHouse({ discoveryPrefix: '' })).rejects.toThrow(/discovery_prefix/);
  await expect(startHouse({ discoveryPrefix: 'home/#' })).rejects.toThrow(StartError);
});
