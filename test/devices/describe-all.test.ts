import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ComponentDescription } from '../../src/devices/types.ts';

import { parseContent } from '../../src/graph/graph.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

const anna = { userId: 'anna', deviceId: 'phone-1' };

let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** One of the components of a metering plug; each says something of the device that the others leave out. */
function part(
  plug: string,
  kind: 'on_off' | 'power' | 'energy' | 'temperature',
  device: Partial<ComponentDescription['device']> = {},
): ComponentDescription {
  return {
    id: `${kind === 'on_off' ? 'switch' : 'sensor'}/${plug}/${kind}`,
    type: kind === 'on_off' ? 'switch' : 'sensor',
    device: {
      identifiers: [`id:${plug}`],
      name: `Plug ${plug}`,
      manufacturer: null,
      model: null,
      swVersion: null,
      hwVersion: null,
      serialNumber: null,
      suggestedArea: null,
      ...device,
    },
    label: null,
    deviceClass: null,
    category: null,
    capabilities: [{ kind, unit: null, range: null, writable: kind === 'on_off' }],
    unsupported: null,
    enabledByDefault: true,
  };
}

function plugParts(plug: string): ComponentDescription[] {
  return [
    part(plug, 'on_off', { suggestedArea: 'Kitchen' }),
    part(plug, 'power', { manufacturer: 'Acme' }),
    part(plug, 'energy', { name: `Meter ${plug}` }),
    part(plug, 'temperature', { identifiers: [`mac:${plug}`, `id:${plug}`], viaDevice: 'id:bridge' }),
  ];
}

const bridge = part('bridge', 'temperature');

/** What is known of the home, without the ids and times that differ between homes. */
function told({ devices, graph }: TestHome): unknown[] {
  const nameOf = (id: string): string => {
    const entity = graph.entity(id);
    return String(entity && parseContent(entity)['name']);
  };
  return devices.list().map(({ entityId, ...view }) => ({
    ...view,
    content: parseContent(graph.entity(entityId) as NonNullable<ReturnType<typeof graph.entity>>),
    edges: graph
      .relationshipsOf(entityId, 'from')
      .map(({ relationshipType, toEntityId }) => `${relationshipType} ${nameOf(toEntityId)}`)
      .toSorted(),
  }));
}

/** The order of them is of no account. */
function components(): unknown[] {
  return home.devices.components().toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

test('a burst of descriptions leaves what one by one would, with one version for each device', async () => {
  const burst = [...plugParts('a'), bridge, ...plugParts('b')];
  home.devices.describeAll(burst);
  for (const { entityId } of home.devices.list()) expect(home.graph.versions(entityId)).toHaveLength(1);
  using otherFolder = temporaryFolder();
  await using other = await openTestHome(otherFolder.path);
  for (const component of burst) other.devices.describe(component);
  expect(told(home)).toEqual(told(other));
  expect(told(home)).toHaveLength(3);

  const before = told(home);
  const head = home.graph.committedSeq;
  await home[Symbol.asyncDispose]();
  home = await openTestHome(folder.path, home.clock);
  expect(told(home)).toEqual(before);
  home.devices.describeAll(burst);
  expect(home.graph.committedSeq).toBe(head);
});

test('where one of them cannot be taken, nothing is, in memory as on the disk', async () => {
  home.devices.describeAll(plugParts('known'));
  home.devices.withdraw('sensor/known/energy');
  const before = told(home);
  const known = components();
  const kinds = Array.from({ length: 513 }, () => ({
    kind: 'on_off' as const,
    unit: null,
    range: null,
    writable: false,
  }));
  const burst = [
    part('known', 'on_off', { model: 'Newer', identifiers: ['id:known', 'id:alias'] }),
    part('known', 'energy'),
    ...plugParts('new'),
  ];
  const bad = { ...part('new', 'power'), id: 'sensor/new/much', capabilities: kinds };
  expect(() => home.devices.describeAll([...burst, bad])).toThrow(/more than 512 capabilities/);
  expect(told(home)).toEqual(before);
  expect(components()).toEqual(known);
  expect(home.devices.sourcesOf(['id:alias', 'id:new'])).toEqual(new Map());

  home.devices.describeAll(burst);
  const after = told(home);
  expect(after).toHaveLength(2);
  expect(home.devices.list()[0]).toMatchObject({ model: 'Newer' });
  await home[Symbol.asyncDispose]();
  home = await openTestHome(folder.path, home.clock);
  expect(told(home)).toEqual(after);
});

test('a commit that the disk refuses leaves the memory as it was', () => {
  home.devices.describeAll(plugParts('known'));
  const [before, known] = [told(home), components()];
  const write = home.store.write.bind(home.store);
  vi.spyOn(home.store, 'write').mockImplementationOnce((body) =>
    write((tx) => {
      body(tx);
      throw new Error('disk I/O error');
    }),
  );
  const burst = [part('known', 'on_off', { model: 'Newer' }), ...plugParts('new')];
  expect(() => home.devices.describeAll(burst)).toThrow(/disk/);
  expect(told(home)).toEqual(before);
  expect(components()).toEqual(known);
  home.devices.describeAll(burst);
  expect(told(home)).toHaveLength(2);
});

test('what a person changed between two bursts stays', () => {
  home.devices.describeAll(plugParts('a').slice(0, 2));
  const entity = home.graph.entity(home.devices.list()[0]?.entityId ?? '');
  if (!entity) throw new Error('no entity');
  home.graph.transaction((graph) =>
    graph.replaceContent(entity.id, { ...parseContent(entity), name: 'Kettle' }, anna),
  );
  // Shown at once, and kept by what discovery says afterwards.
  expect(home.devices.view(entity.id)?.name).toBe('Kettle');
  home.devices.describeAll([...plugParts('a').slice(2), part('a', 'on_off', { model: 'Newer' })]);
  expect(home.devices.view(entity.id)).toMatchObject({ name: 'Kettle', model: 'Newer' });
});

test('views follow the graph, also where more was written than is held in memory', () => {
  home.devices.describeAll(plugParts('a'));
  const id = home.devices.list()[0]?.entityId ?? '';
  home.graph.transaction((graph) => {
    const entity = graph.latest(id);
    if (!entity) throw new Error('no entity');
    graph.replaceContent(id, { ...parseContent(entity), name: 'Renamed early' }, anna);
    for (let count = 0; count < 2_100; count += 1) {
      graph.createEntity({ entityType: 'note', content: { n: count }, author: anna, sourceType: 'manual' });
    }
  });
  expect(home.devices.view(id)?.name).toBe('Renamed early');
  home.graph.transaction((graph) => graph.deleteEntity(id, anna));
  expect(home.devices.view(id)).toBeUndefined();
  home.graph.transaction((graph) => graph.restoreEntity(id, undefined, anna));
  expect(home.devices.view(id)?.name).toBe('Renamed early');
});
