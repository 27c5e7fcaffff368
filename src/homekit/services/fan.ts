import type { Capability, CapabilityWrite, ValueRange } from '../../devices/types.ts';
import type {
  CharacteristicPlan,
  Component,
  DeviceValues,
  HapValue,
  Requested,
  ServicePlan,
} from '../service-plan.ts';

import { toFinite } from '../convert.ts';
import { numberOf, planService, shows, toStep, toWrite, writable } from './parts.ts';

const FORWARD = 0;
const REVERSE = 1;
const MAX_SPEED = 100;

interface Parts {
  readonly onOff: Capability | undefined;
  readonly speed: Capability | undefined;
  readonly direction: Capability | undefined;
  readonly oscillation: Capability | undefined;
}

/** A fan. Its presets stay in the graph: HomeKit has no words for them. */
export function planFan(component: Component): ServicePlan | null {
  const parts: Parts = {
    onOff: writable(component, 'on_off'),
    speed: writable(component, 'speed'),
    direction: findDirection(component),
    oscillation: writable(component, 'oscillation'),
  };
  const { speed, direction, oscillation } = parts;
  const power = parts.onOff ?? speed;
  if (!power) return null;
  return planService(
    'Fanv2',
    component,
    [
      shows('Active', power, (values) => toActive(parts, values)),
      speed ? planSpeed(parts, speed) : null,
      direction
        ? shows('RotationDirection', direction, (values, shown) =>
            toDirection(values.get(direction.name), shown),
          )
        : null,
      oscillation
        ? shows('SwingMode', oscillation, (values) => Number(values.get(oscillation.name) === true))
        : null,
    ],
    (requested, values) => toFanWrites(parts, requested, values),
  );
}

function findDirection(component: Component): Capability | undefined {
  const direction = writable(component, 'direction');
  return ['forward', 'reverse'].every((way) => direction?.options?.includes(way)) ? direction : undefined;
}

function toActive({ onOff, speed }: Parts, values: DeviceValues): number | undefined {
  const on = onOff && values.get(onOff.name);
  if (typeof on === 'boolean') return Number(on);
  const percent = speed && toFinite(values.get(speed.name));
  return percent === undefined ? undefined : Number(percent > 0);
}

/**
 * Only an unknown Active is shown as unknown: a fan in a preset tells no speed, and an error would make Apple Home show
 * a working fan as "No Response".
 */
function planSpeed(parts: Parts, speed: Capability): CharacteristicPlan {
  const range = toSpeedRange(speed.range);
  return {
    ...shows('RotationSpeed', speed, (values, shown) => {
      const percent = toFinite(values.get(speed.name));
      if (percent !== undefined) return toStep(percent, range);
      if (typeof shown === 'number') return shown;
      return toActive(parts, values) === 1 ? MAX_SPEED : 0;
    }),
    range,
  };
}

/** A percentage in as many steps as the fan has speeds. */
export function toSpeedRange(range: ValueRange | null): ValueRange & { readonly step: number } {
  const full = { min: 0, max: MAX_SPEED };
  const wanted = range?.step ?? 1;
  if (!(wanted > 1 && wanted <= MAX_SPEED)) return { ...full, step: 1 };
  const speeds = Math.round(MAX_SPEED / wanted);
  const step = MAX_SPEED / speeds;
  // The library counts the steps downwards: one lost in the division would keep the fan from its highest speed.
  return { ...full, step: Math.floor(MAX_SPEED / step) < speeds ? step - 1e-9 : step };
}

export function toDirection(value: unknown, shown: HapValue | undefined): number {
  if (value === 'reverse') return REVERSE;
  if (value === 'forward') return FORWARD;
  return shown === REVERSE ? REVERSE : FORWARD;
}

function toFanWrites(parts: Parts, requested: Requested, values: DeviceValues): CapabilityWrite[] {
  const { onOff, speed, direction, oscillation } = parts;
  const active = numberOf(requested, 'Active');
  const percent = numberOf(requested, 'RotationSpeed');
  if (active === 0 || percent === 0) return [toPower(parts, false)].filter((write) => write !== null);
  const writes: (CapabilityWrite | null)[] = [];
  // A speed alone does not start every fan.
  const isToStart = percent !== undefined && toActive(parts, values) !== 1;
  if (active === 1 || (isToStart && onOff)) writes.push(toPower(parts, true, percent));
  if (speed && percent !== undefined) {
    const range = toSpeedRange(speed.range);
    writes.push(toWrite(speed, Math.max(range.step, toStep(percent, range))));
  }
  const turn = numberOf(requested, 'RotationDirection');
  if (direction && turn !== undefined) {
    writes.push({ capability: direction.name, value: turn === REVERSE ? 'reverse' : 'forward' });
  }
  const swing = numberOf(requested, 'SwingMode');
  if (oscillation && swing !== undefined) writes.push({ capability: oscillation.name, value: swing === 1 });
  return writes.filter((write) => write !== null);
}

/** A fan without a switch runs by its speed, at full speed where none is asked for as well. */
function toPower({ onOff, speed }: Parts, on: boolean, percent?: number): CapabilityWrite | null {
  if (onOff) return { capability: onOff.name, value: on };
  if (!speed || (on && percent !== undefined)) return null;
  return toWrite(speed, on ? MAX_SPEED : 0);
}
