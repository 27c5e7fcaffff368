import type { CapabilityDescription, CapabilityKind, ValueRange } from '../../devices/types.ts';

/** How a reported number becomes a value of its kind. */
export interface Measure {
  readonly kind: CapabilityKind;
  readonly unit: string | null;
  readonly range: ValueRange | null;
  /** The publisher's unit, where it is another one. */
  readonly reportedUnit?: string;
  /** Null where the number is impossible: unknown, and never the nearest that would be possible. */
  toKind(reported: number): number | null;
}

type ToKind = Measure['toKind'];
type LinearUnits = Readonly<Record<string, number>>;

/** Units and what a number in them is multiplied with to be one in the unit of the kind. */
interface LinearKind {
  readonly kind: CapabilityKind;
  readonly unit: string | null;
  readonly units: LinearUnits;
  /** True where less than nothing can't be measured. */
  readonly isAmount?: boolean;
}

const PERCENT: ValueRange = { min: 0, max: 100 };

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
  cal: 1 / 860_420.65,
  kcal: 1 / 860.42065,
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

/** Kinds that their unit gives away. */
const BY_UNIT: readonly LinearKind[] = [
  { kind: 'power', unit: 'W', units: POWER },
  { kind: 'energy', unit: 'kWh', units: ENERGY },
  { kind: 'voltage', unit: 'V', units: VOLTAGE },
  { kind: 'current', unit: 'A', units: CURRENT },
  { kind: 'frequency', unit: 'Hz', units: FREQUENCY },
  { kind: 'pressure', unit: 'hPa', units: PRESSURE },
  { kind: 'illuminance', unit: 'lx', units: ILLUMINANCE, isAmount: true },
];

const PARTS: LinearUnits = { ppm: 1, ppb: 1e-3 };
const DENSITY: LinearUnits = { 'µg/m³': 1, 'mg/m³': 1e3 };

/** Kinds that share their unit with others, by the device class that tells them apart. */
const BY_CLASS_AND_UNIT: Readonly<Record<string, LinearKind>> = {
  carbon_dioxide: { kind: 'co2', unit: 'ppm', units: PARTS, isAmount: true },
  carbon_monoxide: { kind: 'co', unit: 'ppm', units: PARTS, isAmount: true },
  pm1: { kind: 'pm1', unit: 'µg/m³', units: DENSITY, isAmount: true },
  pm25: { kind: 'pm25', unit: 'µg/m³', units: DENSITY, isAmount: true },
  pm10: { kind: 'pm10', unit: 'µg/m³', units: DENSITY, isAmount: true },
  volatile_organic_compounds: { kind: 'voc', unit: 'µg/m³', units: DENSITY, isAmount: true },
  aqi: { kind: 'aqi', unit: null, units: { AQI: 1 }, isAmount: true },
};

const CELSIUS = new Set(['°C', 'C', '℃', 'ºC']);
const FAHRENHEIT = new Set(['°F', 'F', '℉', 'ºF']);

/** Device classes of the kinds that their unit gives away, for where nobody said the unit. */
const KIND_BY_CLASS: Readonly<Record<string, CapabilityKind>> = {
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
  const found = findMeasure(deviceClass, tidyUnit(reportedUnit));
  const reported = reportedUnit?.trim() ?? '';
  return found && reported !== '' && reported !== found.unit ? { ...found, reportedUnit: reported } : found;
}

function findMeasure(deviceClass: string | null, unit: string): Measure | null {
  const ratio = unit === '%' || unit === '' ? toRatio(deviceClass, unit) : null;
  if (ratio) return ratio;
  const temperature = toTemperature(deviceClass, unit);
  if (temperature) return { kind: 'temperature', unit: '°C', range: null, toKind: temperature };
  for (const linear of BY_UNIT) {
    if (Object.hasOwn(linear.units, unit)) return toLinear(linear, unit);
  }
  if (deviceClass === null) return null;
  const byClass = Object.hasOwn(BY_CLASS_AND_UNIT, deviceClass) ? BY_CLASS_AND_UNIT[deviceClass] : undefined;
  if (byClass) return unit === '' || Object.hasOwn(byClass.units, unit) ? toLinear(byClass, unit) : null;
  if (unit !== '' || !Object.hasOwn(KIND_BY_CLASS, deviceClass)) return null;
  const linear = BY_UNIT.find(({ kind }) => kind === KIND_BY_CLASS[deviceClass]);
  return linear ? toLinear(linear, unit) : null;
}

/** Units as they are looked up: publishers write both mu signs, or none of them, and leave powers on the line. */
function tidyUnit(unit: string | null): string {
  const text = unit?.trim().replace('μ', 'µ').replace(/m3$/, 'm³') ?? '';
  return text.replace(/^ug\//, 'µg/');
}

function toLinear({ kind, unit, units, isAmount = false }: LinearKind, reportedUnit: string): Measure {
  const factor = units[reportedUnit] ?? 1;
  const toKind: ToKind = (value) => {
    const converted = tidy(value * factor);
    return Number.isFinite(converted) && !(isAmount && converted < 0) ? converted : null;
  };
  return { kind, unit, range: null, toKind };
}

function toRatio(deviceClass: string | null, unit: string): Measure | null {
  switch (deviceClass) {
    case 'humidity':
    case 'battery':
      return { kind: deviceClass, unit: '%', range: PERCENT, toKind: toPossiblePercent };
    case 'power_factor':
      return { kind: 'power_factor', unit: null, range: null, toKind: toPowerFactor(unit === '%' ? 100 : 1) };
    default:
      return null;
  }
}

/** Meters that count in both directions give it a sign. */
function toPowerFactor(whole: number): ToKind {
  return (value) => (Math.abs(value) > whole ? null : tidy(value / whole));
}

/** A percentage; what exceeds 0 to 100 by less than a rounding is taken for the limit, and more is no percentage. */
export function toPossiblePercent(value: number): number | null {
  return value < -0.5 || value > 100.5 ? null : Math.min(100, Math.max(0, value));
}

const ABSOLUTE_ZERO = -273.15;

/** Null where nothing can be so cold. */
export function toPossibleTemperature(celsius: number): number | null {
  return celsius >= ABSOLUTE_ZERO && Number.isFinite(celsius) ? celsius : null;
}

/** A difference of temperatures has no zero point to shift, and is no temperature of anything. */
function toTemperature(deviceClass: string | null, unit: string): ToKind | null {
  if (deviceClass === 'temperature_delta') return null;
  const isTemperature = deviceClass === 'temperature';
  if (CELSIUS.has(unit) && (isTemperature || unit.length > 1)) return toPossibleTemperature;
  if (FAHRENHEIT.has(unit) && (isTemperature || unit.length > 1))
    return (value) => toPossibleTemperature(fromFahrenheit(value));
  if (isTemperature && unit === 'K') return (value) => toPossibleTemperature(tidy(value + ABSOLUTE_ZERO));
  return isTemperature && unit === '' ? toPossibleTemperature : null;
}

export function fromFahrenheit(value: number): number {
  return tidy(((value - 32) * 5) / 9);
}

/** Without it 23400 Wh would be 23.400000000000002 kWh. */
export function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The number that a text is and nothing else: a comma or a unit is not guessed at, and `0x10` is a name. */
export function toDecimal(text: string): number | null {
  const trimmed = text.trim();
  const number = DECIMAL.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

/** A capability that only tells. */
export function readOnly(
  kind: CapabilityKind,
  unit: string | null,
  range: ValueRange | null,
): CapabilityDescription {
  return { kind, unit, range, writable: false };
}
