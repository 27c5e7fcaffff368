import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { StartError } from '../../src/base/errors.ts';
import { accessoryNamed, Controller, keyOf, servicesOf, structureOf, valueOf } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home, newLog } from './home.ts';

let home: Home;
beforeEach(async () => {
  home = await Home.open();
  home.devices.add('01-lamp', {
    name: 'Lamp',
    capabilities: [capability('on_off', 'light/lamp'), capability('brightness', 'light/lamp')],
    values: { on_off: true, brightness: 50 },
  });
  home.devices.add('02-relay', {
    name: 'Relay',
    capabilities: [capability('on_off', 'switch/relay')],
    values: { on_off: false },
  });
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
});

const sensor = {
  name: 'Sensor',
  capabilities: [capability('temperature', 'sensor/late')],
  values: { temperature: 20 },
};

describe('pairing', () => {
  test('a controller pairs with the code, a wrong code and a second pairing are refused', async () => {
    const { log, lines } = newLog();
    const part = await home.start({ log });
    expect(part.paired).toBe(false);
    await using wrong = new Controller(part);
    await expect(wrong.pair(part.pin === '111-22-333' ? '111-22-334' : '111-22-333')).rejects.toThrow('M4');
    await using controller = await Controller.pair(part);
    expect(part.paired).toBe(true);
    await using second = new Controller(part);
    await expect(second.pair(part.pin)).rejects.toThrow('M2: Error: 6');
    await controller.unpair();
    await vi.waitFor(() => expect(part.paired).toBe(false));
    expect(lines.join('')).toContain('the hub was added to Apple Home');
    expect(lines.join('')).toContain('the hub was removed from Apple Home');
    expect(lines.join('')).not.toContain(part.pin);
  });

  test('an unpaired bridge answers identify', async () => {
    const part = await home.start();
    await using controller = new Controller(part);
    await controller.identify();
  });

  test('code, identity and pairing survive a restart, and a code from outside replaces the printed one', async () => {
    const first = await home.start();
    expect(first.pin).toMatch(/^\d{3}-\d{2}-\d{3}$/);
    expect(first.setupUri).toMatch(/^X-HM:\/\/[0-9A-Z]{13}$/);
    expect(Number.parseInt(first.username.slice(0, 2), 16) & 0x03).toBe(0x02);
    const pairing = await (async () => {
      await using controller = await Controller.pair(first);
      return controller.pairing;
    })();
    const second = await home.start();
    expect([second.pin, second.username, second.setupUri]).toEqual([
      first.pin,
      first.username,
      first.setupUri,
    ]);
    expect(second.paired).toBe(true);
    const third = await home.start({ pin: '314-15-926' });
    expect(third.pin).toBe('314-15-926');
    expect(third.setupUri).not.toBe(first.setupUri);
    await using controller = new Controller(third, pairing);
    expect(accessoryNamed(await controller.accessories(), 'Lamp')).toBeDefined();
  });

  test('a malformed and a forbidden code stop the start as bad configuration', async () => {
    for (const pin of ['12345678', '123-45-678', '777-77-777']) {
      const failure = await home.start({ pin }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StartError);
      expect((failure as StartError).badConfiguration).toBe(true);
    }
  });
});

describe('identity of accessories', () => {
  test('ids survive a restart, whatever the order of the devices, and c# stays', async () => {
    await using controller = await Controller.pair(await home.start());
    const before = await controller.accessories();
    const number = home.configurationNumber();
    home.devices.change('02-relay', { name: 'A relay' });
    const part = await home.start();
    await using again = new Controller(part, controller.pairing);
    const after = await again.accessories();
    expect(structureOf(accessoryNamed(after, 'A relay'))).toEqual(
      structureOf(accessoryNamed(before, 'Relay')),
    );
    expect(structureOf(accessoryNamed(after, 'Lamp'))).toEqual(structureOf(accessoryNamed(before, 'Lamp')));
    expect(home.configurationNumber()).toBe(number);
  });

  test('a rename shows at once as an event and changes no id and no c#', async () => {
    const part = await home.start();
    await using controller = await Controller.pair(part);
    const before = await controller.accessories();
    const number = home.configurationNumber();
    const name = keyOf(accessoryNamed(before, 'Lamp'), 'Lightbulb', 'ConfiguredName');
    await using watcher = await controller.watch(name);
    home.devices.change('01-lamp', { name: 'Küche 💡 Tisch!' });
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: name, value: 'Küche Tisch' }]));
    const after = await controller.accessories();
    expect(after.map(structureOf)).toEqual(before.map(structureOf));
    expect(valueOf(accessoryNamed(after, 'Küche Tisch'), 'Lightbulb', 'Name')).toBe('Küche Tisch');
    expect(home.configurationNumber()).toBe(number);
  });

  test('a name given in Apple Home stays through renames and restarts of the hub', async () => {
    await using controller = await Controller.pair(await home.start());
    const accessories = await controller.accessories();
    const name = keyOf(accessoryNamed(accessories, 'Lamp'), 'Lightbulb', 'ConfiguredName');
    const echoed = keyOf(accessoryNamed(accessories, 'Relay'), 'Switch', 'ConfiguredName');
    await controller.write({ [name]: 'My light', [echoed]: 'Relay' });
    home.devices.change('01-lamp', { name: 'Ceiling' });
    home.devices.change('02-relay', { name: 'Boiler' });
    expect(await controller.read(name, echoed)).toMatchObject([{ value: 'My light' }, { value: 'Boiler' }]);
    await using again = new Controller(await home.start(), controller.pairing);
    expect(await again.read(name)).toMatchObject([{ value: 'My light' }]);
  });

  test('a device that comes late gets an accessory of its own, raises c# once and moves nobody', async () => {
    const part = await home.start();
    await using controller = await Controller.pair(part);
    const before = await controller.accessories();
    const number = home.configurationNumber();
    home.devices.add('03-late', sensor);
    await vi.waitFor(() => expect(part.accessoryCount).toBe(3));
    await vi.waitFor(() => expect(home.configurationNumber()).toBe(number + 1), { timeout: 3000 });
    const after = await controller.accessories();
    expect(after.slice(0, before.length).map(structureOf)).toEqual(before.map(structureOf));
    expect(valueOf(accessoryNamed(after, 'Sensor'), 'TemperatureSensor', 'CurrentTemperature')).toBe(20);
  });

  test('a device that is removed and comes back has its old id, also after a restart in between', async () => {
    home.devices.add('03-late', sensor);
    const part = await home.start();
    await using controller = await Controller.pair(part);
    const before = structureOf(accessoryNamed(await controller.accessories(), 'Sensor'));
    home.devices.remove('03-late');
    await vi.waitFor(() => expect(part.accessoryCount).toBe(2));
    await using second = new Controller(await home.start(), controller.pairing);
    expect(await second.accessories()).toHaveLength(3);
    await home.stop();
    home.devices.add('04-other', { ...sensor, name: 'Other' });
    const again = await home.start();
    home.devices.add('03-late', sensor);
    await vi.waitFor(() => expect(again.accessoryCount).toBe(4));
    await using third = new Controller(again, controller.pairing);
    expect(structureOf(accessoryNamed(await third.accessories(), 'Sensor'))).toEqual(before);
  });

  test('a device that is offline at the start keeps its accessory and shows its last values afterwards', async () => {
    await using controller = await Controller.pair(await home.start());
    const before = structureOf(accessoryNamed(await controller.accessories(), 'Relay'));
    home.devices.setAvailable('02-relay', false);
    await using again = new Controller(await home.start(), controller.pairing);
    const relay = accessoryNamed(await again.accessories(), 'Relay');
    expect(structureOf(relay)).toEqual(before);
    const on = keyOf(relay, 'Switch', 'On');
    expect(await again.read(on)).toMatchObject([{ status: -70402 }]);
    home.devices.setAvailable('02-relay', true);
    expect(await again.read(on)).toMatchObject([{ value: 0 }]);
  });

  test('a feature that is added or dropped leaves the ids of the others alone', async () => {
    const part = await home.start();
    await using controller = await Controller.pair(part);
    const before = accessoryNamed(await controller.accessories(), 'Lamp');
    const on = keyOf(before, 'Lightbulb', 'On');
    const brightness = keyOf(before, 'Lightbulb', 'Brightness');
    home.devices.change('01-lamp', {
      capabilities: [
        capability('on_off', 'light/lamp'),
        capability('color_temperature', 'light/lamp'),
        capability('motion', 'binary_sensor/lamp'),
      ],
    });
    await vi.waitFor(async () => {
      const lamp = accessoryNamed(await controller.accessories(), 'Lamp');
      expect(servicesOf(lamp, 'MotionSensor')).toHaveLength(1);
      expect(keyOf(lamp, 'Lightbulb', 'ColorTemperature')).toBeDefined();
      expect(() => keyOf(lamp, 'Lightbulb', 'Brightness')).toThrow('no Lightbulb.Brightness');
      expect(keyOf(lamp, 'Lightbulb', 'On')).toBe(on);
    });
    home.devices.change('01-lamp', {
      capabilities: [capability('on_off', 'light/lamp'), capability('brightness', 'light/lamp')],
    });
    await vi.waitFor(async () => {
      const lamp = accessoryNamed(await controller.accessories(), 'Lamp');
      expect(keyOf(lamp, 'Lightbulb', 'Brightness')).toBe(brightness);
      expect(servicesOf(lamp, 'MotionSensor')).toHaveLength(0);
    });
  });

  test('a tile stays a switch when a power meter is discovered later', async () => {
    const part = await home.start();
    await using controller = await Controller.pair(part);
    const before = structureOf(accessoryNamed(await controller.accessories(), 'Relay'));
    home.devices.change('02-relay', {
      capabilities: [capability('on_off', 'switch/relay'), capability('power', 'sensor/relay')],
    });
    await using again = new Controller(await home.start(), controller.pairing);
    expect(structureOf(accessoryNamed(await again.accessories(), 'Relay'))).toEqual(before);
  });

  test('equal names are numbered and equal serial numbers are replaced', async () => {
    home.devices.add('03-a', { ...sensor, serialNumber: '0000' });
    home.devices.add('04-b', { ...sensor, serialNumber: '0000' });
    await using controller = await Controller.pair(await home.start());
    const accessories = await controller.accessories();
    const [first, second] = ['Sensor', 'Sensor 2'].map((name) => accessoryNamed(accessories, name));
    expect(first && valueOf(first, 'AccessoryInformation', 'SerialNumber')).toBe('03-a');
    expect(second && valueOf(second, 'AccessoryInformation', 'SerialNumber')).toBe('04-b');
  });
});
