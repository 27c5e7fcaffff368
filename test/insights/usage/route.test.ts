import { afterAll, beforeAll, expect, test } from 'vitest';

import { Insights } from '../../../src/insights/insights.ts';
import { Usage } from '../../../src/insights/usage/usage.ts';
import { makePerson, refusalOf, type Person } from '../../http/people.ts';
import { startTestApi, type TestApi } from '../../http/support.ts';
import { DAY, MINUTE, SimulatedHome } from '../habits/simulator.ts';

import { ManualClock } from '../../../src/base/clock.ts';

interface Told {
  readonly total: number;
  readonly online: number;
  readonly failing: number;
  readonly clients: readonly Record<string, unknown>[];
}

let api: TestApi;
let home: SimulatedHome;
let ben: Person;

beforeAll(async () => {
  home = new SimulatedHome({ days: 3 });
  home.add('lamp', 'on_off');
  for (const { at } of home.days()) home.act('lamp', at(600), true);
  const gapMs = home.zone.day('2026-03-19').startMs;
  home.gaps = [{ startMs: gapMs, endMs: gapMs + DAY / 4 }];
  const counts = (): ReadonlyMap<string, number> => api.graph.overview.counts().entities;
  const usage = new Usage({
    log: home,
    home: { entityCounts: counts, nameOf: (id) => (id === 'lamp' ? 'The lamp' : null) },
    zone: home.zone,
    clock: new ManualClock(home.nowMs),
  });
  api = await startTestApi({
    insights: Object.assign(Object.create(Insights.prototype) as Insights, { usage }),
  });
  api.sync.answer = null;
  const make = async (id: string, type: string): Promise<void> => {
    const body = { id, entity_type: type, content: { name: id } };
    expect((await api.call('POST', '/api/entities', body)).status).toBe(201);
  };
  for (const id of ['kitchen', 'cellar']) await make(id, 'room');
  await make('lamp', 'device');
  ben = await makePerson(api, 'ben', 'member');
  await sync(ben, 'bens phone');
  // A client of version 2 notes its syncs under its own name, which may be one that has synced before, or none.
  for (const client of ['bens phone', 'a tablet']) {
    const path = `/api/v1/sync-metadata`;
    const server = 'server_url=http://hub';
    expect((await api.call('POST', `${path}?client_id=${encodeURIComponent(client)}&${server}`)).status).toBe(
      200,
    );
    const steps =
      client === 'a tablet'
        ? ['sync-start', 'sync-failure?error=no%20network']
        : ['sync-start', 'sync-success'];
    for (const step of steps) {
      expect((await api.call('POST', `${path}/${encodeURIComponent(client)}/${step}`)).status).toBe(200);
    }
  }
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function sync(person: Person, device: string): Promise<void> {
  const answer = await person.call('POST', '/api/sync/inbetweenies', {
    protocol_version: 'inbetweenies-v1.1',
    device_id: device,
    user_id: person.id,
    vector_clock: {},
    changes: [],
  });
  expect(answer.status).toBe(200);
}

test('what there is, what happened day by day, when nobody looked, and with which devices', async () => {
  const answer = await api.call('GET', '/api/analytics/usage?days=2');
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    from: '2026-03-18T23:00:00.000Z',
    timezone: 'Europe/Berlin',
    recorded_since: '2026-03-16T23:00:00.000Z',
    gaps: [{ from: '2026-03-18T23:00:00.000Z', to: '2026-03-19T05:00:00.000Z' }],
    entities: { by_type: { room: 2, device: 1 } },
    daily: [
      { date: '2026-03-19', events: 1, commands: 1, by_cause: { person: 1, device: 0 }, covered: 0.75 },
      { date: '2026-03-20', events: 0, commands: 0, covered: 1 },
    ],
    most_active: [
      {
        entity_id: 'lamp',
        name: 'The lamp',
        events: 1,
        commands: 1,
        by_people: 1,
        last_at: new Date(home.zone.day('2026-03-19').startMs + 600 * MINUTE + 400).toISOString(),
      },
    ],
  });
});

test('an admin sees every client once, with what it notes about itself', async () => {
  const { sync: told } = (await (await api.call('GET', '/api/analytics/usage')).json()) as { sync: Told };
  expect(told).toMatchObject({ total: 2, failing: 1, online: 0 });
  expect(told.clients).toEqual([
    {
      client: 'bens phone',
      protocol: 'inbetweenies-v1.1',
      user_id: ben.id,
      last_sync_at: expect.any(String) as string,
      last_error: null,
      pending_changes: expect.any(Number) as number,
      online: false,
      syncs: 1,
      failures: 0,
      open_conflicts: 0,
    },
    {
      client: 'a tablet',
      protocol: 'inbetweenies-v2',
      user_id: null,
      last_sync_at: expect.any(String) as string,
      last_error: 'no network',
      pending_changes: null,
      online: null,
      syncs: 1,
      failures: 1,
      open_conflicts: null,
    },
  ]);
});

test('a member sees their own clients, and what none of them counts is null', async () => {
  const anna = await makePerson(api, 'anna', 'member');
  const seenBy = async (person: Person): Promise<unknown[]> => {
    const answer = (await (await person.call('GET', '/api/analytics/usage')).json()) as { sync: Told };
    return answer.sync.clients.map(({ client, syncs }) => [client, syncs]);
  };
  expect(await seenBy(ben)).toEqual([['bens phone', null]]);
  expect(await seenBy(anna)).toEqual([]);
});

test('whoever is limited to rooms is not told', async () => {
  const guest = await makePerson(api, 'carl', 'member', { rooms: ['kitchen'] });
  expect((await guest.call('GET', '/api/analytics/usage')).status).toBe(403);
});

test.each([
  ['days=0', 'days: must be a whole number from 1 to 400'],
  ['days=401', 'days: must be a whole number from 1 to 400'],
  ['days=x', 'days: must be a whole number from 1 to 400'],
  ['from=2026-03-01', 'from'],
])('%s is refused in words', async (query, words) => {
  expect(await refusalOf(await api.call('GET', `/api/analytics/usage?${query}`))).toContain(words);
});
