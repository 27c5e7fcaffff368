import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { TestHome } from '../support/store.ts';
import type {
  AccessoryConnection,
  ConnectionListener,
  HapAccessory,
  HapCharacteristic,
  HapController,
  HapService,
  HapValue,
} from '../../src/accessories/types.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { AccessoryError } from '../../src/accessories/errors.ts';
import { ImportedPairing } from '../../src/accessories/imported-pairing.ts';
import { ServiceEntities } from '../../src/accessories/service-entities.ts';
import { accessoryTables } from '../../src/accessories/tables.ts';
import { Devices, commandKinds, WITHDRAWAL_GRACE_MS } from '../../src/devices/devices.ts';
import { deviceTables } from '../../src/devices/tables.ts';
import { Graph, parseContent } from '../../src/graph/graph.ts';
import { graphTables } from '../../src/graph/tables.ts';
import { openTestStore, temporaryFolder } from '../support/store.ts';

const ID = 'CA:FE:00:00:00:01';
const PERSON = { userId: 'anna', deviceId: 'phone' };

let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;
let listener: ConnectionListener;
let pairing: ImportedPairing;
let own: Set<string>;

beforeEach(async () => {
  folder = temporaryFolder();
  const clock = new ManualClock();
  const store = await openTestStore(folder.path, [graphTables, deviceTables, accessoryTables], clock);
  const graph = new Graph({ store, clock, log: silentLogger });
  const devices = Devices.start({ store, graph, clock, log: silentLogger });
  home = {
    store,
    graph,
    devices,
    clock,
    async [Symbol.asyncDispose]() {
      await devices[Symbol.asyncDispose]();
      graph[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
  own = new Set();
  const connection: AccessoryConnection = {
    id: ID,
    state: 'connected',
    reason: null,
    where: { address: '192.0.2.7', port: 1234 },
    accessories: () => [],
    read: async () => await Promise.resolve([]),
    write: async () => await Promise.resolve([]),
    subscribe: async () => await Promise.resolve([]),
    seen: () => undefined,
    unpair: async () => await Promise.resolve(),
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
  const controller: HapController = {
    pair: async () => await Promise.reject(new AccessoryError('unreachable')),
    identify: async () => await Promise.resolve(),
    connect: (_, told) => {
      listener = told;
      return connection;
    },
  };
  const none = Buffer.alloc(32);
  const keys = { controllerId: 'ME', publicKey: none, secretKey: none, accessoryPublicKey: none };
  pairing = new ImportedPairing(
    { id: ID, name: 'Things', address: '192.0.2.7', port: 1234, keys },
    {
      controller,
      devices,
      entities: new ServiceEntities(store, graph),
      ownSerialNumbers: () => own,
      clock,
      log: silentLogger,
      offlineAfterMs: 0,
      onMoved: () => undefined,
      onLost: () => undefined,
    },
  );
});
afterEach(async () => {
  await pairing[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function characteristic(aid: string, iid: string, type: string, value?: HapValue): HapCharacteristic {
  return {
    id: `${aid}.${iid}`,
    iid,
    type,
    perms: ['pr', 'pw', 'ev'],
    format: null,
    unit: null,
    description: null,
    minValue: null,
    maxValue: null,
    minStep: null,
    validValues: null,
    value,
  };
}

function service(
  aid: string,
  iid: number,
  type: string,
  characteristics: Record<string, HapValue>,
): HapService {
  return {
    iid: String(iid),
    type,
    primary: false,
    hidden: false,
    linked: [],
    characteristics: Object.entries(characteristics).map(([each, value], index) =>
      characteristic(aid, String(iid + 1 + index), each, value),
    ),
  };
}

/** With name, serial number and firmware. */
function accessory(aid: string, name: string, ...services: HapService[]): HapAccessory {
  return {
    aid,
    services: [service(aid, 1, '3E', { 23: name, 30: `serial of ${name}`, 52: '1.0.0' }), ...services],
  };
}

function view(name: string) {
  const found = home.devices.list().find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}

function contentOf(entityId: string): Readonly<Record<string, unknown>> | undefined {
  const entity = home.graph.entity(entityId);
  return entity && parseContent(entity);
}

function servicesOf(entityId: string): string[] {
  return home.graph
    .relationshipsOf(entityId, 'to')
    .filter((one) => one.relationshipType === 'part_of' && one.validToMs === null)
    .map((one) => one.fromEntityId);
}

const LOCK = service('2', 10, '45', { '1D': 1, '1E': 1 });
const GARAGE = service('3', 10, '41', { E: 1, 32: 1 });
const SWITCH = service('4', 10, '49', { 25: false });
const BATTERY = service('4', 20, '96', { 68: 90 });

test('locks and garage doors are what they are to whoever asks who may command them', () => {
  listener.onAccessories([
    accessory('1', 'Bridge'),
    accessory('2', 'Lock', LOCK),
    accessory('3', 'Garage', GARAGE),
  ]);
  expect(commandKinds(view('Lock'), [{ capability: 'locked' }])).toEqual(['lock']);
  expect(commandKinds(view('Garage'), [{ capability: 'open_close' }])).toEqual(['garage_door']);
  expect(view('Lock').source).toBe('homekit');
  expect(home.graph.entity(view('Lock').entityId)).toMatchObject({
    entityType: 'accessory',
    sourceType: 'homekit',
  });
  expect(home.graph.relationshipsOf(view('Lock').entityId, 'from')).toMatchObject([
    { relationshipType: 'depends_on', toEntityId: view('Bridge').entityId },
  ]);
});

test('what shows our own devices is left out', () => {
  own.add('serial of Lock');
  listener.onAccessories([
    accessory('1', 'Bridge'),
    accessory('2', 'Lock', LOCK),
    accessory('3', 'Garage', GARAGE),
  ]);
  expect(pairing.loops).toBe(1);
  expect(home.devices.list().map(({ name }) => name)).toEqual(['Bridge', 'Garage']);
});

test('a service that goes is kept for a day, with what people said of it', () => {
  listener.onAccessories([accessory('4', 'Plug', SWITCH, BATTERY)]);
  const { entityId } = view('Plug');
  const services = servicesOf(entityId);
  expect(services).toHaveLength(2);
  const battery = services.find((id) => contentOf(id)?.['type_name'] === 'Battery') ?? '';
  home.graph.transaction((graph) =>
    graph.replaceContent(battery, { ...contentOf(battery), name: 'The cell', note: 'AA' }, PERSON),
  );
  const before = home.graph.headSeq;
  listener.onAccessories([accessory('4', 'Plug', SWITCH, BATTERY)]);
  expect(home.graph.headSeq).toBe(before);

  listener.onAccessories([accessory('4', 'Plug', SWITCH)]);
  expect(servicesOf(entityId)).toHaveLength(2);
  listener.onAccessories([accessory('4', 'Plug', SWITCH, { ...BATTERY, primary: true })]);
  expect(contentOf(battery)).toMatchObject({ name: 'The cell', note: 'AA', primary: true });

  listener.onAccessories([accessory('4', 'Plug', SWITCH)]);
  home.clock.advance(WITHDRAWAL_GRACE_MS + 1);
  home.devices.expireWithdrawn();
  pairing.tidy();
  expect(servicesOf(entityId)).toHaveLength(1);
  expect(contentOf(battery)).toBeUndefined();
  expect(view('Plug').capabilities.map(({ name }) => name)).toEqual(['on_off']);

  listener.onAccessories([accessory('4', 'Plug', SWITCH, BATTERY)]);
  expect(servicesOf(entityId)).toContain(battery);
  expect(view('Plug').capabilities.map(({ name }) => name)).toEqual(['on_off', 'battery']);
});

test('new firmware without a new list; values, events and a connection that is down', async () => {
  listener.onAccessories([accessory('4', 'Plug', SWITCH)]);
  listener.onState('connected', null);
  listener.onValues([
    { id: '4.11', value: 1, isEvent: false },
    { id: '4.4', value: '1.0.1', isEvent: false },
  ]);
  expect(view('Plug')).toMatchObject({ swVersion: '1.0.1', available: true });
  expect(view('Plug').values.get('on_off')).toMatchObject({ value: true, raw: '1' });
  listener.onState('waiting', new AccessoryError('dropped'));
  expect(view('Plug').available).toBe(true);
  await vi.waitFor(() => expect(view('Plug').available).toBe(false));
  listener.onState('connected', null);
  expect(view('Plug').available).toBe(true);
  listener.onState('waiting', new AccessoryError('not_paired'));
  expect(view('Plug').available).toBe(false);
  await expect(
    pairing.send(`hap/${ID}/4.10`, [{ kind: 'on_off', value: { command: 'on', code: '1' } }]),
  ).rejects.toThrow(/does not take that value/);
});

test('one that its bridge does not reach is offline alone', () => {
  listener.onAccessories([
    accessory('1', 'Bridge'),
    accessory('2', 'Lock', LOCK),
    accessory('4', 'Plug', SWITCH, BATTERY),
  ]);
  listener.onState('connected', null);
  const answer = (id: string, status: number) => ({ id, status });
  listener.onPolled?.([
    answer('2.11', -70402),
    answer('2.12', -70402),
    answer('4.11', -70402),
    answer('4.21', 0),
  ]);
  expect([view('Bridge'), view('Lock'), view('Plug')].map(({ available }) => available)).toEqual([
    true,
    false,
    true,
  ]);
  expect(pairing.whyDown(`hap/${ID}/2.10`)).toBe('Things does not reach it; check its power and battery');
  listener.onValues([{ id: '2.11', value: 0, isEvent: true }]);
  expect(view('Lock').available).toBe(true);
});

test('given up, it goes at once, and others stay', () => {
  listener.onAccessories([accessory('1', 'Bridge'), accessory('2', 'Lock', LOCK)]);
  const { entityId } = view('Lock');
  home.devices.remove([`hap/${ID}/2.0`, `hap/${ID}/2.10`]);
  expect(home.graph.entity(entityId)).toBeUndefined();
  expect(home.devices.list().map(({ name }) => name)).toEqual(['Bridge']);
});
