import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { CODE, TestAccessory } from '../accessories/accessory.ts';
import { Announcer } from '../accessories/announcer.ts';
import {
  accessoryNamed,
  Controller,
  keyOf,
  structureOf,
  type Address,
  type PairingData,
} from '../homekit/controller.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';

const PASSWORD = 'correct horse battery';
const LOGIN = { username: 'devices', password: 'a broker password' };
const DATABASE = 'funkygibbon.db';
const SOON = { timeout: 10_000, interval: 20 };
const IMPORTED = 'CA:FE:00:00:00:0E';

interface Bridge extends Address {
  readonly number: number;
  readonly paired: boolean;
  readonly accessories: number;
}

/** A hub on a data folder, and a person at its API. */
class Home implements AsyncDisposable {
  readonly hub: Hub;
  readonly #token: string;

  private constructor(hub: Hub, token: string) {
    this.hub = hub;
    this.#token = token;
  }

  static async start(folder: string): Promise<Home> {
    const hub = await startTestHub(
      folder,
      {
        FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
        FUNKYGIBBON_MQTT__USERNAME: LOGIN.username,
        FUNKYGIBBON_MQTT__PASSWORD: LOGIN.password,
      },
      { accessories: { discover: true, timing: { minPauseMs: 20, maxPauseMs: 200 } } },
    );
    const answer = await fetch(`${hub.ready.http_url}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: PASSWORD }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return new Home(hub, token);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.hub.ready.http_url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer as T;
  }

  async bridges(): Promise<readonly Bridge[]> {
    return (await this.call<{ bridges: Bridge[] }>('GET', '/api/homekit')).bridges;
  }

  /** Entity ids by name. */
  async devices(): Promise<Map<string, string>> {
    const { items } = await this.call<{ items: { name: string; entity_id: string }[] }>(
      'GET',
      '/api/devices',
    );
    return new Map(items.map(({ name, entity_id: id }) => [name, id]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
  }
}

/** What must be the same on the new machine. */
interface Snapshot {
  readonly devices: ReadonlyMap<string, string>;
  readonly pairings: readonly PairingData[];
  readonly structures: readonly (readonly string[])[];
  readonly identities: readonly { readonly username: string; readonly pin: string }[];
}

async function announceLamps(hub: Hub): Promise<void> {
  const device = await mqtt.connectAsync(hub.ready.mqtt_url ?? '', { ...LOGIN, reconnectPeriod: 0 });
  for (const name of ['Hall', 'Kitchen', 'Cellar']) {
    const config = {
      name: null,
      unique_id: name,
      command_topic: `${name}/set`,
      state_topic: name,
      device: { identifiers: [name], name },
    };
    await device.publishAsync(`homeassistant/light/${name}/light/config`, JSON.stringify(config), {
      qos: 1,
      retain: true,
    });
    await device.publishAsync(name, 'ON', { retain: true });
  }
  await device.endAsync(true);
}

async function structuresOf(
  bridges: readonly Bridge[],
  pairings: readonly PairingData[],
): Promise<string[][]> {
  const all: string[][] = [];
  for (const [index, bridge] of bridges.entries()) {
    await using controller = new Controller(bridge, pairings[index]);
    all.push((await controller.accessories()).map(structureOf).toSorted());
  }
  return all;
}

describe('a home whose database is put onto another machine', () => {
  const old = temporaryFolder();
  const copies = { running: temporaryFolder(), stopped: temporaryFolder() };
  const announcer = new Announcer();
  let light: TestAccessory;
  let before: Snapshot;

  beforeAll(async () => {
    light = await TestAccessory.start('light', IMPORTED);
    const home = await Home.start(old.path);
    await announceLamps(home.hub);
    const devices = await vi.waitFor(async () => {
      const found = await home.devices();
      expect(found.size).toBe(3);
      return found;
    }, SOON);
    const one = async (name: string, choice: object): Promise<unknown> =>
      await home.call('PATCH', `/api/homekit/devices/${devices.get(name)}`, choice);
    await one('Kitchen', { bridge: 2 });
    await one('Cellar', { excluded: true });
    announcer.announce(light.found);
    await vi.waitFor(async () => await home.call('POST', pairPath(IMPORTED), { code: CODE }), SOON);
    const bridges = await vi.waitFor(async () => {
      const list = await home.bridges();
      expect(list.map(({ accessories, port }) => [accessories, port > 0])).toEqual([
        [1, true],
        [1, true],
      ]);
      return list;
    }, SOON);
    const pairings: PairingData[] = [];
    for (const bridge of bridges) {
      await using controller = await Controller.pair(bridge);
      pairings.push(controller.pairing);
    }
    before = {
      devices: await home.devices(),
      pairings,
      structures: await structuresOf(bridges, pairings),
      identities: bridges.map(({ username, pin }) => ({ username, pin })),
    };
    // As a backup takes it, while the hub writes.
    const source = new DatabaseSync(join(old.path, DATABASE), { readOnly: true });
    await backup(source, join(copies.running.path, DATABASE));
    source.close();
    await home[Symbol.asyncDispose]();
    copyFileSync(join(old.path, DATABASE), join(copies.stopped.path, DATABASE));
  }, 60_000);
  afterAll(async () => {
    await light[Symbol.asyncDispose]();
    await announcer[Symbol.asyncDispose]();
    for (const folder of [old, copies.running, copies.stopped]) folder[Symbol.dispose]();
  });

  test.each([
    ['by SQLite’s backup of the running hub', 'running'],
    ['as a file, after the hub was stopped', 'stopped'],
  ] as const)('%s: the same bridges for the same phones, and the same accessories', async (_, copy) => {
    await using home = await Home.start(copies[copy].path);
    const bridges = await home.bridges();
    expect(bridges.map(({ username, pin }) => ({ username, pin }))).toEqual(before.identities);
    expect(bridges.map(({ paired, accessories }) => [paired, accessories])).toEqual([
      [true, 1],
      [true, 1],
    ]);
    expect(await home.devices()).toEqual(before.devices);
    // Without pairing, and before any device has said a word to the new machine.
    expect(await structuresOf(bridges, before.pairings)).toEqual(before.structures);
    expect(await home.call('GET', '/api/homekit')).toMatchObject({
      hidden: [{ name: 'Cellar', reason: 'A person keeps it out of Apple Home.' }],
    });

    await announceLamps(home.hub);
    const [, second] = bridges;
    if (!second) throw new Error('there is no second bridge');
    await using phone = new Controller(second, before.pairings[1]);
    const on = keyOf(accessoryNamed(await phone.accessories(), 'Kitchen'), 'Lightbulb', 'On');
    await vi.waitFor(async () => expect((await phone.read(on))[0]?.value).toBe(1), SOON);
    expect(await structuresOf(bridges, before.pairings)).toEqual(before.structures);

    // The imported one takes the new machine for the old hub: the keys are the same.
    const [, id = ''] = [...before.devices].find(([name]) => name.startsWith('A light')) ?? [];
    await vi.waitFor(
      async () =>
        expect(await home.call('GET', `/api/entities/${id}/state`)).toMatchObject({ available: true }),
      SOON,
    );
    const sent = await home.call('POST', `/api/entities/${id}/commands`, {
      capability: 'brightness',
      value: copy === 'running' ? 31 : 32,
    });
    expect(sent).toMatchObject({ status: 'confirmed' });
  });
});

function pairPath(id: string): string {
  return `/api/homekit/accessories/${id}/pair`;
}
