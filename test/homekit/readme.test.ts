import type { Perms } from '@homebridge/hap-nodejs';

import { Characteristic } from '@homebridge/hap-nodejs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import type { Capability } from '../../src/devices/types.ts';
import type { CharacteristicKind, ServicePlan } from '../../src/homekit/service-plan.ts';

import { planServices } from '../../src/homekit/device-plan.ts';
import { ACTUATORS, orders, settable } from './actuator-devices.ts';
import { capability } from './fake-devices.ts';

interface Row {
  readonly components: ReadonlySet<string>;
  readonly service: string;
  /** By name, and whether they are written. */
  readonly characteristics: ReadonlyMap<string, boolean>;
}

const README = readFileSync(join(import.meta.dirname, '../../src/homekit/README.md'), 'utf8');
/** Words that are no characteristics: each of those is a class of the library. */
const KNOWN = new Set(Object.keys(Characteristic));

function readRows(): Row[] {
  const [, table = ''] = README.split(/^\| component .*\n/m);
  const [lines = ''] = table.split('\n\n');
  return lines
    .split('\n')
    .slice(1)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, components = '', , service = '', characteristics = '']) => ({
      components: new Set(components.match(/[a-z_]+/g)),
      service: /^\w+/.exec(service)?.[0] ?? '',
      characteristics: new Map(
        [...characteristics.matchAll(/\b([A-Z]\w+)( w\b)?/g)]
          .map(([, name = '', written]) => [name, written !== undefined] as const)
          .filter(([name]) => KNOWN.has(name))
          .concat(
            characteristics.includes('the status of a watcher')
              ? ['StatusActive', 'StatusFault', 'StatusTampered'].map((name) => [name, false] as const)
              : [],
          ),
      ),
    }));
}

const press = (component: string, more: Partial<Capability>): Capability =>
  capability('button_event', component, { options: ['single', 'double'], ...more });
const tells = (component: string, ...kinds: Capability['kind'][]): Capability[] =>
  kinds.map((kind) => capability(kind, `${component}/${kind}`));

/** Devices that have all that their components can have. */
const DEVICES: readonly (readonly Capability[])[] = [
  ...Object.values(ACTUATORS).map(({ capabilities }) => capabilities),
  (['on_off', 'brightness', 'color_hs', 'color_temperature'] as const).map((kind) =>
    capability(kind, 'light/one'),
  ),
  [settable('on_off', 'switch/one')],
  [settable('on_off', 'switch/one'), capability('power', 'sensor/one')],
  ['window', 'door', null].flatMap((deviceClass, index) => [
    orders('open_close', `cover/${index}`, ['open', 'close', 'stop'], { device_class: deviceClass }),
  ]),
  [capability('temperature', 'climate/one'), capability('humidity', 'climate/one')],
  tells(
    'sensor',
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
  ),
  tells(
    'binary_sensor',
    'motion',
    'occupancy',
    'contact',
    'leak',
    'smoke',
    'co_detected',
    'gas_detected',
    'tamper',
  ),
  [...tells('binary_sensor', 'motion', 'battery_low')],
  [...tells('sensor', 'co'), ...tells('binary_sensor', 'tamper')],
  ...['event', 'device_automation'].flatMap((type) => [
    [press(`${type}/bell`, { device_class: 'doorbell' })],
    [press(`${type}/two`, { options: ['1_single', '2_double'] })],
  ]),
  tells('sensor', 'voltage', 'current', 'pressure', 'power', 'energy'),
  tells('binary_sensor', 'vibration', 'sound', 'problem', 'connectivity'),
];

/** Which component types, which service, and what of it, there is. */
interface Shown {
  readonly types: ReadonlySet<string>;
  readonly plan: ServicePlan;
}

const shown: readonly Shown[] = DEVICES.flatMap((capabilities) =>
  planServices({ capabilities }).map((plan) => {
    const sources = new Set(plan.characteristics.map(({ source }) => source));
    const own = capabilities.filter(({ component }) => component === plan.component);
    const told = capabilities.filter(({ name }) => sources.has(name));
    // What says that buttons have numbers belongs to all of them.
    const from = [own, told, capabilities].find((some) => some.length > 0) ?? [];
    return { types: new Set(from.map(({ component_type: type }) => type)), plan };
  }),
);

/** What has one value alone may be written to HomeKit's mind, and is not. */
function isWritten({ actuator, characteristics }: ServicePlan, kind: CharacteristicKind): boolean {
  const { perms } = new Characteristic[kind]().props;
  const isFixed = characteristics.some((one) => one.kind === kind && one.validValues?.length === 1);
  return actuator !== null && !isFixed && perms.includes('pw' as Perms.PAIRED_WRITE);
}

describe('the table of README.md', () => {
  const rows = readRows();

  test('is found', () => {
    expect(rows.length).toBeGreaterThan(25);
  });

  test('has each service with the component that it is made of, and each of its characteristics', () => {
    for (const { types, plan } of shown) {
      const said = rows.filter((row) => row.service === plan.kind);
      const from = new Set(said.flatMap(({ components }) => [...components]));
      for (const type of types) expect(from, plan.kind).toContain(type);
      const names = new Set(said.flatMap(({ characteristics }) => [...characteristics.keys()]));
      for (const { kind } of plan.characteristics) expect(names, plan.kind).toContain(kind);
    }
  });

  test('says of nothing that it is there which no device has, and of the rest whether it is written', () => {
    for (const { components, service, characteristics } of rows) {
      if (service === 'none') continue;
      const plans = shown.filter(({ plan }) => plan.kind === service);
      for (const type of components) {
        expect(
          plans.some(({ types }) => types.has(type)),
          `${service} of ${type}`,
        ).toBe(true);
      }
      for (const [name, written] of characteristics) {
        const having = plans.find(({ plan }) => plan.characteristics.some(({ kind }) => kind === name));
        expect(having, `${service}.${name}`).toBeDefined();
        if (having)
          expect(isWritten(having.plan, name as CharacteristicKind), `${service}.${name}`).toBe(written);
      }
    }
  });

  test('has none for what is not shown', () => {
    const none = rows
      .filter(({ service }) => service === 'none')
      .flatMap(({ components }) => [...components]);
    for (const type of ['button', 'scene', 'number', 'select', 'text', 'update', 'device_tracker']) {
      expect(none).toContain(type);
      const plans = planServices({
        capabilities: [settable('on_off', `${type}/x`), settable('number', `${type}/x`)],
      });
      expect(plans, type).toEqual([]);
    }
  });
});
