import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import type { PhonePairing } from '../../src/cli/types.ts';
import type { Hub } from '../../src/hub.ts';

import { askHub } from '../../src/cli/ask.ts';
import { CONTROL_SOCKET, runAskingCommand } from '../../src/cli/cli.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
beforeEach(async () => {
  folder = temporaryFolder();
  hub = await startTestHub(folder.path, { FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD });
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function call(method: string, path: string, token: string, body?: unknown): Promise<Response> {
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function told(response: Response): Promise<Record<string, string>> {
  expect(response.ok).toBe(true);
  return (await response.json()) as Record<string, string>;
}

async function logIn(username = 'admin'): Promise<string> {
  const answer = await told(await call('POST', '/api/auth/login', '', { username, password: PASSWORD }));
  return answer['access_token'] ?? '';
}

function socketOf(path: string, token: string): WebSocket {
  const url = `${hub.ready.http_url.replace('http', 'ws')}/ws/${path}`;
  return new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
}

async function statusOf(socket: WebSocket): Promise<number | undefined> {
  socket.on('error', () => undefined);
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
  return answer.statusCode;
}

test('an API key opens a WebSocket, which closes when the key is deleted', async () => {
  const owner = await logIn();
  const made = { name: 'panel', scopes: ['home:read'] };
  const key = await told(await call('POST', '/api/auth/api-keys', owner, made));
  const socket = socketOf(key['user_id'] ?? '', key['secret'] ?? '');
  const [first] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(first.toString())).toMatchObject({ type: 'connected', user_id: key['user_id'] });
  const closed = once(socket, 'close');
  await call('DELETE', `/api/auth/api-keys/${key['id']}`, owner);
  expect((await closed)[0]).toBe(4401);
  expect(await statusOf(socketOf(key['user_id'] ?? '', key['secret'] ?? ''))).toBe(401);
});

test('the sockets of a user close when the user is deleted', async () => {
  const owner = await logIn();
  const body = { username: 'ben', password: PASSWORD, role: 'member' };
  const ben = await told(await call('POST', '/api/users', owner, body));
  const socket = socketOf(ben['user_id'] ?? '', await logIn('ben'));
  await once(socket, 'message');
  const closed = once(socket, 'close');
  await call('DELETE', `/api/users/${ben['user_id']}`, owner);
  expect((await closed)[0]).toBe(4401);
});

test('a phone is paired from the terminal, and connects as itself only', async () => {
  const socketPath = join(folder.path, CONTROL_SOCKET);
  const shown = (await askHub(socketPath, 'pair_phone', { user: null })) as PhonePairing;
  expect(shown).toMatchObject({ username: 'admin', uri: expect.stringContaining(shown.code) as string });
  const body = { code: shown.code, device_id: 'phone' };
  const tokens = await told(await call('POST', '/api/auth/pair', '', body));
  const [userId = '', token = ''] = [tokens['user_id'], tokens['access_token']];
  expect(await statusOf(socketOf(`${userId}?device_id=other`, token))).toBe(403);
  const socket = socketOf(`${userId}?device_id=phone`, token);
  await once(socket, 'message');
  socket.close();
  await once(socket, 'close');
  const rows = await call('GET', '/api/audit?action=pairing_code.create', await logIn());
  const { items } = (await rows.json()) as { items: unknown[] };
  expect(items).toMatchObject([{ username: 'terminal', address: 'terminal' }]);
});

test('the terminal shows a QR code for a phone when it is asked to', async () => {
  const order = { command: 'pair', json: false, configFlags: [] } as const;
  const without = await runAskingCommand({ ...order, phone: undefined }, folder.path);
  expect(without).not.toContain('A phone for');
  const shown = await runAskingCommand({ ...order, phone: 'ADMIN' }, folder.path);
  expect(shown).toContain('A phone for admin');
  expect(shown).toMatch(/[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}/);
  const json = await runAskingCommand({ ...order, json: true, phone: null }, folder.path);
  expect(JSON.parse(json)).toMatchObject({ phone: { username: 'admin' } });
  await expect(runAskingCommand({ ...order, phone: 'nobody' }, folder.path)).rejects.toThrow(
    /no user "nobody"/,
  );
});
