import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { readJobOrder, runJobCommand } from '../../src/cli/cli.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const { signal } = new AbortController();
const NAMES = [
  'change-log-cleanup',
  'readings-cleanup',
  'audit-cleanup',
  'access-cleanup',
  'job-history-cleanup',
  'database-upkeep',
  'database-check',
  'activity-cleanup',
  'suggestions',
  'report-cleanup',
  'reports',
];

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let token: string;

interface Told {
  readonly name: string;
  readonly state: string;
  readonly id: number;
  readonly summary: string | null;
  readonly figures: Record<string, number>;
}

/** As much of the answers as is looked at. */
interface Body {
  readonly items: readonly (Told & { readonly next_at: string; readonly schedule: string | null })[];
  readonly next_cursor: string | null;
  readonly detail: string;
  readonly name: string;
}

async function call(method: string, path: string): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${hub.ready.http_url}/api/system/jobs${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: (await response.json()) as Body };
}

async function cli(...words: string[]): Promise<{ text: string; ok: boolean }> {
  return await runJobCommand(readJobOrder(words), folder.path, signal);
}

beforeAll(async () => {
  folder = temporaryFolder();
  hub = await startTestHub(folder.path, {
    FUNKYGIBBON_MQTT__MODE: 'off',
    FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
  });
  const login = await fetch(`${hub.ready.http_url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  });
  token = ((await login.json()) as { access_token: string }).access_token;
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('the jobs of a hub', () => {
  test('are listed with their next time', async () => {
    const { status, body } = await call('GET', '');
    expect(status).toBe(200);
    expect(body.items.map(({ name }) => name)).toEqual(expect.arrayContaining(NAMES));
    for (const { name, next_at: next } of body.items.filter(({ schedule }) => schedule !== null)) {
      expect(Date.parse(next), name).toBeGreaterThan(Date.now());
    }
    expect((await cli()).text).toContain('never ran');
  });

  test.each(NAMES)('%s runs, and says in its history what it removed', async (name) => {
    const run = await cli('run', name);
    expect(run.ok).toBe(true);
    const { body } = await call('GET', `/history?name=${name}`);
    const [told] = body.items;
    expect(told).toMatchObject({ name, state: 'done', origin: 'hand' });
    expect(run.text).toContain(told?.summary);
    expect(Object.keys(told?.figures ?? {}).length).toBeGreaterThan(0);
    expect((await cli('history', name, '--limit', '1')).text).toContain(told?.summary);
  });

  test('history is paged; what is over cannot be cancelled; what is unknown says what there is', async () => {
    const first = await call('GET', '/history?limit=3');
    expect(first.body.items).toHaveLength(3);
    const second = await call('GET', `/history?limit=3&cursor=${first.body.next_cursor}`);
    expect(second.body.items[0]?.id).toBeLessThan(first.body.items[2]?.id ?? 0);
    const id = first.body.items[0]?.id;
    expect((await call('POST', `/history/${id}/cancel`)).status).toBe(409);
    expect((await call('POST', '/history/0x1/cancel')).status).toBe(404);
    const unknown = await call('POST', '/nothing/run');
    expect([unknown.status, unknown.body.detail]).toEqual([404, expect.stringContaining('audit-cleanup')]);
    await expect(cli('run', 'nothing')).rejects.toThrow('There is no job "nothing"');
    await expect(cli('history', 'nothing')).rejects.toThrow('There is no job "nothing"');
    const started = await call('POST', '/audit-cleanup/run');
    expect([started.status, started.body.name]).toEqual([200, 'audit-cleanup']);
  });
});

test('the README tells of each job that there is, with its time, and of no other', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../src/jobs/README.md'), 'utf8');
  const rows = [...text.matchAll(/^\| ([a-z][a-z-]+) +\| ([^|]*?) +\|/gm)].filter(
    ([, name]) => name !== 'job',
  );
  const told = new Map(rows.map(([, name = '', when = '']) => [name, when]));
  const { body } = await call('GET', '');
  const there = body.items.map(({ name, schedule }) => [name, inWords(schedule)]);
  // Where nothing is brought to S3 there is none.
  expect(new Map([...there, ['backup-upload', 'after a backup']] as [string, string][])).toEqual(told);
});

function inWords(schedule: string | null): string {
  const [, minute = '', hour = ''] = /^(\d+) (\d+) \* \* \*$/.exec(schedule ?? '') ?? [];
  return schedule === null ? 'when asked' : `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
}

describe('the words of the command', () => {
  test('are read, and refused with what is accepted', () => {
    expect(readJobOrder([])).toMatchObject({ ask: 'jobs', json: false, configFlags: [] });
    expect(readJobOrder(['history', '--limit=5', '--json', '--data-dir', 'x'])).toEqual({
      ask: 'jobs_history',
      args: { name: null, limit: 5 },
      json: true,
      configFlags: ['--data-dir', 'x'],
    });
    for (const words of [['run'], ['list', 'x'], ['stop'], ['run', 'a', 'b'], ['list', '--limit', '3']]) {
      expect(() => readJobOrder(words)).toThrow('jobs takes list, run NAME, or history');
    }
    expect(() => readJobOrder(['history', '--limit', '0'])).toThrow('1 to 500');
  });
});
