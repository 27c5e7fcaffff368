import { Characteristic } from '@homebridge/hap-nodejs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { CapabilityKind, CapabilityValue } from '../../src/devices/types.ts';
import type { HapAccessory, TypeName } from './controller.ts';

import { planServices } from '../../src/homekit/device-plan.ts';
import { accessoryNamed, Controller, keyOf, servicesOf, valueOf } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home, newLog } from './home.ts';

let home: Home;
let controller: Controller;
let accessories: HapAccessory[];
const { log, lines } = newLog();

beforeAll(async () => {
  home = await Home.open();
  home.devices.add('air', {
    name: 'Air',
    capabilities: [
      capability('temperature', 'sensor/air/t'),
      capability('co2', 'sensor/air/co2'),
      capability('pm25', 'sensor/air/pm25'),
      capability('pm10', 'sensor/air/pm10'),
      capability('voc', 'sensor/air/voc'),
      capability('aqi', 'sensor/air/aqi'),
      capability('pm25', 'sensor/air/outdoors', { name: 'pm25:outdoors', label: 'Outdoors' }),
      capability('illuminance', 'sensor/air/lux'),
      capability('pm1', 'sensor/air/pm1'),
    ],
    values: {
      temperature: 20,
      co2: 1000,
      pm25: 12,
      pm10: 20,
      voc: 2000,
      aqi: 300,
      'pm25:outdoors': 80,
      illuminance: 0,
    },
  });
  home.devices.add('alarms', {
    name: 'Alarms',
    capabilities: [
      capability('smoke', 'binary_sensor/alarms/smoke'),
      capability('co_detected', 'binary_sensor/alarms/co'),
      capability('gas_detected', 'binary_sensor/alarms/gas'),
      capability('co', 'sensor/alarms/co'),
      capability('tamper', 'binary_sensor/alarms/tamper', { category: 'diagnostic' }),
      capability('contact', 'binary_sensor/alarms/lid'),
    ],
    values: { smoke: false, co_detected: false, gas_detected: true, co: 30, contact: null },
  });
  home.devices.add('meter', {
    name: 'Meter',
    capabilities: [capability('on_off', 'switch/meter'), capability('power', 'sensor/meter/power')],
    values: { on_off: true, power: 0 },
  });
  home.devices.add('graph-only', {
    name: 'Graph only',
    capabilities: (
      [
        'problem',
        'vibration',
        'sound',
        'connectivity',
        'tamper',
        'voltage',
        'current',
        'pressure',
        'pm1',
        'energy',
      ] as const
    ).map((kind) => capability(kind, `sensor/graph-only/${kind}`)),
  });
  home.devices.add('momentary', {
    name: 'Momentary',
    capabilities: [
      capability('button', 'button/momentary', { writable: true }),
      capability('scene', 'scene/momentary', { writable: true }),
    ],
  });
  controller = await Controller.pair(await home.start({ log }));
  accessories = await controller.accessories();
});

afterAll(async () => {
  await controller[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

function key(name: string, service: TypeName, characteristic: TypeName, index = 0): string {
  const accessory = accessoryNamed(accessories, name);
  const found = servicesOf(accessory, service)[index];
  if (!found) throw new Error(`no ${service} ${index} of ${name}`);
  return keyOf({ ...accessory, services: [found] }, service, characteristic);
}

async function readValue(
  name: string,
  service: TypeName,
  characteristic: TypeName,
  index = 0,
): Promise<unknown> {
  const [answer] = await controller.read(key(name, service, characteristic, index));
  return answer?.value ?? answer?.status;
}

describe('what is measured', () => {
  test('darkness is the least light that HomeKit takes', async () => {
    expect(await readValue('Air', 'LightSensor', 'CurrentAmbientLightLevel')).toBe(0.0001);
    home.devices.set('air', { illuminance: 431.27 });
    expect(await readValue('Air', 'LightSensor', 'CurrentAmbientLightLevel')).toBe(431.3);
  });

  test('carbon dioxide has its level and is detected above 1000 ppm', async () => {
    expect(await readValue('Air', 'CarbonDioxideSensor', 'CarbonDioxideLevel')).toBe(1000);
    expect(await readValue('Air', 'CarbonDioxideSensor', 'CarbonDioxideDetected')).toBe(0);
    home.devices.set('air', { co2: 1000.6 });
    expect(await readValue('Air', 'CarbonDioxideSensor', 'CarbonDioxideDetected')).toBe(1);
    expect(await readValue('Air', 'CarbonDioxideSensor', 'CarbonDioxideLevel')).toBe(1001);
  });

  test('a device has one air quality, the worst of its measures, with all densities', async () => {
    expect(servicesOf(accessoryNamed(accessories, 'Air'), 'AirQualitySensor')).toHaveLength(2);
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality')).toBe(3);
    expect(await readValue('Air', 'AirQualitySensor', 'PM2_5Density')).toBe(12);
    expect(await readValue('Air', 'AirQualitySensor', 'PM10Density')).toBe(20);
    expect(await readValue('Air', 'AirQualitySensor', 'VOCDensity')).toBe(1000);
    home.devices.set('air', { pm25: 76 });
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality')).toBe(5);
  });

  test('a second sensor of a kind has an air quality of its own', async () => {
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality', 1)).toBe(5);
    expect(await readValue('Air', 'AirQualitySensor', 'PM2_5Density', 1)).toBe(80);
  });

  test('the index counts when nothing is measured, and without either the quality is unknown', async () => {
    home.devices.set('air', { pm25: null, pm10: null, voc: null });
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality')).toBe(5);
    home.devices.set('air', { aqi: 51 });
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality')).toBe(2);
    home.devices.set('air', { aqi: null });
    expect(await readValue('Air', 'AirQualitySensor', 'AirQuality')).toBe(0);
    expect(await readValue('Air', 'AirQualitySensor', 'PM2_5Density')).toBe(-70403);
  });

  test('a meter that hovers around 2 W reaches phones at once, and then every five seconds at most', async () => {
    const inUse = key('Meter', 'Outlet', 'OutletInUse');
    await using watcher = await controller.watch(inUse);
    const begunMs = performance.now();
    home.devices.set('meter', { power: 60 });
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: inUse, value: 1 }]));
    for (const power of [1, 60, 1, 60, 1]) home.devices.set('meter', { power });
    await vi.waitFor(() => expect(watcher.events).toHaveLength(2), { timeout: 7000 });
    expect(watcher.events[1]).toEqual({ key: inUse, value: 0 });
    expect(performance.now() - begunMs).toBeGreaterThan(4900);
  });

  test('a read is not held back', async () => {
    for (const power of [60, 1, 60]) home.devices.set('meter', { power });
    expect(await readValue('Meter', 'Outlet', 'OutletInUse')).toBe(1);
  });
});

describe('alarms', () => {
  test('smoke is told', async () => {
    const smoke = key('Alarms', 'SmokeSensor', 'SmokeDetected');
    expect(await readValue('Alarms', 'SmokeSensor', 'SmokeDetected')).toBe(0);
    await using watcher = await controller.watch(smoke);
    home.devices.set('alarms', { smoke: true });
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: smoke, value: 1 }]));
  });

  test('carbon monoxide and gas by the judgement of the device, a level above 25 ppm', async () => {
    const detected = async (index: number): Promise<unknown> =>
      await readValue('Alarms', 'CarbonMonoxideSensor', 'CarbonMonoxideDetected', index);
    expect([await detected(0), await detected(1), await detected(2)]).toEqual([0, 1, 1]);
    expect(await readValue('Alarms', 'CarbonMonoxideSensor', 'CarbonMonoxideLevel', 2)).toBe(30);
    const gas = servicesOf(accessoryNamed(accessories, 'Alarms'), 'CarbonMonoxideSensor')[1];
    expect(gas?.characteristics.some(({ value }) => value === 'Gas')).toBe(true);
  });

  test('a cover that is opened shows on each detector, and an unknown one never is an error', async () => {
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusTampered')).toBe(0);
    home.devices.set('alarms', { tamper: true });
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusTampered')).toBe(1);
    expect(await readValue('Alarms', 'ContactSensor', 'StatusTampered')).toBe(1);
  });

  test('a detector that is there without a value is at fault, one that is away is not active', async () => {
    expect(await readValue('Alarms', 'ContactSensor', 'StatusFault')).toBe(1);
    expect(await readValue('Alarms', 'ContactSensor', 'ContactSensorState')).toBe(-70403);
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusFault')).toBe(0);
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusActive')).toBe(1);
    const active = key('Alarms', 'SmokeSensor', 'StatusActive');
    await using watcher = await controller.watch(active);
    home.devices.setAvailable('alarms', false);
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key: active, value: 0 }]));
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusActive')).toBe(0);
    expect(await readValue('Alarms', 'SmokeSensor', 'SmokeDetected')).toBe(-70402);
    home.devices.setAvailable('alarms', true);
    expect(await readValue('Alarms', 'SmokeSensor', 'StatusActive')).toBe(1);
  });
});

test('the library has nothing to complain about', () => {
  expect(lines.filter((line) => line.includes('the HomeKit library'))).toEqual([]);
});

test('what Apple Home has no good tile for stays in the graph', () => {
  const names = accessories.map((accessory) => valueOf(accessory, 'AccessoryInformation', 'Name'));
  expect(names).not.toContain('Graph only');
  expect(names).not.toContain('Momentary');
});

describe('whatever a device reports', () => {
  const kinds: CapabilityKind[] = [
    'temperature',
    'humidity',
    'illuminance',
    'co2',
    'co',
    'pm25',
    'pm10',
    'voc',
    'aqi',
    'battery',
    'battery_low',
    'motion',
    'contact',
    'leak',
    'occupancy',
    'smoke',
    'co_detected',
    'gas_detected',
    'tamper',
  ];
  const capabilities = kinds.map((kind) => capability(kind, `sensor/any/${kind}`));
  const plans = planServices({ capabilities });
  const value: fc.Arbitrary<CapabilityValue | undefined> = fc.oneof(
    fc.double(),
    fc.integer({ min: -500, max: 200_000 }),
    fc.double({ min: -1, max: 1.1, noNaN: true }),
    fc.boolean(),
    fc.string(),
    fc.constant(null),
    fc.constant(undefined),
    fc.record({ hue: fc.double(), saturation: fc.double() }),
  );

  test('each kind has a service', () => {
    const sources = new Set(
      plans.flatMap(({ characteristics }) => characteristics.map(({ source }) => source)),
    );
    expect(kinds.filter((kind) => !sources.has(kind))).toEqual(['aqi']);
  });

  test('nothing outside of its limits is ever shown, and never NaN', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: kinds.length, maxLength: kinds.length }), (reported) => {
        const values = new Map<string, CapabilityValue>();
        for (const [index, kind] of kinds.entries()) values.set(kind, reported[index] ?? null);
        for (const { characteristics } of plans) {
          for (const { kind, read } of characteristics) {
            const shown = read(values);
            if (shown === undefined) continue;
            const { format, maxValue = Infinity, minValue = -Infinity } = new Characteristic[kind]().props;
            if (format === 'bool') expect(shown).toBeTypeOf('boolean');
            else {
              expect(shown).toSatisfy(Number.isFinite);
              expect(shown).toBeGreaterThanOrEqual(minValue);
              expect(shown).toBeLessThanOrEqual(maxValue);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('air quality never gets better when a measure gets worse', () => {
    const quality = plans
      .find(({ kind }) => kind === 'AirQualitySensor')
      ?.characteristics.find(({ kind }) => kind === 'AirQuality');
    const amount = fc.double({ min: 0, max: 20_000, noNaN: true });
    fc.assert(
      fc.property(amount, amount, amount, amount, (pm25, pm10, voc, more) => {
        const before = quality?.read(new Map(Object.entries({ pm25, pm10, voc })));
        const after = quality?.read(new Map(Object.entries({ pm25: pm25 + more, pm10, voc })));
        expect(Number(after)).toBeGreaterThanOrEqual(Number(before));
        expect(Number(before)).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});
