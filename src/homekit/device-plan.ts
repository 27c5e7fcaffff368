import type { Capability, CapabilityKind, DeviceView } from '../devices/types.ts';
import type { Component, ServiceKind, ServicePlan } from './service-plan.ts';
import type { Inversion } from './types.ts';

import { cleanName, numberEqualNames } from './names.ts';
import { planActuator } from './services/actuators.ts';
import { planBattery } from './services/battery.ts';
import { invertPlan } from './services/inversion.ts';
import { planLightbulb } from './services/lightbulb.ts';
import { planOutlet } from './services/outlet.ts';
import { withStatus } from './services/sensor-status.ts';
import { planSwitch } from './services/switch.ts';
import { planJointTellers, planTellers } from './services/tellers.ts';

/** hap-nodejs refuses the 101st service of an accessory; some of these are its own. */
export const MAX_SERVICES = 90;

/** What the person sees a service called when its component has no name of its own. */
const SERVICE_WORDS: Record<ServiceKind, string> = {
  AirQualitySensor: 'Air Quality',
  Battery: 'Battery',
  CarbonDioxideSensor: 'Carbon Dioxide',
  CarbonMonoxideSensor: 'Carbon Monoxide',
  ContactSensor: 'Contact',
  Door: 'Door',
  Doorbell: 'Doorbell',
  Fanv2: 'Fan',
  GarageDoorOpener: 'Garage Door',
  HeaterCooler: 'Climate',
  HumidifierDehumidifier: 'Humidifier',
  HumiditySensor: 'Humidity',
  LeakSensor: 'Leak',
  LightSensor: 'Light Level',
  Lightbulb: 'Light',
  LockMechanism: 'Lock',
  MotionSensor: 'Motion',
  OccupancySensor: 'Occupancy',
  Outlet: 'Outlet',
  SecuritySystem: 'Alarm',
  ServiceLabel: 'Buttons',
  SmokeSensor: 'Smoke',
  StatelessProgrammableSwitch: 'Button',
  Switch: 'Switch',
  TemperatureSensor: 'Temperature',
  Thermostat: 'Thermostat',
  Valve: 'Valve',
  Window: 'Window',
  WindowCovering: 'Covering',
};

/** The tiles first shown for a device's components, by component id. */
export type Tiles = ReadonlyMap<string, string>;

/** What a person turned round, by component id. */
export type Inversions = ReadonlyMap<string, Inversion>;

/** The services that a component may be shown as in more than one way: once shown, it stays that one. */
const TILES: ReadonlySet<ServiceKind> = new Set([
  'Door',
  'GarageDoorOpener',
  'HeaterCooler',
  'Outlet',
  'Switch',
  'Thermostat',
  'Valve',
  'Window',
  'WindowCovering',
]);

export function isTile({ kind, actuator }: ServicePlan): boolean {
  return actuator !== null && TILES.has(kind);
}

/**
 * The services of one device in a stable order, the main feature first; empty when it has nothing for Apple Home.
 * Settings, diagnostics and what its maker switched off stay in the graph; a battery is shown whatever its category,
 * but never alone: an accessory with nothing else is a tile that says "not supported".
 */
export function planServices(
  device: Pick<DeviceView, 'capabilities'>,
  tiles: Tiles = new Map(),
  inversions: Inversions = new Map(),
): ServicePlan[] {
  const capabilities = device.capabilities.filter(isShown);
  const components = groupByComponent(capabilities);
  const power = powerOfOnlySwitch(device.capabilities, components);
  const tamper = firstOfKind(device.capabilities, 'tamper');
  const plans = [
    ...components.flatMap((component) => {
      const services = planComponent(component, power, tiles.get(component.id));
      const inversion = inversions.get(component.id);
      return inversion ? services.map((plan) => invertPlan(plan, component, inversion)) : services;
    }),
    ...planJointTellers(capabilities),
  ].map((plan) => withStatus(plan, tamper));
  if (plans.length === 0) return [];
  const main =
    plans.find(isMainActuator) ??
    plans.find(isMachine) ??
    plans.find(isActuator) ??
    plans.find(isUnlabelled) ??
    plans[0];
  const ordered = [...plans.filter((plan) => plan === main), ...plans.filter((plan) => plan !== main)];
  const battery = planBattery(
    firstOfKind(device.capabilities, 'battery'),
    firstOfKind(device.capabilities, 'battery_low'),
  );
  return [...ordered, ...(battery ? [battery] : [])];
}

/** The name of each service by index: the first is the device itself, the others say what they are. */
export function nameServices(deviceName: string, plans: readonly ServicePlan[]): string[] {
  const wanted = plans.map((plan, index) =>
    index === 0 ? deviceName : cleanName(plan.label, SERVICE_WORDS[plan.kind]),
  );
  const keys = wanted.map((_, index) => String(index).padStart(4, '0'));
  const unique = numberEqualNames(new Map(wanted.map((name, index) => [keys[index] ?? '', name])));
  return keys.map((key) => unique.get(key) ?? deviceName);
}

function planComponent(
  component: Component,
  power: Capability | undefined,
  tile: string | undefined,
): ServicePlan[] {
  if (component.type === 'light') return present(planLightbulb(component));
  if (component.type === 'switch') {
    const outlet =
      tile === undefined ? component.deviceClass === 'outlet' || power !== undefined : tile === 'Outlet';
    return present(outlet ? planOutlet(component, power) : planSwitch(component));
  }
  return planActuator(component, tile) ?? planTellers(component);
}

function present<T>(value: T | null): T[] {
  return value === null ? [] : [value];
}

function isShown(capability: Capability): boolean {
  return capability.category === null && capability.enabled_by_default;
}

function isActuator(plan: ServicePlan): boolean {
  return plan.actuator !== null;
}

/** What a device is made for, next to which a switch is a setting of it: a lock's "auto relock" is not the lock. */
function isMachine(plan: ServicePlan): boolean {
  return isActuator(plan) && plan.kind !== 'Switch' && plan.kind !== 'Outlet' && plan.kind !== 'Lightbulb';
}

function isUnlabelled(plan: ServicePlan): boolean {
  return plan.label === null;
}

function isMainActuator(plan: ServicePlan): boolean {
  return isActuator(plan) && isUnlabelled(plan);
}

function groupByComponent(capabilities: readonly Capability[]): Component[] {
  const groups = new Map<string, Component & { byKind: Map<CapabilityKind, Capability> }>();
  for (const capability of capabilities) {
    let group = groups.get(capability.component);
    if (!group) {
      group = {
        id: capability.component,
        type: capability.component_type,
        deviceClass: capability.device_class,
        label: capability.label,
        byKind: new Map(),
      };
      groups.set(capability.component, group);
    }
    if (!group.byKind.has(capability.kind)) group.byKind.set(capability.kind, capability);
  }
  return [...groups.values()];
}

/**
 * The meter of a device with one switch. With several channels nothing says reliably which one a meter belongs to, and
 * a wrong "in use" is worse than none.
 */
function powerOfOnlySwitch(
  capabilities: readonly Capability[],
  components: readonly Component[],
): Capability | undefined {
  const switches = components.filter(({ type, byKind }) => type === 'switch' && byKind.has('on_off'));
  return switches.length === 1 ? firstOfKind(capabilities, 'power') : undefined;
}

function firstOfKind(capabilities: readonly Capability[], kind: CapabilityKind): Capability | undefined {
  return capabilities.find((capability) => capability.kind === kind);
}
