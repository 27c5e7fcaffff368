import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Principal } from '../../src/access/types.ts';

import { temporaryFolder } from '../support/store.ts';
import { Client, openLiveHome, person, QUICKLY, refusedStatus, type LiveHome } from './live-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let hub: LiveHome;

beforeEach(async () => {
  folder = temporaryFolder();
  hub = await openLiveHome(folder.path);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const ANNA = { headers: { authorization: 'Bearer anna-token' } };

/** Makes a token of anna's, as `verify` will answer for it, and options to connect with it. */
function token(name: string, principal: Partial<Principal>): { headers: { authorization: string } } {
  hub.tokens.set(name, { ...person('anna'), ...principal });
  return { headers: { authorization: `Bearer ${name}` } };
}

async function connected(path: string, options = ANNA): Promise<Client> {
  const client = new Client(hub.port, path, options);
  await client.next('connected');
  return client;
}

describe('the device of a connection', () => {
  test('it is named in the address', async () => {
    expect(hub.live.isOnline('phone 1')).toBe(false);
    const client = await connected('anna?device_id=phone%201');
    expect(hub.live.isOnline('phone 1')).toBe(true);
    client.socket.close();
    await vi.waitFor(() => expect(hub.live.isOnline('phone 1')).toBe(false), QUICKLY);
  });

  test('it is named with the token', async () => {
    const client = new Client(hub.port, 'anna');
    await once(client.socket, 'open');
    client.send({ type: 'auth', token: 'anna-token', device_id: 'phone-1' });
    await client.next('connected');
    expect(hub.live.isOnline('phone-1')).toBe(true);
  });

  test('otherwise it is the one that its login named', async () => {
    const login = token('login', { deviceId: 'phone-1' });
    const one = await connected('anna', login);
    expect(hub.live.isOnline('phone-1')).toBe(true);
    one.socket.close();
    await vi.waitFor(() => expect(hub.live.connections).toBe(0), QUICKLY);
    await connected('anna?device_id=phone-2', login);
    expect([hub.live.isOnline('phone-1'), hub.live.isOnline('phone-2')]).toEqual([false, true]);
  });

  test('a fresh token without a name keeps it', async () => {
    const client = await connected('anna?device_id=phone-1');
    client.send({ type: 'auth', token: 'anna-token' });
    await vi.waitFor(() => expect(client.of('connected')).toHaveLength(2), QUICKLY);
    expect(hub.live.isOnline('phone-1')).toBe(true);
  });

  test('who has not said who it is, is not online', async () => {
    const client = new Client(hub.port, 'anna?device_id=phone-1');
    await once(client.socket, 'open');
    expect(hub.live.connections).toBe(1);
    expect(hub.live.isOnline('phone-1')).toBe(false);
  });

  test('a token that was made for one device opens nothing as another', async () => {
    const paired = token('paired', { deviceId: 'phone-1', boundDeviceId: 'phone-1' });
    expect(await refusedStatus(new Client(hub.port, 'anna?device_id=phone-2', paired))).toBe(403);
    await connected('anna', paired);
    expect(hub.live.isOnline('phone-1')).toBe(true);
    await connected('anna?device_id=phone-1', paired);

    const late = new Client(hub.port, 'anna');
    await once(late.socket, 'open');
    late.send({ type: 'auth', token: 'paired', device_id: 'phone-2' });
    expect((await once(late.socket, 'close'))[0]).toBe(4403);
  });

  test('a name that is none is refused', async () => {
    expect(await refusedStatus(new Client(hub.port, 'anna?device_id=%0a', ANNA))).toBe(400);
    const client = await connected('anna');
    for (const device_id of ['', 'x'.repeat(129), 'a\nb', '\ud800', 7]) {
      client.send({ type: 'auth', token: 'anna-token', device_id });
    }
    await client.settle();
    expect(client.of('error').map(({ code }) => code)).toEqual(Array(5).fill('VALIDATION_ERROR'));
    expect(client.of('connected')).toHaveLength(1);
  });
});

describe('sync_requested', () => {
  test('every connection of the device is asked, and nobody else', async () => {
    const one = await connected('anna?device_id=phone-1');
    const two = await connected('anna?device_id=phone-1');
    const other = await connected('anna?device_id=phone-2');
    expect(hub.live.requestSync('phone-1', 'down')).toBe(2);
    for (const client of [one, two]) {
      expect(await client.next('sync_requested')).toEqual({ type: 'sync_requested', direction: 'down' });
    }
    await other.settle();
    expect(other.of('sync_requested')).toEqual([]);
  });

  test('a device that is not here is not asked', async () => {
    await connected('anna');
    expect(hub.live.requestSync('phone-1', 'both')).toBe(0);
  });

  test('a guest’s device is asked like any other', async () => {
    const guest = await connected('gast?device_id=tablet', {
      headers: { authorization: 'Bearer guest-token' },
    });
    expect(hub.live.requestSync('tablet', 'up')).toBe(1);
    expect(await guest.next('sync_requested')).toMatchObject({ direction: 'up' });
  });
});

describe('a session that ends', () => {
  test('its connections close with 4401 at once, and no others', async () => {
    const mine = token('mine', { sessionId: 'session-1' });
    const clients = [await connected('anna', mine), await connected('anna', mine)];
    const other = await connected('anna', token('other', { sessionId: 'session-2' }));
    const closed = clients.map(async (client) => await client.closed());
    hub.live.closeSession('session-1');
    expect((await Promise.all(closed)).map(({ code }) => code)).toEqual([4401, 4401]);
    await other.settle();
    expect(hub.live.connections).toBe(1);
  });

  test('it also closes what was being opened when it ended', async () => {
    const looking = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    hub.verify = async () => {
      looking.resolve();
      await go.promise;
      return { ...person('anna'), sessionId: 'session-1' };
    };
    const client = new Client(hub.port, 'anna', ANNA);
    const closed = client.closed();
    await looking.promise;
    hub.live.closeSession('session-1');
    go.resolve();
    expect((await closed).code).toBe(4401);
  });

  test('nothing is told on its connections any more', async () => {
    const client = await connected('anna?device_id=phone-1', token('mine', { sessionId: 'session-1' }));
    await client.subscribe({ entity_id: '*' });
    const closed = client.closed();
    hub.live.closeSession('session-1');
    hub.devices.report('lamp', 'on_off', true);
    expect(hub.live.requestSync('phone-1', 'down')).toBe(0);
    await closed;
    expect(client.of('state_change')).toEqual([]);
  });
});

test('a notice reaches everybody who has said who it is', async () => {
  const one = await connected('anna');
  const two = await connected('ben', { headers: { authorization: 'Bearer ben-token' } });
  hub.live.notify('The disk is nearly full.', 'warning');
  for (const client of [one, two]) {
    expect(await client.next('notice')).toEqual({
      type: 'notice',
      level: 'warning',
      message: 'The disk is nearly full.',
    });
  }
});
