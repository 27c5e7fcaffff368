import type { CapabilityDescription, CapabilityKind, ValueRange } from '../../devices/types.ts';

/** How a reported number becomes a value of its kind. */
export interface Measure {
  readonly kind: CapabilityKind;
  readonly unit: string | null;
  readonly range: ValueRange | null;
  toKind(reported: number): number;
}

type LinearUnits = Readonly<Record<string, number>>;

const PERCENT: ValueRange = { min: 0, max: 100 };

/** Factors to the unit of the kind. */
const POWER: LinearUnits = { W: 1, Watt: 1, watt: 1, kW: 1e3, MW: 1e6, mW: 1e-3 };
const ENERGY: LinearUnits = {
  kWh: 1,
  Wh: 1e-3,
  mWh: 1e-6,
  MWh: 1e3,
  GWh: 1e6,
  J: 1 / 3.6e6,
  kJ: 1 / 3600,
  MJ: 1 / 3.6,
  GJ: 1e3 / 3.6,
};
const VOLTAGE: LinearUnits = { V: 1, mV: 1e-3, µV: 1e-6, kV: 1e3 };
const CURRENT: LinearUnits = { A: 1, mA: 1e-3, µA: 1e-6 };
const FREQUENCY: LinearUnits = { Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 };
const PRESSURE: LinearUnits = {
  hPa: 1,
  mbar: 1,
  Pa: 1e-2,
  kPa: 10,
  MPa: 1e4,
  bar: 1e3,
  cbar: 10,
  mmHg: 1.333224,
  inHg: 33.86389,
  psi: 68.94757,
};
const ILLUMINANCE: LinearUnits = { lx: 1, lux: 1, klx: 1e3 };

const LINEAR: readonly { kind: CapabilityKind; unit: string; units: LinearUnits }[] = [
  { kind: 'power', unit: 'W', units: POWER },
  { kind: 'energy', unit: 'kWh', units: ENERGY },
  { kind: 'voltage', unit: 'V', units: VOLTAGE },
  { kind: 'current', unit: 'A', units: CURRENT },
  { kind: 'frequency', unit: 'Hz', units: FREQUENCY },
  { kind: 'pressure', unit: 'hPa', units: PRESSURE },
  { kind: 'illuminance', unit: 'lx', units: ILLUMINANCE },
];

const CELSIUS = new Set(['°C', 'C', '℃', 'ºC']);
const FAHRENHEIT = new Set(['°F', 'F', '℉', 'ºF']);

/** Device classes whose unit nobody needs to say. */
const BY_CLASS: Readonly<Record<string, CapabilityKind>> = {
  temperature: 'temperature',
  power: 'power',
  energy: 'energy',
  voltage: 'voltage',
  current: 'current',
  frequency: 'frequency',
  pressure: 'pressure',
  atmospheric_pressure: 'pressure',
  illuminance: 'illuminance',
};

/**
 * The measure of a sensor. The unit decides before the device class: Tasmota calls its kWh counters `power`. Null when
 * unit and class say nothing that the hub has a kind for.
 */
export function toMeasure(deviceClass: string | null, reportedUnit: string | null): Measure | null {
  // The Greek mu and the micro sign look alike, and both are sent.
  const unit = reportedUnit?.trim().replace('μ', 'µ') ?? '';
  if (unit === '%' || unit === '') {
    if (deviceClass === 'humidity' || deviceClass === 'battery')
      return measure(deviceClass, '%', keep, PERCENT);
  }
  const temperature = toTemperature(deviceClass, unit);
  if (temperature) return measure('temperature', '°C', temperature);
  for (const { kind, unit: kindUnit, units } of LINEAR) {
    const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (factor !== undefined) return measure(kind, kindUnit, (value) => tidy(value * factor));
  }
  const kind = unit === '' && deviceClass !== null ? BY_CLASS[deviceClass] : undefined;
  const known = LINEAR.find((candidate) => candidate.kind === kind);
  return known ? measure(known.kind, known.unit, keep) : null;
}

/** A difference of temperatures has no zero point to shift, and is no temperature of anything. */
function toTemperature(deviceClass: string | null, unit: string): ((value: number) => number) | null {
  if (deviceClass === 'temperature_delta') return null;
  const isTemperature = deviceClass === 'temperature';
  if (CELSIUS.has(unit) && (isTemperature || unit.length > 1)) return keep;
  if (FAHRENHEIT.has(unit) && (isTemperature || unit.length > 1))
    return (value) => tidy(((value - 32) * 5) / 9);
  if (isTemperature && unit === 'K') return (value) => tidy(value - 273.15);
  return isTemperature && unit === '' ? keep : null;
}

function measure(
  kind: CapabilityKind,
  unit: string,
  toKind: (reported: number) => number,
  range: ValueRange | null = null,
): Measure {
  return { kind, unit, range, toKind };
}

const keep = (value: number): number => value;

/** Without it 23400 Wh would be 23.400000000000002 kWh. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** A capability that only tells. */
export function readOnly(
  kind: CapabilityKind,
  unit: string | null,
  range: ValueRange | null,
): CapabilityDescription {
  return { kind, unit, range, writable: false };
}
