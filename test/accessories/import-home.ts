import { expect, vi } from 'vitest';

import type { FoundAccessory } from '../../src/accessories/types.ts';
import type { Hub } from '../../src/hub.ts';

import { readAccessoryOrder, runAccessoryCommand } from '../../src/cli/cli.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';
import { CODE, TestAccessory } from './accessory.ts';
import { Announcer } from './announcer.ts';

const PASSWORD = 'correct horse battery';
export const SOON = { timeout: 10_000, interval: 20 };

export interface Entry {
  readonly id: string;
  readonly name: string;
  readonly paired_with_us: boolean;
  readonly can_pair: boolean;
  readonly notice: string | null;
  readonly state: string | null;
  readonly reason: string | null;
  readonly entity_ids: readonly string[];
}
interface Device {
  readonly entity_id: string;
  readonly name: string;
}
export interface State {
  readonly available: boolean;
  readonly values: Readonly<Record<string, { readonly value: unknown }>>;
}
export interface Entity {
  readonly id: string;
  readonly entity_type: string;
  readonly source_type: string;
  readonly content: Readonly<Record<string, unknown>>;
}

let folder: ReturnType<typeof temporaryFolder>;
let hub: Hub;
let token: string;
let announcer: Announcer;

/** A hub with HomeKit alone, that finds accessories on loopback. To be called before each test. */
export async function openHome(): Promise<void> {
  folder = temporaryFolder();
  announcer = new Announcer();
  await startHub();
}

export async function closeHome(): Promise<void> {
  await hub[Symbol.asyncDispose]();
  await announcer[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
}

export async function restartHub(env: Readonly<Record<string, string>> = {}): Promise<void> {
  await hub[Symbol.asyncDispose]();
  await startHub(env);
}

/** The bridge by which the hub shows its own devices. */
export function ownBridge(): NonNullable<ReturnType<Hub['pairing']>['homekit']> {
  const { homekit } = hub.pairing();
  if (!homekit) throw new Error('HomeKit is to be on');
  return homekit;
}

/** Other tests announce theirs on the same loopback interface at the same time. */
const PID = process.pid.toString(16).padStart(8, '0').toUpperCase();

/** An accessory whose id nobody else has. */
export async function startAccessory(kind: string): Promise<TestAccessory> {
  return await TestAccessory.start(kind, `CA:FE:${PID.match(/../g)?.join(':')}`);
}

/** Under a name that nobody else has: the kind and a number. */
export function announce(found: FoundAccessory, change: Partial<FoundAccessory> = {}): void {
  announcer.announce({ ...found, name: `${found.name} ${PID}` }, change);
}

async function startHub(env: Readonly<Record<string, string>> = {}): Promise<void> {
  hub = await startTestHub(
    folder.path,
    { FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD, FUNKYGIBBON_MQTT__MODE: 'off', ...env },
    { accessories: { discover: true, timing: { minPauseMs: 20, maxPauseMs: 200, offlineAfterMs: 100 } } },
  );
  const login = await call<{ access_token: string }>('POST', '/api/auth/login', {
    username: 'admin',
    password: PASSWORD,
  });
  token = login.access_token;
}

export async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

export async function call<T = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  return (await (await ask(method, path, body)).json()) as T;
}

export async function entryOf(id: string): Promise<Entry> {
  const { items } = await call<{ items: Entry[] }>('GET', '/api/homekit/accessories');
  const entry = items.find((one) => one.id === id);
  if (!entry) throw new Error(`${id} is not in the list`);
  return entry;
}

export async function found(id: string): Promise<Entry> {
  return await vi.waitFor(async () => await entryOf(id), SOON);
}

export async function pair(accessory: TestAccessory): Promise<Entry> {
  announce(accessory.found);
  await found(accessory.id);
  return await call<Entry>('POST', `/api/homekit/accessories/${accessory.id}/pair`, { code: CODE });
}

export async function devices(): Promise<Map<string, string>> {
  const { items } = await call<{ items: Device[] }>('GET', '/api/devices');
  return new Map(items.map(({ name, entity_id: id }) => [name, id]));
}

export async function stateOf(entityId: string): Promise<State> {
  return await call<State>('GET', `/api/entities/${entityId}/state`);
}

export async function until(entityId: string, wanted: object): Promise<void> {
  await vi.waitFor(async () => expect(await stateOf(entityId)).toMatchObject(wanted), SOON);
}

export async function servicesOf(entityId: string): Promise<Entity[]> {
  const { items } = await call<{ items: { from_entity_id: string; relationship_type: string }[] }>(
    'GET',
    `/api/entities/${entityId}/relationships?direction=to`,
  );
  const ids = items.filter((one) => one.relationship_type === 'part_of').map((one) => one.from_entity_id);
  return await Promise.all(ids.map(async (id) => await call<Entity>('GET', `/api/entities/${id}`)));
}

export async function run(...words: string[]): Promise<string> {
  return await runAccessoryCommand(readAccessoryOrder(words), folder.path, AbortSignal.timeout(20_000));
}
