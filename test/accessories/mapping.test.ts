import { Characteristic, Service } from '@homebridge/hap-nodejs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { CapabilityKind } from '../../src/devices/types.ts';
import type { CharacteristicId, HapValue } from '../../src/accessories/types.ts';

import { parseAnswers, parseDatabase } from '../../src/accessories/database.ts';
import {
  affectedBy,
  describeAccessories,
  loopsIn,
  readCapability,
  toWrites,
  valuesOf,
  type ImportedService,
} from '../../src/accessories/mapping.ts';

type ServiceKey = Exclude<keyof typeof Service, 'prototype' | 'serialize' | 'deserialize'>;

/** A service of the library, with these further characteristics, as an accessory would tell it. */
function imported(
  name: string,
  values: Readonly<Record<string, HapValue>> = {},
  drop: readonly string[] = [],
): { service: ImportedService; values: Map<CharacteristicId, HapValue>; idOf: (name: string) => string } {
  const made = new (Service[name as ServiceKey] as unknown as new (name: string, subtype: string) => Service)(
    'A name',
    'x',
  );
  const names = new Map<string, string>();
  for (const key of Object.keys(values)) {
    const type = Characteristic[key as 'On'];
    const one = made.getCharacteristic(type);
    one.value = values[key] ?? null;
  }
  const characteristics = made.characteristics
    .filter((one) => !drop.includes(one.constructor.name))
    .map((one, index) => {
      names.set(one.constructor.name, `1.${index + 2}`);
      const { perms, format, minValue, maxValue, minStep, validValues } = one.props;
      return {
        iid: index + 2,
        type: one.UUID,
        perms,
        format,
        minValue,
        maxValue,
        minStep,
        'valid-values': validValues,
        value: one.value,
      };
    });
  const accessories = parseDatabase(
    Buffer.from(
      JSON.stringify({ accessories: [{ aid: 1, services: [{ iid: 1, type: made.UUID, characteristics }] }] }),
    ),
  );
  const service = describeAccessories(accessories)[0]?.services[0];
  if (!service) throw new Error('no service');
  return { service, values: valuesOf(accessories), idOf: (one) => names.get(one) ?? '' };
}

/** What is read of it, by kind. */
function readAll(name: string, values: Readonly<Record<string, HapValue>>): Record<string, unknown> {
  const made = imported(name, values);
  return Object.fromEntries(
    made.service.capabilities.map(({ kind }) => [kind, readCapability(made.service, kind, made.values)]),
  );
}

/** What a command writes, by the name of the characteristic. */
function writesOf(
  name: string,
  values: Readonly<Record<string, HapValue>>,
  kind: CapabilityKind,
  value: unknown,
) {
  const made = imported(name, values);
  const names = new Map(Object.keys(Characteristic).map((key) => [made.idOf(key), key]));
  return Object.fromEntries(
    toWrites(made.service, [{ kind, value }], made.values).map((write) => [names.get(write.id), write.value]),
  );
}

describe('reads', () => {
  test.each<[string, Record<string, HapValue>, Record<string, unknown>]>([
    [
      'Lightbulb',
      { On: 1, Brightness: 0, Hue: 10, Saturation: 20, ColorTemperature: 200 },
      { on_off: true, brightness: null, color_hs: { hue: 10, saturation: 20 }, color_temperature: 200 },
    ],
    ['Outlet', { On: false }, { on_off: false }],
    ['LockMechanism', { LockCurrentState: 1, LockTargetState: 0 }, { locked: 'unlocking' }],
    ['LockMechanism', { LockCurrentState: 3, LockTargetState: 1 }, { locked: null }],
    ['LockMechanism', { LockCurrentState: 2, LockTargetState: 1 }, { locked: 'jammed' }],
    ['GarageDoorOpener', { CurrentDoorState: 2 }, { open_close: 'opening', problem: false }],
    [
      'WindowCovering',
      { CurrentPosition: 30, PositionState: 2, CurrentHorizontalTiltAngle: 0 },
      { open_close: 'open', position: 30, tilt: 50 },
    ],
    [
      'Thermostat',
      {
        CurrentTemperature: 20.5,
        TargetTemperature: 21,
        TargetHeatingCoolingState: 1,
        CurrentHeatingCoolingState: 0,
      },
      { temperature: 20.5, target_temperature: 21, hvac_mode: 'heat', hvac_action: 'idle' },
    ],
    [
      'HeaterCooler',
      { Active: 0, TargetHeaterCoolerState: 2, CurrentHeaterCoolerState: 0 },
      { hvac_mode: 'off', hvac_action: 'off' },
    ],
    [
      'HeaterCooler',
      { Active: 1, TargetHeaterCoolerState: 2, CurrentHeaterCoolerState: 3 },
      { hvac_mode: 'cool', hvac_action: 'cooling' },
    ],
    ['SecuritySystem', { SecuritySystemCurrentState: 3, SecuritySystemTargetState: 1 }, { alarm: 'arming' }],
    [
      'SecuritySystem',
      { SecuritySystemCurrentState: 4, SecuritySystemTargetState: 1 },
      { alarm: 'triggered' },
    ],
    ['Valve', { Active: 1 }, { open_close: 'open' }],
    ['ContactSensor', { ContactSensorState: 1, StatusLowBattery: 1 }, { contact: true, battery_low: true }],
    [
      'CarbonMonoxideSensor',
      { CarbonMonoxideDetected: 1, CarbonMonoxideLevel: 30 },
      { co_detected: true, co: 30 },
    ],
    ['AirQualitySensor', { AirQuality: 2, PM2_5Density: 12 }, { select: 'good', pm25: 12 }],
    ['Battery', { BatteryLevel: 80, StatusLowBattery: 0 }, { battery: 80, battery_low: false }],
    ['StatelessProgrammableSwitch', { ProgrammableSwitchEvent: 2 }, { button_event: 'long' }],
    [
      'Fanv2',
      { Active: 1, RotationSpeed: 40, SwingMode: 1, RotationDirection: 1 },
      { on_off: true, speed: 40, oscillation: true, direction: 'reverse' },
    ],
  ])('%s %j', (name, values, expected) => {
    expect(readAll(name, values)).toMatchObject(expected);
  });
});

describe('writes', () => {
  test.each<[string, Record<string, HapValue>, CapabilityKind, unknown, Record<string, unknown>]>([
    ['Lightbulb', { Brightness: 10 }, 'brightness', 55.4, { On: true, Brightness: 55 }],
    ['Lightbulb', { Brightness: 10 }, 'brightness', 0, { On: false }],
    [
      'Lightbulb',
      { Hue: 1, Saturation: 1 },
      'color_hs',
      { hue: 400, saturation: 20 },
      { Hue: 360, Saturation: 20 },
    ],
    ['Lightbulb', { ColorTemperature: 200 }, 'color_temperature', 900, { ColorTemperature: 500 }],
    ['LockMechanism', {}, 'locked', 'lock', { LockTargetState: 1 }],
    ['GarageDoorOpener', {}, 'open_close', 'close', { TargetDoorState: 1 }],
    ['WindowCovering', { HoldPosition: false }, 'open_close', 'stop', { HoldPosition: true }],
    [
      'WindowCovering',
      { CurrentHorizontalTiltAngle: 0, TargetHorizontalTiltAngle: 0 },
      'tilt',
      100,
      { TargetHorizontalTiltAngle: 90 },
    ],
    ['Thermostat', {}, 'target_temperature', 21.44, { TargetTemperature: 21.4 }],
    ['Thermostat', {}, 'hvac_mode', 'auto', { TargetHeatingCoolingState: 3 }],
    ['HeaterCooler', {}, 'hvac_mode', 'off', { Active: 0 }],
    ['HeaterCooler', {}, 'hvac_mode', 'heat', { Active: 1, TargetHeaterCoolerState: 1 }],
    ['SecuritySystem', {}, 'alarm', 'arm_night', { SecuritySystemTargetState: 2 }],
    ['Fanv2', { RotationSpeed: 0 }, 'speed', 33.3, { RotationSpeed: 33 }],
    ['Valve', {}, 'open_close', 'open', { Active: 1 }],
  ])('%s %j %s', (name, values, kind, value, expected) => {
    expect(writesOf(name, values, kind, value)).toEqual(expected);
  });

  test('what it does not take is refused', () => {
    expect(() => writesOf('LockMechanism', {}, 'locked', 'explode')).toThrow('does not take');
    expect(() => writesOf('WindowCovering', {}, 'open_close', 'stop')).toThrow('does not take');
    expect(() => writesOf('TemperatureSensor', {}, 'temperature', 3)).toThrow('cannot be set');
  });
});

test('every known service reads anything without failing, and says which characteristics matter', () => {
  const names = Object.keys(Service).filter(
    (key) => /^[A-Z]/.test(key) && typeof Service[key as ServiceKey] === 'function',
  );
  const known = names.filter((name) => {
    try {
      return imported(name).service.capabilities.length > 0;
    } catch {
      return false;
    }
  });
  expect(known.length).toBeGreaterThan(30);
  const value = fc.oneof(fc.boolean(), fc.integer({ min: -5, max: 200 }), fc.string(), fc.constant(null));
  fc.assert(
    fc.property(
      fc.constantFrom(...known),
      fc.array(value, { minLength: 40, maxLength: 40 }),
      (name, random) => {
        const { service } = imported(name);
        const values = new Map(service.characteristics.map(({ id }, index) => [id, random[index] ?? null]));
        for (const { kind, characteristics, writable, options, commands } of service.capabilities) {
          const read = readCapability(service, kind, values);
          if (typeof read === 'string') expect(typeof options).toBe('object');
          for (const id of characteristics) expect(affectedBy(service, id)).toContain(kind);
          for (const one of writable ? (commands ?? options ?? []) : []) {
            expect(toWrites(service, [{ kind, value: one }], values)).not.toEqual([]);
          }
        }
      },
    ),
  );
});

describe('the list', () => {
  test('keeps ids that are no JavaScript number, unknown services, and Eve’s meters', () => {
    const text = `{"accessories":[{"aid":18446744073709551615,"services":[
      {"iid":1,"type":"3E","characteristics":[
        {"iid":2,"type":"23","perms":["pr"],"format":"string","value":" Plug "},
        {"iid":3,"type":"30","perms":["pr"],"format":"string","value":"S-1"}]},
      {"iid":9007199254740993,"type":"aaaaaaaa-079e-48ff-8f27-9c2605a29f52","linked":[1],"characteristics":[
        {"iid":5,"type":"E863F10D-079E-48FF-8F27-9C2605A29F52","perms":["pr","ev"],"format":"float","value":12.5},
        {"iid":6,"type":"e863f10c-079e-48ff-8f27-9c2605a29f52","perms":["pr"],"format":"float","value":3},
        {"iid":7,"type":"00000025-0000-1000-8000-0026BB765291","perms":["pw","pr"],"value":{"odd":1}}]}]}]}`;
    const accessories = parseDatabase(Buffer.from(text));
    const [plug] = describeAccessories(accessories);
    expect(plug).toMatchObject({
      aid: '18446744073709551615',
      name: 'Plug',
      serialNumber: 'S-1',
      model: null,
    });
    expect(plug?.services).toHaveLength(1);
    expect(plug?.services[0]).toMatchObject({
      iid: '9007199254740993',
      type: 'AAAAAAAA-079E-48FF-8F27-9C2605A29F52',
      typeName: null,
      linked: ['1'],
      capabilities: [
        { kind: 'power', unit: 'W', writable: false, characteristics: ['18446744073709551615.5'] },
        { kind: 'energy', unit: 'kWh', stateClass: 'total_increasing' },
      ],
    });
    expect(valuesOf(accessories).get('18446744073709551615.5')).toBe(12.5);
    expect(plug && loopsIn([plug], new Set(['S-1']))).toHaveLength(1);
  });

  test('what is no list is refused in words', () => {
    for (const text of [
      '',
      '{',
      '[]',
      '{"accessories":[{"aid":-1,"services":[]}]}',
      '{"accessories":[{}]}',
    ]) {
      expect(() => parseDatabase(Buffer.from(text))).toThrow('not the HomeKit Accessory Protocol');
    }
    fc.assert(
      fc.property(fc.json(), (json) => {
        for (const parse of [parseDatabase, parseAnswers]) {
          try {
            parse(Buffer.from(json));
          } catch (error) {
            expect(String(error)).toContain('HomeKit Accessory Protocol');
          }
        }
      }),
    );
  });
});
