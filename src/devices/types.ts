import type { Principal } from '../access/types.ts';
import type { CapabilityKind } from './capability-kinds.ts';

export { CAPABILITY_KINDS, EVENT_KINDS, type CapabilityKind } from './capability-kinds.ts';

/** Hue in degrees 0 to 360, saturation in percent 0 to 100. */
export interface HueSaturation {
  readonly hue: number;
  readonly saturation: number;
}

/** An order with the code that a lock or an alarm asks for. A code is never kept, logged or told. */
export interface CodedCommand {
  readonly command: string;
  readonly code: string;
}

/** A value in the unit of its kind; null is unknown, and never 0 or off. */
export type CapabilityValue = boolean | number | string | HueSaturation | null;

export interface ValueRange {
  readonly min: number;
  readonly max: number;
  readonly step?: number;
}

/** How a number runs over time, https://developers.home-assistant.io/docs/core/entity/sensor#available-state-classes. */
export type StateClass = 'measurement' | 'measurement_angle' | 'total' | 'total_increasing';

/** A capability as a door describes it. Within one component there is at most one of each kind. */
export interface CapabilityDescription {
  readonly kind: CapabilityKind;
  /** The unit that values have, or null where the kind has none. */
  readonly unit: string | null;
  /** Of a number the values, of a text the count of characters. */
  readonly range: ValueRange | null;
  readonly writable: boolean;
  /** The accepted texts of an enumeration; with `commands`, the texts that are reported. */
  readonly options?: readonly string[];
  /** The orders that may be written, where they are other words than the values. */
  readonly commands?: readonly string[];
  /** True where an order is refused without a code. */
  readonly needsCode?: boolean;
  /** The unit in which the device reports, where it is another one. */
  readonly reportedUnit?: string;
  readonly stateClass?: StateClass;
}

/** What discovery says about the physical device that a component belongs to. Unsaid is null. */
export interface DeviceInfo {
  /**
   * Texts that name the physical device, in a form that two publishers would agree on: `id:` plus the identifier,
   * `mac:` plus twelve lower-case hex digits, or, where nothing was said, `component:` plus the component id. Never empty.
   */
  readonly identifiers: readonly string[];
  readonly name: string | null;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly swVersion: string | null;
  readonly hwVersion: string | null;
  readonly serialNumber: string | null;
  readonly suggestedArea: string | null;
  /** The identifier of the bridge by which it is reached. */
  readonly viaDevice?: string | null;
}

/** One discovered component: the smallest thing that comes and goes by itself. */
export interface ComponentDescription {
  /** The discovery identity, `component/node/object` (or `component/object`). Never changes, never reused. */
  readonly id: string;
  /** `light`, `switch`, `sensor` … as the publisher calls it. */
  readonly type: string;
  readonly device: DeviceInfo;
  /** The component's own name; null when it is the device's main feature. */
  readonly label: string | null;
  readonly deviceClass: string | null;
  /** Settings and diagnostics stay in the graph and out of Apple Home. */
  readonly category: 'config' | 'diagnostic' | null;
  /** Empty for a component that the hub does not understand yet: it is kept and listed. */
  readonly capabilities: readonly CapabilityDescription[];
  /** Why the component has no capabilities, for a person; null when it is supported. */
  readonly unsupported: string | null;
  /** False when the publisher asks for it to be off until a person wants it. */
  readonly enabledByDefault: boolean;
  /** The publisher's own name for it, which it keeps when it moves to another topic; not unique in the house. */
  readonly uniqueId?: string | null;
  /** Who tells of it: `discovery`, the native protocol, or `homekit` for an accessory that was imported. */
  readonly source?: string;
}

/** A value that a device reported (or that an optimistic device is believed to have). */
export interface StateReport {
  readonly componentId: string;
  readonly kind: CapabilityKind;
  readonly value: CapabilityValue;
  /** The text from which the value was made, as the device sent it; for whoever asks where a value comes from. */
  readonly raw?: string;
  /** Who caused it: `mqtt` or `accessory` for the device itself, else the origin of the command that is taken at its word. */
  readonly origin: string;
  /** It was not said just now, but kept by the broker or concluded from silence: only what is news gets a new time. */
  readonly isKept?: boolean;
  /** Counts only where this is the present value. */
  readonly insteadOf?: CapabilityValue;
}

/** What a follower is told. The capability `available` (boolean) tells that a device went away or came back. */
export interface StateChange {
  readonly entityId: string;
  readonly capability: string;
  readonly value: CapabilityValue;
  readonly timestampMs: number;
  readonly origin: string;
  /** It tells of a moment: two of the same are two. */
  readonly isEvent?: true;
  /** It was not said just now, but kept by the broker or concluded from silence. */
  readonly isKept?: true;
}

/** A capability as it stands in a device entity's content, field names as on the wire. */
export interface Capability {
  /** Unique within the device and never changed once given: the kind, or `kind:object_id` for a further one. */
  readonly name: string;
  readonly kind: CapabilityKind;
  readonly unit: string | null;
  readonly range: ValueRange | null;
  readonly writable: boolean;
  readonly options?: readonly string[];
  readonly commands?: readonly string[];
  readonly needs_code?: boolean;
  readonly reported_unit?: string;
  readonly state_class?: StateClass;
  /** The identity of the component that it belongs to, as it was first found: it stays when another source takes over. */
  readonly component: string;
  readonly component_type: string;
  readonly device_class: string | null;
  readonly category: 'config' | 'diagnostic' | null;
  /** The component's own name; null for the device's main feature. */
  readonly label: string | null;
  readonly enabled_by_default: boolean;
}

export interface CapabilityState {
  readonly value: CapabilityValue;
  readonly unit: string | null;
  /** When the value was reported, ms since the Unix epoch; null while nothing was reported. */
  readonly timestampMs: number | null;
  /** As the device sent it; missing where that is not known (any more). */
  readonly raw?: string;
}

/** A device with its present state, joined from the graph (name, model) and from memory (values). */
export interface DeviceView {
  readonly entityId: string;
  readonly name: string;
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly swVersion: string | null;
  readonly serialNumber: string | null;
  readonly capabilities: readonly Capability[];
  readonly available: boolean;
  readonly values: ReadonlyMap<string, CapabilityState>;
  /** `homekit` for an accessory that was imported; absent for what the hub's own doors find. */
  readonly source?: string;
}

/** One value to be set. */
export interface CapabilityWrite {
  readonly capability: string;
  readonly value: unknown;
}

/** A checked write on its way to the device. */
export interface SinkWrite {
  readonly kind: CapabilityKind;
  readonly value: Exclude<CapabilityValue, null> | CodedCommand;
}

/** Takes commands to the devices; the door that speaks their protocol implements it. */
export interface CommandSink {
  /**
   * Sends the writes of one component, in order, as few messages as the device's protocol allows. Resolves when they
   * were handed to the transport; the device's own report changes the state.
   * @throws HubError `unavailable` when the transport is down, `invalid` when the component takes no such command.
   */
  send(componentId: string, writes: readonly SinkWrite[], origin: string): Promise<void>;
  /** Why a component cannot be reached, as the end of a sentence; null where that is not known. */
  whyUnavailable?(componentId: string): string | null;
}

export type CommandStatus = 'sent' | 'confirmed' | 'unconfirmed';

export interface CommandOptions {
  readonly entityId: string;
  readonly writes: readonly CapabilityWrite[];
  /** Who commands: `homekit`, `http:<request>`, `ws:<connection>` … */
  readonly origin: string;
  /** Whose order it is, where a door knows. */
  readonly by?: Orderer;
  /** How long to wait for the device's own report; 0 = do not wait (status `sent`). */
  readonly confirmWithinMs: number;
}

/** Whose order a command is: a person's or a script's. Null is somebody that the door cannot tell from others. */
export interface Orderer {
  readonly kind: 'person' | 'service';
  readonly userId: string | null;
}

/** Whose order something is that somebody with these rights asks for: keys and accounts of programs are no people. */
export function ordererOf({ userId, role, permissions }: Principal): Orderer {
  return { kind: permissions || role === 'service' ? 'service' : 'person', userId };
}

/** A value that is on its way to a device. */
export interface ToldCommand {
  readonly entityId: string;
  readonly capability: string;
  readonly kind: CapabilityKind;
  /** The value or the order's word. Null where it may be a secret: a free text, a bare number of what has codes. */
  readonly value: CapabilityValue;
  readonly origin: string;
  readonly by: Orderer | null;
  /** When it was ordered, ms since the Unix epoch. */
  readonly timestampMs: number;
}

/** `sending` comes before the device can have answered, then one of the others. */
export type CommandStage = 'sending' | 'sent' | 'failed';

/** What discovery told and is kept, supported or not, for lists and diagnosis. */
export interface ComponentView {
  readonly id: string;
  /** What its capabilities name as their component. */
  readonly firstId: string;
  readonly type: string;
  readonly entityId: string;
  readonly unsupported: string | null;
  readonly withdrawnAtMs: number | null;
}

/**
 * A follower's own view of what it has not taken yet: the last value per capability, never a growing queue. `wake`
 * (given when following) is called once when there is something to take again.
 */
export interface StateFollower extends Disposable {
  /** Takes what changed since the last call, oldest first. */
  take(): StateChange[];
}

/** What the doors that discover devices need of the rules. */
export interface DeviceRegistry {
  /**
   * A component was discovered or described anew. The entity appears in the graph before this returns.
   * @param replaces ids of components of the same device whose place it may take, names and all: those of a source that
   * knows less. One that was withdrawn and has the same unique id is replaced without being named.
   * @throws HubError `invalid` when the description cannot be taken; nothing is stored then.
   */
  describe(component: ComponentDescription, replaces?: readonly string[]): void;
  /**
   * The same for many components, which take nobody's place: all of them, or, when it throws, none. One transaction for
   * a burst of descriptions, and one version for each device.
   */
  describeAll(components: readonly ComponentDescription[]): void;
  /** Another source tells of the device from now on: what these components had and nobody took over goes at once. */
  retire(componentIds: readonly string[]): void;
  /**
   * The components of the device with one of these identifiers, and who told of each, from what is known since before
   * this start too.
   */
  sourcesOf(identifiers: readonly string[]): ReadonlyMap<string, string>;
  /** The publisher withdrew the component (empty retained discovery). The device stays, unavailable, for 24 hours. */
  withdraw(componentId: string): void;
  /** Whether the component's device can be reached. */
  setAvailable(componentId: string, available: boolean): void;
  report(reports: readonly StateReport[]): void;
  /**
   * Runs `work`, whose reports are parts of one message: followers are woken once, at its end. Reports of the same
   * capability within it count as one.
   */
  together(work: () => void): void;
}

/** What the doors that show and command devices need of the rules. */
export interface DeviceControl {
  /** Every device that has an entity, by name. */
  list(): DeviceView[];
  view(entityId: string): DeviceView | undefined;
  /**
   * Checks the values against the capabilities and sends them.
   * @throws HubError `not_found` (device, capability), `invalid` (value out of range, naming what is accepted),
   * `unavailable` (the device is offline, the transport is down).
   */
  command(options: CommandOptions): Promise<CommandStatus>;
  /** `wake` is called on the turn in which a state changed; it must not throw. */
  follow(wake: () => void): StateFollower;
  /**
   * `wake` is called when devices were added, renamed, changed in structure or removed, once that is durable; the
   * follower lists them again and compares. It must not throw.
   */
  followDevices(wake: () => void): Disposable;
}
