import type { ComponentRecord, DeviceRecord } from './inventory.ts';
import type { CapabilityKind, ComponentDescription } from './types.ts';

import { capabilityName } from './rules.ts';

/** The names of a component's capabilities: the ones that were given stay, new ones avoid every name ever given. */
export function nameCapabilities(
  description: ComponentDescription,
  device: DeviceRecord | undefined,
  known: ComponentRecord | undefined,
): Map<CapabilityKind, string> {
  const taken = new Set(device?.byName.keys());
  const names = new Map<CapabilityKind, string>();
  for (const { kind } of description.capabilities) {
    const name = known?.byKind.get(kind)?.name ?? capabilityName(kind, description.id, taken);
    taken.add(name);
    names.set(kind, name);
  }
  return names;
}

/**
 * The component whose place another may take: of the same type on the same device, and either the same by its unique
 * id and withdrawn (it has moved to another topic), or told by a source that gives way. Of several the most alike.
 */
export function findPredecessor(
  description: ComponentDescription,
  components: readonly ComponentRecord[],
  replaces: readonly string[],
): ComponentRecord | undefined {
  const kindsOf = ({ capabilities }: ComponentDescription): string =>
    capabilities
      .map(({ kind }) => kind)
      .toSorted()
      .join();
  const likeness = ({ description: other, withdrawnAtMs }: ComponentRecord): number => {
    if (other.type !== description.type) return 0;
    const { uniqueId } = description;
    if (uniqueId != null && uniqueId === other.uniqueId && withdrawnAtMs !== null) return 100;
    // A source that was withdrawn gives way to whatever tells of the device now.
    const gaveUp = withdrawnAtMs !== null && other.source !== description.source;
    if (!gaveUp && !replaces.includes(other.id)) return 0;
    const sameKinds = kindsOf(other) === kindsOf(description);
    // One of many sensors takes the place of one that tells the same, and of no other.
    if (!sameKinds && (other.type === 'sensor' || other.type === 'binary_sensor')) return 0;
    return (
      1 +
      (sameKinds ? 8 : 0) +
      (other.label === description.label ? 4 : 0) +
      (other.deviceClass === description.deviceClass ? 2 : 0)
    );
  };
  const [best] = components
    .map((component) => ({ component, score: likeness(component) }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score);
  return best?.component;
}

/** The id itself, unless it was the first of a component that goes by another one now. */
export function firstIdFor(description: ComponentDescription, device: DeviceRecord | undefined): string {
  const taken = new Set(device?.components.map(({ firstId }) => firstId));
  if (!taken.has(description.id)) return description.id;
  for (let n = 2; ; n++) if (!taken.has(`${description.id}:${n}`)) return `${description.id}:${n}`;
}
