import { isObject } from '../discovery/expand.ts';
import type { Config } from '../components/fields.ts';
import type { Quantity } from './shelly-device.ts';

/** A quantity and where a component's status holds it. */
export interface Measured extends Quantity {
  readonly path: readonly string[];
}

function measured(
  path: string,
  name: string,
  deviceClass: string | null,
  unit: string | null,
  more: Partial<Quantity> = {},
): Measured {
  return {
    path: path.split('.'),
    // Of Shelly's words, which stay, and not of ours: it is part of the identity.
    objectId: path.replaceAll('.', '_').toLowerCase(),
    name,
    deviceClass,
    unit,
    stateClass: unit === 'Wh' ? 'total_increasing' : 'measurement',
    ...more,
  };
}

const DIAGNOSTIC = { isDiagnostic: true };

/** Of an output: relays, lights, covers, and the meters without one. Energy is in Wh. */
const OUTPUT = [
  measured('apower', 'Power', 'power', 'W'),
  measured('voltage', 'Voltage', 'voltage', 'V'),
  measured('current', 'Current', 'current', 'A'),
  measured('freq', 'Frequency', 'frequency', 'Hz'),
  measured('pf', 'Power factor', 'power_factor', null),
  measured('aenergy.total', 'Energy', 'energy', 'Wh'),
  measured('ret_aenergy.total', 'Returned energy', 'energy', 'Wh'),
  measured('temperature.tC', 'Device temperature', 'temperature', '°C', DIAGNOSTIC),
];

const ONE_PHASE = [
  measured('act_power', 'Power', 'power', 'W'),
  measured('aprt_power', 'Apparent power', 'apparent_power', 'VA'),
  measured('voltage', 'Voltage', 'voltage', 'V'),
  measured('current', 'Current', 'current', 'A'),
  measured('freq', 'Frequency', 'frequency', 'Hz'),
  measured('pf', 'Power factor', 'power_factor', null),
];

const ENERGY_OF_PHASE = [
  measured('total_act_energy', 'Energy', 'energy', 'Wh'),
  measured('total_act_ret_energy', 'Returned energy', 'energy', 'Wh'),
];

/** `act_power` of phase B is `b_act_power`. */
function ofPhases(quantities: readonly Measured[]): Measured[] {
  return ['a', 'b', 'c'].flatMap((phase) =>
    quantities.map(({ path, objectId, name, ...rest }) => ({
      ...rest,
      path: [`${phase}_${path[0] ?? ''}`],
      objectId: `${phase}_${objectId}`,
      name: `Phase ${phase.toUpperCase()} ${name.toLowerCase()}`,
    })),
  );
}

/** By the component's type, the quantities that its status may hold. */
export const MEASURED: Readonly<Record<string, readonly Measured[]>> = {
  switch: OUTPUT,
  light: OUTPUT,
  rgb: OUTPUT,
  rgbw: OUTPUT,
  cct: OUTPUT,
  rgbcct: OUTPUT,
  cover: OUTPUT,
  pm1: OUTPUT,
  em1: ONE_PHASE,
  em1data: ENERGY_OF_PHASE,
  em: [
    measured('total_act_power', 'Power', 'power', 'W'),
    measured('total_aprt_power', 'Apparent power', 'apparent_power', 'VA'),
    measured('total_current', 'Current', 'current', 'A'),
    ...ofPhases(ONE_PHASE),
    measured('n_current', 'Neutral current', 'current', 'A'),
  ],
  emdata: [
    measured('total_act', 'Energy', 'energy', 'Wh'),
    measured('total_act_ret', 'Returned energy', 'energy', 'Wh'),
    ...ofPhases(ENERGY_OF_PHASE),
  ],
  temperature: [measured('tC', 'Temperature', 'temperature', '°C')],
  humidity: [measured('rh', 'Humidity', 'humidity', '%')],
  illuminance: [measured('lux', 'Illuminance', 'illuminance', 'lx')],
  voltmeter: [
    measured('voltage', 'Voltage', 'voltage', 'V'),
    measured('xvoltage', 'Converted value', null, null),
  ],
  devicepower: [
    measured('battery.percent', 'Battery', 'battery', '%', DIAGNOSTIC),
    measured('battery.V', 'Battery voltage', 'voltage', 'V', DIAGNOSTIC),
  ],
  presence: [measured('num_objects', 'People', null, null)],
  presencezone: [measured('num_objects', 'People', null, null)],
  wifi: [measured('rssi', 'Wi-Fi signal', 'signal_strength', 'dBm', DIAGNOSTIC)],
};

/** The types whose quantities are what the device is for, so that they are named after the component alone. */
export const PURE_SENSORS: ReadonlySet<string> = new Set(['temperature', 'humidity', 'illuminance']);

/** Whether a status holds the value, be it unknown at the moment. */
export function holds(status: Config, path: readonly string[]): boolean {
  let value: unknown = status;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  return value === null || typeof value === 'number';
}
