/**
 * What a device can do or tell, by kind, with the one unit that its values have inside the hub. A door that talks to
 * devices converts on the way in and out, so that nobody else ever meets mired versus kelvin or 254 versus 100.
 *
 * | kind | value |
 * |---|---|
 * | on_off | true = on |
 * | brightness | percent, 1 to 100 (0 is never reported: off is on_off) |
 * | color_temperature | mired |
 * | color_hs | {hue: 0 to 360, saturation: 0 to 100} |
 * | effect | one of the options |
 * | temperature | °C |
 * | humidity, battery | percent |
 * | power / energy / voltage / current / frequency | W / kWh / V / A / Hz |
 * | pressure / illuminance | hPa / lx |
 * | motion, occupancy, contact, leak, smoke, battery_low, problem, connectivity, tamper, vibration | true = detected, open, wet, low … |
 * | number, text, binary | what has no kind of its own; the unit is the reported one |
 */
export const CAPABILITY_KINDS = [
  'on_off',
  'brightness',
  'color_temperature',
  'color_hs',
  'effect',
  'temperature',
  'humidity',
  'battery',
  'power',
  'energy',
  'voltage',
  'current',
  'frequency',
  'pressure',
  'illuminance',
  'motion',
  'occupancy',
  'contact',
  'leak',
  'smoke',
  'battery_low',
  'problem',
  'connectivity',
  'tamper',
  'vibration',
  'number',
  'text',
  'binary',
] as const;
export type CapabilityKind = (typeof CAPABILITY_KINDS)[number];

/** Hue in degrees 0 to 360, saturation in percent 0 to 100. */
export interface HueSaturation {
  readonly hue: number;
  readonly saturation: number;
}

/** A value in the unit of its kind; null is unknown, and never 0 or off. */
export type CapabilityValue = boolean | number | string | HueSaturation | null;

export interface ValueRange {
  readonly min: number;
  readonly max: number;
  readonly step?: number;
}

/** A capability as a door describes it. Within one component there is at most one of each kind. */
export interface CapabilityDescription {
  readonly kind: CapabilityKind;
  /** The unit that values have, or null where the kind has none. */
  readonly unit: string | null;
  readonly range: ValueRange | null;
  readonly writable: boolean;
  /** The accepted texts of an enumeration. */
  readonly options?: readonly string[];
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
}

/** A value that a device reported (or that an optimistic device is believed to have). */
export interface StateReport {
  readonly componentId: string;
  readonly kind: CapabilityKind;
  readonly value: CapabilityValue;
  /** Who caused it: `mqtt` for the device itself, else the origin of the command that is taken at its word. */
  readonly origin: string;
}

/** What a follower is told. The capability `available` (boolean) tells that a device went away or came back. */
export interface StateChange {
  readonly entityId: string;
  readonly capability: string;
  readonly value: CapabilityValue;
  readonly timestampMs: number;
  readonly origin: string;
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
  /** The discovery identity of the component that it belongs to. */
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
}

/** One value to be set. */
export interface CapabilityWrite {
  readonly capability: string;
  readonly value: unknown;
}

/** A checked write on its way to the device. */
export interface SinkWrite {
  readonly kind: CapabilityKind;
  readonly value: Exclude<CapabilityValue, null>;
}

/** Takes commands to the devices; the door that speaks their protocol implements it. */
export interface CommandSink {
  /**
   * Sends the writes of one component, in order, as few messages as the device's protocol allows. Resolves when they
   * were handed to the transport; the device's own report changes the state.
   * @throws HubError `unavailable` when the transport is down, `invalid` when the component takes no such command.
   */
  send(componentId: string, writes: readonly SinkWrite[], origin: string): Promise<void>;
}

export type CommandStatus = 'sent' | 'confirmed' | 'unconfirmed';

export interface CommandOptions {
  readonly entityId: string;
  readonly writes: readonly CapabilityWrite[];
  /** Who commands: `homekit`, `http:<request>`, `ws:<connection>` … */
  readonly origin: string;
  /** How long to wait for the device's own report; 0 = do not wait (status `sent`). */
  readonly confirmWithinMs: number;
}

/** What discovery told and is kept, supported or not, for lists and diagnosis. */
export interface ComponentView {
  readonly id: string;
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
   * @throws HubError `invalid` when the description cannot be taken; nothing is stored then.
   */
  describe(component: ComponentDescription): void;
  /** The publisher withdrew the component (empty retained discovery). The device stays, unavailable, for 24 hours. */
  withdraw(componentId: string): void;
  /** Whether the component's device can be reached. */
  setAvailable(componentId: string, available: boolean): void;
  report(reports: readonly StateReport[]): void;
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
