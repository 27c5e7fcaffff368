import type {
  Capability,
  CapabilityKind,
  CapabilityValue,
  CapabilityWrite,
  ValueRange,
} from '../devices/types.ts';

/** The HomeKit services that the hub shows, by the library's names. */
export type ServiceKind =
  | 'AirQualitySensor'
  | 'Battery'
  | 'CarbonDioxideSensor'
  | 'CarbonMonoxideSensor'
  | 'ContactSensor'
  | 'Door'
  | 'Doorbell'
  | 'Fanv2'
  | 'GarageDoorOpener'
  | 'HeaterCooler'
  | 'HumidifierDehumidifier'
  | 'HumiditySensor'
  | 'LeakSensor'
  | 'LightSensor'
  | 'Lightbulb'
  | 'LockMechanism'
  | 'MotionSensor'
  | 'OccupancySensor'
  | 'Outlet'
  | 'SecuritySystem'
  | 'ServiceLabel'
  | 'SmokeSensor'
  | 'StatelessProgrammableSwitch'
  | 'Switch'
  | 'TemperatureSensor'
  | 'Thermostat'
  | 'Valve'
  | 'Window'
  | 'WindowCovering';

export type CharacteristicKind =
  | 'Active'
  | 'AirQuality'
  | 'BatteryLevel'
  | 'Brightness'
  | 'CarbonDioxideDetected'
  | 'CarbonDioxideLevel'
  | 'CarbonMonoxideDetected'
  | 'CarbonMonoxideLevel'
  | 'ColorTemperature'
  | 'ContactSensorState'
  | 'CoolingThresholdTemperature'
  | 'CurrentAmbientLightLevel'
  | 'CurrentDoorState'
  | 'CurrentFanState'
  | 'CurrentHeaterCoolerState'
  | 'CurrentHeatingCoolingState'
  | 'CurrentHorizontalTiltAngle'
  | 'CurrentHumidifierDehumidifierState'
  | 'CurrentPosition'
  | 'CurrentRelativeHumidity'
  | 'CurrentTemperature'
  | 'HeatingThresholdTemperature'
  | 'HoldPosition'
  | 'Hue'
  | 'InUse'
  | 'LeakDetected'
  | 'LockCurrentState'
  | 'LockTargetState'
  | 'MotionDetected'
  | 'ObstructionDetected'
  | 'OccupancyDetected'
  | 'On'
  | 'OutletInUse'
  | 'PM10Density'
  | 'PM2_5Density'
  | 'PositionState'
  | 'ProgrammableSwitchEvent'
  | 'RelativeHumidityDehumidifierThreshold'
  | 'RelativeHumidityHumidifierThreshold'
  | 'RotationDirection'
  | 'RotationSpeed'
  | 'Saturation'
  | 'SecuritySystemCurrentState'
  | 'SecuritySystemTargetState'
  | 'ServiceLabelIndex'
  | 'ServiceLabelNamespace'
  | 'SmokeDetected'
  | 'StatusActive'
  | 'StatusFault'
  | 'StatusLowBattery'
  | 'StatusTampered'
  | 'SwingMode'
  | 'TargetDoorState'
  | 'TargetFanState'
  | 'TargetHeaterCoolerState'
  | 'TargetHeatingCoolingState'
  | 'TargetHorizontalTiltAngle'
  | 'TargetHumidifierDehumidifierState'
  | 'TargetPosition'
  | 'TargetRelativeHumidity'
  | 'TargetTemperature'
  | 'TemperatureDisplayUnits'
  | 'ValveType'
  | 'VOCDensity';

export type HapValue = boolean | number;

/** A device's present values by capability name; absent or null is unknown. */
export type DeviceValues = ReadonlyMap<string, CapabilityValue>;

/** What a controller asked one service for. */
export type Requested = ReadonlyMap<CharacteristicKind, HapValue>;

/** What a service showed last. */
export type LastShown = ReadonlyMap<CharacteristicKind, HapValue>;

export interface CharacteristicPlan {
  readonly kind: CharacteristicKind;
  /** The capability whose report settles a write to this characteristic. */
  readonly source: string;
  /** Other limits than HomeKit's own, with the step where that differs too, or null. */
  readonly range: ValueRange | null;
  /** The values that make sense, where they are fewer than HomeKit's: Home offers what bounces back otherwise. */
  readonly validValues?: readonly number[];
  /**
   * The value to show, already within the limits; undefined is unknown. `shown` is what was shown last: some states tell
   * nothing of a value (an alarm that is arming, a lock that is jammed), which then stays.
   */
  readonly read: (values: DeviceValues, shown?: HapValue) => HapValue | undefined;
  /**
   * Of a target that takes its time: how near to what was asked a report must lead to settle it. Reports from the way
   * there would make the target bounce otherwise. Missing: any report of the source settles.
   */
  readonly settlesWithin?: number;
  /** What holds even while the device cannot be reached; where it is left out, that is an error. */
  readonly offline?: HapValue;
  /** The least time between two pushes of a value that changes all the time. A change after a pause is pushed at once. */
  readonly pushEveryMs?: number;
  /**
   * Of what has no value but tells of moments: what a report of a capability means. Each is pushed at once, however often
   * it is the same.
   */
  readonly toEvent?: (capability: string, value: CapabilityValue) => number | undefined;
}

/** One service as it should stand on an accessory; pure, so that it can be compared with what is there. */
export interface ServicePlan {
  readonly kind: ServiceKind;
  /** Decides the instance ids together with `kind`; must never change for the same thing. */
  readonly subtype: string;
  /** The component that it shows, or what else a name that a person gives it is kept for. */
  readonly component: string;
  /** The component's own name; null for the device's main feature. */
  readonly label: string | null;
  readonly characteristics: readonly CharacteristicPlan[];
  readonly actuator: Actuator | null;
}

export interface Actuator {
  /**
   * The commands for what was asked, to be sent as one; none where all of it is so already.
   * @throws HapStatusError `notAllowed` where the device takes no such command.
   */
  readonly toWrites: (requested: Requested, values: DeviceValues, shown?: LastShown) => CapabilityWrite[];
  /** True while a second half may follow in a request of its own, as with hue and saturation. */
  readonly isHalf: (requested: Requested) => boolean;
  /** It may be switched off and on to show which one it is. Not of what sounds, drives or lets water run. */
  readonly blinks?: true;
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
    plan.characteristics.map(({ kind, range, validValues }) => [
      kind,
      range?.min,
      range?.max,
      ...(range?.step === undefined && !validValues ? [] : [range?.step, validValues]),
    ]),
  ]);
}
