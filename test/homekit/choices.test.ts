import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { HomekitPart } from '../../src/homekit/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { accessoryNamed, Controller, structureOf } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.open();
  for (const number of [1, 2, 3]) {
    home.devices.add(`0${number}-lamp`, {
      name: `Lamp ${number}`,
      capabilities: [capability('on_off', `light/${number}`)],
      values: { on_off: true },
    });
  }
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function refusal(work: Promise<unknown>): Promise<HubError> {
  const error: unknown = await work.catch((failure: unknown) => failure);
  if (!(error instanceof HubError)) throw new Error('it was not refused');
  return error;
}

async function has(controller: Controller, name: string): Promise<boolean> {
  const accessories = await controller.accessories();
  try {
    return accessoryNamed(accessories, name).aid > 0;
  } catch {
    return false;
  }
}

function secondOf(part: HomekitPart): HomekitPart['bridges'][number] {
  const [, second] = part.bridges;
  if (!second) throw new Error('there is no second bridge');
  return second;
}

test('before anybody has paired nothing is lost, and nothing has to be confirmed', async () => {
  const part = await home.start();
  const place = await part.choose('01-lamp', { excluded: true });
  expect(place).toEqual({
    entityId: '01-lamp',
    excluded: true,
    bridge: 1,
    alone: false,
    shown: false,
    parts: [],
  });
  expect(part.accessoryCount).toBe(2);
  expect(part.hidden()).toEqual([
    { entityId: '01-lamp', name: 'Lamp 1', reason: 'A person keeps it out of Apple Home.' },
  ]);
});

test('taking out asks what is lost, holds over restarts, and coming back gives the old ids', async () => {
  const part = await home.start();
  await using phone = await Controller.pair(part);
  const before = (await phone.accessories()).map(structureOf);
  const asked = await refusal(part.choose('02-lamp', { excluded: true }));
  expect(asked.kind).toBe('conflict');
  expect(asked.message).toMatch(/^Apple Home forgets the room, the names and the automations of "Lamp 2"/);
  expect(await has(phone, 'Lamp 2')).toBe(true);

  await part.choose('02-lamp', { excluded: true, confirm: true });
  expect(await has(phone, 'Lamp 2')).toBe(false);
  // Another device that comes meanwhile does not get what was its.
  home.devices.add('04-lamp', {
    name: 'Lamp 4',
    capabilities: [capability('on_off', 'light/4')],
    values: { on_off: true },
  });
  const again = await home.start();
  await using second = new Controller(again, phone.pairing);
  expect(await has(second, 'Lamp 2')).toBe(false);
  // It is renamed and discovered anew while it is out.
  home.devices.change('02-lamp', { name: 'Table' });
  await again.choose('02-lamp', { excluded: false });
  const after = (await second.accessories()).map(structureOf);
  expect(after).toEqual(expect.arrayContaining(before));
  expect(await has(second, 'Table')).toBe(true);
});

test('a device is moved to a bridge of its own, which can be paired, and stays there', async () => {
  const part = await home.start();
  await using phone = await Controller.pair(part);
  const asked = await refusal(part.choose('03-lamp', { bridge: 2 }));
  expect(asked.message).toMatch(/^On another bridge "Lamp 3" is a new accessory to Apple Home/);
  expect(part.bridges).toHaveLength(1);
  expect(await part.choose('03-lamp', { bridge: 2, confirm: true })).toMatchObject({
    bridge: 2,
    shown: true,
  });
  await vi.waitFor(() => expect(secondOf(part).port).toBeGreaterThan(0));
  expect(await has(phone, 'Lamp 3')).toBe(false);
  expect(part.whyHidden('03-lamp')).toMatch(/^Its bridge "Test Hub 2" is not in Apple Home yet/);
  await using other = await Controller.pair(secondOf(part));
  expect(part.whyHidden('03-lamp')).toBeNull();
  const before = (await other.accessories()).map(structureOf);
  const again = await home.start();
  await using third = new Controller(secondOf(again), other.pairing);
  expect((await third.accessories()).map(structureOf)).toEqual(before);
  expect(await again.choose('03-lamp', { bridge: 2 })).toMatchObject({ bridge: 2, shown: true });
});

test('a device alone has a bridge that nobody else is put on, also when the others are full', async () => {
  const part = await home.start();
  await using phone = await Controller.pair(part);
  const asked = await refusal(part.choose('03-lamp', { alone: true }));
  expect(asked.message).toMatch(/^On another bridge "Lamp 3" is a new accessory to Apple Home/);
  const alone = { bridge: 2, alone: true, shown: true };
  expect(await part.choose('03-lamp', { alone: true, confirm: true })).toMatchObject(alone);
  expect(secondOf(part)).toMatchObject({ alone: true, accessories: 1 });
  expect(await has(phone, 'Lamp 3')).toBe(false);
  expect(await part.choose('03-lamp', { alone: true })).toMatchObject(alone);
  const refused = await refusal(part.choose('02-lamp', { bridge: 2 }));
  expect([refused.kind, refused.message]).toEqual([
    'conflict',
    'Bridge 2 is for one device alone. Choose another.',
  ]);
  for (let number = 100; number < 240; number += 1) {
    home.devices.add(`x${number}`, {
      name: `X ${number}`,
      capabilities: [capability('on_off', `light/${number}`)],
      values: { on_off: true },
    });
  }
  const again = await home.start();
  expect(again.bridges.map(({ accessories, alone: isAlone }) => [accessories, isAlone])).toEqual([
    [140, false],
    [1, true],
    [2, false],
  ]);
  // Left, and paired with nobody, it is there for the next one.
  await again.choose('03-lamp', { bridge: 1, confirm: true });
  expect(await again.choose('x239', { alone: true })).toMatchObject(alone);
  expect(again.bridges).toHaveLength(3);
  expect(again.shown().filter(({ bridge }) => bridge === 2)).toEqual([
    { entityId: 'x239', name: 'X 239', bridge: 2, services: ['Lightbulb'] },
  ]);
});

test('tells who holds a pairing, and from where it is connected', async () => {
  const part = await home.start();
  const phone = await Controller.pair(part);
  await phone.accessories();
  const { id } = phone;
  const [first] = part.bridges;
  expect(first?.pairings).toEqual([
    { id, admin: true, connectedFrom: [expect.stringContaining('127.0.0.1')] },
  ]);
  await phone[Symbol.asyncDispose]();
  await vi.waitFor(() => expect(part.bridges[0]?.pairings).toEqual([{ id, admin: true, connectedFrom: [] }]));
});

test('what cannot be is said', async () => {
  const part = await home.start();
  expect((await refusal(part.choose('nobody', { excluded: true }))).kind).toBe('not_found');
  const far = await refusal(part.choose('01-lamp', { bridge: 3 }));
  expect([far.kind, far.message]).toEqual([
    'invalid',
    'The bridges are numbered up to 1; 2 makes a further one.',
  ]);
  home.devices.add('05-meter', { name: 'Meter', capabilities: [capability('power', 'sensor/m')] });
  await vi.waitFor(() =>
    expect(part.hidden()).toEqual([
      { entityId: '05-meter', name: 'Meter', reason: 'It has nothing that Apple Home could show.' },
    ]),
  );
});

test('a full bridge takes nobody more, and who chose a place keeps it', async () => {
  for (let number = 100; number < 250; number += 1) {
    home.devices.add(`x${number}`, {
      name: `X ${number}`,
      capabilities: [capability('on_off', `light/${number}`)],
      values: { on_off: true },
    });
  }
  const part = await home.start();
  expect(part.bridges.map(({ accessories }) => accessories)).toEqual([140, 13]);
  for (let number = 241; number < 250; number += 1) await part.choose(`x${number}`, { bridge: 1 });
  const full = await refusal(part.choose('x240', { bridge: 1 }));
  expect([full.kind, full.message]).toEqual([
    'conflict',
    'Bridge 1 is full: Apple Home takes 149 accessories.',
  ]);
  const again = await home.start();
  expect(again.bridges.map(({ accessories }) => accessories)).toEqual([149, 4]);
});
