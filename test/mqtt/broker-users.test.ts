import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { describe, expect, test, vi } from 'vitest';

import type { BrokerUsers, NewBrokerUser } from '../../src/mqtt/types.ts';

import { permitsOf } from '../../src/mqtt/broker/filters.ts';
import { LoginThrottle } from '../../src/mqtt/broker/login-throttle.ts';
import { LIMITS } from '../../src/mqtt/limits.ts';
import { Folder, listen, startHouse, USERNAME, type House } from './harness.ts';

function usersOf(house: House): BrokerUsers {
  if (!house.mqtt.users) throw new Error('no broker of its own');
  return house.mqtt.users;
}

/** Makes a user and connects as it. */
async function connectAs(
  house: House,
  user: NewBrokerUser,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const { password } = await usersOf(house).create(user);
  return await house.connect({ username: user.name, password: user.password ?? password ?? '', ...options });
}

async function gone(client: MqttClient): Promise<void> {
  if (client.connected) await new Promise<void>((resolve) => client.once('close', () => resolve()));
}

describe('named users', () => {
  test('come in with the password that was made up for them, and may do everything unless it is said', async () => {
    await using house = await startHouse();
    const lamp = await connectAs(house, { name: 'lamp' });
    const heard = await listen(lamp, '#');
    await lamp.publishAsync('a', 'x', { qos: 1 });
    await vi.waitFor(() => expect(heard).toEqual(['a x']));
    await expect(lamp.subscribeAsync('$SYS/#')).rejects.toThrow();
    expect(usersOf(house).list()).toMatchObject([
      { name: 'lamp', publish: ['#'], subscribe: ['#'], enabled: true, connections: 1 },
    ]);
  });

  test('come in again after a restart, with a password that a person chose too', async () => {
    using folder = new Folder();
    {
      await using house = await startHouse({ folder });
      await usersOf(house).create({ name: 'lamp', password: 'chosen by me' });
    }
    await using house = await startHouse({ folder });
    const lamp = await house.connect({ username: 'lamp', password: 'chosen by me' });
    expect(lamp.connected).toBe(true);
    for (const shown of [
      { username: 'lamp', password: 'chosen by you' },
      { username: 'ghost', password: 'chosen by me' },
    ]) {
      await expect(house.connect(shown)).rejects.toMatchObject({ code: 4 });
    }
  });

  test('publish only where they may: the rest is acknowledged and dropped, and the connection lives on', async () => {
    await using house = await startHouse();
    const all = await listen(await house.connect(), '#');
    const lamp = await connectAs(house, { name: 'lamp', publish: ['lamps/%u/#'], subscribe: [] });
    await lamp.publishAsync('other', '0', { qos: 0 });
    await lamp.publishAsync('other', '1', { qos: 1, retain: true });
    await lamp.publishAsync('other', '2', { qos: 2 });
    await lamp.publishAsync('homeassistant/switch/evil/config', '{"cmd_t":"x"}', { qos: 1, retain: true });
    await lamp.publishAsync('lamps/lamp/state', 'ON', { qos: 2 });
    await vi.waitFor(() => expect(all).toEqual(['lamps/lamp/state ON']));
    expect(lamp.connected).toBe(true);
    expect(house.registry.described).toEqual([]);
    const late = await listen(await house.connect(), 'other');
    await lamp.publishAsync('lamps/lamp/state', 'OFF', { qos: 1 });
    expect(late).toEqual([]);
  });

  test('subscribe only to what lies within what they may', async () => {
    await using house = await startHouse();
    const lamp = await connectAs(house, { name: 'lamp', subscribe: ['lamps/%u/+', 'shared/#'] });
    for (const filter of ['#', 'lamps/#', 'lamps/+/set', 'lamps/other/set', '$denied', 'shared/../#/x']) {
      await expect(lamp.subscribeAsync(filter), filter).rejects.toThrow();
    }
    const heard = await listen(lamp, 'lamps/lamp/set');
    await lamp.subscribeAsync('shared/+/deep/#');
    const hub = await house.connect();
    await hub.publishAsync('lamps/lamp/set', 'ON', { qos: 1 });
    await hub.publishAsync('lamps/other/set', 'ON', { qos: 1 });
    await vi.waitFor(() => expect(heard).toEqual(['lamps/lamp/set ON']));
  });

  test('have wills within their rights only', async () => {
    await using house = await startHouse();
    const all = await listen(await house.connect(), '#');
    const rights = { publish: ['lamp/#'] };
    const will = (topic: string) => ({
      will: { topic, payload: Buffer.from('offline'), qos: 1 as const, retain: true },
    });
    const evil = await connectAs(house, { name: 'evil', ...rights }, will('house/status'));
    const good = await connectAs(house, { name: 'good', ...rights }, will('lamp/status'));
    evil.stream.destroy();
    await gone(evil);
    good.stream.destroy();
    await vi.waitFor(() => expect(all).toEqual(['lamp/status offline']));
  });

  test.each([
    ['deleted', async (users: BrokerUsers) => await users.delete('lamp')],
    ['shut out', async (users: BrokerUsers) => await users.change('lamp', { enabled: false })],
    [
      'given another password',
      async (users: BrokerUsers) => await users.change('lamp', { newPassword: true }),
    ],
  ])('that are %s are cut off at once and stay outside', async (_name, act) => {
    await using house = await startHouse();
    const lamp = await connectAs(house, { name: 'lamp', password: 'chosen by me' });
    const other = await connectAs(house, { name: 'other' });
    await act(usersOf(house));
    await gone(lamp);
    await expect(house.connect({ username: 'lamp', password: 'chosen by me' })).rejects.toMatchObject({
      code: 4,
    });
    expect(other.connected).toBe(true);
  });

  test('that may do less lose what waits for them there', async () => {
    await using house = await startHouse();
    const session = { clientId: 'sleeper', clean: false };
    const login = { username: 'lamp', password: 'chosen by me' };
    const lamp = await connectAs(house, { name: 'lamp', password: login.password }, session);
    await lamp.subscribeAsync('a', { qos: 1 });
    await lamp.subscribeAsync('b', { qos: 1 });
    await lamp.endAsync();
    const hub = await house.connect();
    await hub.publishAsync('a', '1', { qos: 1 });
    await hub.publishAsync('b', '2', { qos: 1 });
    await usersOf(house).change('lamp', { subscribe: ['b'] });
    await hub.publishAsync('a', '3', { qos: 1 });
    await hub.publishAsync('b', '4', { qos: 1 });
    const heard: string[] = [];
    const again = connect(house.mqtt.url, { ...session, ...login, reconnectPeriod: 0 });
    again.on('message', (_topic, payload) => heard.push(payload.toString()));
    await vi.waitFor(() => expect(heard).toEqual(['2', '4']));
    await again.endAsync(true);
  });

  test('do not get the session of another user under the same client id', async () => {
    await using house = await startHouse();
    const session = { clientId: 'sleeper', clean: false };
    const owner = await house.connect(session);
    await owner.subscribeAsync('secret', { qos: 1 });
    await owner.endAsync();
    const hub = await house.connect();
    await hub.publishAsync('secret', 'x', { qos: 1 });
    const thief = await connectAs(house, { name: 'thief', subscribe: [] }, session);
    const heard: string[] = [];
    thief.on('message', (topic) => heard.push(topic));
    await hub.publishAsync('secret', 'y', { qos: 1 });
    await thief.publishAsync('done', '', { qos: 1 });
    expect(heard).toEqual([]);
  });

  test('a refused filter in a packet with granted ones is not remembered by the session', async () => {
    await using house = await startHouse();
    const session = { clientId: 'sleeper', clean: false };
    const user = { name: 'lamp', password: 'chosen by me', subscribe: ['mine'] };
    const lamp = await connectAs(house, user, session);
    await expect(lamp.subscribeAsync(['mine', 'secret'], { qos: 1 })).rejects.toThrow();
    await lamp.endAsync();
    const hub = await house.connect();
    await hub.publishAsync('secret', 'x', { qos: 1 });
    await hub.publishAsync('mine', 'y', { qos: 1 });
    const heard: string[] = [];
    const login = { username: 'lamp', password: user.password };
    const again = connect(house.mqtt.url, { ...session, ...login, reconnectPeriod: 0 });
    again.on('message', (topic) => heard.push(topic));
    await vi.waitFor(() => expect(heard).toEqual(['mine']));
    await again.endAsync(true);
  });

  test('bad names, passwords and filters are refused', async () => {
    await using house = await startHouse();
    const users = usersOf(house);
    const bad: NewBrokerUser[] = [
      { name: '' },
      { name: 'a/b' },
      { name: '+' },
      { name: 'x'.repeat(65) },
      { name: 'a', password: 'short' },
      { name: 'a', publish: ['a/#/b'] },
      { name: 'a', subscribe: ['x'.repeat(LIMITS.filterChars + 1)] },
      { name: 'a', subscribe: Array.from({ length: LIMITS.filtersPerUser + 1 }, () => 'a') },
    ];
    for (const user of bad) await expect(users.create(user)).rejects.toMatchObject({ kind: 'invalid' });
    await expect(users.create({ name: USERNAME })).rejects.toMatchObject({ kind: 'conflict' });
    await users.create({ name: 'a' });
    await expect(users.create({ name: 'a' })).rejects.toMatchObject({ kind: 'conflict' });
    await expect(users.change('b', {})).rejects.toMatchObject({ kind: 'not_found' });
    await expect(users.delete('b')).rejects.toMatchObject({ kind: 'not_found' });
  });

  test('a house of them that comes back at once is let in soon', async () => {
    await using house = await startHouse();
    const { password } = await usersOf(house).create({ name: 'lamp', password: 'chosen by me' });
    expect(password).toBeNull();
    await house.connect({ username: 'lamp', password: 'chosen by me' });
    const started = performance.now();
    const all = Array.from(
      { length: 100 },
      async () => await house.connect({ username: 'lamp', password: 'chosen by me' }),
    );
    await Promise.all(all);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(usersOf(house).list()[0]?.connections).toBe(101);
  });

  test('an external broker has its own', async () => {
    await using broker = await startHouse({ discoveryPrefix: 'unused' });
    await using hub = await startHouse({ mode: 'external', url: broker.mqtt.url });
    expect(hub.mqtt.users).toBeNull();
    expect(hub.mqtt.tlsUrl).toBeNull();
  });
});

describe('guessing', () => {
  test('is slowed down for the address, and not for a client that is known there', async () => {
    await using house = await startHouse();
    await house.connect({ clientId: 'known' });
    let refusals = 0;
    for (let count = 0; count < 12; count += 1) {
      const attempt = house.connect({ password: `guess ${count}` });
      const code = await attempt.then(
        () => 0,
        (error: unknown) => (error as { code: number }).code,
      );
      refusals += code === 3 ? 1 : 0;
    }
    expect(refusals).toBe(1);
    await expect(house.connect({ clientId: 'stranger' })).rejects.toMatchObject({ code: 3 });
    expect((await house.connect({ clientId: 'known' })).connected).toBe(true);
  });

  test('waits grow to a minute, and are forgiven', () => {
    let nowMs = 0;
    const throttle = new LoginThrottle(() => nowMs);
    const waits: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      throttle.failed('1.2.3.4', 'x');
      const from = nowMs;
      while (!throttle.mayTry('1.2.3.4', 'x')) nowMs += 1000;
      waits.push((nowMs - from) / 1000);
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    expect(throttle.mayTry('1.2.3.5', 'x')).toBe(true);
    nowMs += 15 * 60_000;
    throttle.failed('1.2.3.4', 'x');
    expect(throttle.mayTry('1.2.3.4', 'x')).toBe(true);
  });
});

describe('filters', () => {
  const who = { user: 'lamp', clientId: 'c1' };

  test.each([
    ['#', ['a', 'a/b'], ['$SYS/x']],
    ['+/set', ['a/set'], ['a/b/set', '$SYS/set']],
    ['dev/%u/%c/#', ['dev/lamp/c1', 'dev/lamp/c1/x/y'], ['dev/lamp', 'dev/lamp/c2']],
  ])('%j for publishing', (filter, yes, no) => {
    const { publish } = permitsOf({ publish: [filter], subscribe: [] }, who);
    for (const topic of yes) expect(publish(topic), topic).toBe(true);
    for (const topic of no) expect(publish(topic), topic).toBe(false);
  });

  test.each([
    ['#', ['#', 'a/#', '+', '+/+'], ['$SYS/#']],
    ['a/+/c', ['a/b/c', 'a/+/c'], ['a/#', 'a/b', 'a/b/c/d', '+/b/c', 'a/b/+']],
    ['a/#', ['a', 'a/b', 'a/+/#', 'a/#'], ['b', '#', '+/b']],
    ['$SYS/#', ['$SYS/x'], ['#', '+/x', '$share/g/a']],
  ])('%j for subscribing', (filter, yes, no) => {
    const { subscribe } = permitsOf({ publish: [], subscribe: [filter] }, who);
    for (const wanted of yes) expect(subscribe(wanted), wanted).toBe(true);
    for (const wanted of no) expect(subscribe(wanted), wanted).toBe(false);
  });

  test('a client id with a wildcard or a slash opens nothing', () => {
    for (const clientId of ['+', '#', 'a/b', '', '%u/#']) {
      const permits = permitsOf({ publish: ['dev/%c/x'], subscribe: ['dev/%c'] }, { user: 'lamp', clientId });
      expect(permits.publish('dev/a/x') || permits.publish(`dev/${clientId}/x`)).toBe(false);
      expect(permits.subscribe('dev/+') || permits.subscribe('dev/a')).toBe(false);
    }
  });
});
