import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import type { CapabilityValue } from '../../src/devices/types.ts';
import type { HapAccessory, TypeName } from './controller.ts';

import { ACTUATORS, settable } from './actuator-devices.ts';
import { accessoryNamed, characteristicOf, Controller, keyOf, servicesOf } from './controller.ts';
import { Home, newLog } from './home.ts';

let home: Home;
let controller: Controller;
let watcher: Controller;
let accessories: HapAccessory[];
const { log, lines } = newLog();

/** Device and service; a device has one service besides those that every accessory has. */
type Place = readonly [device: string, service: TypeName];
const BLIND: Place = ['Blind', 'WindowCovering'];
const SHUTTER: Place = ['Shutter', 'WindowCovering'];
const WINDOW: Place = ['Roof window', 'Window'];
const DOOR: Place = ['House door', 'Door'];
const GARAGE: Place = ['Garage', 'GarageDoorOpener'];
const LOCK: Place = ['Front lock', 'LockMechanism'];
const ALARM: Place = ['Alarm', 'SecuritySystem'];
const RADIATOR: Place = ['Radiator', 'Thermostat'];
const PUMP: Place = ['Heat pump', 'Thermostat'];
const AC: Place = ['Air conditioner', 'HeaterCooler'];
const BOILER: Place = ['Boiler', 'Thermostat'];
const FAN: Place = ['Ceiling fan', 'Fanv2'];
const HUMIDIFIER: Place = ['Humidifier', 'HumidifierDehumidifier'];
const DEHUMIDIFIER: Place = ['Dehumidifier', 'HumidifierDehumidifier'];
const SPRINKLER: Place = ['Sprinkler', 'Valve'];
const GAS: Place = ['Gas valve', 'Switch'];
const VACUUM: Place = ['Vacuum', 'Switch'];
const MOWER: Place = ['Mower', 'Switch'];
const SIREN: Place = ['Siren', 'Switch'];

/** What each characteristic reads as at first, and what is read after the device told something else. */
type Reading = readonly [Place, TypeName, unknown, Readonly<Record<string, CapabilityValue>>?, unknown?];
const READINGS: readonly Reading[] = [
  [BLIND, 'CurrentPosition', 60, { position: 30 }, 30],
  [BLIND, 'TargetPosition', 60, { open_close: 'opening' }, 100],
  [BLIND, 'PositionState', 2, { open_close: 'closing' }, 0],
  [BLIND, 'CurrentHorizontalTiltAngle', 0, { tilt: 100 }, 90],
  [BLIND, 'TargetHorizontalTiltAngle', 0, { tilt: 25 }, -45],
  [SHUTTER, 'CurrentPosition', 0, { open_close: 'open' }, 100],
  [SHUTTER, 'TargetPosition', 0, { open_close: 'opening' }, 100],
  [WINDOW, 'CurrentPosition', 10, { position: 12.4 }, 12],
  [WINDOW, 'PositionState', 2],
  [DOOR, 'CurrentPosition', 100, { open_close: 'closed' }, 0],
  [DOOR, 'PositionState', 2, { open_close: 'opening' }, 1],
  [GARAGE, 'CurrentDoorState', 1, { open_close: 'opening' }, 2],
  [GARAGE, 'TargetDoorState', 1, { open_close: 'opening' }, 0],
  [GARAGE, 'CurrentDoorState', 1, { open_close: 'stopped' }, 4],
  [GARAGE, 'ObstructionDetected', 0],
  [LOCK, 'LockCurrentState', 1, { locked: 'jammed' }, 2],
  [LOCK, 'LockCurrentState', 1, { locked: null }, 3],
  [LOCK, 'LockCurrentState', 1, { locked: 'unlocking' }, 1],
  [LOCK, 'LockTargetState', 1, { locked: 'unlocking' }, 0],
  [LOCK, 'LockTargetState', 1, { locked: 'jammed' }, 1],
  [ALARM, 'SecuritySystemCurrentState', 3, { alarm: 'triggered' }, 4],
  [ALARM, 'SecuritySystemCurrentState', 3, { alarm: 'arming' }, 3],
  [ALARM, 'SecuritySystemTargetState', 3, { alarm: 'arming' }, 1],
  [ALARM, 'SecuritySystemTargetState', 3, { alarm: 'armed_custom_bypass' }, 0],
  [ALARM, 'SecuritySystemTargetState', 3, { alarm: null }, -70403],
  [RADIATOR, 'CurrentHeatingCoolingState', 1, { hvac_action: 'idle' }, 0],
  [RADIATOR, 'TargetHeatingCoolingState', 1, { hvac_mode: 'auto' }, 3],
  [RADIATOR, 'CurrentTemperature', 19.4, { temperature: null }, -70403],
  [RADIATOR, 'TargetTemperature', 21, { target_temperature: 5 }, 5],
  [RADIATOR, 'TargetTemperature', 21, { target_temperature: 99 }, 30],
  [RADIATOR, 'CurrentRelativeHumidity', 49, { humidity: 50 }, 50],
  [RADIATOR, 'TemperatureDisplayUnits', 0],
  [PUMP, 'CurrentHeatingCoolingState', 2, { temperature: 17 }, 1],
  [PUMP, 'TargetHeatingCoolingState', 3, { hvac_mode: 'off' }, 0],
  [PUMP, 'TargetTemperature', 21.5, { target_temperature_low: 20 }, 22],
  [PUMP, 'HeatingThresholdTemperature', 19, { target_temperature_low: 20 }, 20],
  [PUMP, 'CoolingThresholdTemperature', 24, { target_temperature_high: 26 }, 26],
  [PUMP, 'TargetRelativeHumidity', 45, { target_humidity: 20 }, 30],
  [PUMP, 'TemperatureDisplayUnits', 1],
  [AC, 'Active', 1, { hvac_mode: 'off' }, 0],
  [AC, 'CurrentHeaterCoolerState', 3, { hvac_mode: 'off' }, 0],
  [AC, 'TargetHeaterCoolerState', 2, { hvac_mode: 'heat_cool' }, 0],
  [AC, 'TargetHeaterCoolerState', 2, { hvac_mode: 'dry' }, 2],
  [AC, 'CurrentTemperature', 25, { temperature: 24.96 }, 25],
  [AC, 'HeatingThresholdTemperature', 22, { target_temperature: 23 }, 23],
  [AC, 'CoolingThresholdTemperature', 22, { target_temperature: 31 }, 31],
  [AC, 'SwingMode', 0, { swing_mode: 'on' }, 1],
  [AC, 'TemperatureDisplayUnits', 0],
  [AC, 'RotationSpeed', 50, { fan_mode: 'high' }, 100],
  [AC, 'RotationSpeed', 50, { fan_mode: 'auto' }, 50],
  [BOILER, 'TargetHeatingCoolingState', 1, { mode: 'off' }, 0],
  [BOILER, 'CurrentHeatingCoolingState', 1, { temperature: 55 }, 0],
  [BOILER, 'TargetTemperature', 50, { target_temperature: 60 }, 60],
  [FAN, 'Active', 1, { on_off: false }, 0],
  [FAN, 'RotationSpeed', 100, { speed: 34 }, 25],
  [FAN, 'RotationDirection', 1, { direction: 'forward' }, 0],
  [FAN, 'SwingMode', 0, { oscillation: true }, 1],
  [HUMIDIFIER, 'Active', 1, { on_off: false }, 0],
  [HUMIDIFIER, 'CurrentHumidifierDehumidifierState', 2, { humidity: 60 }, 1],
  [HUMIDIFIER, 'TargetHumidifierDehumidifierState', 1],
  [HUMIDIFIER, 'CurrentRelativeHumidity', 41, { humidity: 43 }, 43],
  [HUMIDIFIER, 'RelativeHumidityHumidifierThreshold', 50, { target_humidity: 90 }, 80],
  [DEHUMIDIFIER, 'CurrentHumidifierDehumidifierState', 3, { action: 'idle' }, 1],
  [DEHUMIDIFIER, 'TargetHumidifierDehumidifierState', 2],
  [DEHUMIDIFIER, 'RelativeHumidityDehumidifierThreshold', 55, { target_humidity: 40 }, 40],
  [SPRINKLER, 'Active', 0, { open_close: 'opening' }, 1],
  [SPRINKLER, 'InUse', 0, { open_close: 'open' }, 1],
  [SPRINKLER, 'ValveType', 1],
  [GAS, 'On', 1, { open_close: 'closed' }, 0],
  [VACUUM, 'On', 0, { vacuum: 'cleaning' }, 1],
  [MOWER, 'On', 1, { lawn_mower: 'paused' }, 0],
  [SIREN, 'On', 0, { on_off: true }, 1],
];

/** What is written to one service, what the device is told, and what is read when it obeyed. */
type Written = Readonly<Partial<Record<TypeName, number | boolean>>>;
type Writing = readonly [Place, Written, readonly (readonly [string, unknown])[], Written?];
const WRITINGS: readonly Writing[] = [
  [BLIND, { TargetPosition: 80 }, [['position', 80]], { CurrentPosition: 80 }],
  [BLIND, { TargetHorizontalTiltAngle: -90 }, [['tilt', 0]], { CurrentHorizontalTiltAngle: -90 }],
  [BLIND, { HoldPosition: true }, [['open_close', 'stop']]],
  [SHUTTER, { TargetPosition: 100 }, [['open_close', 'open']], { CurrentPosition: 100 }],
  [WINDOW, { TargetPosition: 0 }, [['position', 0]], { CurrentPosition: 0 }],
  [DOOR, { TargetPosition: 0 }, [['open_close', 'close']], { CurrentPosition: 0, PositionState: 2 }],
  [GARAGE, { TargetDoorState: 0 }, [['open_close', 'open']], { CurrentDoorState: 0 }],
  [LOCK, { LockTargetState: 0 }, [['locked', 'unlock']], { LockCurrentState: 0 }],
  [ALARM, { SecuritySystemTargetState: 0 }, [['alarm', 'arm_home']], { SecuritySystemCurrentState: 0 }],
  [RADIATOR, { TargetHeatingCoolingState: 3 }, [['hvac_mode', 'auto']], { TargetHeatingCoolingState: 3 }],
  [RADIATOR, { TargetTemperature: 22.5 }, [['target_temperature', 22.5]], { TargetTemperature: 22.5 }],
  [
    PUMP,
    { HeatingThresholdTemperature: 26 },
    [
      ['target_temperature_low', 26],
      ['target_temperature_high', 26.5],
    ],
    { HeatingThresholdTemperature: 26, CoolingThresholdTemperature: 26.5 },
  ],
  [PUMP, { CoolingThresholdTemperature: 23 }, [['target_temperature_high', 23]]],
  [PUMP, { TargetRelativeHumidity: 60 }, [['target_humidity', 60]], { TargetRelativeHumidity: 60 }],
  [
    PUMP,
    { TargetHeatingCoolingState: 1, TargetTemperature: 20 },
    [
      ['hvac_mode', 'heat'],
      ['target_temperature', 20],
    ],
  ],
  [
    AC,
    { Active: 0 },
    [['hvac_mode', 'off']],
    { Active: 0, CurrentHeaterCoolerState: 0, TargetHeaterCoolerState: 2 },
  ],
  [AC, { Active: 1, TargetHeaterCoolerState: 1 }, [['hvac_mode', 'heat']], { TargetHeaterCoolerState: 1 }],
  [
    AC,
    { CoolingThresholdTemperature: 19 },
    [['target_temperature', 19]],
    { HeatingThresholdTemperature: 19 },
  ],
  [AC, { HeatingThresholdTemperature: 20 }, [['target_temperature', 20]]],
  [AC, { SwingMode: 1 }, [['swing_mode', 'on']], { SwingMode: 1 }],
  [AC, { RotationSpeed: 100 }, [['fan_mode', 'high']], { RotationSpeed: 100, Active: 1 }],
  [AC, { RotationSpeed: 0 }, [['hvac_mode', 'off']], { Active: 0 }],
  [BOILER, { TargetHeatingCoolingState: 0 }, [['mode', 'off']], { TargetHeatingCoolingState: 0 }],
  [BOILER, { TargetTemperature: 55 }, [['target_temperature', 55]], { TargetTemperature: 55 }],
  [FAN, { RotationSpeed: 70 }, [['speed', 75]], { RotationSpeed: 75 }],
  [FAN, { RotationSpeed: 0 }, [['on_off', false]], { Active: 0 }],
  [FAN, { Active: 1 }, [['on_off', true]], { Active: 1 }],
  [FAN, { RotationDirection: 0 }, [['direction', 'forward']], { RotationDirection: 0 }],
  [FAN, { SwingMode: 1 }, [['oscillation', true]], { SwingMode: 1 }],
  [HUMIDIFIER, { Active: 0 }, [['on_off', false]], { Active: 0, CurrentHumidifierDehumidifierState: 0 }],
  [HUMIDIFIER, { RelativeHumidityHumidifierThreshold: 66 }, [['target_humidity', 66]]],
  [DEHUMIDIFIER, { RelativeHumidityDehumidifierThreshold: 45 }, [['target_humidity', 45]]],
  [SPRINKLER, { Active: 1 }, [['open_close', 'open']], { Active: 1, InUse: 1 }],
  [GAS, { On: false }, [['open_close', 'close']], { On: 0 }],
  [VACUUM, { On: true }, [['vacuum', 'start']], { On: 1 }],
  [VACUUM, { On: false }, [['vacuum', 'return_to_base']], { On: 0 }],
  [MOWER, { On: false }, [['lawn_mower', 'dock']], { On: 0 }],
  [SIREN, { On: true }, [['on_off', true]], { On: 1 }],
];

beforeAll(async () => {
  home = await Home.open();
  for (const [name, device] of Object.entries(ACTUATORS)) home.devices.add(name, { name, ...device });
  const part = await home.start({ log });
  controller = await Controller.pair(part);
  accessories = await controller.accessories();
  watcher = await controller.watch(...new Set(READINGS.map(([place, kind]) => key(place, kind))));
});

afterAll(async () => {
  await watcher[Symbol.asyncDispose]();
  await controller[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

beforeEach(() => {
  home.devices.behaviour = 'obey';
  home.devices.commands.length = 0;
});

function key([device, service]: Place, characteristic: TypeName): string {
  return keyOf(accessoryNamed(accessories, device), service, characteristic);
}

async function readValue(place: Place, characteristic: TypeName): Promise<unknown> {
  const [answer] = await controller.read(key(place, characteristic));
  return answer?.value ?? answer?.status;
}

/** Reads it, has the device tell something else, and reads and is told that. */
async function expectReading(
  device: string,
  [place, characteristic, first, told, then]: Reading,
): Promise<void> {
  const what = `${characteristic} ${JSON.stringify(told ?? {})}`;
  reset(device);
  expect(await readValue(place, characteristic), what).toBe(first);
  if (!told) return;
  const known = watcher.events.length;
  home.devices.set(device, told);
  expect(await readValue(place, characteristic), what).toBe(then);
  // What is unknown is told by the next read; what stays the same is no event.
  if (then === first || then === -70403) return;
  const changed = { key: key(place, characteristic), value: then };
  await vi.waitFor(() => expect(watcher.events.slice(known), what).toContainEqual(changed));
}

function reset(device: string): void {
  home.devices.set(device, ACTUATORS[device]?.values ?? {});
}

describe('what Apple Home reads', () => {
  // The library collects events for 250 ms: devices of their own do not wait for each other.
  for (const [device, readings] of Map.groupBy(READINGS, ([[name]]) => name)) {
    test.concurrent(`${device}: ${readings.map(([, characteristic]) => characteristic).join(', ')}`, async () => {
      for (const reading of readings) await expectReading(device, reading);
    });
  }

  test('every device has exactly its one service, and its information', () => {
    for (const accessory of accessories.slice(1)) expect(accessory.services).toHaveLength(2);
    expect(accessories).toHaveLength(1 + Object.keys(ACTUATORS).length);
  });

  test('only what the device can do is offered', () => {
    const offered = ([device, service]: Place, kind: TypeName): unknown =>
      characteristicOf(accessoryNamed(accessories, device), service, kind)['valid-values'];
    expect(offered(RADIATOR, 'TargetHeatingCoolingState')).toEqual([0, 1, 3]);
    expect(offered(BOILER, 'TargetHeatingCoolingState')).toEqual([0, 1]);
    expect(offered(AC, 'TargetHeaterCoolerState')).toEqual([0, 1, 2]);
    expect(offered(ALARM, 'SecuritySystemTargetState')).toEqual([0, 1, 3]);
    const speed = characteristicOf(accessoryNamed(accessories, 'Ceiling fan'), 'Fanv2', 'RotationSpeed');
    expect(speed).toMatchObject({ minValue: 0, maxValue: 100, minStep: 25 });
    const target = characteristicOf(accessoryNamed(accessories, 'Boiler'), 'Thermostat', 'TargetTemperature');
    expect(target).toMatchObject({ minValue: 43.5, maxValue: 60, minStep: 0.5 });
  });
});

describe('what Apple Home writes', () => {
  for (const [place, written, writes, then] of WRITINGS) {
    const [device] = place;
    test(`${device} ${JSON.stringify(written)}`, async () => {
      reset(device);
      if (written.Active === 1) home.devices.set(device, { hvac_mode: 'off', on_off: false });
      if (device === 'Vacuum') home.devices.set(device, { vacuum: written.On ? 'docked' : 'cleaning' });
      const request = Object.entries(written).map(([kind, value]) => [key(place, kind as TypeName), value]);
      const answers = await controller.write(Object.fromEntries(request));
      expect(answers.filter(({ status }) => status)).toEqual([]);
      expect(home.devices.commands.map((command) => command.writes)).toEqual([
        writes.map(([capability, value]) => ({ capability, value })),
      ]);
      for (const [kind, value] of Object.entries(then ?? {})) {
        await vi.waitFor(async () => expect(await readValue(place, kind as TypeName)).toBe(value));
      }
    });
  }

  test.each([
    ['Coded lock', 'LockMechanism', 'LockTargetState', 1],
    ['Coded alarm', 'SecuritySystem', 'SecuritySystemTargetState', 3],
  ] as const)(
    '%s is read only, for Apple Home cannot ask for a code',
    async (device, service, kind, value) => {
      const before = await readValue([device, service], kind);
      const [answer] = await controller.write({ [key([device, service], kind)]: value });
      expect(answer?.status).toBe(-70412);
      expect(home.devices.commands).toEqual([]);
      expect(await readValue([device, service], kind)).toBe(before);
    },
  );

  test('a mode that the device has not is refused', async () => {
    const [answer] = await controller.write({ [key(RADIATOR, 'TargetHeatingCoolingState')]: 2 });
    expect(answer?.status).toBe(-70410);
  });

  test('drying is shown as cooling and not turned into it by a scene', async () => {
    home.devices.set('Air conditioner', { hvac_mode: 'dry' });
    await controller.write({ [key(AC, 'Active')]: 1, [key(AC, 'TargetHeaterCoolerState')]: 2 });
    expect(home.devices.commands).toEqual([]);
    expect(await readValue(AC, 'TargetHeaterCoolerState')).toBe(2);
  });

  test('who commanded locks, garage doors and alarms is in the log', async () => {
    lines.length = 0;
    reset('Front lock');
    await controller.write({ [key(LOCK, 'LockTargetState')]: 0 });
    await controller.write({ [key(['Coded lock', 'LockMechanism'], 'LockTargetState')]: 0 });
    await controller.write({ [key(SIREN, 'On')]: false });
    const told = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ asked }) => asked);
    expect(told).toMatchObject([
      { entityId: 'Front lock', origin: expect.stringMatching(/^homekit:./), asked: { LockTargetState: 0 } },
      { entityId: 'Coded lock', msg: expect.stringContaining('not taken') },
    ]);
  });

  test('identify starts no siren, no vacuum and no water', async () => {
    for (const device of ['Siren', 'Vacuum', 'Gas valve', 'Sprinkler']) {
      await controller.write({ [key([device, 'AccessoryInformation'], 'Identify')]: true });
    }
    expect(servicesOf(accessoryNamed(accessories, 'Siren'), 'Switch')).toHaveLength(1);
    expect(home.devices.commands).toEqual([]);
  });
});

test('limits that a device no longer has are gone from Apple Home', async () => {
  const [device, service] = SHUTTER;
  const targetOf = async (): Promise<unknown> =>
    characteristicOf(accessoryNamed(await controller.accessories(), device), service, 'TargetPosition');
  expect(await targetOf()).toMatchObject({ minStep: 100 });
  const before = ACTUATORS.Shutter?.capabilities ?? [];
  home.devices.change(device, { capabilities: [...before, settable('position', 'cover/shutter')] });
  await vi.waitFor(async () => expect(await targetOf()).toMatchObject({ minStep: 1 }));
});
