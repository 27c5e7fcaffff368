import type { AccessoryEventTypes, CharacteristicValue } from '@homebridge/hap-nodejs';

import { Accessory, Characteristic, Service, uuid } from '@homebridge/hap-nodejs';

import type { CapabilityValue, DeviceView, StateChange } from '../devices/types.ts';
import type { DeviceLinkOptions } from './device-link.ts';
import type { ServicePlan } from './service-plan.ts';

import { AdaptiveLighting, isAdaptive } from './adaptive-lighting.ts';
import { Blinker } from './blinker.ts';
import { DeviceLink } from './device-link.ts';
import { nameServices } from './device-plan.ts';
import { cleanName, toFirmwareRevision, toInfoText } from './names.ts';
import { structureOf } from './service-plan.ts';
import { ShownService } from './shown-service.ts';

/** Everything that decides how a device stands on the bridge. */
export interface AccessoryDescription {
  readonly view: DeviceView;
  readonly plans: readonly ServicePlan[];
  /** Cleaned, and unique on the bridge. */
  readonly name: string;
  readonly serialNumber: string;
  /** Names given in Apple Home, by component. */
  readonly givenNames: ReadonlyMap<string, string>;
}

export interface DeviceAccessoryOptions extends DeviceLinkOptions {
  /** Told when a person renames a service in Apple Home; null when they give the name back. */
  readonly onNameGiven: (component: string, name: string | null) => void;
}

/** A device as one accessory of the bridge. */
export class DeviceAccessory implements Disposable {
  readonly hap: Accessory;
  readonly #options: DeviceAccessoryOptions;
  readonly #device: DeviceLink;
  readonly #blinker: Blinker;
  readonly #services = new Map<string, ShownService>();
  #plans: readonly ServicePlan[] = [];
  #givenNames = new Map<string, string>();

  constructor(description: AccessoryDescription, options: DeviceAccessoryOptions) {
    this.#options = options;
    this.#device = new DeviceLink(options);
    this.#blinker = new Blinker(this.#device);
    // The graph's id survives rename and re-discovery; from it comes the accessory id that rooms and scenes hang on.
    this.hap = new Accessory(description.name, uuid.generate(`hub:${options.entityId}`));
    this.hap.on('identify' as AccessoryEventTypes.IDENTIFY, (_paired, callback) => {
      callback();
      this.#blinker.blink(this.#plans);
    });
    this.apply(description);
  }

  get entityId(): string {
    return this.#options.entityId;
  }

  /** The services that are shown now. */
  get plans(): readonly ServicePlan[] {
    return this.#plans;
  }

  /** Whether the description has the structure that is shown now, so that applying it leaves c# alone. */
  hasStructureOf(description: AccessoryDescription): boolean {
    return structureText(description.plans) === structureText(this.#plans);
  }

  /** Brings structure, names and values up to date. What stays keeps its ids. */
  apply(description: AccessoryDescription): void {
    const { view, plans } = description;
    this.#device.load(view.available, valuesOf(view));
    this.#plans = plans;
    this.#givenNames = new Map(description.givenNames);
    const names = nameServices(description.name, plans);
    const keys = new Set(plans.map(keyOf));
    for (const [key, service] of this.#services) {
      if (keys.has(key)) continue;
      service[Symbol.dispose]();
      if (service.adaptive) this.hap.removeController(service.adaptive.controller);
      this.hap.removeService(service.hap);
      this.#services.delete(key);
    }
    for (const [index, plan] of plans.entries()) {
      const shown = this.#services.get(keyOf(plan));
      if (shown) {
        shown.replan(plan);
        this.#fitAdaptive(shown);
      } else this.#addService(plan, names[index] ?? description.name);
    }
    this.#linkButtons();
    this.#applyNames(description.name, names);
    this.#applyInformation(description);
  }

  /** Takes changes of this device's state over and pushes them on the same turn. */
  take(changes: readonly StateChange[]): void {
    for (const { capability, value, isEvent } of changes) {
      for (const { adaptive } of this.#services.values()) adaptive?.note(capability, value);
      if (isEvent) {
        for (const service of this.#services.values()) service.tell(capability, value);
      } else if (capability === 'available') this.#device.available = value === true;
      else {
        const isNew = this.#device.values.get(capability) !== value;
        this.#device.setValue(capability, value);
        for (const service of this.#services.values()) service.settle(capability, isNew);
      }
    }
    for (const service of this.#services.values()) service.refresh();
  }

  [Symbol.dispose](): void {
    this.#blinker[Symbol.dispose]();
    for (const service of this.#services.values()) service[Symbol.dispose]();
  }

  #addService(plan: ServicePlan, name: string): void {
    const shown = new ShownService(plan, name, this.#device);
    if (isNameable(plan)) {
      shown.hap
        .addCharacteristic(Characteristic.ConfiguredName)
        .onSet((value) => this.#takeGivenName(plan.component, value));
    }
    this.hap.addService(shown.hap);
    this.#services.set(keyOf(plan), shown);
    this.#fitAdaptive(shown);
  }

  #fitAdaptive(shown: ShownService): void {
    if (isAdaptive(shown.plan) === (shown.adaptive !== null)) return;
    if (shown.adaptive) {
      this.hap.removeController(shown.adaptive.controller);
      shown.adaptive = null;
      return;
    }
    shown.adaptive = new AdaptiveLighting(
      shown.hap,
      () => shown.plan,
      this.#device,
      async (mired) => await shown.writeScheduled(mired),
    );
    this.hap.configureController(shown.adaptive.controller);
  }

  /** HAP wants several buttons linked to the service that says how they are numbered. */
  #linkButtons(): void {
    const services = [...this.#services.values()];
    const label = services.find(({ plan }) => plan.kind === 'ServiceLabel')?.hap;
    for (const { hap, plan } of services) {
      if (plan.kind !== 'StatelessProgrammableSwitch' || label?.linkedServices.includes(hap)) continue;
      label?.addLinkedService(hap);
    }
  }

  #takeGivenName(component: string, value: CharacteristicValue): void {
    const given = typeof value === 'string' ? value.trim() : '';
    const names = nameServices(this.hap.displayName, this.#plans);
    const index = this.#plans.findIndex((plan) => plan.component === component);
    // Apple Home also writes back the name it was shown; that must not cut it off from later renames in the hub.
    const name = given === '' || given === names[index] ? null : given;
    if (name === null) this.#givenNames.delete(component);
    else this.#givenNames.set(component, name);
    this.#options.onNameGiven(component, name);
  }

  /** Renaming touches values only, never the structure: ids and c# stay. */
  #applyNames(name: string, serviceNames: readonly string[]): void {
    this.hap.displayName = name;
    for (const [index, plan] of this.#plans.entries()) {
      const service = this.#services.get(keyOf(plan))?.hap;
      const serviceName = serviceNames[index];
      if (!service || serviceName === undefined) continue;
      service.displayName = serviceName;
      setText(service, Characteristic.Name, serviceName);
      if (isNameable(plan)) {
        setText(service, Characteristic.ConfiguredName, this.#givenNames.get(plan.component) ?? serviceName);
      }
    }
  }

  #applyInformation({ view, name, serialNumber }: AccessoryDescription): void {
    const information = this.hap.getService(Service.AccessoryInformation);
    if (!information) return;
    setText(information, Characteristic.Name, name);
    setText(information, Characteristic.Manufacturer, toInfoText(view.manufacturer, 'Unknown'));
    setText(information, Characteristic.Model, toInfoText(view.model, 'Device'));
    setText(information, Characteristic.SerialNumber, serialNumber);
    setText(information, Characteristic.FirmwareRevision, toFirmwareRevision(view.swVersion));
  }
}

/** The cleaned name of a device before equal names are numbered. */
export function accessoryName(view: DeviceView): string {
  return cleanName(view.name, view.model);
}

function setText(service: Service, type: typeof Characteristic.Name, text: string): void {
  const characteristic = service.getCharacteristic(type);
  if (characteristic.value !== text) characteristic.updateValue(text);
}

/** The others are no tiles of their own, and HomeKit has no ConfiguredName for them. */
function isNameable(plan: ServicePlan): boolean {
  return plan.kind !== 'Battery' && plan.kind !== 'ServiceLabel';
}

function keyOf(plan: ServicePlan): string {
  return `${plan.kind} ${plan.subtype}`;
}

function structureText(plans: readonly ServicePlan[]): string {
  return plans.map(structureOf).sort().join('\n');
}

function valuesOf(view: DeviceView): Map<string, CapabilityValue> {
  return new Map([...view.values].map(([capability, state]) => [capability, state.value]));
}
