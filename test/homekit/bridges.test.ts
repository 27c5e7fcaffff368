import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { BridgeView, HomekitPart } from '../../src/homekit/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { toSetupUri } from '../../src/homekit/identity.ts';
import { homekitTables } from '../../src/homekit/tables.ts';
import {
  accessoryNamed,
  Controller,
  keyOf,
  pairingId,
  structureOf,
  valueOf,
  type PairingData,
} from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home, newLog } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.open();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

/** Lamps `Lamp 000` and so on; their ids sort by number. */
function addLamps(from: number, to: number): void {
  for (let number = from; number < to; number += 1) {
    const name = lampName(number);
    home.devices.add(idOf(number), {
      name,
      capabilities: [capability('on_off', `light/${number}`), capability('brightness', `light/${number}`)],
      values: { on_off: true, brightness: 50 },
    });
  }
}

const lampName = (number: number): string => `Lamp ${String(number).padStart(3, '0')}`;
const idOf = (number: number): string => `lamp-${String(number).padStart(3, '0')}`;

/** The bridge of that number. */
function bridge(part: HomekitPart, number: number): BridgeView {
  const found = part.bridges[number - 1];
  if (!found) throw new Error(`there is no bridge ${number}`);
  return found;
}

/** What must not change of each accessory, by name. */
async function identities(controller: Controller): Promise<Map<unknown, string>> {
  return new Map(
    (await controller.accessories()).map((each) => [
      valueOf(each, 'AccessoryInformation', 'Name'),
      structureOf(each),
    ]),
  );
}

/** The identities of all bridges, by phones that are paired with each; pairs where there is no pairing yet. */
async function everything(
  part: HomekitPart,
  pairings: Map<string, PairingData>,
): Promise<Map<unknown, string>[]> {
  const all: Map<unknown, string>[] = [];
  for (const view of part.bridges) {
    const pairing = pairings.get(view.username);
    await using controller = pairing ? new Controller(view, pairing) : await Controller.pair(view);
    pairings.set(view.username, controller.pairing);
    all.push(await identities(controller));
  }
  return all;
}

async function listen(port: number): Promise<{ server: Server }> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server };
}

/** The first of three free ports in a row, below those that the system hands out. */
async function freePorts(): Promise<number> {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port += 3) {
    try {
      for (const each of [port, port + 1, port + 2]) await close((await listen(each)).server);
      return port;
    } catch {
      // One of them is taken: the next three.
    }
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

// Many pairings and long lists: on a busy machine they take their time.
describe('400 devices', { timeout: 60_000 }, () => {
  test('stand on three bridges, each of which can be paired, read, written and heard', async () => {
    addLamps(0, 400);
    const { log, lines } = newLog();
    const part = await home.start({ log });
    expect(part.bridges.map(({ name, accessories }) => [name, accessories])).toEqual([
      ['Test Hub', 140],
      ['Test Hub 2', 140],
      ['Test Hub 3', 120],
    ]);
    expect(new Set(part.bridges.map(({ username }) => username)).size).toBe(3);
    expect(new Set(part.bridges.map(({ pin }) => pin)).size).toBe(3);
    expect(new Set(part.bridges.map(({ port }) => port)).size).toBe(3);
    expect(part.accessoryCount).toBe(400);
    for (const [number, lamp] of [
      [2, 150],
      [3, 399],
    ] as const) {
      await using phone = await Controller.pair(bridge(part, number));
      expect(bridge(part, number)).toMatchObject({
        paired: true,
        pairings: [{ admin: true }],
        problem: null,
      });
      const light = accessoryNamed(await phone.accessories(), lampName(lamp));
      const on = keyOf(light, 'Lightbulb', 'On');
      await using watcher = await phone.watch(on);
      await phone.write({ [on]: false });
      expect(home.devices.commands.at(-1)).toMatchObject({ entityId: idOf(lamp) });
      await vi.waitFor(() => expect(watcher.events).toEqual([{ key: on, value: 0 }]));
      expect(await phone.read(on)).toMatchObject([{ value: 0 }]);
      home.devices.set(idOf(lamp), { on_off: true });
      await vi.waitFor(() => expect(watcher.events.at(-1)).toEqual({ key: on, value: 1 }));
    }
    expect(part.paired).toBe(false);
    for (const { pin } of part.bridges) expect(lines.join('')).not.toContain(pin);
  });

  test('keep bridge and ids through a restart, a rename, a removal and a return', async () => {
    addLamps(0, 400);
    const pairings = new Map<string, PairingData>();
    const first = await home.start();
    const before = await everything(first, pairings);
    const views = first.bridges;
    const second = await home.start();
    // "Any" port is any at each start for the first bridge, as it was; the further ones stay where they are.
    const idOfPhone = ({ username }: BridgeView): string => {
      const pairing = pairings.get(username);
      return pairing ? pairingId(pairing) : '';
    };
    const stays = views.map((view): BridgeView => ({
      ...view,
      paired: true,
      controllers: 1,
      // Not connected yet.
      pairings: [{ id: idOfPhone(view), admin: true, connectedFrom: [] }],
    }));
    expect(second.bridges).toEqual(stays.with(0, { ...bridge(second, 1), username: first.username }));
    expect(await everything(second, pairings)).toEqual(before);

    home.devices.change(idOf(200), { name: 'Renamed' });
    home.devices.remove(idOf(5));
    home.devices.remove(idOf(150));
    await vi.waitFor(() => expect(second.accessoryCount).toBe(398));
    // The free place on the first bridge goes to a newcomer; who comes back is on its own bridge again all the same.
    home.devices.add('zz', {
      name: 'Late',
      capabilities: [capability('on_off', 'switch/late')],
      values: { on_off: true },
    });
    await vi.waitFor(() => expect(second.accessoryCount).toBe(399));
    const third = await home.start();
    expect(third.bridges.map(({ accessories }) => accessories)).toEqual([140, 139, 120]);
    addLamps(5, 6);
    addLamps(150, 151);
    await vi.waitFor(() => expect(third.accessoryCount).toBe(401));
    const after = await everything(third, pairings);
    expect([after[0]?.size, after[1]?.size, after[2]?.size]).toEqual([142, 141, 121]);
    for (const [index, were] of before.entries()) {
      for (const [name, identity] of were) {
        const now = name === lampName(200) ? 'Renamed' : String(name);
        expect(after[index]?.get(now)).toBe(identity);
      }
    }
  });

  test('a bridge that is made while the hub runs is up at once, and told of', async () => {
    addLamps(0, 139);
    const { log, lines } = newLog();
    const part = await home.start({ log });
    expect(part.bridges).toHaveLength(1);
    await using phone = await Controller.pair(part);
    const before = await identities(phone);
    addLamps(139, 142);
    await vi.waitFor(() => expect(part.bridges[1]?.port).toBeGreaterThan(0));
    expect(lines.join('')).toContain('a further HomeKit bridge was made');
    await using second = await Controller.pair(bridge(part, 2));
    expect((await second.accessories()).length).toBe(3);
    const after = await identities(phone);
    expect(after.size).toBe(141);
    for (const [name, identity] of before) expect(after.get(name)).toBe(identity);
  });
});

describe('a home of the version with one bridge', () => {
  test('keeps pairing, code, port, every id and every accessory, and newcomers go to a second bridge', async () => {
    addLamps(0, 149);
    const port = await freePorts();
    // All on the first bridge, as the old version had them.
    const made = await home.start({ port });
    for (let number = 140; number < 149; number += 1) await made.choose(idOf(number), { bridge: 1 });
    const old = await home.start({ port });
    await using phone = await Controller.pair(old);
    const before = await identities(phone);
    const number = home.configurationNumber(old.username);
    const { username, pin, setupUri } = old;
    await home.stop();
    const rows = {
      kept: home.store.db.all<{ name: string; value: string }>('SELECT name, value FROM kept_value'),
      storage: home.store.db
        .all<{ key: string; value: string }>('SELECT key, value FROM hap_storage')
        .filter(({ key }) => key.includes(username.replaceAll(':', ''))),
      accessories: home.store.db.all<{ id: string; at: number }>(
        'SELECT entity_id AS id, assigned_at AS at FROM hap_accessory',
      ),
    };
    await home[Symbol.asyncDispose]();
    home = await Home.open(async (file) => {
      const [tables = ''] = homekitTables.steps;
      await using store = await Store.open({
        file,
        clock: systemClock,
        log: silentLogger,
        migrations: [keptValueTables, { owner: 'homekit', steps: [tables] }],
      });
      store.write((tx) => {
        for (const { name, value } of rows.kept)
          tx.run('INSERT INTO kept_value (name, value) VALUES (?, ?)', name, value);
        for (const { key, value } of rows.storage)
          tx.run('INSERT INTO hap_storage (key, value) VALUES (?, ?)', key, value);
        for (const { id, at } of rows.accessories)
          tx.run('INSERT INTO hap_accessory (entity_id, assigned_at) VALUES (?, ?)', id, at);
      });
    });
    addLamps(0, 151);
    const part = await home.start({ port });
    expect(part).toMatchObject({ username, pin, setupUri, port, paired: true });
    expect(part.bridges.map(({ accessories }) => accessories)).toEqual([149, 2]);
    await using again = new Controller(part, phone.pairing);
    expect(await identities(again)).toEqual(before);
    expect(home.configurationNumber(username)).toBe(number);
  });
});

describe('ports', () => {
  test('further bridges take the next ports, or any where they are taken, and stay there', async () => {
    addLamps(0, 300);
    const port = await freePorts();
    const taken = await listen(port + 2);
    const first = await home.start({ port });
    const [one, two, three] = first.bridges.map((view) => view.port);
    expect([one, two]).toEqual([port, port + 1]);
    expect(three).not.toBe(port + 2);
    expect(first.bridges.every(({ problem }) => problem === null)).toBe(true);
    await close(taken.server);
    const second = await home.start({ port });
    expect(second.bridges.map((view) => view.port)).toEqual([one, two, three]);
  });

  test('a port that is taken later keeps one bridge down, and no other, until the next start', async () => {
    addLamps(0, 300);
    const port = await freePorts();
    const pairings = new Map<string, PairingData>();
    const before = await everything(await home.start({ port }), pairings);
    await home.stop();
    for (const down of [2, 1]) {
      const taken = await listen(port + down - 1);
      const { log, lines } = newLog();
      const part = await home.start({ port, log });
      expect(part.bridges.map(({ problem }) => problem !== null)).toEqual([down === 1, down === 2, false]);
      expect(bridge(part, down).problem).toMatch(/^port \d+ is in use\. Stop the other program/);
      expect(lines.join('')).toContain('a HomeKit bridge does not run');
      expect(part.whyHidden(idOf(down === 1 ? 0 : 140))).toMatch(/does not run: port/);
      const third = bridge(part, 3);
      await using phone = new Controller(third, pairings.get(third.username));
      expect(await identities(phone)).toEqual(before[2]);
      await home.stop();
      await close(taken.server);
    }
    expect(await everything(await home.start({ port }), pairings)).toEqual(before);
  });
});

test('the code to scan is the one that the library makes', async () => {
  addLamps(0, 1);
  const part = await home.start({ pin: '031-45-154' });
  const { Accessory, uuid } = await import('@homebridge/hap-nodejs');
  const accessory = new Accessory('Any', uuid.generate('any'));
  const setupId = part.setupUri.slice(-4);
  Object.assign(accessory, {
    _accessoryInfo: { pincode: part.pin, category: 2, setupID: setupId },
    _setupID: setupId,
  });
  expect(part.setupUri).toBe(accessory.setupURI());
  expect(toSetupUri({ username: '', pin: part.pin, setupId })).toBe(part.setupUri);
});
