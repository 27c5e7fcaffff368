import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { readSuggestionOrder, runSuggestionCommand } from '../../src/cli/cli.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';
import { DAY, HOUR, MINUTE } from './home.ts';

const PASSWORD = 'correct horse battery';
const LOCK = { unique_id: 'k', command_topic: 'k/set', state_topic: 'k' };
const LAMP = { unique_id: 'l', command_topic: 'l/set', state_topic: 'l' };

interface Told {
  readonly time: string;
  readonly capability: string;
  readonly type: string;
  readonly value: unknown;
  readonly cause: { readonly kind: string; readonly id: string | null };
}

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let clock: ManualClock;
let device: MqttClient;
let key: string;
let token: string;
let lamp: string;
let lock: string;
const orders: string[] = [];

beforeAll(async () => {
  folder = temporaryFolder();
  clock = new ManualClock(Date.UTC(2026, 2, 1, 5));
  await start();
  const { username = '', password = '' } = hub.pairing().mqtt ?? {};
  device = await connectAsync(hub.ready.mqtt_url ?? '', { username, password, reconnectPeriod: 0 });
  device.on('message', (_, payload) => void orders.push(payload.toString()));
  await device.subscribeAsync('l/set');
  await announce('light', 'Lamp', LAMP);
  await announce('lock', 'Door', LOCK);
  await logIn();
  const made = await call('POST', '/api/auth/api-keys', { name: 'reader', scopes: ['admin'] });
  key = String(made['secret']);
  await vi.waitFor(async () => {
    const { items } = (await call('GET', '/api/devices')) as { items: { name: string; entity_id: string }[] };
    const ids = new Map(items.map((item) => [item.name, item.entity_id]));
    lamp = ids.get('Lamp') ?? '';
    lock = ids.get('Door') ?? '';
    expect([lamp, lock]).not.toContain('');
  });
  await say('l', lamp, 'on_off', 'OFF', false);
  await say('k', lock, 'locked', 'LOCKED', 'locked');
  clock.advance(HOUR);
  await logIn();
});
afterAll(async () => {
  await device.endAsync();
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function start(): Promise<void> {
  hub = await startTestHub(
    folder.path,
    {
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
      FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
      FUNKYGIBBON_HOME__TIMEZONE: 'Europe/Berlin',
    },
    { clock },
  );
}

async function announce(component: string, name: string, config: { unique_id: string }): Promise<void> {
  const described = { ...config, name: null, device: { identifiers: [config.unique_id], name } };
  const topic = `homeassistant/${component}/${config.unique_id}/config`;
  await device.publishAsync(topic, JSON.stringify(described), { retain: true });
}

async function logIn(): Promise<void> {
  const answer = await call('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
  token = String(answer['access_token']);
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  bearer = token,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const told = (await answer.json()) as Record<string, unknown>;
  if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(told)}`);
  return told;
}

/** A device says how it is; resolves when the hub knows. */
async function say(
  topic: string,
  id: string,
  capability: string,
  payload: string,
  value: unknown,
): Promise<void> {
  await device.publishAsync(topic, payload);
  await vi.waitFor(async () => {
    const { values } = await call('GET', `/api/entities/${id}/state`, undefined, key || token);
    expect((values as Record<string, { value: unknown }>)[capability]?.value).toBe(value);
  });
}

/** The suggestions, once the search of the day is over. */
async function searched(): Promise<Record<string, unknown>> {
  return await vi.waitFor(async () => {
    const answer = await call('GET', '/api/analytics/suggestions');
    expect(answer['observed']).toMatchObject({ computing: false });
    return answer;
  });
}

async function terminal(...words: string[]): Promise<string> {
  const { signal } = new AbortController();
  return await runSuggestionCommand(readSuggestionOrder(words), folder.path, signal);
}

async function activity(id: string, query = ''): Promise<{ items: Told[]; next_cursor: string | null }> {
  return (await call('GET', `/api/entities/${id}/activity${query}`)) as never;
}

test('the API tells who did what', async () => {
  const { user_id: userId } = await call('GET', '/api/auth/me');
  await call('POST', `/api/entities/${lamp}/commands`, {
    capability: 'on_off',
    value: true,
    confirm_within_ms: 0,
  });
  await vi.waitFor(() => expect(orders.at(-1)).toBe('ON'));
  await say('l', lamp, 'on_off', 'ON', true);
  clock.advance(MINUTE);
  await say('l', lamp, 'on_off', 'OFF', false);
  clock.advance(MINUTE);
  await call(
    'POST',
    `/api/entities/${lamp}/commands`,
    { capability: 'on_off', value: true, confirm_within_ms: 0 },
    key,
  );
  await say('l', lamp, 'on_off', 'ON', true);
  const { items } = await activity(lamp);
  expect(items.map(({ type, value, cause }) => [type, value, cause.kind, cause.id])).toEqual([
    ['state', true, 'service', expect.stringMatching(/^key:/)],
    ['command', true, 'service', expect.stringMatching(/^key:/)],
    ['state', false, 'person', null],
    ['state', true, 'person', userId],
    ['command', true, 'person', userId],
    ['state', false, 'device', null],
  ]);
  const first = await activity(lamp, '?limit=4&capability=on_off');
  const second = await activity(lamp, `?limit=4&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items]).toEqual(items);
  await expect(activity('nothing')).rejects.toThrow('404');
  await expect(activity(lamp, '?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z')).rejects.toThrow('400');
  clock.advance(MINUTE);
  await say('l', lamp, 'on_off', 'OFF', false);
});

test('what people do day after day is suggested, accepted and then done by the hub', async () => {
  // Nobody waits for the search that the first look begins.
  expect(await call('GET', '/api/analytics/suggestions')).toMatchObject({
    items: [],
    observed: { days: 0, needed_days: 14, computed_at: null, computing: true },
  });
  const begins = Date.UTC(2026, 2, 2);
  for (let day = 0; day < 15; day++) {
    const restMs = (minutes: number): void => {
      // Some minutes around the time, as people are.
      const ms = begins + day * DAY + (minutes + ((day * 7) % 9) - 4) * MINUTE;
      clock.advance(ms - clock.nowMs());
    };
    restMs(6 * 60);
    await say('l', lamp, 'on_off', 'ON', true);
    clock.advance(40 * MINUTE);
    await say('k', lock, 'locked', 'UNLOCKED', 'unlocked');
    restMs(9 * 60 + day * 11);
    await say('l', lamp, 'on_off', 'OFF', false);
    clock.advance((20 + (day % 5) * 9) * MINUTE);
    await say('k', lock, 'locked', 'LOCKED', 'locked');
  }
  clock.advance(begins + 15 * DAY + 2 * HOUR - clock.nowMs());
  await logIn();
  const answer = await searched();
  const items = answer['items'] as {
    id: string;
    title: string;
    evidence: { days: string[] };
    automation: object;
  }[];
  const [one] = items;
  expect(items.map(({ title }) => title)).toEqual(['Lamp on at 07:00']);
  expect(one?.evidence.days).toHaveLength(15);
  const all = await call('GET', '/api/analytics/suggestions?include_locks=true');
  expect((all['items'] as { title: string }[]).map(({ title }) => title)).toContain('Door unlocked at 07:40');

  expect(await terminal()).toContain(
    `${one?.id}  Lamp on at 07:00\n  Somebody switched on Lamp at 07:00 on 15 of 16 days, give or take 3 minutes.\n  On these same days it would have fired rightly on 15 of 16, once wrongly;\n  learned from the first two thirds alone, on the rest rightly on 6 of 6, never wrongly.\n`,
  );
  expect(await terminal('--locks')).toContain('Door unlocked at 07:40');
  const [locks] = (all['items'] as { id: string; title: string }[]).filter(({ title }) =>
    title.startsWith('Door'),
  );
  expect(await terminal('dismiss', locks?.id ?? '', 'never', 'the', 'door')).toContain(
    'not suggested any more',
  );
  const gone = await call('GET', '/api/analytics/suggestions?status=dismissed&include_locks=true');
  expect(gone['items']).toMatchObject([{ id: locks?.id, reason: 'never the door', decided_by: 'terminal' }]);
  await expect(terminal('accept', 'nothing')).rejects.toThrow('no suggestion nothing');

  const accepted = await call('POST', `/api/analytics/suggestions/${one?.id}/accept`);
  expect(accepted).toMatchObject({ held: null, suggestion: { status: 'accepted' } });
  const { items: running } = (await call('GET', '/api/automations')) as { items: object[] };
  expect(running).toMatchObject([
    {
      id: accepted['automation_id'],
      name: 'Lamp on at 07:00',
      status: 'on',
      next_run: '2026-03-17T06:00:00.000Z',
    },
  ]);
  await expect(call('POST', `/api/analytics/suggestions/${one?.id}/dismiss`, {})).rejects.toThrow('409');
  await expect(call('POST', `/api/analytics/suggestions/${one?.id}/restore`)).rejects.toThrow('409');
  expect(await terminal('list', 'accepted')).toContain('has not done it yet.');
  expect(await terminal('list', 'dismissed', '--locks')).toContain('Dismissed: never the door');
  expect(await terminal('restore', locks?.id ?? '')).toContain('is suggested again');
  expect(await terminal('--locks')).toContain('Door unlocked at 07:40');
  const ran = await call('POST', `/api/automations/${String(accepted['automation_id'])}/run`);
  expect(ran).toMatchObject({ outcome: 'done' });
  await vi.waitFor(async () => {
    const [newest] = (await activity(lamp)).items;
    expect(newest).toMatchObject({
      type: 'command',
      cause: { kind: 'automation', id: accepted['automation_id'] },
    });
  });
});

test('usage tells what there is and what happens, and since when that is known', async () => {
  const usage = await call('GET', '/api/analytics/usage?days=7');
  expect(usage).toMatchObject({
    timezone: 'Europe/Berlin',
    recorded_since: '2026-03-01T05:00:00.000Z',
    gaps: [],
    entities: { by_type: { device: 2, automation: 1 } },
    most_active: [{ name: 'Lamp' }, { name: 'Door' }],
    sync: { clients: [] },
  });
  const days = usage['daily'] as {
    date: string;
    events: number;
    by_cause: { person: number };
    covered: number;
  }[];
  expect(days).toHaveLength(7);
  expect(days[3]).toMatchObject({ events: 4, by_cause: { person: 4 }, covered: 1 });
  await expect(call('GET', '/api/analytics/usage?days=0')).rejects.toThrow('400');
  await expect(call('GET', '/api/analytics/usage?days=401')).rejects.toThrow('400');
});

test('guests see the last day, and not who lives here', async () => {
  const expires_at = new Date(clock.nowMs() + DAY).toISOString();
  await call('POST', '/api/users', { username: 'gus', role: 'guest', password: PASSWORD, expires_at });
  const login = await call('POST', '/api/auth/login', { username: 'gus', password: PASSWORD });
  const guest = String(login['access_token']);
  await say('l', lamp, 'on_off', 'ON', true);
  const path = `/api/entities/${lamp}/activity`;
  const { items } = (await call(
    'GET',
    `${path}?from=2026-01-01T00:00:00Z&limit=500`,
    undefined,
    guest,
  )) as never as {
    items: Told[];
  };
  expect(items.length).toBeGreaterThan(0);
  for (const { time, cause } of items) {
    expect(clock.nowMs() - Date.parse(time)).toBeLessThanOrEqual(DAY);
    expect(cause.id).toBeNull();
  }
  for (const refused of ['/api/analytics/suggestions', '/api/analytics/suggestions?include_locks=true']) {
    await expect(call('GET', refused, undefined, guest)).rejects.toThrow('403');
  }
});

test('whoever deletes the automation is not asked again, until they ask for it', async () => {
  await logIn();
  const accepted = (await call('GET', '/api/analytics/suggestions?status=accepted'))['items'] as {
    id: string;
    automation_id: string;
  }[];
  const [one] = accepted;
  const deleted = await fetch(`${hub.ready.http_url}/api/entities/${one?.automation_id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(deleted.status).toBe(204);
  expect((await searched())['items']).toEqual([]);
  const dismissed = await call('GET', '/api/analytics/suggestions?status=dismissed');
  expect(dismissed['items']).toMatchObject([{ id: one?.id, reason: 'its automation was deleted' }]);
  const restored = await call('POST', `/api/analytics/suggestions/${one?.id}/restore`);
  expect(restored).toMatchObject({ suggestion: { status: 'proposed', automation_id: null } });
  expect((await searched())['items']).toMatchObject([{ id: one?.id, title: 'Lamp on at 07:00' }]);
});

test('what was written down is there after a restart', async () => {
  const before = await activity(lock);
  await hub[Symbol.asyncDispose]();
  clock.advance(6 * HOUR);
  await start();
  await logIn();
  expect(await activity(lock)).toEqual(before);
  const { gaps } = await call('GET', '/api/analytics/usage?days=1');
  expect(gaps).toMatchObject([{ to: new Date(clock.nowMs()).toISOString() }]);
});

test('what the terminal does not understand is said', () => {
  for (const words of [
    ['accept'],
    ['accept', 'a', 'b'],
    ['dismiss'],
    ['list', 'x'],
    ['list', 'accepted', 'x'],
    ['restore'],
    ['forget', 'x'],
  ]) {
    expect(() => readSuggestionOrder(words)).toThrow('suggestions takes');
  }
  expect(readSuggestionOrder(['--json', '--data-dir', 'x'])).toEqual({
    ask: 'suggestions',
    args: { status: 'proposed', include_locks: false },
    json: true,
    configFlags: ['--data-dir', 'x'],
  });
});
