import type { Config } from '../../components/fields.ts';
import type { Expose } from './expose.ts';

/** Device classes of values that are true or false, by name. Which of the two is `on` is said by value_on. */
export const BINARY_CLASSES: Readonly<Record<string, string>> = {
  ac_connected: 'plug',
  ac_status: 'power',
  battery_low: 'battery',
  carbon_monoxide: 'carbon_monoxide',
  contact: 'door',
  gas: 'gas',
  moving: 'moving',
  noise_detected: 'sound',
  occupancy: 'occupancy',
  opening: 'opening',
  power_alarm_active: 'power',
  presence: 'presence',
  rain: 'moisture',
  running: 'running',
  shake: 'vibration',
  smoke: 'smoke',
  sos: 'safety',
  tamper: 'tamper',
  tilt: 'vibration',
  vibration: 'vibration',
  water_leak: 'moisture',
  window: 'window',
  window_open: 'window',
};

/** Device classes of measurements, by name; the unit is the one that the device is listed with. */
const NUMBER_CLASSES: Readonly<Record<string, string>> = {
  aqi: 'aqi',
  battery: 'battery',
  co: 'carbon_monoxide',
  co2: 'carbon_dioxide',
  current: 'current',
  distance: 'distance',
  eco2: 'carbon_dioxide',
  humidity: 'humidity',
  illuminance: 'illuminance',
  illuminance_lux: 'illuminance',
  noise: 'sound_pressure',
  pm1: 'pm1',
  pm10: 'pm10',
  pm25: 'pm25',
  power: 'power',
  power_apparent: 'apparent_power',
  power_factor: 'power_factor',
  power_reactive: 'reactive_power',
  pressure: 'atmospheric_pressure',
  soil_moisture: 'moisture',
  voltage: 'voltage',
};

/** Device classes of units that say enough by themselves. */
const CLASSES_BY_UNIT: Readonly<Record<string, string>> = {
  '°C': 'temperature',
  '°F': 'temperature',
  W: 'power',
  kW: 'power',
  V: 'voltage',
  mV: 'voltage',
  A: 'current',
  mA: 'current',
  Hz: 'frequency',
  kWh: 'energy',
  Wh: 'energy',
  hPa: 'atmospheric_pressure',
  kPa: 'atmospheric_pressure',
  lx: 'illuminance',
};

/** The keys of a sensor's configuration that say what it measures. */
export function toMeasurement({ name, unit }: Expose): Config {
  const deviceClass = toDeviceClass(name, unit);
  return {
    ...(unit === null ? {} : { unit_of_measurement: unit }),
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
    state_class: deviceClass === 'energy' ? 'total_increasing' : 'measurement',
    ...(name === 'linkquality' ? { enabled_by_default: false } : {}),
  };
}

function toDeviceClass(name: string, unit: string | null): string | null {
  if (name === 'voc' || name === 'formaldehyd') {
    return unit === 'ppb' || unit === 'ppm'
      ? 'volatile_organic_compounds_parts'
      : 'volatile_organic_compounds';
  }
  // The old illuminance without a unit is on a scale of its own.
  if (name === 'illuminance' && unit === null) return null;
  if (Object.hasOwn(NUMBER_CLASSES, name)) return NUMBER_CLASSES[name] ?? null;
  // A difference is no temperature.
  if (unit === '°C' && /calibration|offset|difference|delta/.test(name)) return null;
  return unit !== null && Object.hasOwn(CLASSES_BY_UNIT, unit) ? (CLASSES_BY_UNIT[unit] ?? null) : null;
}
