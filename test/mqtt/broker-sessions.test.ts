import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Sessions } from '../../src/mqtt/broker/sessions.ts';
import { LIMITS } from '../../src/mqtt/limits.ts';
import { Folder, openStore, PASSWORD, startHouse, USERNAME } from './harness.ts';

const SLEEPER: IClientOptions = { clientId: 'sleeper', clean: false };

/** Comes back and collects what was kept: the listener is there before the first packet. */
function comeBack(url: string): { client: MqttClient; heard: string[]; present: Promise<boolean> } {
  const client = connect(url, { username: USERNAME, password: PASSWORD, reconnectPeriod: 0, ...SLEEPER });
  const heard: string[] = [];
  client.on('message', (topic, payload, { qos }) => heard.push(`${topic} ${payload.toString()} ${qos}`));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
  return { client, heard, present: promise };
}

test('a session gets after a restart what it has missed before and after it', async () => {
  using folder = new Folder();
  {
    await using house = await startHouse({ folder });
    const sleeper = await house.connect(SLEEPER);
    await sleeper.subscribeAsync('news/#', { qos: 2 });
    await sleeper.subscribeAsync('fleeting', { qos: 0 });
    await sleeper.endAsync();
    const sender = await house.connect();
    await sender.publishAsync('news/a', 'first', { qos: 1 });
    await sender.publishAsync('news/b', 'second', { qos: 2 });
    await sender.publishAsync('news/c', 'lost', { qos: 0 });
    await sender.publishAsync('fleeting', 'lost', { qos: 1 });
  }
  await using house = await startHouse({ folder });
  const sender = await house.connect();
  await sender.publishAsync('news/d', 'third', { qos: 1 });
  const { client, heard, present } = comeBack(house.mqtt.url);
  expect(await present).toBe(true);
  await vi.waitFor(() => expect(heard).toEqual(['news/a first 1', 'news/b second 2', 'news/d third 1']));
  await sender.publishAsync('news/e', 'live', { qos: 1 });
  await vi.waitFor(() => expect(heard.at(-1)).toBe('news/e live 1'));
  await client.endAsync();
});

test('what was acknowledged, unsubscribed or given up does not come back', async () => {
  using folder = new Folder();
  {
    await using house = await startHouse({ folder });
    const sleeper = await house.connect(SLEEPER);
    await sleeper.subscribeAsync('a', { qos: 1 });
    await sleeper.subscribeAsync('b', { qos: 1 });
    const sender = await house.connect();
    const heard: string[] = [];
    sleeper.on('message', (topic) => heard.push(topic));
    await sender.publishAsync('a', 'x', { qos: 1 });
    await vi.waitFor(() => expect(heard).toEqual(['a']));
    await sleeper.unsubscribeAsync('a');
    await sleeper.endAsync();
    await sender.publishAsync('a', 'y', { qos: 1 });
    await sender.publishAsync('b', 'z', { qos: 1 });
  }
  {
    await using house = await startHouse({ folder });
    const { client, heard } = comeBack(house.mqtt.url);
    await vi.waitFor(() => expect(heard).toEqual(['b z 1']));
    await client.endAsync();
    const fresh = await house.connect({ clientId: 'sleeper', clean: true });
    await fresh.endAsync();
  }
  await using house = await startHouse({ folder });
  const { client, present } = comeBack(house.mqtt.url);
  expect(await present).toBe(false);
  await client.endAsync();
});

test('a kill without a word loses at most the last second, and breaks nothing', async () => {
  using folder = new Folder();
  const child = fork(join(import.meta.dirname, 'broker-child.ts'), [folder.path], { stdio: 'inherit' });
  const [url] = (await once(child, 'message')) as [string];
  const login = { username: USERNAME, password: PASSWORD, reconnectPeriod: 0 };
  const sleeper = connect(url, { ...login, ...SLEEPER });
  await sleeper.subscribeAsync('news', { qos: 1 });
  await sleeper.endAsync();
  const sender = connect(url, login);
  await sender.publishAsync('news', 'early', { qos: 1 });
  // The write-behind is what is waited for: what it has written by then must be there afterwards.
  await vi.waitFor(async () => {
    await using store = await openStore(folder);
    expect(store.db.all('SELECT seq FROM mqtt_queued')).toHaveLength(1);
  }, 5_000);
  for (let count = 0; count < 500; count += 1) sender.publish('news', `late ${count}`, { qos: 1 });
  await sender.publishAsync('news', 'last', { qos: 1 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await sender.endAsync(true);
  await using house = await startHouse({ folder });
  const { client, heard, present } = comeBack(house.mqtt.url);
  expect(await present).toBe(true);
  await vi.waitFor(() => expect(heard[0]).toBe('news early 1'));
  const again = await house.connect();
  await again.publishAsync('news', 'alive', { qos: 1 });
  await vi.waitFor(() => expect(heard.at(-1)).toBe('news alive 1'));
  const late = heard.slice(1, -1).map((line) => line.split(' ')[2]);
  expect(late.slice(0, 3)).toEqual(late.length === 0 ? [] : ['0', '1', '2']);
  await client.endAsync();
});

test('a session with no client id, or with too many filters, is refused', async () => {
  await using house = await startHouse();
  const { hostname, port } = new URL(house.mqtt.url);
  const nameless = connectTcp(Number(port), hostname);
  const answer = vi.fn();
  nameless.on('data', answer);
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const body = [text('MQTT'), Buffer.from([4, 0xc0, 0, 60]), text(''), text(USERNAME), text(PASSWORD)];
  nameless.write(Buffer.concat([Buffer.from([0x10, Buffer.concat(body).length]), ...body]));
  await once(nameless, 'close');
  expect(answer).not.toHaveBeenCalled();
  const greedy = await house.connect(SLEEPER);
  let granted = 0;
  for (; granted < 100; granted += 1) {
    const asked = greedy.subscribeAsync(`${granted}/${'x'.repeat(1000)}`);
    if (!(await asked.then(() => true).catch(() => false))) break;
  }
  expect(granted).toBe(Math.floor(LIMITS.filterCharsPerClient / 1003));
  expect(greedy.connected).toBe(true);
});

/** Sessions on their own, with a clock that can be moved. */
function sessionsAt(store: Awaited<ReturnType<typeof openStore>>, nowMs: () => number): Sessions {
  const clock: Clock = { ...systemClock, nowMs, monotonicMs: () => performance.now() };
  return Sessions.load({ store, clock, log: silentLogger, soonMs: 5 });
}

const message = (topic: string, bytes = 1) => ({
  cmd: 'publish',
  topic,
  payload: Buffer.alloc(bytes, 'x'),
  qos: 1 as const,
  brokerId: 'b',
  brokerCounter: 1,
});

test('a session whose client stays away for a week is forgotten, one that was connected is not', async () => {
  using folder = new Folder();
  await using store = await openStore(folder);
  const first = sessionsAt(store, () => 0);
  for (const id of ['away', 'connected']) first.enqueue(first.make(id, USERNAME, false), message('a'));
  first.setOnline('away', false);
  await first[Symbol.asyncDispose]();
  const weekMs = LIMITS.sessionExpiryMs;
  await using second = sessionsAt(store, () => weekMs + 1);
  expect(second.get('away')).toBeUndefined();
  expect(second.get('connected')?.queue).toHaveLength(1);
  second.flush();
  expect(store.db.all('SELECT client_id FROM mqtt_session')).toEqual([{ client_id: 'connected' }]);
  expect(store.db.all('SELECT client_id FROM mqtt_queued')).toEqual([{ client_id: 'connected' }]);
});

test('what is acknowledged at once never reaches the disk', async () => {
  using folder = new Folder();
  await using store = await openStore(folder);
  await using sessions = sessionsAt(store, () => 0);
  const session = sessions.make('busy', USERNAME, false);
  sessions.flush();
  const before = store.counters.commits;
  for (let count = 0; count < 1000; count += 1) {
    sessions.enqueue(session, message('a'));
    sessions.remove(session, 0);
  }
  sessions.flush();
  expect(store.db.all('SELECT seq FROM mqtt_queued')).toEqual([]);
  expect(store.counters.commits - before).toBeLessThanOrEqual(1);
});

test('sessions are bounded: for one user, for all, and in bytes; who is away for longest goes', async () => {
  using folder = new Folder();
  await using store = await openStore(folder);
  let nowMs = 0;
  await using sessions = sessionsAt(store, () => (nowMs += 1));
  for (let count = 0; count <= LIMITS.sessionsPerUser; count += 1) {
    sessions.make(`lamp ${count}`, 'lamp', true);
    sessions.setOnline(`lamp ${count}`, false);
  }
  expect(sessions.size).toBe(LIMITS.sessionsPerUser);
  expect(sessions.get('lamp 0')).toBeUndefined();
  const chunk = LIMITS.queuedBytesPerSession / 2;
  for (let count = 0; count < 40; count += 1) {
    const session = sessions.make(`heavy ${count}`, USERNAME, false);
    for (let part = 0; part < 3; part += 1) sessions.enqueue(session, message('', chunk));
    expect(session.queue).toHaveLength(2);
    sessions.setOnline(`heavy ${count}`, false);
  }
  const kept = [...sessions.values()].reduce((sum, { queueBytes }) => sum + queueBytes, 0);
  expect(kept).toBe(LIMITS.queuedBytes);
  expect(sessions.get('heavy 0')).toBeUndefined();
  for (let count = 0; count < LIMITS.sessions; count += 1) sessions.make(`many ${count}`, USERNAME, false);
  expect(sessions.size).toBe(LIMITS.sessions);
});
