import type { DeviceView } from '../devices/types.ts';
import type { Remembered } from './remembered.ts';
import type { DeviceChoice, DevicePart, Inversion } from './types.ts';

import { HubError } from '../base/errors.ts';
import { isTile, planServices } from './device-plan.ts';
import { canInvert } from './services/inversion.ts';

const STRAIGHT: Inversion = { opening: false, tilt: false };

/** The parts of a device that a person may decide about: those that could be shown in more than one way. */
export function partsOf(view: DeviceView, remembered: Remembered | undefined): DevicePart[] {
  const announced = new Map(
    planServices(view)
      .filter(isTile)
      .map(({ component, kind }) => [component, kind]),
  );
  const types = new Map(view.capabilities.map(({ component, component_type: type }) => [component, type]));
  return planServices(view, remembered?.tiles)
    .filter(isTile)
    .map(({ component, label, kind }) => {
      const now = announced.get(component) ?? kind;
      return {
        component,
        label,
        service: kind,
        announcedService: now === kind ? null : now,
        inversion: canInvert({ type: types.get(component) ?? '' })
          ? (remembered?.inversions.get(component) ?? STRAIGHT)
          : null,
      };
    });
}

/**
 * What is to be turned round from now on, by component; empty where nothing of that kind was asked.
 * @throws HubError `invalid` where the device, or the component, has nothing that opens.
 */
export function invertedParts(
  parts: readonly DevicePart[],
  { component, invertOpening, invertTilt }: DeviceChoice,
): Map<string, Inversion> {
  if (invertOpening === undefined && invertTilt === undefined) return new Map();
  const meant = parts.filter((part) => component === undefined || part.component === component);
  const result = new Map(
    meant.flatMap((part) =>
      part.inversion === null
        ? []
        : [
            [
              part.component,
              {
                opening: invertOpening ?? part.inversion.opening,
                tilt: invertTilt ?? part.inversion.tilt,
              },
            ] as const,
          ],
    ),
  );
  if (result.size > 0) return result;
  throw new HubError(
    'invalid',
    component === undefined
      ? 'Only covers, windows, doors, garage doors and gates can be turned round, and this device has none.'
      : `The device has no component "${component.slice(0, 128)}" that opens and closes.`,
    { field: component === undefined ? 'invert_opening' : 'component' },
  );
}
