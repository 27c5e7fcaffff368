import type { Discovery, SimulatedDevice, Wire } from './simulated-device.ts';

import { wandering } from './simulated-device.ts';

/** Devices behind a Zigbee2MQTT bridge: JSON on one topic per device, commands on `…/set`. */
const BASE = 'zigbee2mqtt';
const ORIGIN = { name: 'Zigbee2MQTT', sw: '2.12.1', url: 'https://www.zigbee2mqtt.io' };

interface ZigbeeDevice {
  readonly ieee: string;
  readonly name: string;
  readonly vendor: string;
  readonly model: string;
  readonly room: string;
}

function discovery(
  device: ZigbeeDevice,
  component: string,
  object: string,
  config: Readonly<Record<string, unknown>>,
): Discovery {
  return {
    topic: `${component}/${device.ieee}/${object}`,
    config: {
      availability: [{ topic: `${BASE}/bridge/state`, value_template: '{{ value_json.state }}' }],
      device: {
        identifiers: [`${BASE}_${device.ieee}`],
        manufacturer: device.vendor,
        model: device.model,
        name: device.name,
        suggested_area: device.room,
      },
      origin: ORIGIN,
      state_topic: `${BASE}/${device.name}`,
      unique_id: `${device.ieee}_${object}_${BASE}`,
      ...config,
    },
  };
}

function publishState(wire: Wire, device: ZigbeeDevice, state: Readonly<Record<string, unknown>>): void {
  wire.publish(`${BASE}/bridge/state`, '{"state":"online"}', true);
  wire.publish(`${BASE}/${device.name}`, JSON.stringify(state));
}

/** A bulb of the json light schema; `modes` decides what it can do. */
export function zigbeeBulb(device: ZigbeeDevice, modes: readonly string[]): SimulatedDevice {
  const state: Record<string, unknown> = { state: 'ON', brightness: 180, linkquality: 120 };
  if (modes.includes('color_temp')) Object.assign(state, { color_temp: 370, color_mode: 'color_temp' });
  return {
    name: device.name,
    discovery: [
      discovery(device, 'light', 'light', {
        name: null,
        schema: 'json',
        brightness: true,
        brightness_scale: 254,
        supported_color_modes: modes,
        ...(modes.includes('color_temp') ? { min_mireds: 153, max_mireds: 500 } : {}),
        command_topic: `${BASE}/${device.name}/set`,
      }),
    ],
    online: (wire) => publishState(wire, device, state),
    commands: {
      [`${BASE}/${device.name}/set`]: (payload, wire) => {
        const command = JSON.parse(payload) as Record<string, unknown>;
        if ('color' in command) state['color_mode'] = 'xy';
        else if ('color_temp' in command) state['color_mode'] = 'color_temp';
        Object.assign(state, command);
        publishState(wire, device, state);
      },
    },
  };
}

export function zigbeeClimateSensor(device: ZigbeeDevice): SimulatedDevice {
  const temperature = wandering(21, 18, 25, 0.2);
  const humidity = wandering(48, 35, 65, 0.8);
  const tell = (wire: Wire): void =>
    publishState(wire, device, {
      temperature: temperature(),
      humidity: humidity(),
      battery: 87,
      linkquality: 76,
    });
  const sensor = (deviceClass: string, unit: string): Discovery =>
    discovery(device, 'sensor', deviceClass, {
      device_class: deviceClass,
      unit_of_measurement: unit,
      state_class: 'measurement',
      value_template: `{{ value_json["${deviceClass}"] }}`,
    });
  return {
    name: device.name,
    discovery: [sensor('temperature', '°C'), sensor('humidity', '%'), sensor('battery', '%')],
    online: tell,
    commands: {},
    life: { everyS: 5, step: tell },
  };
}

/** A sensor with one binary value under `property`; `on` is the JSON value that means detected. */
export function zigbeeBinarySensor(
  device: ZigbeeDevice,
  sensor: { property: string; deviceClass: string; on: boolean; everyS: number },
): SimulatedDevice {
  let detected = false;
  const tell = (wire: Wire): void =>
    publishState(wire, device, { [sensor.property]: detected === sensor.on, battery: 64, linkquality: 98 });
  return {
    name: device.name,
    discovery: [
      discovery(device, 'binary_sensor', sensor.property, {
        name: null,
        device_class: sensor.deviceClass,
        payload_on: sensor.on,
        payload_off: !sensor.on,
        value_template: `{{ value_json["${sensor.property}"] }}`,
      }),
      discovery(device, 'sensor', 'battery', {
        device_class: 'battery',
        unit_of_measurement: '%',
        entity_category: 'diagnostic',
        value_template: '{{ value_json["battery"] }}',
      }),
    ],
    online: tell,
    commands: {},
    life: {
      everyS: sensor.everyS,
      step: (wire) => {
        detected = !detected;
        tell(wire);
      },
    },
  };
}
