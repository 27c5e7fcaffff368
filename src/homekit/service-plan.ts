import type {
  Capability,
  CapabilityKind,
  CapabilityValue,
  CapabilityWrite,
  ValueRange,
} from '../devices/types.ts';

/** The HomeKit services that the hub shows, by the library's names. */
export type ServiceKind =
  | 'Lightbulb'
  | 'Switch'
  | 'Outlet'
  | 'TemperatureSensor'
  | 'HumiditySensor'
  | 'MotionSensor'
  | 'ContactSensor'
  | 'LeakSensor'
  | 'OccupancySensor'
  | 'Battery';

export type CharacteristicKind =
  | 'On'
  | 'Brightness'
  | 'Hue'
  | 'Saturation'
  | 'ColorTemperature'
  | 'OutletInUse'
  | 'CurrentTemperature'
  | 'CurrentRelativeHumidity'
  | 'MotionDetected'
  | 'ContactSensorState'
  | 'LeakDetected'
  | 'OccupancyDetected'
  | 'BatteryLevel'
  | 'StatusLowBattery';

export type HapValue = boolean | number;

/** A device's present values by capability name; absent or null is unknown. */
export type DeviceValues = ReadonlyMap<string, CapabilityValue>;

/** What a controller asked one service for. */
export type Requested = ReadonlyMap<CharacteristicKind, HapValue>;

export interface CharacteristicPlan {
  readonly kind: CharacteristicKind;
  /** The capability whose report settles a write to this characteristic. */
  readonly source: string;
  /** Narrower limits than HomeKit's own, or null. */
  readonly range: ValueRange | null;
  /** The value to show, already within the limits; undefined is unknown. */
  readonly read: (values: DeviceValues) => HapValue | undefined;
}

/** One service as it should stand on an accessory; pure, so that it can be compared with what is there. */
export interface ServicePlan {
  readonly kind: ServiceKind;
  /** Decides the instance ids together with `kind`; must never change for the same thing. */
  readonly subtype: string;
  /** The component that it shows. */
  readonly component: string;
  /** The component's own name; null for the device's main feature. */
  readonly label: string | null;
  readonly characteristics: readonly CharacteristicPlan[];
  readonly actuator: Actuator | null;
}

export interface Actuator {
  /** The commands for what was asked, to be sent as one. */
  readonly toWrites: (requested: Requested, values: DeviceValues) => CapabilityWrite[];
  /** True while a second half may follow in a request of its own, as with hue and saturation. */
  readonly isHalf: (requested: Requested) => boolean;
}

/** The capabilities of one component, by kind (there is at most one of each). */
export interface Component {
  readonly id: string;
  readonly type: string;
  readonly deviceClass: string | null;
  readonly label: string | null;
  readonly byKind: ReadonlyMap<CapabilityKind, Capability>;
}

/** A service with a single characteristic that only tells. */
export function planSensor(
  component: Component,
  capability: Capability,
  kind: ServiceKind,
  characteristic: CharacteristicKind,
  read: (value: CapabilityValue | undefined) => HapValue | undefined,
): ServicePlan {
  const { name } = capability;
  return {
    kind,
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: [
      { kind: characteristic, source: name, range: null, read: (values) => read(values.get(name)) },
    ],
    actuator: null,
  };
}

/** What makes two plans the same structure to HomeKit. */
export function structureOf(plan: ServicePlan): string {
  return JSON.stringify([
    plan.kind,
    plan.subtype,
    plan.characteristics.map(({ kind, range }) => [kind, range?.min, range?.max]),
  ]);
}
