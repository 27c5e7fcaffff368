import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { CommandSink, ComponentDescription, StateChange } from '../../src/devices/types.ts';

import { WITHDRAWAL_GRACE_MS } from '../../src/devices/devices.ts';
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
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function restart(): Promise<void> {
  await home[Symbol.asyncDispose]();
  home = await openTestHome(folder.path, home.clock);
}

function lamp(
  change: Partial<ComponentDescription> = {},
  device: Partial<ComponentDescription['device']> = {},
): ComponentDescription {
  return {
    id: 'light/desk/light',
    type: 'light',
    device: {
      identifiers: ['id:desk'],
      name: 'Desk lamp',
      manufacturer: 'Lumen',
      model: 'L1',
      swVersion: '1.0',
      hwVersion: null,
      serialNumber: null,
      suggestedArea: null,
      ...device,
    },
    label: null,
    deviceClass: null,
    category: null,
    capabilities: [
      { kind: 'on_off', unit: null, range: null, writable: true },
      { kind: 'brightness', unit: '%', range: { min: 1, max: 100, step: 1 }, writable: true },
    ],
    unsupported: null,
    enabledByDefault: true,
    ...change,
  };
}

function onlyDevice() {
  const [device, ...more] = home.devices.list();
  expect(more).toEqual([]);
  if (!device) throw new Error('no device');
  return device;
}

function push(id: string, patch: Record<string, unknown>): void {
  home.graph.transaction((graph) => {
    const latest = graph.latest(id);
    if (!latest) throw new Error('gone');
    graph.replaceContent(id, { ...parseContent(latest), ...patch }, anna);
  });
}

describe('discovery', () => {
  test('a component becomes a device entity with its capabilities and its room', () => {
    home.devices.describe(lamp({}, { suggestedArea: 'Study' }));
    const device = onlyDevice();
    const entity = home.graph.entity(device.entityId)!;
    expect(parseContent(entity)).toMatchObject({ name: 'Desk lamp', manufacturer: 'Lumen', source: 'mqtt' });
    expect(device.capabilities.map(({ name }) => name)).toEqual(['on_off', 'brightness']);
    const [edge] = home.graph.relationshipsOf(device.entityId, 'from');
    expect(parseContent(home.graph.entity(String(edge?.toEntityId))!)).toEqual({ name: 'Study' });
  });

  test('components that share an identifier are one device, and further ones of a kind get a longer name', () => {
    home.devices.describe(lamp());
    home.devices.describe(lamp({ id: 'light/desk/back', label: 'Back' }));
    const names = onlyDevice().capabilities.map(({ name }) => name);
    expect(names).toEqual(['on_off', 'brightness', 'on_off:back', 'brightness:back']);
  });

  test('the same description again writes nothing', async () => {
    home.devices.describe(lamp());
    await home.graph.settled();
    const head = home.graph.headSeq;
    home.devices.describe(lamp());
    await home.graph.settled();
    expect(home.graph.headSeq).toBe(head);
  });

  test('a device that discovery renames keeps its id', () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    home.devices.describe(lamp({}, { name: 'Reading lamp' }));
    expect(onlyDevice()).toMatchObject({ entityId, name: 'Reading lamp' });
  });

  test('two devices that suggest the same area share the room', () => {
    home.devices.describe(lamp({}, { suggestedArea: 'Study' }));
    home.devices.describe(lamp({ id: 'light/b/light' }, { identifiers: ['id:b'], suggestedArea: ' study ' }));
    expect(home.graph.list({ entityType: 'room' }, 10).items).toHaveLength(1);
  });
});

describe('what people say wins', () => {
  test('a rename survives re-discovery and a restart, other keys still follow the device', async () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    push(entityId, { name: 'Grandma’s lamp', note: 'left by the window' });
    await restart();
    home.devices.describe(lamp({}, { name: 'Renamed by firmware', swVersion: '2.0' }));
    const content = parseContent(home.graph.entity(entityId)!);
    expect(content).toMatchObject({ name: 'Grandma’s lamp', sw_version: '2.0', note: 'left by the window' });
  });

  test('a key that people cleared goes back to discovery', () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    push(entityId, { model: 'Mine' });
    home.devices.describe(lamp({}, { model: 'L2' }));
    expect(onlyDevice().model).toBe('Mine');
    push(entityId, { model: null });
    home.devices.describe(lamp({}, { model: 'L3' }));
    expect(onlyDevice().model).toBe('L3');
  });

  test('a name that firmware happens to share for a while stays the person’s', () => {
    home.devices.describe(lamp());
    push(onlyDevice().entityId, { name: 'B' });
    home.devices.describe(lamp({}, { name: 'B' }));
    home.devices.describe(lamp({}, { name: 'C' }));
    expect(onlyDevice().name).toBe('B');
  });

  test('a device that a person moved is not moved back', () => {
    home.devices.describe(lamp({}, { suggestedArea: 'Study' }));
    const { entityId } = onlyDevice();
    const [edge] = home.graph.relationshipsOf(entityId, 'from');
    home.graph.transaction((graph) => graph.endRelationship(String(edge?.id), anna));
    home.devices.describe(lamp({}, { suggestedArea: 'Study', swVersion: '9' }));
    expect(home.graph.relationshipsOf(entityId, 'from')).toEqual([]);
  });

  test('a device that a person deleted stays deleted while discovery only repeats itself', async () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    home.graph.transaction((graph) => graph.deleteEntity(entityId, anna));
    await restart();
    home.devices.describe(lamp());
    expect(home.devices.list()).toEqual([]);
  });
});

describe('withdrawal', () => {
  test('a withdrawn device is unavailable at once and removed after 24 hours', () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    home.devices.withdraw('light/desk/light');
    expect(onlyDevice().available).toBe(false);
    home.clock.advance(WITHDRAWAL_GRACE_MS - 1000);
    home.devices.expireWithdrawn();
    expect(home.graph.entity(entityId)).toBeDefined();
    home.clock.advance(2000);
    home.devices.expireWithdrawn();
    expect(home.graph.entity(entityId)).toBeUndefined();
    expect(home.devices.list()).toEqual([]);
  });

  test('re-discovery brings the same id back, within and after the grace time', async () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    home.devices.withdraw('light/desk/light');
    home.devices.describe(lamp());
    expect(onlyDevice()).toMatchObject({ entityId, available: true });
    home.devices.withdraw('light/desk/light');
    home.clock.advance(WITHDRAWAL_GRACE_MS + 1);
    await restart();
    expect(home.devices.list()).toEqual([]);
    home.devices.describe(lamp());
    expect(onlyDevice()).toMatchObject({ entityId, available: true });
    expect(onlyDevice().capabilities.map(({ name }) => name)).toEqual(['on_off', 'brightness']);
  });

  test('a device that comes back after it was removed is in its room again', () => {
    home.devices.describe(lamp({}, { suggestedArea: 'Study' }));
    const { entityId } = onlyDevice();
    const [edge] = home.graph.relationshipsOf(entityId, 'from');
    home.devices.withdraw('light/desk/light');
    home.clock.advance(WITHDRAWAL_GRACE_MS + 1);
    home.devices.expireWithdrawn();
    expect(home.graph.relationshipsOf(entityId, 'from')).toEqual([]);
    home.devices.describe(lamp({}, { suggestedArea: 'Study' }));
    const after = home.graph.relationshipsOf(entityId, 'from');
    expect(after.map(({ id, toEntityId }) => [id, toEntityId])).toEqual([[edge?.id, edge?.toEntityId]]);
  });

  test('a device that a person renamed and deleted comes back under that name', () => {
    home.devices.describe(lamp());
    const { entityId } = onlyDevice();
    push(entityId, { name: 'Grandma’s lamp', note: 'fragile' });
    home.graph.transaction((graph) => graph.deleteEntity(entityId, anna));
    home.devices.withdraw('light/desk/light');
    home.devices.describe(lamp());
    expect(onlyDevice()).toMatchObject({ entityId, name: 'Grandma’s lamp' });
    expect(parseContent(home.graph.entity(entityId)!)).toMatchObject({ note: 'fragile' });
  });

  test('one withdrawn component of several takes only its own capabilities along', () => {
    home.devices.describe(lamp());
    home.devices.describe(lamp({ id: 'light/desk/back' }));
    home.devices.withdraw('light/desk/back');
    expect(onlyDevice().available).toBe(true);
    home.clock.advance(WITHDRAWAL_GRACE_MS + 1);
    home.devices.expireWithdrawn();
    expect(onlyDevice().capabilities.map(({ name }) => name)).toEqual(['on_off', 'brightness']);
  });
});

describe('state', () => {
  test('what the broker kept is no report of now where it is no news; the time of the last report survives', async () => {
    home.devices.describe(lamp());
    const report = (value: number, isKept?: boolean): void =>
      home.devices.report([
        {
          componentId: 'light/desk/light',
          kind: 'brightness',
          value,
          origin: 'mqtt',
          ...(isKept ? { isKept } : {}),
        },
      ]);
    const time = (): number | null | undefined => onlyDevice().values.get('brightness')?.timestampMs;
    report(40);
    home.clock.advance(60_000);
    report(40);
    const said = home.clock.nowMs();
    home.clock.advance(60_000);
    await restart();
    report(40, true);
    expect(time()).toBe(said);
    report(50, true);
    expect(time()).toBe(home.clock.nowMs());
  });

  test('a report in place of another value counts only there', () => {
    home.devices.describe(lamp());
    const off = {
      componentId: 'light/desk/light',
      kind: 'on_off',
      value: false,
      origin: 'mqtt',
      insteadOf: true,
    } as const;
    home.devices.report([off]);
    expect(onlyDevice().values.get('on_off')?.value).toBeNull();
    home.devices.report([{ componentId: off.componentId, kind: 'on_off', value: true, origin: 'mqtt' }, off]);
    expect(onlyDevice().values.get('on_off')?.value).toBe(false);
  });

  test('followers are told on the same turn, the last value per capability', () => {
    home.devices.describe(lamp());
    const taken: StateChange[] = [];
    using follower = home.devices.follow(() => taken.push(...follower.take()));
    using slow = home.devices.follow(() => undefined);
    home.devices.report([{ componentId: 'light/desk/light', kind: 'on_off', value: true, origin: 'mqtt' }]);
    home.devices.report([{ componentId: 'light/desk/light', kind: 'on_off', value: false, origin: 'mqtt' }]);
    expect(taken.map(({ capability, value }) => [capability, value])).toEqual([
      ['on_off', true],
      ['on_off', false],
    ]);
    expect(slow.take().map(({ value }) => value)).toEqual([false]);
    expect(slow.take()).toEqual([]);
  });

  test('values come back after a restart, and never made a version', async () => {
    home.devices.describe(lamp());
    await home.graph.settled();
    const head = home.graph.headSeq;
    home.devices.report([{ componentId: 'light/desk/light', kind: 'brightness', value: 42, origin: 'mqtt' }]);
    await restart();
    expect(onlyDevice().values.get('brightness')).toMatchObject({ value: 42, unit: '%' });
    expect(onlyDevice().values.get('on_off')).toMatchObject({ value: null, timestampMs: null });
    expect(home.graph.headSeq).toBe(head);
  });

  test('a value that is no number is unknown, not zero', () => {
    home.devices.describe(lamp());
    home.devices.report([
      { componentId: 'light/desk/light', kind: 'brightness', value: Number.NaN, origin: 'mqtt' },
    ]);
    expect(onlyDevice().values.get('brightness')?.value).toBeNull();
  });

  test('going away and coming back is told once each', () => {
    home.devices.describe(lamp());
    const taken: StateChange[] = [];
    using follower = home.devices.follow(() => taken.push(...follower.take()));
    for (const available of [false, false, true]) home.devices.setAvailable('light/desk/light', available);
    expect(taken.map(({ capability, value }) => [capability, value])).toEqual([
      ['available', false],
      ['available', true],
    ]);
  });

  test('a rename by a phone wakes those who show devices, once it is durable', async () => {
    home.devices.describe(lamp());
    await home.graph.settled();
    const wake = vi.fn<() => void>();
    using _ = home.devices.followDevices(wake);
    push(onlyDevice().entityId, { name: 'Other' });
    await home.graph.settled();
    await vi.waitFor(() => expect(wake).toHaveBeenCalledOnce());
    expect(onlyDevice().name).toBe('Other');
  });
});

describe('commands', () => {
  const send = vi.fn<CommandSink['send']>(async () => undefined);
  beforeEach(() => {
    send.mockClear();
    home.devices.describe(lamp());
    home.devices.connect({ send });
  });

  function command(capability: string, value: unknown, confirmWithinMs = 0) {
    const { entityId } = onlyDevice();
    return home.devices.command({
      entityId,
      writes: [{ capability, value }],
      origin: 'test',
      confirmWithinMs,
    });
  }

  test('a value in range goes to the component that has the capability', async () => {
    await expect(command('brightness', 50)).resolves.toBe('sent');
    expect(send).toHaveBeenCalledWith('light/desk/light', [{ kind: 'brightness', value: 50 }], 'test');
  });

  test.each([
    ['brightness', 101, /1 to 100 %/],
    ['brightness', Number.NaN, /1 to 100 %/],
    ['brightness', '50', /a number/],
    ['on_off', 'on', /true or false/],
    ['colour', 1, /has no capability "colour"; it has on_off, brightness/],
  ])('%s = %s is refused with what is accepted', async (capability, value, message) => {
    await expect(command(capability, value)).rejects.toThrow(message);
    expect(send).not.toHaveBeenCalled();
  });

  test('a device that is away is refused at once with the reason', async () => {
    home.devices.setAvailable('light/desk/light', false);
    await expect(command('on_off', true)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('the device’s own report confirms, rounding allowed; silence does not', async () => {
    const confirmed = command('brightness', 50, 60_000);
    home.devices.report([
      { componentId: 'light/desk/light', kind: 'brightness', value: 49.8, origin: 'mqtt' },
    ]);
    await expect(confirmed).resolves.toBe('confirmed');
    await expect(command('on_off', true, 1)).resolves.toBe('unconfirmed');
  });

  test('what the broker kept was said before the command, and confirms nothing', async () => {
    const report = { componentId: 'light/desk/light', kind: 'on_off', value: true, origin: 'mqtt' } as const;
    const unconfirmed = command('on_off', true, 20);
    home.devices.report([{ ...report, isKept: true }]);
    await expect(unconfirmed).resolves.toBe('unconfirmed');
    const confirmed = command('on_off', true, 60_000);
    home.devices.report([report]);
    await expect(confirmed).resolves.toBe('confirmed');
  });
});
