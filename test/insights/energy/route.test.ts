import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { textCell } from '../../../src/insights/energy/csv.ts';
import { Insights } from '../../../src/insights/insights.ts';
import { makePerson, refusalOf, type Person } from '../../http/people.ts';
import { problemOf, startTestApi, type TestApi } from '../../http/support.ts';
import { openEnergyHome, steady, type EnergyTestHome } from './home.ts';

const DAY = 86_400;
/** A day, and two hours of the next one. */
const PLAYED = DAY + 7200;
const MARCH_2 = 'from=2026-03-02&to=2026-03-03';

let home: EnergyTestHome;
let api: TestApi;
let ben: Person;

beforeAll(async () => {
  home = await openEnergyHome();
  home.add('lamp', { kinds: ['power'], roomId: 'kitchen', name: '=1+1, "the lamp"' });
  home.add('pump', { kinds: ['power'], roomId: 'cellar' });
  home.add('meter', { kinds: ['power'], settings: { energy_role: 'main' } });
  const series = [
    ['lamp', 100],
    ['pump', 200],
    ['meter', 500],
  ] as const;
  await home.play(
    series.map(([entityId, watts]) => ({
      entityId,
      capability: 'power',
      samples: steady(watts, PLAYED, 300),
    })),
    PLAYED,
  );
  const insights = Object.assign(Object.create(Insights.prototype) as Insights, { energy: home.energy });
  api = await startTestApi({ insights });
  const make = async (path: string, body: unknown): Promise<void> => {
    expect((await api.call('POST', path, body)).status).toBe(201);
  };
  for (const id of ['kitchen', 'cellar']) {
    await make('/api/entities', { id, entity_type: 'room', content: { name: id } });
  }
  for (const [id, room] of [
    ['lamp', 'kitchen'],
    ['pump', 'cellar'],
  ] as const) {
    await make('/api/entities', { id, entity_type: 'device', content: { name: id } });
    await make('/api/relationships', {
      from_entity_id: id,
      to_entity_id: room,
      relationship_type: 'located_in',
    });
  }
  ben = await makePerson(api, 'ben', 'member', { rooms: ['kitchen'] });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const { id } of home.energy.tariffs.list()) await home.energy.tariffs.delete(id);
});

async function read(query: string): Promise<Record<string, unknown>> {
  const answer = await api.call('GET', `/api/analytics/energy?${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

const TARIFF = {
  name: 'Flat',
  currency: 'EUR',
  valid_from: '2026-01-01',
  standing_price_per_day: 0.5,
  price_per_kwh: 0.25,
};

test('the home, its rooms and its devices, with what they cost', async () => {
  const made = await api.call('POST', '/api/analytics/tariffs', TARIFF);
  expect(made.status).toBe(201);
  expect(await read(MARCH_2)).toMatchObject({
    period: {
      from: '2026-03-01T23:00:00.000Z',
      to: '2026-03-02T23:00:00.000Z',
      days: 1,
      complete_days: 1,
      timezone: 'Europe/Berlin',
    },
    resolution: 'day',
    coverage: 1,
    measured_share: 0,
    estimated_share: 1,
    currency: 'EUR',
    home: {
      basis: 'main_meter',
      kwh: 12,
      import_kwh: 12,
      export_kwh: 0,
      cost: 3,
      standing_cost: 0.5,
      coverage: 1,
    },
    unmetered: { kwh: 4.8, share: 0.4 },
    devices: [
      { entity_id: 'lamp', room_id: 'kitchen', room: 'Kitchen', source: 'estimated', kwh: 2.4, cost: 0.6 },
      { entity_id: 'pump', kwh: 4.8, covered_s: DAY },
      { entity_id: 'meter', role: 'main' },
    ],
    rooms: [
      { room_id: 'cellar', kwh: 4.8 },
      { room_id: 'kitchen', kwh: 2.4 },
    ],
    buckets: [{ start: '2026-03-01T23:00:00.000Z', kwh: 12, cost: 3, coverage: 1 }],
  });
});

test('CSV has every device, times of the wall with their offset, and no formula', async () => {
  for (const path of [
    `energy.csv?${MARCH_2}&resolution=hour`,
    `energy?${MARCH_2}&resolution=hour&format=csv`,
  ]) {
    const answer = await api.call('GET', `/api/analytics/${path}`);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (await answer.text()).split('\r\n');
    expect(lines).toHaveLength(1 + 3 * 24 + 1);
    expect(lines.slice(0, 2)).toEqual([
      'start,end,entity_id,name,room,role,source,kwh,cost,currency,covered_share',
      `2026-03-02T00:00:00+01:00,2026-03-02T01:00:00+01:00,lamp,"'=1+1, ""the lamp""",Kitchen,device,estimated,0.1000,,,1.000`,
    ]);
  }
});

test.each([
  ['=SUM(A1)', `'=SUM(A1)`],
  ['+1', `'+1`],
  ['-1', `'-1`],
  ['@x', `'@x`],
  ['\t=1', `'\t=1`],
  ['  =1', `'  =1`],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\nb', '"a\nb"'],
  ['plain - text', 'plain - text'],
])('the cell %j', (text, cell) => {
  expect(textCell(text)).toBe(cell);
});

describe('whoever is limited to rooms', () => {
  test('sees the devices in them of today, and nothing of the home', async () => {
    const answer = await ben.call('GET', '/api/analytics/energy');
    expect(answer.status).toBe(200);
    const text = await answer.text();
    for (const word of ['pump', '"meter"', 'cellar', 'Cellar']) expect(text).not.toContain(word);
    expect(JSON.parse(text)).toMatchObject({
      period: { days: 1 },
      devices: [{ entity_id: 'lamp', kwh: 0.2 }],
      home: null,
      unmetered: null,
      buckets: [],
      peak_hours: [],
    });
    expect((await ben.call('GET', '/api/analytics/energy?entity_id=pump')).status).toBe(404);
    expect((await ben.call('GET', '/api/analytics/energy?room_id=cellar')).status).toBe(404);
    expect(await (await ben.call('GET', '/api/analytics/energy.csv')).text()).not.toContain('pump');
  });

  test('may not look into the past, nor at prices', async () => {
    for (const path of ['energy?days=2', `energy?${MARCH_2}`, 'energy.csv?days=30', 'tariffs', 'prices']) {
      expect((await ben.call('GET', `/api/analytics/${path}`)).status).toBe(403);
    }
  });
});

describe('what admins say', () => {
  test('members may read tariffs, and not write', async () => {
    const mia = await makePerson(api, 'mia', 'member');
    expect((await mia.call('POST', '/api/analytics/tariffs', TARIFF)).status).toBe(403);
    const made = await api.call('POST', '/api/analytics/tariffs', TARIFF);
    const { id } = (await made.json()) as { id: string };
    const list = await mia.call('GET', '/api/analytics/tariffs');
    expect(await list.json()).toMatchObject({
      items: [{ ...TARIFF, id, valid_to: null, windows: [], dynamic: null }],
    });
    expect((await mia.call('DELETE', `/api/analytics/tariffs/${id}`)).status).toBe(403);
    expect(
      (await api.call('PUT', `/api/analytics/tariffs/${id}`, { ...TARIFF, price_per_kwh: 1 })).status,
    ).toBe(200);
    expect(await read(MARCH_2)).toMatchObject({ home: { cost: 12 } });
    expect((await api.call('DELETE', `/api/analytics/tariffs/${id}`)).status).toBe(204);
    expect((await api.call('DELETE', `/api/analytics/tariffs/${id}`)).status).toBe(404);
  });

  test('a tariff that is refused says which field, and the other tariff', async () => {
    const { id } = (await (await api.call('POST', '/api/analytics/tariffs', TARIFF)).json()) as {
      id: string;
    };
    const again = await api.call('POST', '/api/analytics/tariffs', { ...TARIFF, name: 'Two' });
    expect(again.status).toBe(409);
    expect(await problemOf(again)).toMatchObject({ field: 'valid_from', tariff_id: id });
    const wrong = { ...TARIFF, windows: [{ days: ['noday'], from: '22:00', to: '06:00', price_per_kwh: 1 }] };
    expect(await problemOf(await api.call('POST', '/api/analytics/tariffs', wrong))).toMatchObject({
      field: 'windows.0.days.0',
    });
  });

  test('prices of the market are put, read and forgotten', async () => {
    const put = { from: '2026-03-02T00:00:00+01:00', resolution: 'hour', prices: [0.1, 0.2] };
    const answer = await api.call('PUT', '/api/analytics/prices', put);
    expect(await answer.json()).toEqual({ quarters: 8 });
    const span = 'from=2026-03-01T23:00:00Z&to=2026-03-02T23:00:00Z';
    const list = await (await api.call('GET', `/api/analytics/prices?${span}`)).json();
    expect(list).toMatchObject({
      items: { length: 8, 7: { start: '2026-03-02T00:45:00.000Z', price_per_kwh: 0.2 } },
    });
    expect((await api.call('DELETE', `/api/analytics/prices?${span}`)).status).toBe(204);
    expect(await (await api.call('GET', `/api/analytics/prices?${span}`)).json()).toEqual({ items: [] });
  });

  test('a correction has its author, changes the figures and can be taken back', async () => {
    const body = {
      entity_id: 'pump',
      from: '2026-03-02T10:00:00+01:00',
      to: '2026-03-02T11:00:00+01:00',
      exclude: true,
      reason: 'broken',
    };
    const made = await api.call('POST', '/api/analytics/energy/corrections', body);
    expect(made.status).toBe(201);
    const one = (await made.json()) as { id: string };
    expect(one).toMatchObject({ kwh: null, exclude: true, before_kwh: 0.2, reversed_at: null });
    expect(await read(`${MARCH_2}&entity_id=pump`)).toMatchObject({
      devices: [{ kwh: 4.6, covered_s: DAY - 3600 }],
    });
    expect((await api.call('DELETE', `/api/analytics/energy/corrections/${one.id}`)).status).toBe(204);
    expect(await read(`${MARCH_2}&entity_id=pump`)).toMatchObject({ devices: [{ kwh: 4.8 }] });
    const list = await api.call('GET', '/api/analytics/energy/corrections?entity_id=pump');
    expect(await list.json()).toMatchObject({
      items: [{ id: one.id, reversed_at: expect.any(String) as string }],
    });
    for (const [more, words] of [
      [{ kwh: 1 }, 'give either kwh, or exclude: true'],
      [{ exclude: undefined }, 'give either kwh, or exclude: true'],
      [{ reason: ' ' }, 'reason'],
    ] as const) {
      const refused = await api.call('POST', '/api/analytics/energy/corrections', { ...body, ...more });
      expect(await refusalOf(refused)).toContain(words);
    }
  });
});

test('every change of a price or a figure is in the audit log, with what was before', async () => {
  const rows = async (action: string): Promise<Record<string, unknown>[]> => {
    const answer = await api.call('GET', `/api/audit?action=${action}&limit=1`);
    return ((await answer.json()) as { items: Record<string, unknown>[] }).items;
  };
  const told = { username: 'admin', outcome: 'ok' };
  const { id } = (await (await api.call('POST', '/api/analytics/tariffs', TARIFF)).json()) as { id: string };
  const flat = 'Flat: 0.25 to 0.25 EUR/kWh, from 2026-01-01 on';
  expect(await rows('tariff.create')).toMatchObject([{ ...told, target: id, details: { after: flat } }]);
  await api.call('PUT', `/api/analytics/tariffs/${id}`, {
    ...TARIFF,
    valid_to: '2027-01-01',
    windows: [{ days: ['mon'], from: '22:00', to: '24:00', price_per_kwh: 0.1 }],
  });
  const after = 'Flat: 0.1 to 0.25 EUR/kWh, from 2026-01-01 to 2027-01-01';
  expect(await rows('tariff.change')).toMatchObject([
    { ...told, target: id, details: { before: flat, after } },
  ]);
  await api.call('DELETE', `/api/analytics/tariffs/${id}`);
  expect(await rows('tariff.delete')).toMatchObject([{ ...told, target: id, details: { before: after } }]);

  const from = '2026-03-02T00:00:00Z';
  await api.call('PUT', '/api/analytics/prices', { from, resolution: 'hour', prices: [0.1, 0.2] });
  expect(await rows('prices.change')).toMatchObject([
    { ...told, details: { from, resolution: 'hour', count: 2 } },
  ]);
  const to = '2026-03-02T01:00:00Z';
  await api.call('DELETE', `/api/analytics/prices?from=${from}&to=${to}`);
  expect(await rows('prices.delete')).toMatchObject([{ ...told, details: { from, to, quarters: 4 } }]);
  await api.call('DELETE', `/api/analytics/prices?from=${from}&to=2026-03-03T00:00:00Z`);

  const made = await api.call('POST', '/api/analytics/energy/corrections', {
    entity_id: 'lamp',
    from: '2026-03-02T10:00:00+01:00',
    to: '2026-03-02T11:00:00+01:00',
    kwh: 0.05,
    reason: 'it was off',
  });
  const correction = (await made.json()) as { id: string };
  const details = {
    device: 'lamp',
    before_kwh: expect.closeTo(0.1, 6) as number,
    after_kwh: 0.05,
    reason: 'it was off',
  };
  expect(await rows('energy.correct')).toMatchObject([{ ...told, target: correction.id, details }]);
  for (let n = 0; n < 2; n++) await api.call('DELETE', `/api/analytics/energy/corrections/${correction.id}`);
  const undone = await api.call('GET', '/api/audit?action=energy.restore');
  expect(await undone.json()).toMatchObject({
    items: [
      { ...told, target: correction.id, details: { device: 'lamp', before_kwh: 0.05 } },
      // Of the correction of the test before.
      { details: { device: 'pump', before_kwh: null } },
    ],
  });
});

test.each([
  ['days=0', 'days: must be a whole number from 1 to 731'],
  ['days=3&from=2026-03-01', 'give either days, or from and to'],
  ['to=2026-03-01', 'to goes with from'],
  ['from=1.3.2026', 'from: must be a date such as'],
  ['from=2026-02-31', 'from: must be a date such as'],
  ['resolution=1h', 'resolution: must be 15m, hour or day'],
  ['format=xls', 'format: must be json or csv'],
  ['room=kitchen', 'room'],
])('%s is refused in words', async (query, words) => {
  const answer = await api.call('GET', `/api/analytics/energy?${query}`);
  expect(answer.status).toBe(400);
  expect(await refusalOf(answer)).toContain(words);
});
