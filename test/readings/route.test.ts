import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Principal } from '../../src/access/types.ts';
import type { DeviceView } from '../../src/devices/types.ts';
import type { Call, Route } from '../../src/http/route.ts';

import { silentLogger } from '../../src/base/log.ts';
import { Graph } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';
import { check } from '../../src/http/route.ts';
import { readingRoutes } from '../../src/http/routes/readings.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';
import { DAY, HOUR, MINUTE, openReadings, type ReadingsHome } from './home.ts';

interface Body {
  readonly entity_id: string;
  readonly capability: string;
  readonly unit: string | null;
  readonly resolution: string;
  readonly from: string;
  readonly to: string;
  readonly items: readonly Record<string, unknown>[];
  readonly next_cursor: string | null;
}

const OWNER = { rooms: null } as unknown as Principal;

let folder: ReturnType<typeof temporaryFolder>;
let graphFolder: ReturnType<typeof temporaryFolder>;
let home: ReadingsHome;
let graph: Graph;
let closeGraph: () => Promise<void>;
let views: DeviceView[];
let routes: Route[];

beforeEach(async () => {
  folder = temporaryFolder();
  graphFolder = temporaryFolder();
  home = await openReadings(folder.path);
  const store = await openTestStore(graphFolder.path, [graphTables], home.clock);
  graph = new Graph({ store, clock: home.clock, log: silentLogger });
  closeGraph = async () => {
    graph[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
  };
  for (const [id, entityType] of [
    ['attic', 'room'],
    ['cellar', 'room'],
    ['sensor', 'device'],
  ] as const) {
    graph.transaction((writer) =>
      writer.createEntity({
        id,
        entityType,
        content: { name: id },
        author: HUB_AUTHOR,
        sourceType: 'manual',
      }),
    );
  }
  graph.transaction((writer) =>
    writer.putRelationship({
      fromEntityId: 'sensor',
      toEntityId: 'attic',
      relationshipType: 'located_in',
      properties: {},
      author: HUB_AUTHOR,
    }),
  );
  views = [
    {
      entityId: 'sensor',
      name: 'Attic sensor',
      capabilities: [
        { name: 'temperature', unit: '°C' },
        { name: 'humidity', unit: '%' },
      ],
    } as unknown as DeviceView,
  ];
  routes = readingRoutes({
    graph,
    devices: { view: (id) => views.find(({ entityId }) => entityId === id) },
    readings: home.readings,
    clock: home.clock,
  });
});
afterEach(async () => {
  await closeGraph();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
  graphFolder[Symbol.dispose]();
});

/** Asks as the pipeline does, which checks the query first and the answer in tests. */
function ask(query: Record<string, string>, principal = OWNER, id = 'sensor'): Body {
  const [route] = routes;
  if (!route?.query || !route.docs.answer.schema) throw new Error('no route');
  const call = { param: () => id, query: check(route.query, query), principal } as unknown as Call;
  const reply = route.handle(call);
  if ('then' in reply || typeof reply.body !== 'string') throw new Error('not an answer at once');
  const body = JSON.parse(reply.body) as Body;
  expect(route.docs.answer.schema.parse(body)).toEqual(body);
  return body;
}

/** A reading every ten minutes, up to now. */
function record(hours: number): void {
  for (let n = 0; n < hours * 6; n++) {
    home.source.say('sensor', 'temperature', 20 + n / 10);
    home.clock.advance(10 * MINUTE);
  }
}

test('by default it is the last day in the resolution that fits', () => {
  record(30);
  const now = home.clock.nowMs();
  const body = ask({ capability: 'temperature' });
  expect(body).toMatchObject({
    entity_id: 'sensor',
    capability: 'temperature',
    unit: '°C',
    resolution: '5m',
    from: new Date(now - DAY).toISOString(),
    to: new Date(now).toISOString(),
    next_cursor: null,
  });
  expect(body.items).toHaveLength(288);
  expect(body.items[0]).toEqual({
    start: new Date(now - DAY).toISOString(),
    mean: 23.6,
    min: 23.6,
    max: 23.6,
    first: 23.6,
    last: 23.6,
    covered_s: 300,
    samples: 1,
    rise: null,
  });
});

test('readings come in pages, as they were reported', () => {
  record(2);
  home.source.say('sensor', 'temperature', null);
  home.clock.advance(MINUTE);
  const query = { capability: 'temperature', resolution: 'raw', limit: '5' };
  const items: unknown[] = [];
  let page = ask(query);
  for (let pages = 1; ; pages++) {
    items.push(...page.items.map(({ value }) => value));
    if (page.next_cursor === null) {
      expect(pages).toBe(3);
      break;
    }
    page = ask({ ...query, cursor: page.next_cursor });
  }
  expect(items).toEqual([...Array.from({ length: 12 }, (_, n) => 20 + n / 10), null]);
});

test('a capability that never reported has no readings; one that is not there is said so', () => {
  record(1);
  expect(ask({ capability: 'humidity' })).toMatchObject({ items: [], unit: '%' });
  expect(() => ask({ capability: 'power' })).toThrow('it has temperature, humidity');
  expect(() => ask({ capability: 'temperature' }, OWNER, 'nothing')).toThrow('There is no device nothing');
});

test('what a device that is gone reported can still be read', () => {
  record(1);
  views = [];
  expect(ask({ capability: 'temperature' })).toMatchObject({ unit: null, resolution: '5m' });
});

describe('whoever is limited to rooms', () => {
  const limitedTo = (room: string): Principal => ({ rooms: [room] }) as unknown as Principal;

  test('sees what is in them and nothing else', () => {
    record(1);
    expect(ask({ capability: 'temperature' }, limitedTo('attic')).items).not.toEqual([]);
    expect(() => ask({ capability: 'temperature' }, limitedTo('cellar'))).toThrow(
      'There is no device sensor',
    );
    views = [];
    expect(() => ask({ capability: 'temperature' }, limitedTo('cellar'))).toThrow(
      'There is no device sensor',
    );
  });
});

test.each<[Record<string, string>, string]>([
  [{}, 'capability: must be the name of a capability'],
  [{ capability: 'temperature', from: 'yesterday' }, 'from: must be an RFC 3339 time'],
  [
    { capability: 'temperature', from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    'from is after to',
  ],
  [{ capability: 'temperature', resolution: '1d' }, 'resolution: must be raw, 5m, 1h or auto'],
  [{ capability: 'temperature', limit: '10001' }, 'limit: must be a whole number from 1 to 10000'],
  [{ capability: 'temperature', cursor: 'x' }, 'cursor is not one that this hub gave'],
  [{ capability: 'temperature', since: '1' }, 'since'],
])('%j is refused in words', (query, words) => {
  record(1);
  expect(() => ask(query)).toThrow(words);
});

test('a short range is raw, a long one comes by the hour', () => {
  record(3);
  const now = home.clock.nowMs();
  const from = (ms: number): string => new Date(now - ms).toISOString();
  expect(ask({ capability: 'temperature', from: from(6 * HOUR) }).resolution).toBe('raw');
  expect(ask({ capability: 'temperature', from: from(8 * DAY) }).resolution).toBe('1h');
});
