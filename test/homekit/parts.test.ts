import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { Capability } from '../../src/devices/types.ts';
import type { HomekitPart } from '../../src/homekit/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { planServices } from '../../src/homekit/device-plan.ts';
import { orders, settable } from './actuator-devices.ts';
import {
  accessoryNamed,
  Controller,
  keyOf,
  servicesOf,
  structureOf,
  type HapAccessory,
} from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home } from './home.ts';

const PERCENT = { min: 0, max: 100 };
const MOVES = ['open', 'close', 'stop'];

let home: Home;
beforeEach(async () => {
  home = await Home.open();
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

async function refusal(work: Promise<unknown>): Promise<HubError> {
  const error: unknown = await work.catch((failure: unknown) => failure);
  if (!(error instanceof HubError)) throw new Error('it was not refused');
  return error;
}

/** A cover of that class, with all that one can have. */
function cover(deviceClass: string | null, component = 'cover/one'): Capability[] {
  const more = { device_class: deviceClass };
  return [
    orders('open_close', component, MOVES, more),
    settable('position', component, { range: PERCENT, ...more }),
    settable('tilt', component, { range: PERCENT, ...more }),
  ];
}

describe('what is wired the other way', () => {
  const BLIND = { open_close: 'open', position: 60, tilt: 25 };

  test('a blind reads and moves turned round, slats for themselves, and c# does not rise', async () => {
    home.devices.add('01', { name: 'Blind', capabilities: cover(null), values: BLIND });
    const first = await home.start();
    await using phone = await Controller.pair(first);
    const blind = accessoryNamed(await phone.accessories(), 'Blind');
    const key = (kind: Parameters<typeof keyOf>[2]): string => keyOf(blind, 'WindowCovering', kind);
    const read = async (part: HomekitPart): Promise<unknown[]> => {
      await using reader = new Controller(part, phone.pairing);
      const answers = await reader.read(
        key('CurrentPosition'),
        key('TargetPosition'),
        key('CurrentHorizontalTiltAngle'),
      );
      return answers.map(({ value }) => value);
    };
    expect(await read(first)).toEqual([60, 60, -45]);
    const number = home.configurationNumber(first.username);

    // Nothing is lost by it, so that nothing must be confirmed.
    const place = await first.choose('01', { invertOpening: true });
    expect(place.parts).toEqual([
      {
        component: 'cover/one',
        label: null,
        service: 'WindowCovering',
        announcedService: null,
        inversion: { opening: true, tilt: false },
      },
    ]);
    expect(await read(first)).toEqual([40, 40, -45]);
    await first.choose('01', { invertTilt: true });
    expect(await read(first)).toEqual([40, 40, 45]);

    const again = await home.start();
    expect(await read(again)).toEqual([40, 40, 45]);
    await using after = new Controller(again, phone.pairing);
    expect(structureOf(accessoryNamed(await after.accessories(), 'Blind'))).toBe(structureOf(blind));
    expect(home.configurationNumber(again.username)).toBe(number);
    home.devices.commands.length = 0;
    await after.write({ [key('TargetPosition')]: 10, [key('TargetHorizontalTiltAngle')]: 90 });
    expect(home.devices.commands.flatMap(({ writes }) => writes)).toEqual([
      { capability: 'position', value: 90 },
      { capability: 'tilt', value: 0 },
    ]);
    await vi.waitFor(async () => expect(await read(again)).toEqual([10, 10, 90]));
    home.devices.set('01', { open_close: 'opening', position: 95 });
    await vi.waitFor(async () => {
      const [state, target] = await after.read(key('PositionState'), key('TargetPosition'));
      expect([state?.value, target?.value]).toEqual([0, 0]);
    });

    await again.choose('01', { invertOpening: false, invertTilt: false });
    home.devices.set('01', BLIND);
    await vi.waitFor(async () => expect(await read(again)).toEqual([60, 60, -45]));
  });

  test('a garage door that says open when it is closed', async () => {
    home.devices.add('01', {
      name: 'Garage',
      capabilities: [orders('open_close', 'cover/garage', MOVES, { device_class: 'garage' })],
      values: { open_close: 'open' },
    });
    const part = await home.start();
    await part.choose('01', { invertOpening: true });
    await using phone = await Controller.pair(part);
    const garage = accessoryNamed(await phone.accessories(), 'Garage');
    const current = keyOf(garage, 'GarageDoorOpener', 'CurrentDoorState');
    expect(await phone.read(current)).toMatchObject([{ value: 1 }]);
    await phone.write({ [keyOf(garage, 'GarageDoorOpener', 'TargetDoorState')]: 0 });
    expect(home.devices.commands.at(-1)?.writes).toEqual([{ capability: 'open_close', value: 'close' }]);
    await vi.waitFor(async () => expect(await phone.read(current)).toMatchObject([{ value: 0 }]));
  });

  test('one of two covers alone, and nothing that does not open', async () => {
    const two = [
      ...cover(null).map((one) => ({ ...one, label: 'Left' })),
      ...cover(null, 'cover/two').map((one) => ({
        ...one,
        name: `${one.kind}:two`,
        label: 'Right',
      })),
    ];
    home.devices.add('01', { name: 'Pair', capabilities: two, values: { position: 20, 'position:two': 30 } });
    home.devices.add('02', { name: 'Plug', capabilities: [settable('on_off', 'switch/plug')] });
    const part = await home.start();
    const { parts } = await part.choose('01', { invertOpening: true, component: 'cover/two' });
    expect(parts.map(({ label, inversion }) => [label, inversion?.opening])).toEqual([
      ['Left', false],
      ['Right', true],
    ]);
    const positions = planServices(
      { capabilities: two },
      new Map(),
      new Map([['cover/two', { opening: true, tilt: false }]]),
    ).map(({ characteristics }) =>
      characteristics[0]?.read(new Map(Object.entries({ position: 20, 'position:two': 30 }))),
    );
    expect(positions).toEqual([20, 70]);
    expect((await refusal(part.choose('02', { invertOpening: true }))).message).toMatch(
      /this device has none/,
    );
    const odd = await refusal(part.choose('01', { invertTilt: true, component: 'cover/three' }));
    expect([odd.kind, odd.message]).toEqual([
      'invalid',
      'The device has no component "cover/three" that opens and closes.',
    ]);
  });
});

describe('a device that says it is another kind by now', () => {
  type Case = readonly [
    name: string,
    before: Capability[],
    after: Capability[],
    was: 'Door' | 'GarageDoorOpener' | 'Thermostat' | 'Valve' | 'WindowCovering',
    is: string,
  ];
  const modes = settable('hvac_mode', 'climate/c', { options: ['off', 'heat', 'cool'] });
  const target = settable('target_temperature', 'climate/c', { range: { min: 10, max: 30 } });
  const fan = settable('fan_mode', 'climate/c', { options: ['low', 'high'] });
  const valve = (deviceClass: string): Capability[] => [
    orders('open_close', 'valve/v', ['open', 'close'], { device_class: deviceClass }),
  ];
  const cases: readonly Case[] = [
    ['blind to garage', cover('blind'), cover('garage'), 'WindowCovering', 'GarageDoorOpener'],
    ['garage to door', cover('garage'), cover('door'), 'GarageDoorOpener', 'Door'],
    ['door to none', cover('door'), cover(null), 'Door', 'WindowCovering'],
    ['thermostat with a fan', [modes, target], [modes, target, fan], 'Thermostat', 'HeaterCooler'],
    ['water to gas', valve('water'), valve('gas'), 'Valve', 'Switch'],
  ];

  test.each(cases)('%s: Apple Home keeps the tile until a person asks', async (_, before, after, was, is) => {
    home.devices.add('01', { name: 'Thing', capabilities: before });
    const first = await home.start();
    await using phone = await Controller.pair(first);
    const thing = async (controller: Controller): Promise<HapAccessory> =>
      accessoryNamed(await controller.accessories(), 'Thing');
    const old = structureOf(await thing(phone));
    expect(first.kept()).toEqual([]);

    home.devices.change('01', { capabilities: after });
    await vi.waitFor(() => expect(first.kept()).toHaveLength(1));
    expect(first.kept()[0]?.parts).toMatchObject([{ service: was, announcedService: is }]);
    expect(structureOf(await thing(phone))).toBe(old);
    const again = await home.start();
    await using second = new Controller(again, phone.pairing);
    expect(structureOf(await thing(second))).toBe(old);

    const asked = await refusal(again.choose('01', { renew: true }));
    expect([asked.kind, asked.message]).toEqual([
      'conflict',
      expect.stringMatching(/its automations there are lost/),
    ]);
    expect(servicesOf(await thing(second), was)).toHaveLength(1);
    const { parts } = await again.choose('01', { renew: true, confirm: true });
    expect(parts).toMatchObject([{ service: is, announcedService: null }]);
    expect(again.kept()).toEqual([]);
    expect(servicesOf(await thing(second), was)).toHaveLength(0);
    // Again nothing to confirm: there is nothing to renew.
    await again.choose('01', { renew: true });
  });

  test('what cannot be shown as before is shown as it can, and as before when it can again', async () => {
    const blows = settable('hvac_mode', 'climate/c', { options: ['off', 'fan_only'] });
    const full = [modes, target, fan];
    home.devices.add('01', { name: 'Thing', capabilities: full });
    const part = await home.start();
    const services = (): string[] => part.shows('01').map(({ service }) => service);
    expect(services()).toEqual(['HeaterCooler']);
    home.devices.change('01', { capabilities: [blows, target, fan] });
    await vi.waitFor(() => expect(services()).toEqual(['Thermostat']));
    home.devices.change('01', { capabilities: full });
    await vi.waitFor(() => expect(services()).toEqual(['HeaterCooler']));
  });

  test('what only tells may change its kind', async () => {
    const told = (deviceClass: string, kind: 'motion' | 'occupancy'): Capability[] => [
      capability(kind, 'binary_sensor/p', { device_class: deviceClass }),
    ];
    home.devices.add('01', { name: 'Thing', capabilities: told('motion', 'motion') });
    const part = await home.start();
    home.devices.change('01', { capabilities: told('occupancy', 'occupancy') });
    await vi.waitFor(() =>
      expect(part.shows('01').map(({ service }) => service)).toEqual(['OccupancySensor']),
    );
    expect(part.kept()).toEqual([]);
  });
});

test.each([
  [['auto', 'low', 'medium', 'high'], 33.333, ['low', 'medium', 'high']],
  [['High', 'Medium High', 'low-medium', 'Quiet'], 25, ['Quiet', 'low-medium', 'Medium High', 'High']],
  [['5', '1', '3', '2', '4'], 20, ['1', '2', '3', '4', '5']],
  [['level_2', 'level_1'], 50, ['level_1', 'level_2']],
  [['auto', 'on'], null, []],
  [['auto', 'low', 'circulate'], null, []],
] as const)('a fan with %j has its speeds in order', (options, step, order) => {
  const [plan] = planServices({
    capabilities: [
      settable('hvac_mode', 'climate/ac', { options: ['off', 'cool'] }),
      settable('target_temperature', 'climate/ac', { range: { min: 16, max: 30 } }),
      settable('fan_mode', 'climate/ac', { options: [...options] }),
    ],
  });
  const speed = plan?.characteristics.find(({ kind }) => kind === 'RotationSpeed');
  if (step === null) {
    expect(speed).toBeUndefined();
    return;
  }
  expect(speed?.range?.step).toBeCloseTo(step, 2);
  const values = (mode: string): Map<string, string> =>
    new Map([
      ['hvac_mode', 'cool'],
      ['fan_mode', mode],
    ]);
  const shown = order.map((mode) => Number(speed?.read(values(mode))));
  expect(shown).toEqual(shown.toSorted((a, b) => a - b));
  expect(shown.at(-1)).toBeCloseTo(100, 5);
  for (const [index, mode] of order.entries()) {
    const written = plan?.actuator?.toWrites(new Map([['RotationSpeed', shown[index] ?? 0]]), values('auto'));
    expect(written).toEqual([{ capability: 'fan_mode', value: mode }]);
  }
});
