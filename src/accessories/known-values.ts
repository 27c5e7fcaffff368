import type { CharacteristicId, HapAccessory, HapValue } from './types.ts';

/** A list with the values that became known since it was read. */
export function withValues(
  list: readonly HapAccessory[],
  values: ReadonlyMap<CharacteristicId, HapValue>,
): HapAccessory[] {
  return list.map((accessory) => ({
    ...accessory,
    services: accessory.services.map((service) => ({
      ...service,
      characteristics: service.characteristics.map((one) => ({
        ...one,
        value: values.get(one.id) ?? one.value,
      })),
    })),
  }));
}
