import type { Graph } from '../graph/graph.ts';
import type { EntityVersion } from '../graph/types.ts';
import type { DeviceRecord } from './inventory.ts';
import type { CapabilityState, DeviceView } from './types.ts';

import { parseContent } from '../graph/graph.ts';
import { isAvailable, isImported } from './inventory.ts';

/** What is shown of a device's entity. */
type Shown = Pick<DeviceView, 'name' | 'manufacturer' | 'model' | 'swVersion' | 'serialNumber'>;

/**
 * Devices as the doors show them: what they are called from the graph, how they are from memory. Every door lists all
 * devices whenever one has changed, so an entity is read from the file once for each of its versions.
 */
export class DeviceViews {
  readonly #graph: Graph;
  /** By entity; null for one that is deleted. */
  readonly #shown = new Map<string, Shown | null>();
  /** What was written up to here is reflected in `#shown`. */
  #seenSeq: number;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#seenSeq = graph.committedSeq;
  }

  /** Undefined when the device's entity is deleted. */
  of(device: DeviceRecord): DeviceView | undefined {
    this.#forgetChanged();
    const { entityId } = device.row;
    let shown = this.#shown.get(entityId);
    if (shown === undefined) {
      shown = toShown(this.#graph.entity(entityId));
      this.#shown.set(entityId, shown);
    }
    if (shown === null) return undefined;
    return {
      ...shown,
      capabilities: device.capabilities,
      entityId,
      available: isAvailable(device),
      values: valuesOf(device),
      ...(isImported(device) ? { source: 'homekit' } : {}),
    };
  }

  #forgetChanged(): void {
    const { committedSeq, recent } = this.#graph;
    if (committedSeq === this.#seenSeq) return;
    const changed = recent.between(this.#seenSeq, committedSeq);
    this.#seenSeq = committedSeq;
    if (changed) for (const { id } of changed.entities) this.#shown.delete(id);
    else this.#shown.clear();
  }
}

function valuesOf({ byName, capabilities }: DeviceRecord): Map<string, CapabilityState> {
  const values = new Map<string, CapabilityState>();
  for (const { name, unit } of capabilities) {
    const record = byName.get(name);
    const [value, timestampMs] = [record?.value ?? null, record?.reportedMs ?? null];
    values.set(name, {
      value,
      unit,
      timestampMs,
      ...(record?.raw === undefined ? {} : { raw: record.raw }),
    });
  }
  return values;
}

function toShown(entity: EntityVersion | undefined): Shown | null {
  if (!entity) return null;
  const content = parseContent(entity);
  return {
    name: text(content['name']) ?? 'Device',
    manufacturer: text(content['manufacturer']),
    model: text(content['model']),
    swVersion: text(content['sw_version']),
    serialNumber: text(content['serial_number']),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}
