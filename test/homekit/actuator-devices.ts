import type { Capability, CapabilityKind } from '../../src/devices/types.ts';
import type { FakeDevice } from './fake-devices.ts';

import { capability } from './fake-devices.ts';

const PERCENT = { min: 0, max: 100 };
const CELSIUS = { min: 5, max: 30, step: 0.5 };

/** A capability that can be written. */
export function settable(
  kind: CapabilityKind,
  component: string,
  more: Partial<Capability> = {},
): Capability {
  return capability(kind, component, { writable: true, ...more });
}

export function orders(
  kind: CapabilityKind,
  component: string,
  commands: readonly string[],
  more: Partial<Capability> = {},
): Capability {
  return settable(kind, component, { commands, ...more });
}

const MOVES = ['open', 'close', 'stop'];
const AC_MODES = ['off', 'heat', 'cool', 'heat_cool', 'dry', 'fan_only'];

/** One device for each service, by the name that Apple Home shows. */
export const ACTUATORS: Readonly<Record<string, Omit<FakeDevice, 'name'>>> = {
  Blind: {
    capabilities: [
      orders('open_close', 'cover/blind', MOVES),
      settable('position', 'cover/blind', { range: PERCENT }),
      settable('tilt', 'cover/blind', { range: PERCENT }),
    ],
    values: { open_close: 'open', position: 60, tilt: 50 },
  },
  Shutter: {
    capabilities: [orders('open_close', 'cover/shutter', ['open', 'close'])],
    values: { open_close: 'closed' },
  },
  'Roof window': {
    capabilities: [settable('position', 'cover/roof', { range: PERCENT, device_class: 'window' })],
    values: { position: 10 },
  },
  'House door': {
    capabilities: [orders('open_close', 'cover/door', MOVES, { device_class: 'door' })],
    values: { open_close: 'open' },
  },
  Garage: {
    capabilities: [orders('open_close', 'cover/garage', MOVES, { device_class: 'garage' })],
    values: { open_close: 'closed' },
  },
  'Front lock': {
    capabilities: [orders('locked', 'lock/front', ['lock', 'unlock', 'open'])],
    values: { locked: 'locked' },
  },
  'Coded lock': {
    capabilities: [orders('locked', 'lock/coded', ['lock', 'unlock'], { needs_code: true })],
    values: { locked: 'unlocked' },
  },
  Alarm: {
    capabilities: [orders('alarm', 'alarm_control_panel/house', ['arm_home', 'arm_away', 'disarm'])],
    values: { alarm: 'disarmed' },
  },
  'Coded alarm': {
    capabilities: [
      orders('alarm', 'alarm_control_panel/coded', ['arm_away', 'disarm'], { needs_code: true }),
    ],
    values: { alarm: 'armed_away' },
  },
  Radiator: {
    capabilities: [
      settable('hvac_mode', 'climate/trv', { options: ['off', 'heat', 'auto'] }),
      settable('target_temperature', 'climate/trv', { range: CELSIUS }),
      capability('temperature', 'climate/trv'),
      capability('humidity', 'climate/trv'),
      capability('hvac_action', 'climate/trv', { options: ['idle', 'heating'] }),
    ],
    values: {
      hvac_mode: 'heat',
      target_temperature: 21.1,
      temperature: 19.44,
      humidity: 48.6,
      hvac_action: 'heating',
    },
  },
  'Heat pump': {
    capabilities: [
      settable('hvac_mode', 'climate/pump', { options: ['off', 'heat', 'cool', 'heat_cool'] }),
      settable('target_temperature', 'climate/pump', { range: CELSIUS, reported_unit: '°F' }),
      settable('target_temperature_low', 'climate/pump', { range: CELSIUS }),
      settable('target_temperature_high', 'climate/pump', { range: CELSIUS }),
      settable('target_humidity', 'climate/pump', { range: { min: 30, max: 70 } }),
      capability('temperature', 'climate/pump'),
    ],
    values: {
      hvac_mode: 'heat_cool',
      target_temperature: null,
      target_temperature_low: 19,
      target_temperature_high: 24,
      target_humidity: 45,
      temperature: 26,
    },
  },
  'Air conditioner': {
    capabilities: [
      settable('hvac_mode', 'climate/ac', { options: AC_MODES }),
      settable('fan_mode', 'climate/ac', { options: ['auto', 'high', 'low'] }),
      settable('swing_mode', 'climate/ac', { options: ['off', 'on'] }),
      settable('target_temperature', 'climate/ac', { range: { min: 16, max: 31, step: 1 } }),
      capability('temperature', 'climate/ac'),
    ],
    values: {
      hvac_mode: 'cool',
      fan_mode: 'low',
      swing_mode: 'off',
      target_temperature: 22,
      temperature: 25,
    },
  },
  Boiler: {
    capabilities: [
      settable('mode', 'water_heater/boiler', { options: ['off', 'eco', 'performance'] }),
      settable('target_temperature', 'water_heater/boiler', { range: { min: 43.3, max: 60 } }),
      capability('temperature', 'water_heater/boiler'),
    ],
    values: { mode: 'performance', target_temperature: 50, temperature: 47 },
  },
  'Ceiling fan': {
    capabilities: [
      settable('on_off', 'fan/ceiling'),
      settable('speed', 'fan/ceiling', { range: { min: 0, max: 100, step: 25 } }),
      settable('direction', 'fan/ceiling', { options: ['forward', 'reverse'] }),
      settable('oscillation', 'fan/ceiling'),
    ],
    values: { on_off: true, speed: 100, direction: 'reverse', oscillation: false },
  },
  Humidifier: {
    capabilities: [
      settable('on_off', 'humidifier/bed'),
      settable('target_humidity', 'humidifier/bed', { range: { min: 30, max: 80, step: 1 } }),
      capability('humidity', 'humidifier/bed'),
    ],
    values: { on_off: true, target_humidity: 50, humidity: 41 },
  },
  Dehumidifier: {
    capabilities: [
      settable('on_off', 'humidifier/cellar', { device_class: 'dehumidifier' }),
      settable('target_humidity', 'humidifier/cellar', { device_class: 'dehumidifier' }),
      capability('action', 'humidifier/cellar', { device_class: 'dehumidifier' }),
    ],
    values: { on_off: true, target_humidity: 55, action: 'drying' },
  },
  Sprinkler: {
    capabilities: [orders('open_close', 'valve/garden', ['open', 'close'], { device_class: 'water' })],
    values: { open_close: 'closed' },
  },
  'Gas valve': {
    capabilities: [orders('open_close', 'valve/gas', ['open', 'close'], { device_class: 'gas' })],
    values: { open_close: 'open' },
  },
  Vacuum: {
    capabilities: [orders('vacuum', 'vacuum/robot', ['start', 'pause', 'return_to_base'])],
    values: { vacuum: 'docked' },
  },
  Mower: {
    capabilities: [orders('lawn_mower', 'lawn_mower/lawn', ['start_mowing', 'dock'])],
    values: { lawn_mower: 'mowing' },
  },
  Siren: { capabilities: [settable('on_off', 'siren/hall')], values: { on_off: false } },
};
