import { describe, expect, test } from 'vitest';

import type { ClientEvents } from '../../src/client/client.ts';

import { allApplied, cursor, ok, row, scripted, settled, type Scripted } from './support.ts';

/** A client that is live at seq 1, with the entity r in version v1. */
async function live(options: Parameters<typeof scripted>[0] = {}): Promise<Scripted> {
  const home = await scripted(options);
  home.hub.replies(ok({ changes: [row('r', 'v1', { name: 'Hall' })] }), ok());
  home.client.start();
  await settled();
  home.sockets.last.greet();
  await settled();
  expect(home.client.status).toBe('live');
  return home;
}

/** The cursor that the next sync sends. */
async function cursorOf({ client, hub }: Scripted): Promise<string | undefined> {
  hub.replies(ok({ vector_clock: { server: cursor(100) } }));
  await client.sync();
  return hub.bodies.at(-1)?.vector_clock['server'];
}

describe('live', () => {
  test('the token goes as a subprotocol, the device in the address, and the subscription begins at the cursor', async () => {
    const { client, sockets } = await live();
    await using _ = client;
    expect(sockets.last.url).toBe('ws://hub.test/ws/anna?device_id=phone');
    expect(sockets.last.protocols).toEqual(['bearer.token']);
    expect(sockets.last.sent).toEqual([{ type: 'subscribe', entity_id: '*', since: cursor(1) }]);
  });

  test('a new store is filled by a sync before it subscribes', async () => {
    const { client, hub, sockets } = await scripted();
    await using _ = client;
    const first = Promise.withResolvers<void>();
    const fetched = hub.fetch;
    hub.replies(ok());
    const slow = await scripted({
      environment: {
        fetch: async (url, init) => {
          await first.promise;
          return await fetched(url, init);
        },
        openSocket: sockets.openSocket,
      },
    });
    slow.client.start();
    await settled();
    sockets.last.greet();
    expect(sockets.last.sent).toEqual([]);
    first.resolve();
    await settled();
    expect(sockets.last.sent).toMatchObject([{ type: 'subscribe', since: cursor(1) }]);
    await slow.client.close();
  });

  test('facts are applied in order, move the cursor, and are skipped when a sync has told them', async () => {
    const home = await live();
    await using _ = home.client;
    home.sockets.last.tell('r', 'v2', { name: 'Lobby' }, 2, ['v1']);
    home.sockets.last.tell('s', 's1', { name: 'Shed' }, 5);
    home.sockets.last.tell('r', 'v1', { name: 'Hall' }, 1);
    await settled();
    expect(await home.client.home.entity('r')).toMatchObject({ version: 'v2' });
    expect(await home.client.home.entity('s')).toMatchObject({ version: 's1' });
    expect(await cursorOf(home)).toBe(cursor(5));
  });

  test('a fact never overwrites a pending edit, and the push keeps its parents', async () => {
    const { client, hub, sockets } = await live();
    await using _ = client;
    const answered = Promise.withResolvers<void>();
    hub.replies(new TypeError('lost'));
    const mine = await client.home.updateEntity('r', { name: 'Mine' });
    await settled();
    sockets.last.tell('r', 'v2', { name: 'Lobby' }, 2, ['v1']);
    await settled();
    expect(await client.home.entity('r')).toEqual(mine);
    hub.replies(ok({ vector_clock: { server: cursor(2) } }), (body) => {
      expect(body.changes).toMatchObject([{ entity_version: mine.version, parent_versions: ['v1'] }]);
      answered.resolve();
      return allApplied({
        changes: [row('r', 'm1', { name: 'Mine', floor: 1 }, ['v2', mine.version])],
        vector_clock: { server: cursor(4) },
      })(body);
    });
    client.wake();
    await answered.promise;
    await settled();
    expect(await client.home.entity('r')).toMatchObject({ version: 'm1' });
  });

  test('a fact that comes during a sync waits, so that an older answer cannot undo it', async () => {
    const { client, hub, sockets } = await live();
    await using _ = client;
    hub.replies(() => {
      // Read by the hub before, received by the phone after.
      sockets.last.tell('r', 'v3', { name: 'Newest' }, 3, ['v2']);
      return ok({
        changes: [row('r', 'v2', { name: 'Older' }, ['v1'])],
        vector_clock: { server: cursor(2) },
      });
    });
    await client.sync();
    await settled();
    expect(await client.home.entity('r')).toMatchObject({ version: 'v3' });
  });

  test('after resync_required nothing moves the cursor until a sync that began later has ended', async () => {
    const home = await live();
    await using _ = home.client;
    const { hub, sockets, time } = home;
    hub.replies(new TypeError('lost'));
    sockets.last.say({ type: 'resync_required', cursor: cursor(1) });
    sockets.last.tell('s', 's9', { name: 'Shed' }, 9);
    await settled();
    sockets.last.tell('t', 't10', { name: 'Tree' }, 10);
    await settled();
    expect(await home.client.home.entity('s')).toBeNull();
    expect(await home.client.home.entity('t')).toBeNull();
    hub.replies((body) => {
      expect(body.vector_clock['server']).toBe(cursor(1));
      sockets.last.tell('u', 'u12', { name: 'Umbrella' }, 12);
      return ok({ changes: [row('s', 's9', { name: 'Shed' })], vector_clock: { server: cursor(11) } });
    });
    await time.advance(1000);
    expect(await home.client.home.entity('u')).toMatchObject({ version: 'u12' });
    expect(await cursorOf(home)).toBe(cursor(12));
  });

  test('facts of another epoch, and messages that are not understood, end in a sync', async () => {
    const { client, hub, sockets } = await live();
    await using _ = client;
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    const before = hub.bodies.length;
    sockets.last.say({
      type: 'relationship_change',
      change_type: 'created',
      relationship_id: 'e',
      from_entity_id: 'a',
      to_entity_id: 'b',
      relationship_type: 'part_of',
      version: 'e1',
      cursor: cursor(50, 'cc'),
      data: {
        from_entity_id: 'a',
        to_entity_id: 'b',
        relationship_type: 'part_of',
        valid_from: '2026-01-01T00:00:00.000Z',
        valid_to: null,
        parent_versions: [],
        properties: {},
      },
    });
    await settled();
    expect(hub.bodies.length).toBe(before + 1);
    expect(await client.home.relationship('e')).toBeNull();
    sockets.last.say({ type: 'entity_change', entity_id: 'x' });
    await settled();
    expect(hub.bodies.length).toBe(before + 2);
    expect(errors).toHaveLength(1);
    sockets.last.say({ type: 'sync_requested', direction: 'both' });
    await settled();
    expect(hub.bodies.length).toBe(before + 3);
  });

  test('a burst larger than what may wait is dropped and fetched', async () => {
    const { client, hub, sockets } = await live();
    await using _ = client;
    hub.replies(
      () => {
        for (let i = 0; i < 1500; i++) sockets.last.tell(`b${i}`, `b${i}`, {}, 10 + i);
        return ok({ vector_clock: { server: cursor(5) } });
      },
      ok({ changes: [row('b0', 'b0', {})], vector_clock: { server: cursor(2000) } }),
    );
    await client.sync();
    await settled();
    expect(await client.home.entities()).toHaveLength(2);
  });

  test('states and notices go to the app', async () => {
    const { client, sockets } = await live();
    await using _ = client;
    const heard: (ClientEvents['state'] | ClientEvents['notice'])[] = [];
    client.on('state', (state) => heard.push(state));
    client.on('notice', (notice) => heard.push(notice));
    const timestamp = '2026-01-01T00:00:00.000Z';
    sockets.last.say({ type: 'state_change', entity_id: 'l', capability: 'on_off', value: true, timestamp });
    sockets.last.say({ type: 'notice', level: 'warning', message: 'The disk is nearly full.' });
    sockets.last.say({ type: 'something_new' });
    expect(heard).toEqual([
      { entityId: 'l', capability: 'on_off', value: true, timestamp },
      { level: 'warning', text: 'The disk is nearly full.' },
    ]);
  });
});

describe('connections', () => {
  test('come back with back-off, ever later, and begin where the last one ended', async () => {
    const { client, hub, sockets, time } = await live();
    await using _ = client;
    sockets.last.tell('r', 'v2', { name: 'Lobby' }, 2, ['v1']);
    await settled();
    hub.replies(ok({ vector_clock: { server: cursor(2) } }));
    sockets.last.end();
    await settled();
    expect(client.status).toBe('polling');
    for (const waitMs of [1000, 2000, 4000]) {
      const before = sockets.opened.length;
      await time.advance(waitMs - 1);
      expect(sockets.opened.length).toBe(before);
      await time.advance(1);
      expect(sockets.opened.length).toBe(before + 1);
      sockets.last.end();
      await settled();
    }
    client.wake();
    await settled();
    sockets.last.greet();
    expect(sockets.last.sent).toMatchObject([{ type: 'subscribe', since: cursor(2) }]);
    expect(client.status).toBe('live');
  });

  test('a socket that is silent, or never greeted, is replaced', async () => {
    const { client, sockets, time } = await live();
    await using _ = client;
    const [first] = sockets.opened;
    await time.advance(30_000);
    expect(first?.sent.at(-1)).toEqual({ type: 'ping' });
    first?.say({ type: 'pong', timestamp: '' });
    await time.advance(30_000);
    expect(first?.closed).toBe(false);
    await time.advance(30_000);
    expect(first?.closed).toBe(true);
    await time.advance(1000);
    expect(sockets.opened).toHaveLength(2);
    await time.advance(15_000);
    expect(sockets.last.closed).toBe(true);
    // Words of a socket that was given up are not heard any more.
    first?.tell('r', 'v9', { name: 'Ghost' }, 9);
    first?.end();
    await settled();
    expect(await client.home.entity('r')).toMatchObject({ version: 'v1' });
  });

  test('a token is replaced before it ends, and after the hub has closed for it', async () => {
    let made = 0;
    let nowMs = (): number => 0;
    const asked: (string | undefined)[] = [];
    const home = await live({
      tokens: async (stale) => {
        asked.push(stale);
        if (stale !== undefined || made === 0) made += 1;
        return { value: `token-${made}`, expiresAtMs: nowMs() + 3_600_000 };
      },
    });
    await using _ = home.client;
    const { sockets, time } = home;
    nowMs = time.environment.nowMs;
    sockets.last.end(4401);
    await settled();
    await time.advance(1000);
    expect(asked.filter((stale) => stale !== undefined)).toEqual(['token-1']);
    expect(sockets.last.protocols).toEqual(['bearer.token-2']);
    sockets.last.greet();
    for (let minute = 0; minute < 59; minute++) {
      await time.advance(30_000);
      sockets.last.say({ type: 'pong', timestamp: '' });
      await time.advance(30_000);
      sockets.last.say({ type: 'pong', timestamp: '' });
    }
    expect(sockets.last.sent.filter(({ type }) => type === 'auth')).toEqual([
      { type: 'auth', token: 'token-3' },
    ]);
    // The greeting of a fresh token is no new connection.
    const before = sockets.last.sent.length;
    sockets.last.greet();
    expect(sockets.last.sent.length).toBe(before);
  });

  test('stopping closes, and starting goes on', async () => {
    const { client, sockets, time } = await live();
    await using _ = client;
    client.stop();
    expect(client.status).toBe('stopped');
    expect(sockets.last.closed).toBe(true);
    expect(time.waits).toEqual([]);
    client.start();
    await settled();
    expect(sockets.opened).toHaveLength(2);
  });
});
