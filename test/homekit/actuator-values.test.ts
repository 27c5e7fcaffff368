import type { Perms } from '@homebridge/hap-nodejs';

import { Characteristic, HapStatusError } from '@homebridge/hap-nodejs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Capability, CapabilityKind, CapabilityValue } from '../../src/devices/types.ts';
import type {
  CharacteristicKind,
  CharacteristicPlan,
  Component,
  DeviceValues,
  HapValue,
  Requested,
  ServicePlan,
} from '../../src/homekit/service-plan.ts';

import { toSinkWrite } from '../../src/devices/values.ts';
import { planServices } from '../../src/homekit/device-plan.ts';
import { planActuator } from '../../src/homekit/services/actuators.ts';
import { canInvert, invertPlan } from '../../src/homekit/services/inversion.ts';
import { toSpeedRange } from '../../src/homekit/services/fan.ts';
import { toLockState, toLockTarget } from '../../src/homekit/services/lock.ts';
import { toCurrentAlarm, toTargetAlarm, toTargets } from '../../src/homekit/services/security-system.ts';
import { toTargetRange } from '../../src/homekit/services/set-points.ts';
import { fromAngle, toAngle } from '../../src/homekit/services/window-covering.ts';
import { orders, settable } from './actuator-devices.ts';
import { capability } from './fake-devices.ts';

/** What components can be made of, and the words that they use. */
const COMPONENTS: Readonly<Record<string, readonly CapabilityKind[]>> = {
  alarm_control_panel: ['alarm'],
  climate: [
    'hvac_mode',
    'on_off',
    'fan_mode',
    'swing_mode',
    'hvac_action',
    'target_temperature',
    'target_temperature_low',
    'target_temperature_high',
    'target_humidity',
    'temperature',
    'humidity',
  ],
  cover: ['open_close', 'position', 'tilt'],
  fan: ['on_off', 'speed', 'direction', 'oscillation', 'preset_mode'],
  humidifier: ['on_off', 'target_humidity', 'humidity', 'action', 'mode'],
  lawn_mower: ['lawn_mower'],
  lock: ['locked'],
  siren: ['on_off', 'volume'],
  vacuum: ['vacuum', 'fan_speed', 'battery'],
  valve: ['open_close', 'position'],
  water_heater: ['mode', 'on_off', 'target_temperature', 'temperature'],
};
const CLASSES = [null, 'garage', 'gate', 'window', 'door', 'water', 'dehumidifier', '__proto__'];
const ORDERS: Partial<Record<CapabilityKind, readonly string[]>> = {
  open_close: ['open', 'close', 'stop'],
  locked: ['lock', 'unlock', 'open'],
  alarm: ['arm_home', 'arm_away', 'arm_night', 'arm_vacation', 'arm_custom_bypass', 'disarm', 'trigger'],
  vacuum: ['start', 'pause', 'stop', 'return_to_base', 'clean_spot', 'locate'],
  lawn_mower: ['start_mowing', 'pause', 'dock'],
};
const OPTIONS: Partial<Record<CapabilityKind, readonly string[]>> = {
  hvac_mode: ['off', 'heat', 'cool', 'auto', 'heat_cool', 'dry', 'fan_only', 'constructor'],
  mode: ['off', 'eco', 'gas', 'toString'],
  fan_mode: ['low', 'high'],
  swing_mode: ['off', 'on', 'both'],
  direction: ['forward', 'reverse'],
  preset_mode: ['none', 'eco'],
  fan_speed: ['min', 'max'],
};
const WORDS = (
  'open opening closed closing stopped locked locking unlocked unlocking jammed ' +
  'disarmed armed_home armed_vacation arming pending disarming triggered constructor ' +
  'cleaning docked returning mowing heating cooling idle drying humidifying'
)
  .split(' ')
  .concat(...Object.values(OPTIONS));

const valueArb: fc.Arbitrary<CapabilityValue> = fc.oneof(
  fc.constantFrom(null, true, false, Number.NaN, Infinity, -0),
  fc.integer({ min: -20, max: 120 }),
  fc.double(),
  fc.constantFrom(...WORDS),
);
const rangeArb = fc.option(
  fc
    .record({
      min: fc.double({ min: -300, max: 300, noNaN: true }),
      span: fc.double({ min: 0, max: 400, noNaN: true }),
      step: fc.option(fc.double({ min: 0.001, max: 60, noNaN: true })),
    })
    .map(({ min, span, step }) => ({ min, max: min + span, ...(step === null ? {} : { step }) })),
);

function capabilityArb(type: string, kind: CapabilityKind): fc.Arbitrary<Capability> {
  return fc
    .record({
      writable: fc.boolean(),
      needs_code: fc.boolean(),
      commands: fc.subarray([...(ORDERS[kind] ?? [])]),
      options: fc.subarray([...(OPTIONS[kind] ?? [])], { minLength: OPTIONS[kind] ? 1 : 0 }),
      range: rangeArb,
    })
    .map(({ writable, needs_code, commands, options, range }) =>
      capability(kind, `${type}/x`, {
        writable: writable && (!ORDERS[kind] || commands.length > 0),
        range:
          OPTIONS[kind] || ORDERS[kind]
            ? null
            : kind === 'position' || kind === 'tilt'
              ? { min: 0, max: 100 }
              : range,
        ...(ORDERS[kind] ? { commands, needs_code } : {}),
        ...(OPTIONS[kind] ? { options } : {}),
      }),
    );
}

const componentArb: fc.Arbitrary<Component> = fc
  .constantFrom(...Object.entries(COMPONENTS))
  .chain(([type, kinds]) =>
    fc.record({
      type: fc.constant(type),
      deviceClass: fc.constantFrom(...CLASSES),
      capabilities: fc
        .subarray([...kinds], { minLength: 1 })
        .chain((chosen) => fc.tuple(...chosen.map((kind) => capabilityArb(type, kind)))),
    }),
  )
  .map(({ type, deviceClass, capabilities }) => ({
    id: `${type}/x`,
    type,
    deviceClass,
    label: null,
    byKind: new Map(capabilities.map((each) => [each.kind, each])),
  }));

const TILES = 'Door GarageDoorOpener HeaterCooler Switch Thermostat Valve Window WindowCovering'.split(' ');

/** The service of the component, as it would stand in Apple Home. */
function planned({ component, tile, inversion }: World): ServicePlan | undefined {
  const [plan] = planActuator(component, tile) ?? [];
  return plan && canInvert(component) ? invertPlan(plan, component, inversion) : plan;
}

type World = typeof worldArb extends fc.Arbitrary<infer T> ? T : never;
const worldArb = componentArb.chain((component) =>
  fc.record({
    component: fc.constant(component),
    states: fc.array(
      fc
        .tuple(...[...component.byKind.keys()].map((kind) => fc.tuple(fc.constant<string>(kind), valueArb)))
        .map((entries): DeviceValues => new Map(entries)),
      { minLength: 1, maxLength: 5 },
    ),
    // What a controller asks for, as a share of the way from the lowest to the highest value.
    asked: fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 9, maxLength: 9 }),
    // What it was first shown as, whatever it is by now, and what a person turned round.
    tile: fc.constantFrom(undefined, ...TILES),
    inversion: fc.record({ opening: fc.boolean(), tilt: fc.boolean() }),
  }),
);

interface Limits {
  readonly min: number;
  readonly max: number;
  readonly valid: readonly number[] | undefined;
  readonly isBoolean: boolean;
  readonly isWritable: boolean;
}

function limitsOf({ kind, range, validValues }: CharacteristicPlan): Limits {
  const { props } = new Characteristic[kind]();
  return {
    min: range?.min ?? props.minValue ?? 0,
    max: range?.max ?? props.maxValue ?? 1,
    valid: validValues ?? props.validValues,
    isBoolean: props.format === 'bool',
    isWritable: props.perms.includes('pw' as Perms.PAIRED_WRITE),
  };
}

describe('any component with any values', () => {
  test('shows nothing that HomeKit does not take', () => {
    fc.assert(
      fc.property(worldArb, (world) => {
        const { states } = world;
        for (const plan of planned(world)?.characteristics ?? []) {
          const { min, max, valid, isBoolean } = limitsOf(plan);
          expect(min).toBeLessThan(isBoolean ? 2 : max);
          if (plan.validValues) expect(plan.validValues.length).toBeGreaterThan(0);
          let shown: boolean | number | undefined;
          for (const values of states) {
            const value = plan.read(values, shown);
            shown = value ?? shown;
            if (value === undefined) continue;
            expect(typeof value === 'boolean', plan.kind).toBe(isBoolean);
            if (valid && !isBoolean) expect(valid, plan.kind).toContain(value);
            expect(Number(value)).toBeGreaterThanOrEqual(min);
            expect(Number(value)).toBeLessThanOrEqual(max);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('takes any write that HomeKit offers: it becomes commands that the device accepts, or is refused', () => {
    fc.assert(
      fc.property(worldArb, (world) => {
        const { component, states, asked } = world;
        const service = planned(world);
        const values = states[0] ?? new Map<string, CapabilityValue>();
        const requested: Requested = new Map(
          (service?.characteristics ?? []).flatMap((plan, index): [CharacteristicKind, HapValue][] => {
            const { min, max, valid, isBoolean, isWritable } = limitsOf(plan);
            const share = asked[index];
            if (share === undefined || share === null || !isWritable) return [];
            if (isBoolean) return [[plan.kind, share > 0.5]];
            const value = valid ? valid[Math.floor(share * (valid.length - 1))] : min + share * (max - min);
            return value === undefined ? [] : [[plan.kind, value]];
          }),
        );
        try {
          const shown = new Map(
            (service?.characteristics ?? []).map(({ kind, read }) => [kind, read(values) ?? 0]),
          );
          for (const write of service?.actuator?.toWrites(requested, values, shown) ?? []) {
            const written = [...component.byKind.values()].find(({ name }) => name === write.capability);
            expect(written).toBeDefined();
            if (written) toSinkWrite(written, write.value);
          }
        } catch (error) {
          if (!(error instanceof HapStatusError)) throw error;
          expect(error.hapStatus).toBe(-70412);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('conversions', () => {
  test('every number of speeds reaches 100 % in the steps that the library counts', () => {
    for (let speeds = 1; speeds <= 100; speeds++) {
      const { step } = toSpeedRange({ min: 0, max: 100, step: 100 / speeds });
      expect(step * Math.floor(100 / step)).toBeCloseTo(100, 6);
      expect(Math.round(100 / step)).toBe(speeds);
    }
  });

  test('tilt goes there and back', () => {
    for (let percent = 0; percent <= 100; percent++) expect(fromAngle(toAngle(percent) ?? NaN)).toBe(percent);
    expect([toAngle(0), toAngle(50), toAngle(100)]).toEqual([-90, 0, 90]);
  });

  test('limits are whole and half degrees inside those of the device', () => {
    expect(toTargetRange({ min: 7.22, max: 35 })).toEqual({ min: 7.5, max: 35, step: 0.5 });
    expect(toTargetRange({ min: 43.3, max: 60 })).toMatchObject({ min: 43.5, max: 60 });
    expect(toTargetRange({ min: 20, max: 20 })).toMatchObject({ min: 10, max: 38 });
    expect(toTargetRange(null)).toMatchObject({ min: 10, max: 38 });
  });

  test.each([
    ['locked', 1, 1],
    ['locking', 0, 1],
    ['unlocked', 0, 0],
    ['unlocking', 1, 0],
    ['jammed', 2, 1],
    ['open', 0, 0],
    ['opening', 0, 0],
    [null, 3, 0],
    ['constructor', 3, 0],
  ])('a lock that is %s', (state, current, target) => {
    expect([toLockState(state), toLockTarget(state, undefined)]).toEqual([current, target]);
  });

  test.each([
    ['armed_home', 3, 0, 0],
    ['armed_vacation', 3, 1, 1],
    ['armed_custom_bypass', 3, 0, 0],
    ['disarmed', 1, 3, 3],
    ['arming', 3, 3, 1],
    ['pending', 0, 0, 0],
    ['disarming', 1, 1, 3],
    ['triggered', 2, 4, 2],
  ])('an alarm that is %s after %d', (state, before, current, target) => {
    const targets = toTargets({ commands: ['arm_home', 'arm_away', 'arm_night', 'disarm'] });
    expect(toCurrentAlarm(state, before, targets)).toBe(current);
    expect(toTargetAlarm(state, before, targets)).toBe(target);
  });

  test('a panel that offers little', () => {
    expect(toTargets({ commands: ['arm_vacation'] })).toEqual([1, 3]);
    expect(toTargets({ commands: ['arm_night', 'disarm'] })).toEqual([2, 3]);
    expect(toTargets({})).toEqual([1, 3]);
    expect(toTargetAlarm('armed_home', undefined, [2, 3])).toBe(2);
  });
});

describe('which service', () => {
  const modes = (options: readonly string[], ...more: CapabilityKind[]): string | undefined =>
    planServices({
      capabilities: [
        settable('hvac_mode', 'climate/c', { options }),
        settable('target_temperature', 'climate/c'),
        capability('temperature', 'climate/c'),
        ...more.map((kind) => settable(kind, 'climate/c', { options: ['off', 'on'] })),
      ],
    })
      .map(({ kind }) => kind)
      .join(' ');

  test('a climate device is a thermostat or an air conditioner, and its temperature is no second sensor', () => {
    expect(modes(['off', 'heat'])).toBe('Thermostat');
    expect(modes(['off', 'heat', 'cool', 'auto'])).toBe('Thermostat');
    expect(modes(['off', 'heat'], 'preset_mode')).toBe('Thermostat');
    expect(modes(['off', 'cool', 'fan_only'])).toBe('HeaterCooler');
    expect(modes(['off', 'heat'], 'fan_mode')).toBe('HeaterCooler');
    expect(modes(['off', 'cool'], 'swing_horizontal_mode')).toBe('HeaterCooler');
    expect(modes(['off', 'dry', 'fan_only'], 'fan_mode')).toBe('Thermostat');
  });

  test('what only tells is a sensor', () => {
    const plans = planServices({ capabilities: [capability('temperature', 'climate/c')] });
    expect(plans.map(({ kind }) => kind)).toEqual(['TemperatureSensor']);
  });

  test('a lock is the main feature, not its settings', () => {
    const plans = planServices({
      capabilities: [
        settable('on_off', 'switch/relock', { label: 'Auto relock' }),
        orders('locked', 'lock/l', ['lock', 'unlock'], { label: 'Bolt' }),
      ],
    });
    expect(plans.map(({ kind }) => kind)).toEqual(['LockMechanism', 'Switch']);
  });
});
