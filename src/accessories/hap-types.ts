/** Apple's services by their short type (HomeKit Accessory Protocol, chapter 8). */
const SERVICES = {
  '3E': 'AccessoryInformation',
  BB: 'AirPurifier',
  '8D': 'AirQualitySensor',
  '96': 'Battery',
  '97': 'CarbonDioxideSensor',
  '7F': 'CarbonMonoxideSensor',
  '80': 'ContactSensor',
  '81': 'Door',
  '121': 'Doorbell',
  '40': 'Fan',
  B7: 'Fanv2',
  D7: 'Faucet',
  BA: 'FilterMaintenance',
  '41': 'GarageDoorOpener',
  BC: 'HeaterCooler',
  BD: 'HumidifierDehumidifier',
  '82': 'HumiditySensor',
  CF: 'IrrigationSystem',
  '83': 'LeakSensor',
  '84': 'LightSensor',
  '43': 'Lightbulb',
  '45': 'LockMechanism',
  '85': 'MotionSensor',
  '86': 'OccupancySensor',
  '47': 'Outlet',
  '55': 'Pairing',
  A2: 'ProtocolInformation',
  '7E': 'SecuritySystem',
  B9: 'Slats',
  '87': 'SmokeSensor',
  '89': 'StatelessProgrammableSwitch',
  '49': 'Switch',
  D8: 'Television',
  '8A': 'TemperatureSensor',
  '4A': 'Thermostat',
  D0: 'Valve',
  '8B': 'Window',
  '8C': 'WindowCovering',
  CC: 'ServiceLabel',
} as const;

/** Apple's characteristics by their short type (chapter 9), and Eve's by their UUID. */
const CHARACTERISTICS = {
  B0: 'Active',
  '95': 'AirQuality',
  '68': 'BatteryLevel',
  '8': 'Brightness',
  '92': 'CarbonDioxideDetected',
  '93': 'CarbonDioxideLevel',
  '69': 'CarbonMonoxideDetected',
  '90': 'CarbonMonoxideLevel',
  CE: 'ColorTemperature',
  E3: 'ConfiguredName',
  '6A': 'ContactSensorState',
  D: 'CoolingThresholdTemperature',
  A9: 'CurrentAirPurifierState',
  '6B': 'CurrentAmbientLightLevel',
  E: 'CurrentDoorState',
  B1: 'CurrentHeaterCoolerState',
  F: 'CurrentHeatingCoolingState',
  '6C': 'CurrentHorizontalTiltAngle',
  B3: 'CurrentHumidifierDehumidifierState',
  '6D': 'CurrentPosition',
  '10': 'CurrentRelativeHumidity',
  '11': 'CurrentTemperature',
  '6E': 'CurrentVerticalTiltAngle',
  AB: 'FilterLifeLevel',
  '52': 'FirmwareRevision',
  '53': 'HardwareRevision',
  '12': 'HeatingThresholdTemperature',
  '6F': 'HoldPosition',
  '13': 'Hue',
  '14': 'Identify',
  D2: 'InUse',
  '70': 'LeakDetected',
  '1D': 'LockCurrentState',
  '1E': 'LockTargetState',
  '20': 'Manufacturer',
  '21': 'Model',
  '22': 'MotionDetected',
  '23': 'Name',
  '24': 'ObstructionDetected',
  '71': 'OccupancyDetected',
  '25': 'On',
  C7: 'PM10Density',
  C6: 'PM2_5Density',
  '72': 'PositionState',
  '73': 'ProgrammableSwitchEvent',
  C9: 'RelativeHumidityDehumidifierThreshold',
  CA: 'RelativeHumidityHumidifierThreshold',
  '28': 'RotationDirection',
  '29': 'RotationSpeed',
  '2F': 'Saturation',
  '66': 'SecuritySystemCurrentState',
  '67': 'SecuritySystemTargetState',
  '30': 'SerialNumber',
  CB: 'ServiceLabelIndex',
  '76': 'SmokeDetected',
  '77': 'StatusFault',
  '79': 'StatusLowBattery',
  '7A': 'StatusTampered',
  B6: 'SwingMode',
  A8: 'TargetAirPurifierState',
  '32': 'TargetDoorState',
  B2: 'TargetHeaterCoolerState',
  '33': 'TargetHeatingCoolingState',
  '7B': 'TargetHorizontalTiltAngle',
  B4: 'TargetHumidifierDehumidifierState',
  '7C': 'TargetPosition',
  '34': 'TargetRelativeHumidity',
  '35': 'TargetTemperature',
  '7D': 'TargetVerticalTiltAngle',
  C8: 'VOCDensity',
  'E863F10A-079E-48FF-8F27-9C2605A29F52': 'EveVoltage',
  'E863F10C-079E-48FF-8F27-9C2605A29F52': 'EveTotalConsumption',
  'E863F10D-079E-48FF-8F27-9C2605A29F52': 'EveConsumption',
  'E863F10F-079E-48FF-8F27-9C2605A29F52': 'EveAirPressure',
  'E863F126-079E-48FF-8F27-9C2605A29F52': 'EveElectricCurrent',
} as const;

export type ServiceName = (typeof SERVICES)[keyof typeof SERVICES];
export type CharacteristicName = (typeof CHARACTERISTICS)[keyof typeof CHARACTERISTICS];

const APPLE_BASE = /-0000-1000-8000-0026BB765291$/;

/** One spelling for a type: Apple's own as short hexadecimal (`43`), others as an upper-case UUID. */
export function toShortType(type: string): string {
  const upper = type.toUpperCase();
  return APPLE_BASE.test(upper) || !upper.includes('-')
    ? upper.replace(APPLE_BASE, '').replace(/^0+(?=.)/, '')
    : upper;
}

/** Undefined for a service that the hub does not know. */
export function serviceName(shortType: string): ServiceName | undefined {
  return Object.hasOwn(SERVICES, shortType) ? SERVICES[shortType as keyof typeof SERVICES] : undefined;
}

export function characteristicName(shortType: string): CharacteristicName | undefined {
  return Object.hasOwn(CHARACTERISTICS, shortType)
    ? CHARACTERISTICS[shortType as keyof typeof CHARACTERISTICS]
    : undefined;
}
