import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import {
  accessoryNamed,
  Controller,
  keyOf,
  structureOf,
  valueOf,
  type Address,
  type HapAccessory,
  type PairingData,
} from '../homekit/controller.ts';
import { buildDaemon, Daemon } from '../support/daemon.ts';
import { Phone } from '../support/phone.ts';
import { temporaryFolder } from '../support/store.ts';
import { BusyHouse, type LampOrder } from './homekit-house.ts';

const PASSWORD = 'correct horse battery';
const LOGIN = { username: 'devices', password: 'a broker password' };
/** `HOMEKIT_RESTARTS=200` for the long run, which takes some minutes and prints what it counted. */
const RESTARTS = Math.max(2, Number(process.env['HOMEKIT_RESTARTS'] ?? 2));
/** The lamps that are dimmed: one on each bridge. */
const NAMES = { lamp7: 'Lamp 7', lamp1: 'Lamp 1' } as const;
const SOON = { timeout: 8000, interval: 20 };

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await buildDaemon();
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

/** A bridge as a phone keeps it: where it was added, with which keys, and what was on it. */
interface KnownBridge {
  readonly number: number;
  readonly username: string;
  readonly pairing: PairingData;
  structure: readonly string[];
  /** Null until it was first read: the library counts a change a second later, or at the next start. */
  configNumber: number | null;
}

/** The number of its bridge, by device. */
type Assignments = ReadonlyMap<string, number>;

/** What is in the database about HomeKit that no restart may change. */
interface Kept {
  readonly assignments: Assignments;
  readonly configNumbers: ReadonlyMap<string, number>;
  readonly ports: ReadonlyMap<string, number>;
}

/** Every third restart the hub is stopped as systemd does it, and else killed. */
function isStopped(round: number): boolean {
  return round % 3 === 2;
}

/** The one in which a lamp comes as new. */
const CHANGED_IN = Math.max(2, Math.ceil(RESTARTS / 2));

function readKept(): Kept {
  const db = new DatabaseSync(join(folder.path, 'funkygibbon.db'), { readOnly: true });
  try {
    const infos = db.prepare("SELECT key, value FROM hap_storage WHERE key LIKE 'AccessoryInfo.%'").all();
    const bridges = db.prepare('SELECT username, port FROM hap_bridge').all();
    return {
      assignments: new Map(
        db
          .prepare('SELECT entity_id, bridge FROM hap_accessory WHERE freed_at IS NULL ORDER BY entity_id')
          .all()
          .map(({ entity_id: id, bridge }) => [String(id), Number(bridge)]),
      ),
      configNumbers: new Map(
        infos.map(({ key, value }) => [
          String(key).replace(/^AccessoryInfo\.|\.json$/g, ''),
          (JSON.parse(String(value)) as { configVersion: number }).configVersion,
        ]),
      ),
      ports: new Map(bridges.map(({ username, port }) => [String(username), Number(port)])),
    };
  } finally {
    db.close();
  }
}

async function startDaemon(): Promise<Daemon> {
  return await Daemon.start({
    dataDir: folder.path,
    env: {
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_MQTT__USERNAME: LOGIN.username,
      FUNKYGIBBON_MQTT__PASSWORD: LOGIN.password,
    },
  });
}

/** Ids of everything, with the names that a rename changes and nothing else does left out. */
function structure(accessories: readonly HapAccessory[]): string[] {
  return accessories.map(structureOf).toSorted();
}

/** Again with the keys of before, and never by pairing. */
function reconnect(daemon: Daemon, { number, username, pairing }: KnownBridge): Controller {
  const port = number === 1 ? daemon.ready.homekit.port : readKept().ports.get(username);
  if (port === undefined) throw new Error(`bridge ${number} is not there any more`);
  return new Controller({ username, port, pin: '' }, pairing);
}

/** Pairs with both bridges of a new home, after two of its lamps were put on the second one. */
async function setUp(daemon: Daemon, house: BusyHouse): Promise<KnownBridge[]> {
  await house.connect(daemon.ready);
  const phone = await Phone.login(daemon.ready.http_url, 'owner', PASSWORD);
  const ids = await vi.waitFor(async () => {
    const { items } = await phone.call<{ items: { entity_id: string; name: string }[] }>(
      'GET',
      '/api/devices?limit=100',
    );
    const lamps = items.filter(({ name }) => ['Lamp 0', 'Lamp 1'].includes(name));
    expect([items.length, lamps.length]).toEqual([20, 2]);
    return lamps.map((one) => one.entity_id);
  }, SOON);
  for (const id of ids) await phone.call('PATCH', `/api/homekit/devices/${id}`, { bridge: 2 });
  const { bridges } = await phone.call<{ bridges: Address[] }>('GET', '/api/homekit');
  const known: KnownBridge[] = [];
  for (const [index, address] of bridges.entries()) {
    await using controller = await Controller.pair(address);
    const accessories = await vi.waitFor(async () => {
      const list = await controller.accessories();
      expect(list.length).toBe(index === 0 ? 19 : 3);
      return list;
    }, SOON);
    known.push({
      number: index + 1,
      username: address.username,
      pairing: controller.pairing,
      structure: structure(accessories),
      configNumber: null,
    });
  }
  await house.close();
  return known;
}

function configNumberOf({ username }: KnownBridge): number {
  return readKept().configNumbers.get(username.replaceAll(':', '')) ?? -1;
}

/** Dims a lamp again and again until the hub is gone, and notes the orders that were answered. */
async function dim(
  controller: Controller,
  lamp: { readonly id: string; readonly key: string },
  gone: Promise<false>,
  answered: LampOrder[],
): Promise<void> {
  for (let brightness = 2; ; brightness = 1 + (brightness % 100)) {
    const write = controller.write({ [lamp.key]: brightness }).then(
      (answers) => answers.every(({ status = 0 }) => status === 0),
      () => false,
    );
    if (!(await Promise.race([write, gone]))) return;
    answered.push({ lamp: lamp.id, brightness });
  }
}

/** Everything as the phone knows it, without pairing anew, and before any device has said a word. */
async function expectUnchanged(
  daemon: Daemon,
  known: readonly KnownBridge[],
  assignments: Assignments,
): Promise<void> {
  expect(daemon.ready.homekit.paired).toBe(true);
  expect(readKept().assignments).toEqual(assignments);
  for (const one of known) {
    await using controller = reconnect(daemon, one);
    expect(structure(await controller.accessories())).toEqual(one.structure);
    one.configNumber ??= configNumberOf(one);
    expect(configNumberOf(one)).toBe(one.configNumber);
  }
}

interface Round {
  readonly controller: Controller;
  readonly lamp: { readonly id: string; readonly key: string };
}

/** Subscribes anew, as phones do, and has each bridge's lamp turned by hand: the phone is to be told. */
async function listen(daemon: Daemon, known: readonly KnownBridge[], house: BusyHouse): Promise<Round[]> {
  const rounds: Round[] = [];
  for (const [one, id] of [
    [known[0], 'lamp7'],
    [known[1], 'lamp1'],
  ] as const) {
    if (!one) throw new Error('a bridge is missing');
    const controller = reconnect(daemon, one);
    const accessories = await controller.accessories();
    expect(structure(accessories)).toEqual(one.structure);
    const key = keyOf(accessoryNamed(accessories, NAMES[id]), 'Lightbulb', 'Brightness');
    await controller.subscribe(key);
    const brightness = 50 + Math.ceil(Math.random() * 40);
    await house.turn(id, brightness);
    await vi.waitFor(() => expect(controller.events).toContainEqual({ key, value: brightness }), SOON);
    rounds.push({ controller, lamp: { id, key } });
  }
  return rounds;
}

/** A lamp that comes as new is the one change of structure: it raises c# of its bridge once, and a new name does not. */
async function change(daemon: Daemon, [first]: readonly KnownBridge[], house: BusyHouse): Promise<void> {
  if (!first || first.configNumber === null) throw new Error('there is no bridge that was restarted');
  await using controller = reconnect(daemon, first);
  await house.name('lamp2', 'Another name');
  await house.name('late', 'Late lamp');
  const accessories = await vi.waitFor(async () => {
    const list = await controller.accessories();
    expect(valueOf(accessoryNamed(list, 'Another name'), 'Lightbulb', 'On')).toBeDefined();
    accessoryNamed(list, 'Late lamp');
    return list;
  }, SOON);
  const now = structure(accessories);
  expect(now).toEqual(expect.arrayContaining([...first.structure]));
  expect(now).toHaveLength(first.structure.length + 1);
  first.structure = now;
  first.configNumber += 1;
}

test('killed and stopped again and again under load, Apple Home loses nothing, and no answered order is lost', async () => {
  const house = new BusyHouse(LOGIN);
  let daemon = await startDaemon();
  const count = { killed: 0, stopped: 0, answered: 0, changes: 0, slowestStartMs: 0 };
  try {
    const known = await setUp(daemon, house);
    let { assignments } = readKept();
    for (let round = 1; round <= RESTARTS; round += 1) {
      await house.connect(daemon.ready);
      const rounds = await listen(daemon, known, house);
      if (round === CHANGED_IN) {
        await change(daemon, known, house);
        const grown = readKept().assignments;
        expect([...grown.keys()]).toEqual(expect.arrayContaining([...assignments.keys()]));
        assignments = new Map([...grown, ...assignments]);
        expect(grown).toEqual(assignments);
        count.changes += 1;
      }
      const gone = Promise.withResolvers<false>();
      const answered: LampOrder[] = [];
      const dimming = rounds.map(
        async ({ controller, lamp }) => await dim(controller, lamp, gone.promise, answered),
      );
      await vi.waitFor(() => expect(answered.length).toBeGreaterThan(1), SOON);
      // The moment wanders over whatever the hub does after a start.
      await pause(20 + ((round * 37) % 250));
      if (isStopped(round)) {
        expect(await daemon.stop()).toBe(0);
        count.stopped += 1;
      } else {
        await daemon.kill();
        count.killed += 1;
      }
      await house.disconnected();
      gone.resolve(false);
      await Promise.all(dimming);
      expect(missing(answered, house.told)).toEqual([]);
      count.answered += answered.length;

      const startedAt = performance.now();
      daemon = await startDaemon();
      count.slowestStartMs = Math.max(count.slowestStartMs, Math.round(performance.now() - startedAt));
      await expectUnchanged(daemon, known, assignments);
    }
    expect(count.changes).toBe(1);
    expect(count.answered).toBeGreaterThan(RESTARTS);
    if (process.env['HOMEKIT_RESTARTS'] !== undefined) {
      process.stdout.write(`${JSON.stringify({ ...count, reports: house.reports })}\n`);
    }
  } finally {
    await house.close();
    await daemon.stop();
  }
}, 1_800_000);

/** Which of the answered orders the lamps were not told; each order counts as often as it was given. */
function missing(answered: readonly LampOrder[], told: readonly LampOrder[]): string[] {
  const left = told.map((order) => JSON.stringify(order));
  return answered.flatMap((order) => {
    const text = JSON.stringify(order);
    const at = left.indexOf(text);
    if (at < 0) return [text];
    left.splice(at, 1);
    return [];
  });
}
