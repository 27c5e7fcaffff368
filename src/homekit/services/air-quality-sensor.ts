import type { Capability, CapabilityKind } from '../../devices/types.ts';
import type { CharacteristicKind, CharacteristicPlan, DeviceValues, ServicePlan } from '../service-plan.ts';

import { toAmount, toFinite } from '../convert.ts';
import { PUSH_MEASURED_EVERY_MS } from './pace.ts';

/** HomeKit's AirQuality where nothing is known; 1 is excellent, 5 is poor. */
const UNKNOWN = 0;

interface Scale {
  /** The upper ends of excellent, good, fair and inferior. */
  readonly limits: readonly [number, number, number, number];
  readonly density: CharacteristicKind | null;
}

/** Thresholds of homebridge-z2m in µg/m³; of the index those of the American one, which most publishers compute. */
const SCALES: Partial<Record<CapabilityKind, Scale>> = {
  pm25: { limits: [15, 35, 55, 75], density: 'PM2_5Density' },
  pm10: { limits: [25, 50, 100, 300], density: 'PM10Density' },
  voc: { limits: [333, 1000, 3333, 8332], density: 'VOCDensity' },
  aqi: { limits: [50, 100, 150, 200], density: null },
};

/**
 * One service for all that a device tells about its air, because Apple Home shows one tile with all densities in it. Its
 * subtype is fixed: what is discovered first must not decide the id. Only a further sensor of a kind that the device has
 * already (indoors and outdoors) gets a service by itself.
 */
export function planAirQualitySensors(capabilities: readonly Capability[]): ServicePlan[] {
  const groups = new Map<string, Capability[]>();
  for (const capability of capabilities) {
    if (!SCALES[capability.kind]) continue;
    // The first capability of a kind is named like its kind, for good.
    const subtype = capability.name === capability.kind ? 'air_quality' : capability.component;
    groups.set(subtype, [...(groups.get(subtype) ?? []), capability]);
  }
  return [...groups].map(([subtype, parts]) => planService(subtype, parts));
}

function planService(subtype: string, parts: readonly Capability[]): ServicePlan {
  const [first] = parts;
  const quality: CharacteristicPlan = {
    kind: 'AirQuality',
    source: first?.name ?? '',
    range: null,
    read: (values) => toQuality(parts, values),
  };
  return {
    kind: 'AirQualitySensor',
    subtype,
    component: subtype,
    label: parts.length === 1 ? (first?.label ?? null) : null,
    characteristics: [quality, ...parts.flatMap(planDensity)],
    actuator: null,
  };
}

function planDensity({ kind, name }: Capability): CharacteristicPlan[] {
  const density = SCALES[kind]?.density;
  if (!density) return [];
  return [
    {
      kind: density,
      source: name,
      range: null,
      pushEveryMs: PUSH_MEASURED_EVERY_MS,
      read: (values) => toAmount(values.get(name), 1000),
    },
  ];
}

/** The worst of what is measured. An index counts only without a measure: devices compute it on scales of their own. */
function toQuality(parts: readonly Capability[], values: DeviceValues): number {
  const levels = (wanted: readonly Capability[]): number[] =>
    wanted.flatMap(({ kind, name }) => {
      const value = toFinite(values.get(name));
      const limits = SCALES[kind]?.limits;
      return value === undefined || !limits ? [] : [1 + limits.filter((limit) => value > limit).length];
    });
  const measured = levels(parts.filter(({ kind }) => kind !== 'aqi'));
  return Math.max(
    UNKNOWN,
    ...(measured.length > 0 ? measured : levels(parts.filter(({ kind }) => kind === 'aqi'))),
  );
}
