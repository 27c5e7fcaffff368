import type { Config } from '../../components/fields.ts';

import { readText } from '../../components/fields.ts';

/** The units that a sensor model states once for all its values. */
export interface ModelUnits {
  readonly temperature: string;
  readonly pressure: string;
  readonly speed: string;
}

const MEASURED = { state_class: 'measurement' };

function measured(unit: string | null, deviceClass: string | null = null): Config {
  return {
    ...MEASURED,
    ...(unit === null ? {} : { unit_of_measurement: unit }),
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
  };
}

const COUNTED = { device_class: 'energy', unit_of_measurement: 'kWh', state_class: 'total_increasing' };

/** What the quantities of Tasmota's sensors are, https://tasmota.github.io/docs/Supported-Peripherals/. */
const QUANTITIES: Readonly<Record<string, Config>> = {
  Humidity: measured('%', 'humidity'),
  Illuminance: measured('lx', 'illuminance'),
  Ambient: measured('lx', 'illuminance'),
  Battery: { ...measured('%', 'battery'), entity_category: 'diagnostic' },
  Moisture: measured('%', 'moisture'),
  Power: measured('W', 'power'),
  ActivePower: measured('W', 'power'),
  ApparentPower: measured('VA', 'apparent_power'),
  ReactivePower: measured('var', 'reactive_power'),
  Factor: measured(null, 'power_factor'),
  PowerFactor: measured(null, 'power_factor'),
  Frequency: measured('Hz', 'frequency'),
  Voltage: measured('V', 'voltage'),
  Current: measured('A', 'current'),
  CurrentNeutral: measured('A', 'current'),
  PhaseAngle: measured('°'),
  Total: COUNTED,
  TotalTariff: COUNTED,
  Today: COUNTED,
  TodaySum: COUNTED,
  TotalSum: COUNTED,
  Yesterday: { device_class: 'energy', unit_of_measurement: 'kWh' },
  YesterdaySum: { device_class: 'energy', unit_of_measurement: 'kWh' },
  Energy: COUNTED,
  ExportActive: COUNTED,
  ExportTariff: COUNTED,
  ImportActive: COUNTED,
  ExportReactive: { unit_of_measurement: 'kvarh', state_class: 'total_increasing' },
  ImportReactive: { unit_of_measurement: 'kvarh', state_class: 'total_increasing' },
  // What was used since the last telemetry: no counter.
  Period: { unit_of_measurement: 'Wh' },
  CarbonDioxide: measured('ppm', 'carbon_dioxide'),
  eCO2: measured('ppm', 'carbon_dioxide'),
  TVOC: measured('ppb', 'volatile_organic_compounds_parts'),
  PM1: measured('µg/m³', 'pm1'),
  'PM2.5': measured('µg/m³', 'pm25'),
  PM10: measured('µg/m³', 'pm10'),
  CF1: measured('µg/m³'),
  'CF2.5': measured('µg/m³'),
  CF10: measured('µg/m³'),
  Distance: measured('cm', 'distance'),
  Weight: measured('kg', 'weight'),
  CCT: measured('K'),
  RSSI: { ...measured('dBm', 'signal_strength'), entity_category: 'diagnostic' },
};

export function readUnits(model: Config): ModelUnits {
  const temperature = readText(model, 'TempUnit');
  return {
    temperature: temperature === 'F' ? '°F' : temperature === 'K' ? 'K' : '°C',
    pressure: readText(model, 'PressureUnit')?.slice(0, 20) ?? 'hPa',
    speed: readText(model, 'SpeedUnit')?.slice(0, 20) ?? 'km/h',
  };
}

/** The keys of a sensor's configuration that say what it measures; for an unknown quantity that it is a number. */
export function toQuantity(quantity: string, units: ModelUnits): Config {
  switch (quantity) {
    case 'Temperature':
    case 'DewPoint':
      return measured(units.temperature, 'temperature');
    case 'Pressure':
    case 'SeaPressure':
      return measured(units.pressure, 'atmospheric_pressure');
    case 'Speed':
      return measured(units.speed, 'speed');
    default:
      return (Object.hasOwn(QUANTITIES, quantity) ? QUANTITIES[quantity] : undefined) ?? MEASURED;
  }
}
