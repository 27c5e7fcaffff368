import type { ImportedService } from './mapping.ts';

import { IMPORTED_PREFIX } from './types.ts';

/** The component that a service is; never changes, for HAP keeps the ids of an accessory while it is paired. */
export function componentIdOf(pairingId: string, { aid, iid }: Pick<ImportedService, 'aid' | 'iid'>): string {
  return `${IMPORTED_PREFIX}${pairingId}/${aid}.${iid}`;
}

/** The component that stands for the accessory itself, so that one without services is there too; no service has iid 0. */
export function accessoryComponentId(pairingId: string, aid: string): string {
  return componentIdOf(pairingId, { aid, iid: '0' });
}

/** Of an imported component. */
export function aidOf(componentId: string): string {
  return componentId.slice(componentId.lastIndexOf('/') + 1).split('.', 1)[0] ?? '';
}

/** Undefined for a component that is not imported. */
export function pairingOf(componentId: string): string | undefined {
  return componentId.startsWith(IMPORTED_PREFIX) ? componentId.split('/')[1] : undefined;
}
