import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import type { Act } from './acts.ts';

import { operationsOf, type Operation } from '../http/abuse-requests.ts';
import { parseMessage, type ClientMessage } from '../../src/live/messages.ts';
import { ACTS } from './acts.ts';
import { House, type Guest, type Shown } from './house.ts';
import { HOLDERS, may, MESSAGE_POLICY, POLICY, type Holder, type What } from './policy.ts';

let house: House;
let operations: Map<string, Operation>;

beforeAll(async () => {
  house = await House.open();
  const document: unknown = await (await fetch(`${house.url}/openapi.json`)).json();
  operations = new Map(
    operationsOf(document as Parameters<typeof operationsOf>[0]).map((operation) => [
      `${operation.method} ${operation.path}`,
      operation,
    ]),
  );
}, 60_000);
afterAll(async () => {
  await house[Symbol.asyncDispose]();
});

/** `POST /api/sync (with changes)` is a way to use `POST /api/sync`. */
const operationName = (name: string): string => name.replace(/ \(.*\)$/, '');

async function prepare(name: string, by: Guest | null, isAllowed: boolean): Promise<Act> {
  return (await ACTS[name]?.(house, by, isAllowed)) ?? {};
}

async function send(name: string, act: Act, { headers, query }: Shown, method?: string): Promise<Response> {
  const operation = operations.get(operationName(name));
  if (!operation) throw new Error(`there is no ${name}`);
  const ids = [...(act.ids ?? [])];
  const examples = new Map(operation.parameters.map((parameter) => [parameter.name, parameter.example]));
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(ids.shift() ?? examples.get(key) ?? 'x'),
  );
  const needed = operation.parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required === true)
    .map((parameter) => `${parameter.name}=${encodeURIComponent(parameter.example ?? 'x')}`);
  const search = [act.query ?? needed.join('&'), query ?? ''].filter((part) => part !== '').join('&');
  const body = act.body ?? operation.example;
  return await fetch(`${house.url}${path}${search === '' ? '' : `?${search}`}`, {
    method: method ?? operation.method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined || operation.body === null ? {} : { body: JSON.stringify(body) }),
  });
}

const bearer = (token: string): Shown => ({ headers: { authorization: `Bearer ${token}` } });

/** Sends what is in order, and says what is wrong with the answer to somebody who may. */
async function faultOfAllowed(name: string, by: Guest | null, shown: Shown): Promise<string | null> {
  const act = await prepare(name, by, true);
  const answer = await send(name, act, act.token === undefined ? shown : bearer(act.token));
  const text = await answer.text();
  const isRight = act.status === undefined ? answer.ok : answer.status === act.status;
  return isRight ? null : `${answer.status} ${text.slice(0, 200)}`;
}

/** The same for somebody who may not: refused, whatever they ask for. */
async function faultOfRefused(name: string, by: Guest | null, shown: Shown): Promise<string | null> {
  const act = await prepare(name, by, false);
  const expected = by === null ? [401] : isOthersLogin(name) ? [403, 404] : [403];
  const isBare = by === null && shown.headers === undefined && shown.query === undefined;
  const methods = name.startsWith('GET ') && (by || isBare) ? ['GET', 'HEAD'] : [undefined];
  for (const method of methods) {
    const answer = await send(name, act, shown, method);
    const text = await answer.text();
    if (!expected.includes(answer.status)) {
      return `${method ?? ''} ${answer.status} ${text.slice(0, 200)}`;
    }
  }
  // Whether it is the body that is wrong, or what is asked for is there, is no business of theirs either.
  if (!isBare) return null;
  const empty = await send(name, { ids: ['x', 'x'], body: [] }, shown);
  await empty.text();
  return empty.status === 401 ? null : `with an empty body ${empty.status}`;
}

/** Of others' logins somebody who may not end them is not told whether they are there. */
const isOthersLogin = (name: string): boolean => name.startsWith('DELETE /api/auth/devices/{id} (');

async function faults(
  names: readonly string[],
  look: (name: string) => Promise<string | null>,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const fault = await look(name);
    if (fault !== null) found[name] = fault;
  }
  return found;
}

const named = (isWanted: (what: What) => boolean): string[] =>
  Object.entries(POLICY)
    .filter(([, what]) => isWanted(what))
    .map(([name]) => name);

test('the policy knows every operation of the document, and no other', () => {
  const known = new Set(Object.keys(POLICY).map(operationName));
  expect([...operations.keys()].toSorted()).toEqual([...known].toSorted());
  for (const name of Object.keys(ACTS)) expect(POLICY).toHaveProperty([name]);
});

test('a token that the test signs is taken, as long as nothing about it is forged', async () => {
  expect((await house.call('/api/users', { token: house.genuine })).status).toBe(200);
});

describe('what is not allowed is refused, and changes nothing', () => {
  test('to strangers', async () => {
    expect(house.strangers.size).toBeGreaterThan(40);
    const before = house.contents();
    const closed = named((what) => what !== 'everybody may');
    const found: Record<string, Record<string, string>> = {};
    for (const [stranger, shown] of house.strangers) {
      const wrong = await faults(closed, async (name) => await faultOfRefused(name, null, shown));
      if (Object.keys(wrong).length > 0) found[stranger] = wrong;
    }
    expect(found).toEqual({});
    expect(house.contents()).toBe(before);
  }, 120_000);

  test.each(HOLDERS)('to: %s', async (holder) => {
    const by = guest(holder);
    const before = house.contents();
    const closed = named((what) => !may(holder, what));
    expect(await faults(closed, async (name) => await faultOfRefused(name, by, bearer(by.token)))).toEqual(
      {},
    );
    expect(house.contents()).toBe(before);
  });
});

describe('what is allowed works', () => {
  test.each(HOLDERS)(
    'for: %s',
    async (holder) => {
      const by = guest(holder);
      const open = named((what) => may(holder, what));
      expect(await faults(open, async (name) => await faultOfAllowed(name, by, bearer(by.token)))).toEqual(
        {},
      );
    },
    60_000,
  );

  test('for everybody, whatever they show', async () => {
    const open = named((what) => what === 'everybody may');
    for (const stranger of ['no token', 'garbage', 'alg none', 'a login that has ended']) {
      const shown = house.strangers.get(stranger) ?? {};
      const wrong = await faults(open, async (name) => await faultOfAllowed(name, null, shown));
      expect(wrong, stranger).toEqual({});
    }
  });
});

/** One of each message, and what is heard by somebody for whom it works. */
const MESSAGES: Readonly<
  Record<ClientMessage['type'], { readonly message: (by: Guest) => object; readonly heard: RegExp }>
> = {
  auth: { message: ({ token }) => ({ type: 'auth', token }), heard: /^\{"type":"connected"/ },
  subscribe: { message: () => ({ type: 'subscribe', entity_id: '*' }), heard: /^\{"type":"subscribed"/ },
  unsubscribe: {
    message: () => ({ type: 'unsubscribe', entity_id: '*' }),
    heard: /^\{"type":"unsubscribed"/,
  },
  command: {
    message: () => ({
      type: 'command',
      request_id: 1,
      entity_id: 'lamp',
      capability: 'on_off',
      value: true,
    }),
    // The lamp of this home is no device that could be switched; it was looked for, then.
    heard: /^\{"type":"command_result".*"NOT_FOUND"/,
  },
  ping: { message: () => ({ type: 'ping' }), heard: /^\{"type":"pong"/ },
};
const MESSAGE_TYPES = Object.keys(MESSAGES) as ClientMessage['type'][];

describe('the WebSocket', () => {
  test('takes no other messages than those below', () => {
    expect(() => parseMessage('{"type":"?"}')).toThrow(`type must be one of ${MESSAGE_TYPES.join(', ')}`);
  });

  test.each(MESSAGE_TYPES)('%s from a stranger ends the connection', async (type) => {
    const by = guest('owner');
    const found: Record<string, string> = {};
    for (const [stranger, shown] of house.strangers) {
      const message = type === 'auth' ? { type, token: tokenOf(shown) } : MESSAGES[type].message(by);
      const heard = await tell(by.userId, shown, message);
      const isRefused = heard === 'refused 401' || heard === 'closed 4401';
      // A message that is not even well formed is answered, and opens nothing.
      const isHeldOff = type === 'auth' && tokenOf(shown) === '' && heard.startsWith('{"type":"error"');
      if (!isRefused && !isHeldOff) found[stranger] = heard;
    }
    expect(found).toEqual({});
  });

  test.each(MESSAGE_TYPES)(
    '%s as a first message, with a token that is not good, ends the connection',
    async (type) => {
      const by = guest('owner');
      const found: Record<string, string> = {};
      for (const [stranger, shown] of house.strangers) {
        const token = tokenOf(shown);
        if (token === '' || token.length > 8192) continue;
        const messages = [{ type: 'auth', token }, ...(type === 'auth' ? [] : [MESSAGES[type].message(by)])];
        const heard = await tell(by.userId, {}, ...messages);
        if (heard !== 'closed 4401') found[stranger] = heard;
      }
      expect(found).toEqual({});
    },
  );

  test.each(HOLDERS)('lets %s do what the policy says', async (holder) => {
    const by = guest(holder);
    for (const type of MESSAGE_TYPES) {
      const heard = await tell(by.userId, bearer(by.token), MESSAGES[type].message(by));
      if (may(holder, MESSAGE_POLICY[type])) expect(heard, type).toMatch(MESSAGES[type].heard);
      else if (may(holder, 'look into the home'))
        expect(heard, type).toMatch(/"command_result".*"FORBIDDEN"/);
      else expect(heard, type).toBe('refused 403');
    }
    const late = await tell(by.userId, {}, MESSAGES.auth.message(by));
    if (may(holder, 'look into the home')) expect(late).toMatch(MESSAGES.auth.heard);
    else expect(late).toBe('closed 4403');
  });

  test.each(HOLDERS)('lets %s in under no other name', async (holder) => {
    const by = guest(holder);
    for (const other of HOLDERS.filter((one) => one !== holder)) {
      const { userId } = guest(other);
      expect(await tell(userId, bearer(by.token), { type: 'ping' }), other).toBe('refused 403');
      expect(await tell(userId, {}, MESSAGES.auth.message(by)), other).toBe('closed 4403');
    }
  });
});

function guest(holder: Holder): Guest {
  const found = house.people.get(holder);
  if (!found) throw new Error(`${holder} is not in the house`);
  return found;
}

/** The token that somebody shows by the usual way; empty where there is none. */
function tokenOf({ headers }: Shown): string {
  return /^Bearer (.*)$/.exec(headers?.['authorization'] ?? '')?.[1] ?? '';
}

/** Connects, says this, and tells what came of the last of it: the answer, or how the connection ended. */
async function tell(userId: string, { headers, query }: Shown, ...messages: object[]): Promise<string> {
  const address = `${house.url.replace('http', 'ws')}/ws/${encodeURIComponent(userId)}`;
  const socket = new WebSocket(`${address}${query === undefined ? '' : `?${query}`}`, {
    headers: { ...headers },
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on('unexpected-response', (_, response) => {
    resolve(`refused ${response.statusCode}`);
    response.resume();
    socket.terminate();
  });
  socket.on('error', () => resolve('broken'));
  socket.on('close', (code) => resolve(`closed ${code}`));
  const greets = headers?.['authorization'] !== undefined;
  let isGreeted = false;
  socket.on('message', (data: Buffer) => {
    // A token in the header is greeted before anything is said.
    if (greets && !isGreeted) isGreeted = true;
    else resolve(data.toString());
  });
  socket.on('open', () => {
    for (const message of messages) socket.send(JSON.stringify(message));
  });
  const heard = await promise;
  const closed = once(socket, 'close');
  if (socket.readyState !== WebSocket.CLOSED) {
    socket.terminate();
    await closed;
  }
  return heard;
}
