import type { Capability, CapabilityWrite } from '../../devices/types.ts';
import type { Component, DeviceValues, HapValue } from '../service-plan.ts';

import { toPercent } from '../convert.ts';
import { refuse, toOrder, toWrite } from './parts.ts';

/** Something that opens and closes: a cover, a garage door, a valve. */
export interface Opening {
  /** The one that tells most; what is written settles with it. */
  readonly main: Capability;
  readonly openClose: Capability | undefined;
  readonly position: Capability | undefined;
}

export const FULLY_OPEN = 100;
const HALFWAY = 50;

export function findOpening(component: Component): Opening | null {
  const openClose = component.byKind.get('open_close');
  // A blind that can only tilt is open as far as its slats are.
  const position = component.byKind.get('position') ?? (openClose ? undefined : component.byKind.get('tilt'));
  const main = position ?? openClose;
  return main ? { main, openClose, position } : null;
}

export function toState({ openClose }: Opening, values: DeviceValues): string | undefined {
  const state = openClose && values.get(openClose.name);
  return typeof state === 'string' ? state : undefined;
}

/** The percentage that was told, whatever the state says. */
export function toTold({ position }: Opening, values: DeviceValues): number | undefined {
  return position && toPercent(values.get(position.name));
}

/** How it moves. At its end it has arrived, also where it still says that it moves. */
export function toMovement(opening: Opening, values: DeviceValues): 'opening' | 'closing' | 'still' {
  const state = toState(opening, values);
  const told = toTold(opening, values);
  if (state === 'opening' && told !== FULLY_OPEN) return 'opening';
  if (state === 'closing' && told !== 0) return 'closing';
  return 'still';
}

/**
 * Percent open. Without a position only the ends are known, and the one it left is shown until it is at the other; what
 * stopped between them counts as open.
 */
export function toPosition(opening: Opening, values: DeviceValues): number | undefined {
  const told = toTold(opening, values);
  if (told !== undefined) return told;
  switch (toState(opening, values)) {
    case 'open':
    case 'closing':
    case 'stopped':
      return FULLY_OPEN;
    case 'closed':
    case 'opening':
      return 0;
    default:
      return undefined;
  }
}

/** Where it goes: what was asked for if that is still ahead, else the end of its way; at rest where it is. */
export function toTarget(
  opening: Opening,
  values: DeviceValues,
  shown: HapValue | undefined,
): number | undefined {
  const position = toPosition(opening, values);
  const asked = typeof shown === 'number' ? shown : undefined;
  const movement = toMovement(opening, values);
  if (movement === 'still') return position;
  const end = movement === 'opening' ? FULLY_OPEN : 0;
  if (asked === undefined || position === undefined) return end;
  const isAhead = movement === 'opening' ? asked > position : asked < position;
  return isAhead ? asked : end;
}

/** @throws HapStatusError `notAllowed` when it cannot be moved. */
export function toMove({ openClose, position }: Opening, percent: number): CapabilityWrite {
  if (position?.writable) return toWrite(position, percent);
  return toOrder(openClose, [percent >= HALFWAY ? 'open' : 'close']);
}

/** Open or closed, as an order where it takes one. */
export function toOpenOrClosed({ openClose, position }: Opening, isOpen: boolean): CapabilityWrite {
  const order = isOpen ? 'open' : 'close';
  if (openClose?.commands?.includes(order)) return toOrder(openClose, [order]);
  return position ? toWrite(position, isOpen ? FULLY_OPEN : 0) : refuse();
}
