import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { CapabilityKind, ComponentDescription, DeviceView } from '../../src/devices/types.ts';

import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;
beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** A part of one plug, as a source tells of it. */
function part(
  id: string,
  kind: CapabilityKind,
  change: Partial<ComponentDescription> = {},
): ComponentDescription {
  return {
    id,
    type: id.slice(0, id.indexOf('/')),
    device: {
      identifiers: ['mac:aabbccddeeff'],
      name: 'Plug',
      manufacturer: null,
      model: null,
      swVersion: null,
      hwVersion: null,
      serialNumber: null,
      suggestedArea: null,
    },
    label: null,
    deviceClass: null,
    category: null,
    capabilities: [{ kind, unit: null, range: null, writable: kind === 'on_off' }],
    unsupported: null,
    enabledByDefault: true,
    uniqueId: null,
    source: 'discovery',
    ...change,
  };
}

const only = (): DeviceView => {
  const [device, ...more] = home.devices.list();
  expect(more).toEqual([]);
  return device!;
};
const capabilities = (): Record<string, string> =>
  Object.fromEntries(only().capabilities.map(({ name, component }) => [name, component]));

describe('another source takes over', () => {
  const native = { source: 'tasmota' };

  test('the device, its names and what is built on them stay; what nobody took over goes', async () => {
    home.devices.describe(part('switch/sonoff/relay', 'on_off'));
    home.devices.describe(part('sensor/sonoff/power', 'power', { deviceClass: 'power' }));
    home.devices.describe(part('sensor/sonoff/odd', 'number'));
    home.devices.report([
      { componentId: 'switch/sonoff/relay', kind: 'on_off', value: true, origin: 'mqtt' },
    ]);
    const before = only();
    const replaced = ['switch/sonoff/relay', 'sensor/sonoff/power', 'sensor/sonoff/odd'];
    home.devices.describe(
      part('sensor/tasmota_1/power', 'power', { ...native, deviceClass: 'power' }),
      replaced,
    );
    home.devices.describe(part('switch/tasmota_1/relay_1', 'on_off', native), replaced);
    home.devices.describe(part('sensor/tasmota_1/energy', 'energy', native), replaced);
    home.devices.retire(replaced);
    expect(only().entityId).toBe(before.entityId);
    expect(capabilities()).toEqual({
      on_off: 'switch/sonoff/relay',
      power: 'sensor/sonoff/power',
      energy: 'sensor/tasmota_1/energy',
    });
    // Reports come under the new id, the value of before is not lost.
    expect(only().values.get('on_off')?.value).toBe(true);
    home.devices.report([
      { componentId: 'switch/tasmota_1/relay_1', kind: 'on_off', value: false, origin: 'mqtt' },
    ]);
    await home[Symbol.asyncDispose]();
    home = await openTestHome(folder.path, home.clock);
    expect(only().values.get('on_off')?.value).toBe(false);
    expect(capabilities()['on_off']).toBe('switch/sonoff/relay');
    expect(new Set(home.devices.sourcesOf(['mac:aabbccddeeff']).values())).toEqual(new Set(['tasmota']));
  });

  test('commands go to the id of now', async () => {
    const sent: string[] = [];
    home.devices.connect({
      send: async (componentId) => {
        sent.push(componentId);
        await Promise.resolve();
      },
    });
    home.devices.describe(part('switch/sonoff/relay', 'on_off'));
    home.devices.describe(part('switch/tasmota_1/relay_1', 'on_off', native), ['switch/sonoff/relay']);
    const { entityId } = only();
    await home.devices.command({
      entityId,
      writes: [{ capability: 'on_off', value: true }],
      origin: 'test',
      confirmWithinMs: 0,
    });
    expect(sent).toEqual(['switch/tasmota_1/relay_1']);
  });

  test('of several the most alike is replaced, and a sensor only by one that tells the same', () => {
    home.devices.describe(part('switch/sonoff/1', 'on_off', { label: 'Left' }));
    home.devices.describe(part('switch/sonoff/2', 'on_off', { label: 'Right' }));
    home.devices.describe(part('sensor/sonoff/power', 'power'));
    const replaced = ['switch/sonoff/1', 'switch/sonoff/2', 'sensor/sonoff/power'];
    home.devices.describe(part('switch/tasmota_1/r2', 'on_off', { ...native, label: 'Right' }), replaced);
    home.devices.describe(part('switch/tasmota_1/r1', 'on_off', { ...native, label: 'Left' }), replaced);
    home.devices.describe(part('sensor/tasmota_1/energy', 'energy', native), replaced);
    home.devices.retire(replaced);
    expect(capabilities()).toEqual({
      on_off: 'switch/sonoff/1',
      'on_off:2': 'switch/sonoff/2',
      energy: 'sensor/tasmota_1/energy',
    });
  });

  test('a device that would be left with nothing keeps what it has', () => {
    home.devices.describe(part('switch/sonoff/relay', 'on_off'));
    home.devices.retire(['switch/sonoff/relay', 'switch/never/heard']);
    expect(capabilities()).toEqual({ on_off: 'switch/sonoff/relay' });
  });

  test('when the better source is withdrawn, the other takes its place again', () => {
    home.devices.describe(part('switch/tasmota_1/relay_1', 'on_off', native));
    const { entityId } = only();
    home.devices.withdraw('switch/tasmota_1/relay_1');
    home.devices.describe(part('switch/sonoff/relay', 'on_off'));
    expect(only().entityId).toBe(entityId);
    expect(capabilities()).toEqual({ on_off: 'switch/tasmota_1/relay_1' });
    expect(only().available).toBe(true);
  });
});

describe('a component that moves to another topic', () => {
  test('is known by its unique id once the old topic is withdrawn', () => {
    home.devices.describe(part('switch/old/relay', 'on_off', { uniqueId: 'plug-1' }));
    home.devices.withdraw('switch/old/relay');
    home.devices.describe(part('switch/new/relay', 'on_off', { uniqueId: 'plug-1' }));
    expect(capabilities()).toEqual({ on_off: 'switch/old/relay' });
  });

  test('is another one while the old one is there, for publishers repeat unique ids', () => {
    home.devices.describe(part('switch/old/relay', 'on_off', { uniqueId: 'plug-1' }));
    home.devices.describe(part('switch/new/relay', 'on_off', { uniqueId: 'plug-1' }));
    expect(capabilities()).toEqual({ on_off: 'switch/old/relay', 'on_off:relay': 'switch/new/relay' });
  });

  test('a newcomer under an id that somebody else had first gets a name of its own', () => {
    home.devices.describe(part('switch/old/relay', 'on_off'));
    home.devices.describe(part('switch/tasmota_1/relay_1', 'on_off', { source: 'tasmota' }), [
      'switch/old/relay',
    ]);
    home.devices.describe(part('switch/old/relay', 'on_off'));
    const names = Object.values(capabilities());
    expect(new Set(names).size).toBe(2);
    expect(names).toEqual(['switch/old/relay', 'switch/old/relay:2']);
  });
});

describe('a device that is reached by a bridge', () => {
  const sensor = (): ComponentDescription => {
    const base = part('sensor/zigbee/temperature', 'temperature');
    return {
      ...base,
      device: { ...base.device, identifiers: ['id:sensor'], name: 'Sensor', viaDevice: 'id:bridge' },
    };
  };
  const bridge = (): ComponentDescription => {
    const base = part('binary_sensor/bridge/state', 'connectivity');
    return { ...base, device: { ...base.device, identifiers: ['id:bridge'], name: 'Bridge' } };
  };
  const joined = (): [string | undefined, string | undefined][] => {
    const name = (id: string): string | undefined => home.devices.view(id)?.name;
    return home.devices
      .list()
      .flatMap(({ entityId }) => home.graph.relationshipsOf(entityId, 'from'))
      .filter(({ relationshipType }) => relationshipType === 'depends_on')
      .map(({ fromEntityId, toEntityId }) => [name(fromEntityId), name(toEntityId)]);
  };

  test.each([
    ['first', [bridge, sensor]],
    ['last', [sensor, bridge]],
  ] as const)('depends on it, also where the bridge comes %s', (_, parts) => {
    for (const make of parts) home.devices.describe(make());
    expect(joined()).toEqual([['Sensor', 'Bridge']]);
    for (const make of parts) home.devices.describe({ ...make(), label: 'Again' });
    expect(joined()).toEqual([['Sensor', 'Bridge']]);
  });

  test('a person who ended that is right', () => {
    home.devices.describe(bridge());
    home.devices.describe(sensor());
    const [edge] = home.devices
      .list()
      .flatMap(({ entityId }) => home.graph.relationshipsOf(entityId, 'from'));
    home.graph.transaction((graph) =>
      graph.endRelationship(edge!.id, { userId: 'anna', deviceId: 'phone-1' }),
    );
    home.devices.describe({ ...sensor(), label: 'Again' });
    expect(joined()).toEqual([]);
  });
});
