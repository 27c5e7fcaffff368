import type { Capability, CapabilityWrite } from '../../devices/types.ts';
import type {
  CharacteristicPlan,
  Component,
  DeviceValues,
  Requested,
  ServiceKind,
  ServicePlan,
} from '../service-plan.ts';
import type { Opening } from './opening.ts';

import { clamp, toPercent } from '../convert.ts';
import { findOpening, toMove, toMovement, toPosition, toTarget } from './opening.ts';
import { numberOf, planService, shows, toOrder, toWrite } from './parts.ts';

const KINDS: ReadonlyMap<string, ServiceKind> = new Map(Object.entries({ window: 'Window', door: 'Door' }));
/** Motors stop near to where they were sent. */
const NEAR_PERCENT = 2;
const NEAR_DEGREES = 4;

/** What a cover that is no garage door is by its class. */
export function coveringKind({ deviceClass }: Component): ServiceKind {
  return KINDS.get(deviceClass ?? '') ?? 'WindowCovering';
}

/** A blind, curtain, awning …, or a motor on a window or a door. */
export function planWindowCovering(
  component: Component,
  kind: ServiceKind = coveringKind(component),
): ServicePlan | null {
  const opening = findOpening(component);
  if (!opening) return null;
  const { main, openClose, position } = opening;
  const told = component.byKind.get('tilt');
  const tilt = kind === 'WindowCovering' && told !== position ? told : undefined;
  const canStop = openClose?.commands?.includes('stop') === true;
  return planService(
    kind,
    component,
    [
      shows('CurrentPosition', main, (values) => toPosition(opening, values)),
      planTargetPosition(opening),
      shows('PositionState', openClose ?? main, (values) => toPositionState(opening, values)),
      canStop ? { kind: 'HoldPosition', source: openClose.name, range: null, read: () => false } : null,
      ...(tilt ? planTilt(tilt) : []),
    ],
    (requested) => toCoverWrites(opening, tilt, requested),
  );
}

function planTargetPosition(opening: Opening): CharacteristicPlan {
  const { main, position } = opening;
  return {
    kind: 'TargetPosition',
    source: main.name,
    // Nothing between open and closed is offered where nothing between can be reached.
    range: position ? null : { min: 0, max: 100, step: 100 },
    settlesWithin: NEAR_PERCENT,
    read: (values, shown) => toTarget(opening, values, shown),
  };
}

export function toPositionState(opening: Opening, values: DeviceValues): number {
  return { closing: 0, opening: 1, still: 2 }[toMovement(opening, values)];
}

function planTilt(tilt: Capability): CharacteristicPlan[] {
  const read = (values: DeviceValues): number | undefined => toAngle(toPercent(values.get(tilt.name)));
  return [
    shows('CurrentHorizontalTiltAngle', tilt, read),
    { ...shows('TargetHorizontalTiltAngle', tilt, read), settlesWithin: NEAR_DEGREES },
  ];
}

/** 0 % is closed at −90°, 50 % level, 100 % at 90°. */
export function toAngle(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : Math.round(-90 + 1.8 * clamp(percent, 0, 100));
}

export function fromAngle(degrees: number): number {
  return Math.round((clamp(degrees, -90, 90) + 90) / 1.8);
}

function toCoverWrites(
  opening: Opening,
  tilt: Capability | undefined,
  requested: Requested,
): CapabilityWrite[] {
  if (requested.get('HoldPosition') === true) return [toOrder(opening.openClose, ['stop'])];
  const position = numberOf(requested, 'TargetPosition');
  const degrees = numberOf(requested, 'TargetHorizontalTiltAngle');
  return [
    ...(position === undefined ? [] : [toMove(opening, position)]),
    ...(tilt && degrees !== undefined ? [toWrite(tilt, fromAngle(degrees))] : []),
  ];
}
