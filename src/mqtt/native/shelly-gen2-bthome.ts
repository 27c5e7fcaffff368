import { readNumber, readText, type Config } from '../components/fields.ts';
import { readLabel } from '../discovery/expand.ts';
import { toMac, toSensorConfig, type Draft, type Quantity } from './shelly-device.ts';
import type { Part } from './shelly-gen2-part.ts';
import { toButtonEvent } from './shelly-gen2-events.ts';
import { valueTemplate } from './shelly-gen2-source.ts';

const sensor = (name: string, deviceClass: string | null, unit: string | null): Quantity => ({
  objectId: '',
  name,
  deviceClass,
  unit,
  stateClass: 'measurement',
});

/** https://bthome.io/format/: the object ids whose unit is certain; what is not here is not offered. */
const SENSORS = new Map<number, Quantity>([
  [0x01, { ...sensor('Battery', 'battery', '%'), isDiagnostic: true }],
  [0x02, sensor('Temperature', 'temperature', '°C')],
  [0x03, sensor('Humidity', 'humidity', '%')],
  [0x04, sensor('Pressure', 'pressure', 'hPa')],
  [0x05, sensor('Illuminance', 'illuminance', 'lx')],
  [0x0c, sensor('Voltage', 'voltage', 'V')],
  [0x12, sensor('CO₂', 'carbon_dioxide', 'ppm')],
  [0x2e, sensor('Humidity', 'humidity', '%')],
  [0x3f, sensor('Rotation', null, '°')],
  [0x40, sensor('Distance', 'distance', 'mm')],
  [0x45, sensor('Temperature', 'temperature', '°C')],
]);

const BINARY_SENSORS = new Map<number, readonly [name: string, deviceClass: string]>([
  [0x15, ['Battery low', 'battery']],
  [0x1a, ['Door', 'door']],
  [0x1b, ['Garage door', 'garage_door']],
  [0x1e, ['Light', 'light']],
  [0x20, ['Moisture', 'moisture']],
  [0x21, ['Motion', 'motion']],
  [0x22, ['Moving', 'moving']],
  [0x23, ['Occupancy', 'occupancy']],
  [0x25, ['Presence', 'presence']],
  [0x29, ['Smoke', 'smoke']],
  [0x2b, ['Tamper', 'tamper']],
  [0x2c, ['Vibration', 'vibration']],
  [0x2d, ['Window', 'window']],
]);

const BUTTON = 0x3a;

/**
 * What Bluetooth sensors tell through a Shelly in their neighbourhood. Each is a device of its own, named by its
 * address as the discovery script names it.
 */
export function toBthomeDrafts(parts: readonly Part[]): Draft[] {
  const devices = new Map<string, Part>();
  for (const part of parts) {
    const address = part.type === 'bthomedevice' ? toMac(part.config.addr) : null;
    if (address !== null) devices.set(address, part);
  }
  return parts.flatMap((part) => {
    if (part.type === 'bthomedevice') return toBattery(part);
    const address = part.type === 'bthomesensor' ? toMac(part.config.addr) : null;
    const kind = readNumber(part.config, 'obj_id');
    if (address === null || kind === null) return [];
    return toDraft(part, kind, toDevice(address, devices.get(address)), devices.get(address));
  });
}

function toDraft(part: Part, kind: number, device: Config, parent: Part | undefined): Draft[] {
  const { objectId, source, component, config } = part;
  const given = readLabel(config, 'name');
  const state = {
    device,
    state_topic: source.topic(component),
    value_template: valueTemplate(source, component, 'value'),
  };
  const quantity = SENSORS.get(kind);
  if (quantity) {
    const own = toSensorConfig(quantity);
    return [{ type: 'sensor', objectId, config: { ...own, name: given ?? quantity.name, ...state } }];
  }
  const [name, deviceClass] = BINARY_SENSORS.get(kind) ?? [];
  if (deviceClass !== undefined) {
    const words = { payload_on: 'True', payload_off: 'False' };
    return [
      {
        type: 'binary_sensor',
        objectId,
        config: { name: given ?? name, device_class: deviceClass, ...words, ...state },
      },
    ];
  }
  if (kind !== BUTTON || !parent || !source.hasEvents) return [];
  const index = readNumber(config, 'idx') ?? 0;
  const label = given ?? (index === 0 ? 'Button' : `Button ${index + 1}`);
  return [
    {
      type: 'event',
      objectId,
      config: { name: label, device, ...toButtonEvent(source, parent.component, Math.trunc(index)) },
    },
  ];
}

function toBattery({ component, objectId, source, config, status }: Part): Draft[] {
  const address = toMac(config.addr);
  if (address === null || readNumber(status, 'battery') === null) return [];
  const quantity = sensor('Battery', 'battery', '%');
  return [
    {
      type: 'sensor',
      objectId: `${objectId}_battery`,
      config: {
        ...toSensorConfig({ ...quantity, isDiagnostic: true }),
        device: toDevice(address, { config }),
        state_topic: source.topic(component),
        value_template: valueTemplate(source, component, 'battery'),
      },
    },
  ];
}

function toDevice(address: string, parent: Pick<Part, 'config'> | undefined): Config {
  const withColons = address.replaceAll(/(..)(?=.)/g, '$1:');
  const model = parent ? readText(parent.config, 'model') : null;
  return {
    identifiers: [withColons],
    connections: [['bluetooth', withColons]],
    name: (parent ? readLabel(parent.config, 'name') : null) ?? `Bluetooth sensor ${withColons}`,
    ...(model === null ? {} : { model }),
  };
}
