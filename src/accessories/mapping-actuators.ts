import type { CharacteristicName } from './hap-types.ts';

import {
  choice,
  codeOf,
  flag,
  isNumber,
  number,
  offered,
  reading,
  textOf,
  toFlag,
  toNumber,
  type CapabilityRule,
  type NamedValues,
} from './mapping-rules.ts';

/** What is commanded, each the reverse of how the hub shows the same thing in Apple Home. */

const PERCENT = { min: 0, max: 100 };

export const LIGHT: readonly CapabilityRule[] = [
  flag('on_off', 'On'),
  {
    kind: 'brightness',
    needs: ['Brightness'],
    also: ['On'],
    target: ['Brightness'],
    unit: '%',
    describe: () => ({ range: { min: 1, max: 100 } }),
    read: (values) => {
      const percent = toNumber(values.get('Brightness'));
      return percent === null || percent < 1 ? null : Math.round(percent);
    },
    write: (value) => {
      if (!isNumber(value)) return undefined;
      return value < 1 ? { On: false } : { On: true, Brightness: value };
    },
  },
  number('color_temperature', 'ColorTemperature', {
    unit: 'mired',
    range: { min: 140, max: 500 },
    target: 'ColorTemperature',
    least: 1,
  }),
  {
    kind: 'color_hs',
    needs: ['Hue', 'Saturation'],
    target: ['Hue', 'Saturation'],
    read: (values) => {
      const hue = toNumber(values.get('Hue'));
      const saturation = toNumber(values.get('Saturation'));
      return hue === null || saturation === null ? null : { hue, saturation };
    },
    write: (value) => {
      if (typeof value !== 'object' || value === null) return undefined;
      const { hue, saturation } = value as { hue?: unknown; saturation?: unknown };
      return isNumber(hue) && isNumber(saturation) ? { Hue: hue, Saturation: saturation } : undefined;
    },
  },
];

export const LOCK: readonly CapabilityRule[] = [
  {
    kind: 'locked',
    needs: ['LockCurrentState'],
    also: ['LockTargetState'],
    target: ['LockTargetState'],
    describe: () => ({
      options: ['locked', 'locking', 'unlocked', 'unlocking', 'jammed'],
      commands: ['lock', 'unlock'],
    }),
    read: (values) => {
      const current = toNumber(values.get('LockCurrentState'));
      const target = toNumber(values.get('LockTargetState'));
      if (current === 2) return 'jammed';
      if (current !== 0 && current !== 1) return null;
      if (target !== null && target !== current) return target === 1 ? 'locking' : 'unlocking';
      return current === 1 ? 'locked' : 'unlocked';
    },
    write: (value) => {
      const code = codeOf({ 0: 'unlock', 1: 'lock' }, value);
      return code === undefined ? undefined : { LockTargetState: code };
    },
  },
];

const DOOR_STATES = { 0: 'open', 1: 'closed', 2: 'opening', 3: 'closing', 4: 'stopped' };
const OBSTRUCTION = flag('problem', 'ObstructionDetected', { readOnly: true });

export const GARAGE_DOOR: readonly CapabilityRule[] = [
  {
    kind: 'open_close',
    needs: ['CurrentDoorState'],
    target: ['TargetDoorState'],
    describe: () => ({ options: Object.values(DOOR_STATES), commands: ['open', 'close'] }),
    read: (values) => textOf(DOOR_STATES, values.get('CurrentDoorState')),
    write: (value) => {
      const code = codeOf({ 0: 'open', 1: 'close' }, value);
      return code === undefined ? undefined : { TargetDoorState: code };
    },
  },
  OBSTRUCTION,
];

export const COVER: readonly CapabilityRule[] = [
  {
    kind: 'open_close',
    needs: ['CurrentPosition'],
    also: ['PositionState', 'HoldPosition'],
    target: ['TargetPosition'],
    describe: (characteristics) => ({
      options: ['open', 'opening', 'closed', 'closing'],
      commands: ['open', 'close', ...(characteristics.has('HoldPosition') ? ['stop'] : [])],
    }),
    read: (values) => {
      const moving = toNumber(values.get('PositionState'));
      if (moving === 0) return 'closing';
      if (moving === 1) return 'opening';
      const position = toNumber(values.get('CurrentPosition'));
      if (position === null) return null;
      return position > 0 ? 'open' : 'closed';
    },
    write: (value) => {
      if (value === 'stop') return { HoldPosition: true };
      const position = codeOf({ 100: 'open', 0: 'close' }, value);
      return position === undefined ? undefined : { TargetPosition: position };
    },
  },
  number('position', 'CurrentPosition', { unit: '%', range: PERCENT, target: 'TargetPosition' }),
  tilt('CurrentHorizontalTiltAngle', 'TargetHorizontalTiltAngle'),
  tilt('CurrentVerticalTiltAngle', 'TargetVerticalTiltAngle'),
  OBSTRUCTION,
];

/** -90 to 90 degrees are 0 to 100 percent. */
function tilt(current: CharacteristicName, target: CharacteristicName): CapabilityRule {
  return {
    kind: 'tilt',
    needs: [current],
    target: [target],
    unit: '%',
    describe: () => ({ range: PERCENT }),
    read: (values) => {
      const angle = toNumber(values.get(current));
      return angle === null ? null : Math.round((angle + 90) / 1.8);
    },
    write: (value) => (isNumber(value) ? { [target]: Math.round(value * 1.8 - 90) } : undefined),
  };
}

const THERMOSTAT_MODES = { 0: 'off', 1: 'heat', 2: 'cool', 3: 'auto' };
const THERMOSTAT_ACTIONS = { 0: 'idle', 1: 'heating', 2: 'cooling' };
const LOW = number('target_temperature_low', 'HeatingThresholdTemperature', {
  unit: '°C',
  range: { min: 0, max: 25, step: 0.1 },
  target: 'HeatingThresholdTemperature',
});
const HIGH = number('target_temperature_high', 'CoolingThresholdTemperature', {
  unit: '°C',
  range: { min: 10, max: 35, step: 0.1 },
  target: 'CoolingThresholdTemperature',
});
const TEMPERATURE = reading('temperature', 'CurrentTemperature', '°C');
const HUMIDITY = reading('humidity', 'CurrentRelativeHumidity', '%');

export const THERMOSTAT: readonly CapabilityRule[] = [
  choice('hvac_mode', 'TargetHeatingCoolingState', THERMOSTAT_MODES, 'TargetHeatingCoolingState'),
  {
    ...choice('hvac_action', 'CurrentHeatingCoolingState', THERMOSTAT_ACTIONS),
    also: ['TargetHeatingCoolingState'],
    // HAP has one value for "off" and for "at rest".
    describe: () => ({ options: ['off', ...Object.values(THERMOSTAT_ACTIONS)] }),
    read: (values) =>
      toNumber(values.get('TargetHeatingCoolingState')) === 0
        ? 'off'
        : textOf(THERMOSTAT_ACTIONS, values.get('CurrentHeatingCoolingState')),
  },
  number('target_temperature', 'TargetTemperature', {
    unit: '°C',
    range: { min: 10, max: 38, step: 0.1 },
    target: 'TargetTemperature',
  }),
  LOW,
  HIGH,
  TEMPERATURE,
  HUMIDITY,
  number('target_humidity', 'TargetRelativeHumidity', {
    unit: '%',
    range: PERCENT,
    target: 'TargetRelativeHumidity',
  }),
];

const HEATER_COOLER_MODES = { 0: 'auto', 1: 'heat', 2: 'cool' };

export const HEATER_COOLER: readonly CapabilityRule[] = [
  {
    kind: 'hvac_mode',
    needs: ['Active', 'TargetHeaterCoolerState'],
    target: ['Active', 'TargetHeaterCoolerState'],
    describe: (characteristics) => ({
      options: ['off', ...offered(characteristics.get('TargetHeaterCoolerState'), HEATER_COOLER_MODES)],
    }),
    read: (values) => {
      const active = toFlag(values.get('Active'));
      if (active === false) return 'off';
      return active ? textOf(HEATER_COOLER_MODES, values.get('TargetHeaterCoolerState')) : null;
    },
    write: (value) => {
      if (value === 'off') return { Active: 0 };
      const code = codeOf(HEATER_COOLER_MODES, value);
      return code === undefined ? undefined : { Active: 1, TargetHeaterCoolerState: code };
    },
  },
  choice('hvac_action', 'CurrentHeaterCoolerState', { 0: 'off', 1: 'idle', 2: 'heating', 3: 'cooling' }),
  LOW,
  HIGH,
  TEMPERATURE,
];

const HUMIDIFIER_MODES = { 0: 'auto', 1: 'humidify', 2: 'dehumidify' };

export const HUMIDIFIER: readonly CapabilityRule[] = [
  flag('on_off', 'Active'),
  choice('mode', 'TargetHumidifierDehumidifierState', HUMIDIFIER_MODES, 'TargetHumidifierDehumidifierState'),
  choice('action', 'CurrentHumidifierDehumidifierState', {
    0: 'off',
    1: 'idle',
    2: 'humidifying',
    3: 'drying',
  }),
  humidityThreshold('RelativeHumidityHumidifierThreshold'),
  humidityThreshold('RelativeHumidityDehumidifierThreshold'),
  HUMIDITY,
];

function humidityThreshold(name: CharacteristicName): CapabilityRule {
  return number('target_humidity', name, { unit: '%', range: PERCENT, target: name });
}

const ALARM_STATES = { 0: 'armed_home', 1: 'armed_away', 2: 'armed_night', 3: 'disarmed', 4: 'triggered' };
const ALARM_COMMANDS = { 0: 'arm_home', 1: 'arm_away', 2: 'arm_night', 3: 'disarm' };

export const ALARM: readonly CapabilityRule[] = [
  {
    kind: 'alarm',
    needs: ['SecuritySystemCurrentState'],
    also: ['SecuritySystemTargetState'],
    target: ['SecuritySystemTargetState'],
    describe: (characteristics) => ({
      options: [
        ...offered(characteristics.get('SecuritySystemCurrentState'), ALARM_STATES),
        'arming',
        'disarming',
      ],
      commands: offered(characteristics.get('SecuritySystemTargetState'), ALARM_COMMANDS),
    }),
    read: readAlarm,
    write: (value) => {
      const code = codeOf(ALARM_COMMANDS, value);
      return code === undefined ? undefined : { SecuritySystemTargetState: code };
    },
  },
];

function readAlarm(values: NamedValues): string | null {
  const current = toNumber(values.get('SecuritySystemCurrentState'));
  const target = toNumber(values.get('SecuritySystemTargetState'));
  if (current === null || current === 4 || target === null || target === current) {
    return textOf(ALARM_STATES, current);
  }
  return target === 3 ? 'disarming' : 'arming';
}

export const VALVE: readonly CapabilityRule[] = [
  {
    kind: 'open_close',
    needs: ['Active'],
    target: ['Active'],
    describe: () => ({ options: ['open', 'closed'], commands: ['open', 'close'] }),
    read: (values) => {
      const active = toFlag(values.get('Active'));
      if (active === null) return null;
      return active ? 'open' : 'closed';
    },
    write: (value) => {
      const code = codeOf({ 0: 'close', 1: 'open' }, value);
      return code === undefined ? undefined : { Active: code };
    },
  },
];
