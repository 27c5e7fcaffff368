import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { isObject } from '../../discovery/expand.ts';
import { LIMITS } from '../../limits.ts';
import { expiry, isQuotable, toComponent, type TasmotaDevice } from './device.ts';
import { readUnits, toQuantity, type ModelUnits } from './quantities.ts';
import { contentTemplate, pathTemplate } from './templates.ts';

/** Readers of cards tell of moments, and their last card is no state. Shutters are covers. */
const NO_SENSOR = /^(?:Time|PN532|RDM6300|Shutter\d+)$/;

/** What names a thing instead of measuring something. */
const NO_VALUE = /^(?:Id|ID|Address|MAC|Time|TotalStartTime)$/;

const MAX_DEPTH = 4;
const MAX_LIST = 16;

type Path = readonly (string | number)[];

/** A value of the model; `quantity` is the key that says what it measures. */
interface Value {
  readonly path: Path;
  readonly quantity: string;
  readonly isText: boolean;
}

/**
 * The sensors of a model, `sn`: what telemetry holds, with the values of the moment.
 * @returns a sentence besides, when there is something that could not be used
 */
export function toSensors(
  device: TasmotaDevice,
  model: Config,
): { specs: ComponentSpec[]; problem: string | null } {
  const units = readUnits(model);
  const found: Value[] = [];
  for (const [key, value] of Object.entries(model)) {
    if (isObject(value) && !NO_SENSOR.test(key)) collect([key], key, value, found);
  }
  const specs = new Map<string, ComponentSpec>();
  let problem: string | null = null;
  for (const value of found) {
    if (!value.path.every((part) => typeof part === 'number' || isQuotable(part))) {
      problem = 'the name of one of its sensors can not be used';
      continue;
    }
    const spec = toSensor(device, value, units);
    if (!specs.has(spec.id)) specs.set(spec.id, spec);
    if (specs.size >= LIMITS.componentsPerDevice) break;
  }
  return { specs: [...specs.values()], problem };
}

/** What a device tells about itself beside its sensors. */
export function toStatus(device: TasmotaDevice): ComponentSpec[] {
  const diagnostic = { state_topic: device.stateFilter, entity_category: 'diagnostic', ...expiry(device) };
  const signal = toComponent(device, 'sensor', 'signal', {
    ...diagnostic,
    name: 'Signal',
    device_class: 'signal_strength',
    unit_of_measurement: 'dBm',
    state_class: 'measurement',
    enabled_by_default: false,
    value_template: contentTemplate('{{ d.Wifi.Signal if d.Wifi is mapping }}'),
  });
  if (!device.hasBattery) return [signal];
  const battery = toComponent(device, 'sensor', 'battery', {
    ...diagnostic,
    name: 'Battery',
    device_class: 'battery',
    unit_of_measurement: '%',
    state_class: 'measurement',
    value_template: contentTemplate('{{ d.BatteryPercentage }}'),
  });
  return [signal, battery];
}

function collect(path: Path, quantity: string, value: unknown, found: Value[]): void {
  if (path.length > MAX_DEPTH || found.length >= LIMITS.componentsPerDevice) return;
  if (Array.isArray(value)) {
    for (const [at, item] of (value as readonly unknown[]).slice(0, MAX_LIST).entries()) {
      if (typeof item === 'number') found.push({ path: [...path, at], quantity, isText: false });
    }
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      // `Speed: {Act, Avg}` are both speeds.
      if (!NO_VALUE.test(key)) collect([...path, key], path.length === 1 ? key : quantity, item, found);
    }
  } else if (typeof value === 'number' || typeof value === 'string' || value === null) {
    found.push({ path, quantity, isText: typeof value === 'string' });
  }
}

function toSensor(
  device: TasmotaDevice,
  { path, quantity, isText }: Value,
  units: ModelUnits,
): ComponentSpec {
  const objectId = path
    .join('_')
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 200);
  return toComponent(device, 'sensor', objectId, {
    name: toName(path),
    state_topic: device.sensorFilter,
    value_template: pathTemplate(path),
    ...(isText ? { entity_category: 'diagnostic' } : toQuantity(quantity, units)),
    ...expiry(device),
  });
}

/** `DS18B20-1 Temperature`, `Energy total`, `Power`. */
function toName(path: Path): string {
  const [sensor, ...rest] = path;
  const words = rest.map((part) => (typeof part === 'number' ? String(part + 1) : toWords(part)));
  if (sensor !== 'ENERGY') return [sensor, ...words].join(' ').slice(0, 200);
  const isCounter = /^(?:Total|Today|Yesterday|Import|Export|Period)/.test(String(rest[0]));
  const name = words.join(' ');
  return isCounter ? `Energy ${name.toLowerCase()}` : name;
}

/** `ApparentPower` as a person would write it; what is not made of words stays. */
function toWords(key: string): string {
  if (!/^(?:[A-Z][a-z]+)+$/.test(key)) return key;
  const words = key.replaceAll(/(?!^)([A-Z])/g, ' $1').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
