import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import type { Hub } from '../../../src/hub.ts';

import { ManualClock } from '../../../src/base/clock.ts';
import { LogBook } from '../../../src/base/log-book.ts';
import { askForTask } from '../../../src/cli/cli.ts';
import { startTestHub } from '../../support/hub.ts';
import { temporaryFolder } from '../../support/store.ts';

interface Told {
  readonly status: string;
  readonly since: string;
  readonly checks?: readonly {
    readonly name: string;
    readonly status: string;
    readonly summary: string;
    readonly what_to_do: string | null;
    readonly details: Record<string, unknown>;
  }[];
}

const folder = temporaryFolder();
const lines: string[] = [];
let hub: Hub;
let token = '';

const env = {
  // Nobody listens there.
  FUNKYGIBBON_MQTT__MODE: 'external',
  FUNKYGIBBON_MQTT__URL: 'mqtt://127.0.0.1:1',
  FUNKYGIBBON_AUTH__ADMIN_PASSWORD: 'correct horse battery',
};

const call = async (
  path: string,
  init: { method?: string; body?: unknown; as?: string } = {},
): Promise<Response> =>
  await fetch(`${hub.ready.http_url}${path}`, {
    method: init.method ?? 'GET',
    headers: { authorization: `Bearer ${init.as ?? token}`, 'content-type': 'application/json' },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
const healthAs = async (as?: string): Promise<Told> =>
  (await (await call('/api/system/health', as === undefined ? {} : { as })).json()) as Told;
const checkOf = (told: Told, name: string): NonNullable<Told['checks']>[number] | undefined =>
  told.checks?.find((check) => check.name === name);

beforeAll(async () => {
  const destination = { write: (line: string) => void lines.push(line) };
  const book = new LogBook({ level: 'info', format: 'json', destination });
  hub = await startTestHub(folder.path, env, { book, clock: new ManualClock(Date.UTC(1970, 0, 1, 0, 5)) });
  const login = await fetch(`${hub.ready.http_url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: env.FUNKYGIBBON_AUTH__ADMIN_PASSWORD }),
  });
  token = ((await login.json()) as { access_token: string }).access_token;
}, 30_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test('no broker and a clock of 1970 leave the rest working, and the hub says so within a second', async () => {
  const startedMs = performance.now();
  const told = await healthAs();
  expect(performance.now() - startedMs).toBeLessThan(1500);
  expect(told.status).toBe('degraded');
  const broker = checkOf(told, 'broker');
  expect(broker).toMatchObject({ status: 'fail', details: { connected: false, mode: 'external' } });
  expect(broker?.summary).toContain('nothing listens on that port');
  expect(broker?.what_to_do).toContain('mqtt.url');
  expect(checkOf(told, 'clock')).toMatchObject({
    status: 'fail',
    details: { time: '1970-01-01T00:05:00.000Z' },
  });
  for (const name of ['database', 'disk', 'homekit', 'jobs']) expect(checkOf(told, name)?.status).toBe('ok');
  expect(checkOf(told, 'mdns')?.status).toBe('off');
  expect((await fetch(`${hub.ready.http_url}/health`)).status).toBe(200);
  expect((await fetch(`${hub.ready.http_url}/ready`)).status).toBe(200);
  const entity = await call('/api/entities', {
    method: 'POST',
    body: { entity_type: 'note', content: { name: 'x' } },
  });
  expect(entity.status).toBe(201);
});

test('what is wrong is logged once, with what to do', async () => {
  await healthAs();
  await healthAs();
  const wrong = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ check }) => check === 'broker');
  expect(wrong).toHaveLength(1);
  expect(wrong[0]).toMatchObject({ level: 'warn', part: 'health', status: 'fail' });
  expect(String(wrong[0]?.['what_to_do'])).toContain('mqtt.url');
});

test('members learn how it goes and not why', async () => {
  await call('/api/users', {
    method: 'POST',
    body: { username: 'kim', password: 'correct horse battery', role: 'member' },
  });
  const login = await call('/api/auth/login', {
    method: 'POST',
    body: { username: 'kim', password: 'correct horse battery' },
  });
  const { access_token: member } = (await login.json()) as { access_token: string };
  const told = await healthAs(member);
  expect(told).toEqual({ status: 'degraded', since: expect.any(String) });
  for (const path of ['/api/system/logs', '/metrics'])
    expect((await call(path, { as: member })).status).toBe(403);
  expect((await fetch(`${hub.ready.http_url}/metrics`)).status).toBe(401);
  expect(
    (await fetch(`${hub.ready.http_url}/metrics`, { headers: { 'x-forwarded-for': '127.0.0.1' } })).status,
  ).toBe(401);
});

test('a key with the scope metrics reads every metric that the dashboard shows, and nothing else', async () => {
  await call('/api/system/jobs/audit-cleanup/run', { method: 'POST' });
  await vi.waitFor(async () => {
    const { items } = (await (await call('/api/system/jobs')).json()) as { items: { last: unknown }[] };
    expect(items.some(({ last }) => last !== null)).toBe(true);
  });
  const made = await call('/api/auth/api-keys', {
    method: 'POST',
    body: { name: 'prometheus', scopes: ['metrics'] },
  });
  const { secret } = (await made.json()) as { secret: string };
  const answer = await call('/metrics', { as: secret });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  const known = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  expect(text).toContain('funkygibbon_health_check{check="broker"} 2');
  expect(text).toContain('funkygibbon_mqtt_connected 0');
  expect(text).toMatch(
    /^http_requests_total\{method="GET",endpoint="\/api\/system\/health",status="2xx"\} [1-9]/m,
  );
  expect(text).toMatch(/^funkygibbon_sqlite_commits_total [1-9]/m);
  expect(text).toMatch(/^funkygibbon_homekit_bridges 1$/m);
  expect(text).toMatch(/^funkygibbon_job_runs_total\{job="database-check",outcome="failed"\} 0$/m);
  expect(text).toMatch(/^funkygibbon_scrape_unread_parts 0$/m);
  expect((await call('/api/entities', { as: secret })).status).toBe(403);

  const dashboard = readFileSync(join(import.meta.dirname, '../../../config/grafana-dashboard.json'), 'utf8');
  const shown = [...dashboard.matchAll(/\b(?:funkygibbon|http|process|nodejs)_[a-z0-9_]+/g)].map(
    ([name]) => name,
  );
  expect(shown.length).toBeGreaterThan(10);
  const missing = shown.filter(
    (name) => !known.has(name.replace(/_(?:bucket|sum|count)$/, '')) && !known.has(name),
  );
  expect(missing).toEqual([]);
  expect((JSON.parse(dashboard) as { panels: unknown[] }).panels.length).toBeGreaterThan(5);
});

test('the last lines can be read and the level changed, and the audit log tells of it', async () => {
  const first = (await (await call('/api/system/logs?part=health&level=warn&limit=1')).json()) as {
    level: string;
    last: number;
    items: { seq: number; line: { part: string; level: string } }[];
  };
  expect(first.items).toHaveLength(1);
  expect(first).toMatchObject({ level: 'info', level_ends_at: null });
  expect(first.items[0]?.line).toMatchObject({ part: 'health', level: 'warn' });
  const changed = await call('/api/system/logs/level', {
    method: 'PUT',
    body: { level: 'debug', for_seconds: 60 },
  });
  expect(await changed.json()).toMatchObject({
    level: 'debug',
    level_ends_at: expect.stringMatching(/^1970-/),
  });
  await call('/health');
  const debug = await call(`/api/system/logs?after=${first.last}&q=%2Fhealth&level=debug`);
  const { items } = (await debug.json()) as { items: { line: Record<string, unknown> }[] };
  expect(items.some(({ line }) => line['path'] === '/health' && typeof line['request_id'] === 'string')).toBe(
    true,
  );
  await call('/api/system/logs/level', { method: 'PUT', body: { level: 'info' } });
  expect((await call('/api/system/logs/level', { method: 'PUT', body: { level: 'loud' } })).status).toBe(400);
  const audit = (await (await call('/api/audit')).json()) as {
    items: { action: string; details: unknown }[];
  };
  expect(
    audit.items.filter(({ action }) => action === 'log.level').map(({ details }) => details),
  ).toContainEqual({
    level: 'debug',
    for_seconds: 60,
  });
});

test('the command line has everything looked at, and reads the log', async () => {
  const socket = join(folder.path, 'hub.sock');
  expect(existsSync(socket)).toBe(true);
  const seen: string[] = [];
  const output = async (piece: Uint8Array): Promise<void> => {
    seen.push(Buffer.from(piece).toString());
    await Promise.resolve();
  };
  const told = (await askForTask(socket, 'health', {}, { output })) as Told;
  expect(told.status).toBe('degraded');
  expect(seen.map((piece) => (JSON.parse(piece) as { name: string }).name).toSorted()).toEqual(
    told.checks?.map(({ name }) => name).toSorted(),
  );
  seen.length = 0;
  const { last } = (await askForTask(socket, 'logs', { limit: 3 }, { output })) as { last: number };
  expect(seen).toHaveLength(3);
  expect(JSON.parse(seen[2] ?? '')).toMatchObject({ seq: last });
});

test('no secret is in the log', async () => {
  const { mqtt, homekit, setupCode } = hub.pairing();
  const told = JSON.stringify(await (await call('/api/system/logs?limit=2000')).json()) + lines.join('');
  for (const secret of [
    token,
    env.FUNKYGIBBON_AUTH__ADMIN_PASSWORD,
    homekit?.pin,
    mqtt?.password,
    setupCode,
  ]) {
    if (secret) expect(told).not.toContain(secret);
  }
  expect(told.length).toBeGreaterThan(1000);
});

test('the hub is alive by its event loop and its database', async () => {
  expect(await hub.isAlive()).toBe(true);
});
