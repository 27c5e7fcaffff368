import type { CharacteristicName, ServiceName } from './hap-types.ts';

import {
  ALARM,
  COVER,
  GARAGE_DOOR,
  HEATER_COOLER,
  HUMIDIFIER,
  LIGHT,
  LOCK,
  THERMOSTAT,
  VALVE,
} from './mapping-actuators.ts';
import { choice, flag, number, reading, type CapabilityRule } from './mapping-rules.ts';

/** What a service becomes in the hub. */
export interface ServiceRule {
  /** As discovery calls such a component. */
  readonly component: string;
  readonly deviceClass?: string;
  readonly capabilities: readonly CapabilityRule[];
}

const PRESSES = { 0: 'single', 1: 'double', 2: 'long' };
const AIR_QUALITIES = { 1: 'excellent', 2: 'good', 3: 'fair', 4: 'inferior', 5: 'poor' };
const PURIFIER_ACTIONS = { 0: 'off', 1: 'idle', 2: 'purifying' };
const PURIFIER_MODES = { 0: 'manual', 1: 'auto' };

const ON = flag('on_off', 'On');
const ACTIVE = flag('on_off', 'Active');
const SPEED = number('speed', 'RotationSpeed', {
  unit: '%',
  range: { min: 0, max: 100 },
  target: 'RotationSpeed',
});
const SWING = flag('oscillation', 'SwingMode');
const DIRECTION = choice(
  'direction',
  'RotationDirection',
  { 0: 'forward', 1: 'reverse' },
  'RotationDirection',
);
const PRESS = choice('button_event', 'ProgrammableSwitchEvent', PRESSES);

const CO2_LEVEL = reading('co2', 'CarbonDioxideLevel', 'ppm');
const CO_LEVEL = reading('co', 'CarbonMonoxideLevel', 'ppm');

/** The reverse of what the hub shows of its own devices. */
const SERVICES: Readonly<Partial<Record<ServiceName, ServiceRule>>> = {
  Lightbulb: { component: 'light', capabilities: LIGHT },
  Switch: { component: 'switch', capabilities: [ON] },
  Outlet: { component: 'switch', deviceClass: 'outlet', capabilities: [ON] },
  Fan: { component: 'fan', capabilities: [ON, SPEED, DIRECTION] },
  Fanv2: { component: 'fan', capabilities: [ACTIVE, SPEED, SWING, DIRECTION] },
  AirPurifier: {
    component: 'fan',
    capabilities: [
      ACTIVE,
      SPEED,
      SWING,
      choice('mode', 'TargetAirPurifierState', PURIFIER_MODES, 'TargetAirPurifierState'),
      choice('action', 'CurrentAirPurifierState', PURIFIER_ACTIONS),
    ],
  },
  LockMechanism: { component: 'lock', capabilities: LOCK },
  GarageDoorOpener: { component: 'cover', deviceClass: 'garage', capabilities: GARAGE_DOOR },
  WindowCovering: { component: 'cover', deviceClass: 'blind', capabilities: COVER },
  Window: { component: 'cover', deviceClass: 'window', capabilities: COVER },
  Door: { component: 'cover', deviceClass: 'door', capabilities: COVER },
  Thermostat: { component: 'climate', capabilities: THERMOSTAT },
  HeaterCooler: { component: 'climate', capabilities: [...HEATER_COOLER, SPEED, SWING] },
  HumidifierDehumidifier: { component: 'humidifier', capabilities: [...HUMIDIFIER, SPEED, SWING] },
  SecuritySystem: { component: 'alarm_control_panel', capabilities: ALARM },
  Valve: { component: 'valve', deviceClass: 'water', capabilities: VALVE },
  Faucet: { component: 'switch', capabilities: [ACTIVE] },
  Television: { component: 'switch', capabilities: [ACTIVE] },
  StatelessProgrammableSwitch: { component: 'event', deviceClass: 'button', capabilities: [PRESS] },
  Doorbell: { component: 'event', deviceClass: 'doorbell', capabilities: [PRESS] },
  TemperatureSensor: sensor('temperature', reading('temperature', 'CurrentTemperature', '°C')),
  HumiditySensor: sensor('humidity', reading('humidity', 'CurrentRelativeHumidity', '%')),
  LightSensor: sensor('illuminance', reading('illuminance', 'CurrentAmbientLightLevel', 'lx')),
  AirQualitySensor: sensor(
    'aqi',
    reading('pm25', 'PM2_5Density', 'µg/m³'),
    reading('pm10', 'PM10Density', 'µg/m³'),
    reading('voc', 'VOCDensity', 'µg/m³'),
    CO2_LEVEL,
    CO_LEVEL,
    choice('select', 'AirQuality', AIR_QUALITIES),
  ),
  CarbonDioxideSensor: sensor('carbon_dioxide', CO2_LEVEL, detector('problem', 'CarbonDioxideDetected')),
  CarbonMonoxideSensor: sensor(
    'carbon_monoxide',
    CO_LEVEL,
    detector('co_detected', 'CarbonMonoxideDetected'),
  ),
  Battery: sensor('battery', reading('battery', 'BatteryLevel', '%')),
  FilterMaintenance: sensor('filter', reading('number', 'FilterLifeLevel', '%')),
  MotionSensor: binary('motion', detector('motion', 'MotionDetected')),
  OccupancySensor: binary('occupancy', detector('occupancy', 'OccupancyDetected')),
  // 0 is "contact", which is closed.
  ContactSensor: binary('opening', detector('contact', 'ContactSensorState')),
  LeakSensor: binary('moisture', detector('leak', 'LeakDetected')),
  SmokeSensor: binary('smoke', detector('smoke', 'SmokeDetected')),
};

/** What any service may have besides: how it is, and what Eve's own characteristics measure. */
const EVERYWHERE: readonly CapabilityRule[] = [
  detector('battery_low', 'StatusLowBattery'),
  detector('tamper', 'StatusTampered'),
  detector('problem', 'StatusFault'),
  reading('power', 'EveConsumption', 'W'),
  {
    ...reading('energy', 'EveTotalConsumption', 'kWh'),
    stateClass: 'total_increasing',
  },
  reading('voltage', 'EveVoltage', 'V'),
  reading('current', 'EveElectricCurrent', 'A'),
  reading('pressure', 'EveAirPressure', 'hPa'),
];

/** What a service becomes; undefined for one that the hub does not know. */
export function serviceRule(name: ServiceName | undefined): ServiceRule | undefined {
  return name === undefined ? undefined : SERVICES[name];
}

/** The rules that a service is read with, the more specific ones first; at most one of each kind applies. */
export function capabilityRules(name: ServiceName | undefined): readonly CapabilityRule[] {
  return [...(serviceRule(name)?.capabilities ?? []), ...EVERYWHERE];
}

function detector(kind: CapabilityRule['kind'], name: CharacteristicName): CapabilityRule {
  return flag(kind, name, { readOnly: true });
}

function sensor(deviceClass: string, ...capabilities: CapabilityRule[]): ServiceRule {
  return { component: 'sensor', deviceClass, capabilities };
}

function binary(deviceClass: string, ...capabilities: CapabilityRule[]): ServiceRule {
  return { component: 'binary_sensor', deviceClass, capabilities };
}
