import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import type { HapAccessory, TypeName } from './controller.ts';

import { accessoryNamed, characteristicOf, Controller, keyOf, servicesOf, valueOf } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home } from './home.ts';

let home: Home;
let controller: Controller;
let accessories: HapAccessory[];

const LIGHT = 'light/lamp';
const lamp = [
  capability('on_off', LIGHT),
  capability('brightness', LIGHT, { range: { min: 1, max: 100 } }),
  capability('color_hs', LIGHT),
  capability('color_temperature', LIGHT, { range: { min: 153, max: 454 } }),
];

beforeAll(async () => {
  home = await Home.open();
  home.devices.add('lamp', {
    name: 'Reading lamp',
    capabilities: lamp,
    values: { on_off: true, brightness: 40, color_hs: { hue: 120, saturation: 80 }, color_temperature: 300 },
    manufacturer: 'Lumen & Co',
    model: 'L-100',
    swVersion: '20240726-134416/1.4.0-gb2aeadb',
    serialNumber: 'SN-77',
  });
  home.devices.add('relay', {
    name: 'Relay',
    capabilities: [capability('on_off', 'switch/relay')],
    values: { on_off: false },
  });
  home.devices.add('plug', {
    name: 'Plug',
    capabilities: [
      capability('on_off', 'switch/plug'),
      capability('power', 'sensor/plug/power', { category: 'diagnostic' }),
    ],
    values: { on_off: true, power: 1.2 },
  });
  home.devices.add('socket', {
    name: 'Socket',
    capabilities: [capability('on_off', 'switch/socket', { device_class: 'outlet' })],
    values: { on_off: true },
  });
  home.devices.add('weather', {
    name: 'Weather',
    capabilities: [
      capability('temperature', 'sensor/weather/t'),
      capability('humidity', 'sensor/weather/h', { label: 'Damp' }),
      capability('battery', 'sensor/weather/b', { category: 'diagnostic' }),
      capability('pressure', 'sensor/weather/p'),
    ],
    values: { temperature: -7.46, humidity: 61.7, battery: 15 },
  });
  home.devices.add('binary', {
    name: 'Binary',
    capabilities: [
      capability('motion', 'binary_sensor/m'),
      capability('contact', 'binary_sensor/c'),
      capability('leak', 'binary_sensor/l'),
      capability('occupancy', 'binary_sensor/o'),
      capability('battery_low', 'binary_sensor/b'),
    ],
    values: { motion: true, contact: true, leak: false, occupancy: true, battery_low: false },
  });
  home.devices.add('hidden', {
    name: 'Hidden',
    capabilities: [
      capability('temperature', 'sensor/hidden/chip', { category: 'diagnostic' }),
      capability('on_off', 'switch/hidden/child-lock', { category: 'config' }),
      capability('motion', 'binary_sensor/hidden/x', { enabled_by_default: false }),
      capability('battery', 'sensor/hidden/b'),
    ],
  });
  const part = await home.start();
  controller = await Controller.pair(part);
  accessories = await controller.accessories();
});

afterAll(async () => {
  await controller[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

beforeEach(() => {
  home.devices.behaviour = 'obey';
  home.devices.commands.length = 0;
});

function key(name: string, service: TypeName, characteristic: TypeName): string {
  return keyOf(accessoryNamed(accessories, name), service, characteristic);
}

async function readValue(name: string, service: TypeName, characteristic: TypeName): Promise<unknown> {
  const [answer] = await controller.read(key(name, service, characteristic));
  return answer?.value ?? answer?.status;
}

describe('what Apple Home is shown', () => {
  test('a device with nothing but settings, diagnostics, disabled features and a battery has no accessory', () => {
    const names = accessories.map((accessory) => valueOf(accessory, 'AccessoryInformation', 'Name'));
    expect(names).not.toContain('Hidden');
    expect(accessories).toHaveLength(1 + 6);
  });

  test('the maker, model, serial number and the first numeric triple of the firmware are shown', () => {
    const shown = accessoryNamed(accessories, 'Reading lamp');
    expect(valueOf(shown, 'AccessoryInformation', 'Manufacturer')).toBe('Lumen & Co');
    expect(valueOf(shown, 'AccessoryInformation', 'Model')).toBe('L-100');
    expect(valueOf(shown, 'AccessoryInformation', 'SerialNumber')).toBe('SN-77');
    expect(valueOf(shown, 'AccessoryInformation', 'FirmwareRevision')).toBe('1.4.0');
    const plain = accessoryNamed(accessories, 'Relay');
    expect(valueOf(plain, 'AccessoryInformation', 'SerialNumber')).toBe('relay');
    expect(valueOf(plain, 'AccessoryInformation', 'FirmwareRevision')).toBe('0.0.1');
  });

  test('a lamp is a Lightbulb with its values and its own white range', async () => {
    const shown = accessoryNamed(accessories, 'Reading lamp');
    expect(valueOf(shown, 'Lightbulb', 'On')).toBe(1);
    expect(valueOf(shown, 'Lightbulb', 'Brightness')).toBe(40);
    expect(valueOf(shown, 'Lightbulb', 'Hue')).toBe(120);
    expect(valueOf(shown, 'Lightbulb', 'Saturation')).toBe(80);
    expect(characteristicOf(shown, 'Lightbulb', 'ColorTemperature')).toMatchObject({
      value: 300,
      minValue: 153,
      maxValue: 454,
    });
    expect(await readValue('Reading lamp', 'Lightbulb', 'ColorTemperature')).toBe(300);
  });

  test('a relay is a Switch, a metered one and one of class outlet are Outlets', () => {
    expect(servicesOf(accessoryNamed(accessories, 'Relay'), 'Switch')).toHaveLength(1);
    expect(servicesOf(accessoryNamed(accessories, 'Plug'), 'Outlet')).toHaveLength(1);
    expect(servicesOf(accessoryNamed(accessories, 'Socket'), 'Outlet')).toHaveLength(1);
  });

  test('a metered outlet is in use above 2 W, one without a meter when it is on', async () => {
    expect(await readValue('Plug', 'Outlet', 'OutletInUse')).toBe(0);
    home.devices.set('plug', { power: 2.5 });
    expect(await readValue('Plug', 'Outlet', 'OutletInUse')).toBe(1);
    expect(await readValue('Socket', 'Outlet', 'OutletInUse')).toBe(1);
  });

  test('sensors show rounded values', async () => {
    expect(await readValue('Weather', 'TemperatureSensor', 'CurrentTemperature')).toBe(-7.5);
    expect(await readValue('Weather', 'HumiditySensor', 'CurrentRelativeHumidity')).toBe(62);
    expect(await readValue('Binary', 'MotionSensor', 'MotionDetected')).toBe(1);
    expect(await readValue('Binary', 'ContactSensor', 'ContactSensorState')).toBe(1);
    expect(await readValue('Binary', 'LeakSensor', 'LeakDetected')).toBe(0);
    expect(await readValue('Binary', 'OccupancySensor', 'OccupancyDetected')).toBe(1);
  });

  test('a battery shows its level and is low below 20 %, or when the device says so', async () => {
    expect(await readValue('Weather', 'Battery', 'BatteryLevel')).toBe(15);
    expect(await readValue('Weather', 'Battery', 'StatusLowBattery')).toBe(1);
    expect(await readValue('Binary', 'Battery', 'StatusLowBattery')).toBe(0);
    home.devices.set('binary', { battery_low: true });
    expect(await readValue('Binary', 'Battery', 'StatusLowBattery')).toBe(1);
  });

  test('the main feature is named after the device, further ones say what they are', () => {
    const weather = accessoryNamed(accessories, 'Weather');
    expect(valueOf(weather, 'TemperatureSensor', 'ConfiguredName')).toBe('Weather');
    expect(valueOf(weather, 'HumiditySensor', 'ConfiguredName')).toBe('Damp');
    const binary = accessoryNamed(accessories, 'Binary');
    expect(valueOf(binary, 'ContactSensor', 'Name')).toBe('Contact');
  });
});

describe('writes', () => {
  test('a write becomes one command with its origin, and the report of the device is read back', async () => {
    const [answer] = await controller.write({ [key('Relay', 'Switch', 'On')]: true });
    expect(answer).toBeDefined();
    expect(answer?.status).toBeUndefined();
    expect(home.devices.commands).toEqual([
      {
        entityId: 'relay',
        writes: [{ capability: 'on_off', value: true }],
        origin: expect.stringMatching(/^homekit:./),
        confirmWithinMs: 0,
      },
    ]);
    await vi.waitFor(() => expect(home.devices.view('relay')?.values.get('on_off')?.value).toBe(true));
    expect(await readValue('Relay', 'Switch', 'On')).toBe(1);
  });

  test('on, brightness, hue and saturation of one request are one command', async () => {
    await controller.write({
      [key('Reading lamp', 'Lightbulb', 'Hue')]: 200,
      [key('Reading lamp', 'Lightbulb', 'Saturation')]: 55,
      [key('Reading lamp', 'Lightbulb', 'On')]: true,
      [key('Reading lamp', 'Lightbulb', 'Brightness')]: 70,
    });
    expect(home.devices.commands.map(({ writes }) => writes)).toEqual([
      [
        { capability: 'on_off', value: true },
        { capability: 'brightness', value: 70 },
        { capability: 'color_hs', value: { hue: 200, saturation: 55 } },
      ],
    ]);
  });

  test('hue and saturation in two requests are one command', async () => {
    await controller.write({ [key('Reading lamp', 'Lightbulb', 'Hue')]: 10 });
    await controller.write({ [key('Reading lamp', 'Lightbulb', 'Saturation')]: 90 });
    await vi.waitFor(() => expect(home.devices.commands).toHaveLength(1));
    expect(home.devices.commands[0]?.writes).toEqual([
      { capability: 'color_hs', value: { hue: 10, saturation: 90 } },
    ]);
  });

  test('a hue that stays alone is sent with the saturation that the lamp has', async () => {
    home.devices.set('lamp', { color_hs: { hue: 10, saturation: 33 } });
    await controller.write({ [key('Reading lamp', 'Lightbulb', 'Hue')]: 300 });
    await vi.waitFor(() => expect(home.devices.commands).toHaveLength(1));
    expect(home.devices.commands[0]?.writes).toEqual([
      { capability: 'color_hs', value: { hue: 300, saturation: 33 } },
    ]);
  });

  test('a colour temperature is written in mired, and one outside the range of the lamp is refused', async () => {
    await controller.write({ [key('Reading lamp', 'Lightbulb', 'ColorTemperature')]: 250 });
    expect(home.devices.commands.map(({ writes }) => writes)).toEqual([
      [{ capability: 'color_temperature', value: 250 }],
    ]);
    const [answer] = await controller.write({ [key('Reading lamp', 'Lightbulb', 'ColorTemperature')]: 480 });
    expect(answer?.status).toBe(-70410);
  });

  test('brightness 0 switches off', async () => {
    await controller.write({
      [key('Reading lamp', 'Lightbulb', 'On')]: true,
      [key('Reading lamp', 'Lightbulb', 'Brightness')]: 0,
    });
    expect(home.devices.commands.map(({ writes }) => writes)).toEqual([
      [{ capability: 'on_off', value: false }],
    ]);
  });

  test('a command that the transport refuses is an error for the controller', async () => {
    home.devices.behaviour = 'fail';
    const [answer] = await controller.write({ [key('Socket', 'Outlet', 'On')]: false });
    expect(answer?.status).toBe(-70402);
    expect(await readValue('Socket', 'Outlet', 'On')).toBe(1);
  });

  test('the old value comes back when the device does not follow', async () => {
    home.devices.behaviour = 'ignore';
    const on = key('Socket', 'Outlet', 'On');
    await using watcher = await controller.watch(on);
    await controller.write({ [on]: false });
    expect(await readValue('Socket', 'Outlet', 'On')).toBe(0);
    await vi.waitFor(() =>
      expect(watcher.events).toEqual([
        { key: on, value: 0 },
        { key: on, value: 1 },
      ]),
    );
    expect(await readValue('Socket', 'Outlet', 'On')).toBe(1);
  });
});

describe('events', () => {
  test('a change of state arrives at a subscribed controller', async () => {
    const temperature = key('Weather', 'TemperatureSensor', 'CurrentTemperature');
    await using watcher = await controller.watch(temperature);
    home.devices.set('weather', { temperature: 21.44 });
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: temperature, value: 21.4 }]));
  });

  test('a change that rounds to the same value is no event', async () => {
    const temperature = key('Weather', 'TemperatureSensor', 'CurrentTemperature');
    const humidity = key('Weather', 'HumiditySensor', 'CurrentRelativeHumidity');
    home.devices.set('weather', { temperature: 20.01, humidity: 50 });
    await controller.read(temperature);
    await using watcher = await controller.watch(temperature, humidity);
    home.devices.set('weather', { temperature: 20.04 });
    home.devices.set('weather', { humidity: 51 });
    await vi.waitFor(() => expect(watcher.events).toContainEqual({ key: humidity, value: 51 }));
    expect(watcher.events.filter((event) => event.key === temperature && event.value !== 20)).toEqual([]);
  });

  test('motion does not wait for the events that are gathered', async () => {
    const motion = key('Binary', 'MotionSensor', 'MotionDetected');
    await using watcher = await controller.watch(motion);
    const begunMs = performance.now();
    home.devices.set('binary', { motion: false });
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: motion, value: 0 }]), { interval: 5 });
    // The library gathers other events for 250 ms.
    expect(performance.now() - begunMs).toBeLessThan(200);
  });
});

describe('unknown and offline', () => {
  test('a value that nobody told is an error, never 0', async () => {
    home.devices.set('weather', { temperature: null });
    expect(await readValue('Weather', 'TemperatureSensor', 'CurrentTemperature')).toBe(-70403);
    home.devices.set('weather', { temperature: Number.NaN });
    expect(await readValue('Weather', 'TemperatureSensor', 'CurrentTemperature')).toBe(-70403);
    home.devices.set('weather', { temperature: 19 });
    expect(await readValue('Weather', 'TemperatureSensor', 'CurrentTemperature')).toBe(19);
  });

  test('a device that is offline answers -70402 to reads and writes, and nothing is sent', async () => {
    const on = key('Relay', 'Switch', 'On');
    home.devices.setAvailable('relay', false);
    expect(await readValue('Relay', 'Switch', 'On')).toBe(-70402);
    const [answer] = await controller.write({ [on]: true });
    expect(answer?.status).toBe(-70402);
    expect(home.devices.commands).toEqual([]);
  });

  test('a device that comes back with the same value is an event, so that open tiles recover', async () => {
    const contact = key('Binary', 'ContactSensor', 'ContactSensorState');
    await using watcher = await controller.watch(contact);
    home.devices.setAvailable('binary', false);
    expect(await readValue('Binary', 'ContactSensor', 'ContactSensorState')).toBe(-70402);
    home.devices.setAvailable('binary', true);
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: contact, value: 1 }]));
    expect(await readValue('Binary', 'ContactSensor', 'ContactSensorState')).toBe(1);
  });

  test('a lamp in white mode that tells no colour shows the colour of its white', async () => {
    home.devices.set('lamp', { on_off: true, color_hs: null, color_temperature: 370 });
    expect(await readValue('Reading lamp', 'Lightbulb', 'Hue')).toBeGreaterThan(20);
    expect(await readValue('Reading lamp', 'Lightbulb', 'Saturation')).toBeGreaterThan(20);
  });

  test('identify blinks twice and leaves the device as it was', async () => {
    home.devices.set('socket', { on_off: true });
    await controller.write({ [key('Socket', 'AccessoryInformation', 'Identify')]: true });
    await vi.waitFor(() => expect(home.devices.commands).toHaveLength(4), { timeout: 5000 });
    expect(home.devices.commands.map(({ writes }) => writes[0]?.value)).toEqual([false, true, false, true]);
  });
});
