import type { Capability, CapabilityWrite, DeviceView } from './types.ts';

/** What components are called when it is asked who may command them; others go by their own names. */
const KIND_OF_TYPE: Readonly<Record<string, string>> = {
  alarm_control_panel: 'alarm',
  water_heater: 'climate',
  humidifier: 'climate',
  media_player: 'media',
};
/** Covers that let people in. */
const ENTRANCES: ReadonlySet<string> = new Set(['garage', 'garage_door', 'gate', 'door']);
/** What keeps the house shut. */
const GUARDS: ReadonlySet<string> = new Set(['lock', 'garage_door', 'alarm']);

/**
 * What kinds of device these writes command: `lock`, `garage_door`, `alarm`, `light`, `switch`, `cover`, `climate` … A
 * device that is a lock, a garage door or an alarm is one whatever is written to it, for a setting of it (its codes, when
 * it locks by itself) may open it as well. A capability that the device has not adds nothing.
 */
export function commandKinds(
  view: DeviceView,
  writes: readonly Pick<CapabilityWrite, 'capability'>[],
): string[] {
  const written = new Set(writes.map(({ capability }) => capability));
  const kinds = view.capabilities
    .filter(({ writable, name }) => writable || written.has(name))
    .map((capability) => ({ kind: kindOf(capability), isWritten: written.has(capability.name) }))
    .filter(({ kind, isWritten }) => isWritten || GUARDS.has(kind))
    .map(({ kind }) => kind);
  return [...new Set(kinds)].toSorted();
}

/** What was written, for a log that people read: without texts and numbers, which may be codes of a lock. */
export function toldWrites(
  view: DeviceView | undefined,
  writes: readonly CapabilityWrite[],
): Record<string, unknown> {
  return Object.fromEntries(
    writes.map(({ capability, value }) => {
      const known = view?.capabilities.find(({ name }) => name === capability);
      const isSafe =
        typeof value === 'boolean' || (typeof value === 'string' && known?.options?.includes(value));
      return [capability.slice(0, 64), isSafe === true ? value : '…'];
    }),
  );
}

function kindOf({ kind, component_type: type, device_class: deviceClass }: Capability): string {
  // Read as a text: devices that newer parts of the hub describe may have kinds that this one need not know.
  const text: string = kind;
  if (text === 'locked' || text === 'lock') return 'lock';
  if (text.startsWith('alarm')) return 'alarm';
  if (type === 'cover' && ENTRANCES.has(deviceClass ?? '')) return 'garage_door';
  return KIND_OF_TYPE[type] ?? type;
}
