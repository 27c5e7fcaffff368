import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import type { CapabilityValue } from '../../src/devices/types.ts';
import type { HapAccessory, TypeName } from './controller.ts';

import { ACTUATORS } from './actuator-devices.ts';
import { accessoryNamed, Controller, keyOf } from './controller.ts';
import { Home } from './home.ts';

/** What takes its time: the target stays what was asked for while the device tells where it is on its way. */

let home: Home;
let controller: Controller;
let accessories: HapAccessory[];

/** How long a device may take to begin. */
const FOLLOW_MS = 250;

beforeAll(async () => {
  home = await Home.open();
  for (const name of ['Blind', 'Roof window', 'Garage', 'Front lock', 'Alarm', 'Vacuum', 'Shutter']) {
    home.devices.add(name, { name, capabilities: [], ...ACTUATORS[name] });
  }
  controller = await Controller.pair(await home.start({ followMs: FOLLOW_MS }));
  accessories = await controller.accessories();
});

afterAll(async () => {
  await controller[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

beforeEach(() => {
  home.devices.behaviour = 'ignore';
});

function key(device: string, service: TypeName, characteristic: TypeName): string {
  return keyOf(accessoryNamed(accessories, device), service, characteristic);
}

async function read(id: string): Promise<unknown> {
  const [answer] = await controller.read(id);
  return answer?.value ?? answer?.status;
}

/** Sends the device to a target and lets it tell its way; every value of the target that a phone was told of. */
async function targetsOnTheWay(
  device: string,
  id: string,
  wanted: number | boolean,
  way: readonly Readonly<Record<string, CapabilityValue>>[],
): Promise<unknown[]> {
  await using watcher = await controller.watch(id);
  await controller.write({ [id]: wanted });
  const shown: unknown[] = [];
  for (const step of way) {
    home.devices.set(device, step);
    shown.push(await read(id));
  }
  // Longer than events are gathered.
  await new Promise((resolve) => setTimeout(resolve, 400));
  return [...new Set([...shown, ...watcher.events.map(({ value }) => value)])];
}

describe('a target does not bounce', () => {
  const target = (): string => key('Blind', 'WindowCovering', 'TargetPosition');

  test('of a blind that tells where it is and that it moves', async () => {
    home.devices.set('Blind', { open_close: 'closed', position: 0 });
    const shown = await targetsOnTheWay('Blind', target(), 80, [
      { position: 0 },
      { open_close: 'closed' },
      { open_close: 'opening' },
      { position: 30 },
      { position: 55 },
      { position: 79, open_close: 'open' },
      { position: 80 },
    ]);
    expect(shown.filter((value) => value !== 79)).toEqual([80]);
  });

  test('of a window that tells its position only', async () => {
    home.devices.set('Roof window', { position: 0 });
    const id = key('Roof window', 'Window', 'TargetPosition');
    const way = [{ position: 0 }, { position: 20 }, { position: 60 }, { position: 80 }];
    expect(await targetsOnTheWay('Roof window', id, 80, way)).toEqual([80]);
  });

  test('of a garage door that was closing when it is to open', async () => {
    home.devices.set('Garage', { open_close: 'closing' });
    const id = key('Garage', 'GarageDoorOpener', 'TargetDoorState');
    const way = ['closing', 'stopped', 'opening', 'open'].map((state) => ({ open_close: state }));
    expect(await targetsOnTheWay('Garage', id, 0, way)).toEqual([0]);
  });

  test('of a lock that tells its old state once more', async () => {
    home.devices.set('Front lock', { locked: 'unlocked' });
    const id = key('Front lock', 'LockMechanism', 'LockTargetState');
    const way = ['unlocked', 'locking', 'jammed'].map((locked) => ({ locked }));
    expect(await targetsOnTheWay('Front lock', id, 1, way)).toEqual([1]);
  });

  test('of an alarm that waits for people to leave', async () => {
    home.devices.set('Alarm', { alarm: 'disarmed' });
    const id = key('Alarm', 'SecuritySystem', 'SecuritySystemTargetState');
    const way = ['disarmed', 'arming', 'armed_home'].map((alarm) => ({ alarm }));
    expect(await targetsOnTheWay('Alarm', id, 0, way)).toEqual([0]);
  });

  test('of a vacuum that was sent home, unlike one that goes by itself', async () => {
    home.devices.set('Vacuum', { vacuum: 'cleaning' });
    const id = key('Vacuum', 'Switch', 'On');
    const way = [{ vacuum: 'cleaning' }, { vacuum: 'returning' }, { vacuum: 'docked' }];
    expect(await targetsOnTheWay('Vacuum', id, false, way)).toEqual([0]);
    home.devices.set('Vacuum', { vacuum: 'cleaning' });
    expect(await read(id)).toBe(1);
    home.devices.set('Vacuum', { vacuum: 'returning' });
    expect(await read(id)).toBe(1);
  });
});

describe('a target comes back', () => {
  test('when the blind does not begin', async () => {
    home.devices.set('Blind', { open_close: 'closed', position: 0 });
    const id = key('Blind', 'WindowCovering', 'TargetPosition');
    await controller.write({ [id]: 50 });
    home.devices.set('Blind', { position: 0 });
    expect(await read(id)).toBe(50);
    await vi.waitFor(async () => expect(await read(id)).toBe(0));
  });

  test('when the blind is stopped on its way, by hand or from Apple Home', async () => {
    home.devices.set('Blind', { open_close: 'closed', position: 0 });
    const id = key('Blind', 'WindowCovering', 'TargetPosition');
    await controller.write({ [id]: 90 });
    home.devices.set('Blind', { open_close: 'opening', position: 20 });
    expect(await read(id)).toBe(90);
    home.devices.set('Blind', { open_close: 'open', position: 40 });
    expect(await read(id)).toBe(40);
    await controller.write({ [id]: 90 });
    await controller.write({ [key('Blind', 'WindowCovering', 'HoldPosition')]: true });
    expect(await read(id)).toBe(40);
  });

  test('when somebody turns the blind round, it is where that leads', async () => {
    home.devices.set('Blind', { open_close: 'closed', position: 0 });
    const id = key('Blind', 'WindowCovering', 'TargetPosition');
    await controller.write({ [id]: 90 });
    home.devices.set('Blind', { open_close: 'opening', position: 50 });
    home.devices.set('Blind', { open_close: 'closing', position: 45 });
    expect(await read(id)).toBe(0);
  });

  test('when the lock does not follow', async () => {
    home.devices.set('Front lock', { locked: 'locked' });
    const id = key('Front lock', 'LockMechanism', 'LockTargetState');
    await controller.write({ [id]: 0 });
    expect(await read(id)).toBe(0);
    await vi.waitFor(async () => expect(await read(id)).toBe(1));
  });

  test('when the broker is away, at once', async () => {
    home.devices.behaviour = 'fail';
    home.devices.set('Garage', { open_close: 'closed' });
    const id = key('Garage', 'GarageDoorOpener', 'TargetDoorState');
    const [answer] = await controller.write({ [id]: 0 });
    expect(answer?.status).toBe(-70402);
    expect(await read(id)).toBe(1);
  });
});

test('a shutter without positions shows the end that it left until it is at the other', async () => {
  home.devices.set('Shutter', { open_close: 'closed' });
  const current = key('Shutter', 'WindowCovering', 'CurrentPosition');
  const state = key('Shutter', 'WindowCovering', 'PositionState');
  await controller.write({ [key('Shutter', 'WindowCovering', 'TargetPosition')]: 100 });
  home.devices.set('Shutter', { open_close: 'opening' });
  expect([await read(current), await read(state)]).toEqual([0, 1]);
  home.devices.set('Shutter', { open_close: 'stopped' });
  expect([await read(current), await read(state)]).toEqual([100, 2]);
});
