import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { CapabilityValue, StateChange, StateReport } from '../../src/devices/types.ts';

import { silentLogger } from '../../src/base/log.ts';
import { StateFollowers } from '../../src/devices/followers.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: TestHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await openTestHome(folder.path);
  describeRemote();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const ID = 'event/remote/action';

function describeRemote(): void {
  home.devices.describe({
    id: ID,
    type: 'event',
    device: {
      identifiers: ['id:remote'],
      name: 'Remote',
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
    capabilities: [
      { kind: 'button_event', unit: null, range: null, writable: false, options: ['single', 'double'] },
      { kind: 'battery', unit: '%', range: { min: 0, max: 100 }, writable: false },
    ],
    unsupported: null,
    enabledByDefault: true,
  });
}

function report(kind: StateReport['kind'], value: CapabilityValue, raw?: string): void {
  home.devices.report([
    { componentId: ID, kind, value, origin: 'mqtt', ...(raw === undefined ? {} : { raw }) },
  ]);
}

function told(changes: readonly StateChange[]): [string, CapabilityValue][] {
  return changes.map(({ capability, value }) => [capability, value]);
}

function remote() {
  const [device] = home.devices.list();
  if (!device) throw new Error('no device');
  return device;
}

describe('events', () => {
  test('each press is told, also when it is the same as the last', () => {
    const taken: StateChange[] = [];
    using follower = home.devices.follow(() => taken.push(...follower.take()));
    for (const value of ['single', 'single', 'double']) report('button_event', value);
    for (const value of [90, 90]) report('battery', value);
    expect(told(taken)).toEqual([
      ['button_event', 'single'],
      ['button_event', 'single'],
      ['button_event', 'double'],
      ['battery', 90],
    ]);
  });

  test('a follower that was away takes every press in order, and the last of other values', () => {
    using follower = home.devices.follow(() => undefined);
    report('battery', 90);
    report('button_event', 'single');
    report('battery', 89);
    report('button_event', 'single');
    report('button_event', 'double');
    expect(told(follower.take())).toEqual([
      ['button_event', 'single'],
      ['battery', 89],
      ['button_event', 'single'],
      ['button_event', 'double'],
    ]);
    expect(follower.take()).toEqual([]);
  });

  test('no event is not an event', () => {
    using follower = home.devices.follow(() => undefined);
    report('button_event', null);
    expect(follower.take()).toEqual([]);
  });

  test('after a restart the last press is shown as last known, with its time, and not told again', async () => {
    report('button_event', 'single');
    home.clock.advance(60_000);
    const pressedMs = home.clock.nowMs();
    report('button_event', 'single');
    await home[Symbol.asyncDispose]();
    home = await openTestHome(folder.path, home.clock);
    expect(remote().values.get('button_event')).toMatchObject({ value: 'single', timestampMs: pressedMs });
    using follower = home.devices.follow(() => undefined);
    describeRemote();
    expect(follower.take()).toEqual([]);
  });
});

describe('a follower that never takes', () => {
  const press = (value: number): StateChange => ({
    entityId: 'e',
    capability: 'button_event',
    value: String(value),
    timestampMs: value,
    origin: 'mqtt',
    isEvent: true,
  });

  test('keeps the last thousand events, and it is said once that others are gone', () => {
    const warn = vi.spyOn(silentLogger, 'warn');
    const followers = new StateFollowers(silentLogger);
    const wake = vi.fn<() => void>();
    using slow = followers.follow(wake);
    using quick = followers.follow(() => undefined);
    const { isEvent: _, ...state } = press(0);
    followers.tell({ ...state, capability: 'battery' });
    for (let count = 1; count <= 1_005; count += 1) {
      followers.tell(press(count));
      expect(quick.take().at(-1)).toEqual(press(count));
    }
    expect(wake).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledOnce();
    const changes = slow.take();
    expect(changes).toHaveLength(1_001);
    expect(changes[0]?.capability).toBe('battery');
    expect([changes[1], changes.at(-1)]).toEqual([press(6), press(1_005)]);
    expect(warn).toHaveBeenLastCalledWith({ dropped: 5 }, expect.any(String));
  });

  test('is woken again after it took', () => {
    const followers = new StateFollowers(silentLogger);
    const wake = vi.fn<() => void>();
    using follower = followers.follow(wake);
    followers.tell(press(1));
    followers.tell(press(1));
    follower.take();
    followers.tell(press(1));
    expect(wake).toHaveBeenCalledTimes(2);
    expect(follower.take()).toHaveLength(1);
  });
});

describe('what one message told', () => {
  test('wakes each follower once, at its end, and no event is lost', () => {
    const taken: StateChange[][] = [];
    using follower = home.devices.follow(() => taken.push(follower.take()));
    home.devices.together(() => {
      report('battery', 90);
      home.devices.together(() => report('button_event', 'single'));
      report('button_event', 'single');
      expect(taken).toEqual([]);
    });
    expect(taken.map(told)).toEqual([
      [
        ['battery', 90],
        ['button_event', 'single'],
        ['button_event', 'single'],
      ],
    ]);
    report('battery', 89);
    expect(taken).toHaveLength(2);
  });

  test('is told also where the rest of it could not be handled; who took it meanwhile is not woken', () => {
    const [wake, other] = [vi.fn<() => void>(), vi.fn<() => void>()];
    using follower = home.devices.follow(wake);
    using eager = home.devices.follow(other);
    expect(() =>
      home.devices.together(() => {
        report('battery', 90);
        expect(eager.take()).toHaveLength(1);
        throw new Error('a listener failed');
      }),
    ).toThrow('a listener failed');
    expect(wake).toHaveBeenCalledOnce();
    expect(other).not.toHaveBeenCalled();
    expect(told(follower.take())).toEqual([['battery', 90]]);
  });
});

describe('where a value comes from', () => {
  test('the text of the last report stands beside the value, also when the value stayed the same', () => {
    report('battery', 90, '90');
    expect(remote().values.get('battery')).toMatchObject({ value: 90, raw: '90' });
    report('battery', 90, '90.0');
    expect(remote().values.get('battery')?.raw).toBe('90.0');
    report('battery', 90);
    expect(remote().values.get('battery')).not.toHaveProperty('raw');
  });

  test('a long text is cut, and none survives a restart', async () => {
    report('battery', 90, 'x'.repeat(100_000));
    expect(remote().values.get('battery')?.raw).toHaveLength(1024);
    await home[Symbol.asyncDispose]();
    home = await openTestHome(folder.path, home.clock);
    expect(remote().values.get('battery')).not.toHaveProperty('raw');
  });
});
