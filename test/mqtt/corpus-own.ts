/**
 * Descriptions of our own making for recorded states of devices that are described nowhere in the corpus: the shapes
 * are those of the firmware that sent the states.
 */
import type { Line, Sent } from './corpus-house.ts';

import { resultOf } from './native/shelly-harness.ts';

function config(type: string, device: string, objectId: string, content: object): Line {
  const node = device.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  const payload = JSON.stringify({ name: objectId, dev: { ids: [device], name: device }, ...content });
  return { topic: `homeassistant/${type}/${node}/${objectId}/config`, payload, retain: true };
}

function zigbeeLight(device: string, modes: readonly string[]): Line {
  return config('light', device, 'light', {
    schema: 'json',
    brightness: true,
    brightness_scale: 254,
    supported_color_modes: modes,
    min_mireds: 50,
    max_mireds: 550,
    effect: true,
    effect_list: ['blink'],
    command_topic: `zigbee2mqtt/${device}/set`,
    state_topic: `zigbee2mqtt/${device}`,
  });
}

function zigbeeSwitch(device: string, objectId: string, property: string): Line {
  return config('switch', device, objectId, {
    command_topic: `zigbee2mqtt/${device}/set`,
    state_topic: `zigbee2mqtt/${device}`,
    value_template: `{{ value_json["${property}"] }}`,
  });
}

function zigbeeCover(device: string): Line {
  return config('cover', device, 'cover', {
    command_topic: `zigbee2mqtt/${device}/set`,
    state_topic: `zigbee2mqtt/${device}`,
    state_open: 'OPEN',
    state_closed: 'CLOSE',
    value_template: '{{ value_json["state"] }}',
    position_topic: `zigbee2mqtt/${device}`,
    position_template: '{{ value_json["position"] }}',
    set_position_topic: `zigbee2mqtt/${device}/set`,
    tilt_command_topic: `zigbee2mqtt/${device}/set/tilt`,
    tilt_status_topic: `zigbee2mqtt/${device}`,
    tilt_status_template: '{{ value_json["tilt"] }}',
  });
}

/** One half of a double dimmer, which has a topic of its own. */
function zigbeeHalf(device: string, half: string): Line {
  return config('light', device, half, {
    schema: 'json',
    brightness: true,
    brightness_scale: 254,
    supported_color_modes: ['brightness'],
    command_topic: `zigbee2mqtt/${device}/${half}/set`,
    state_topic: `zigbee2mqtt/${device}/${half}`,
  });
}

const COLOUR = ['color_temp', 'xy'];
const WHITE = ['color_temp'];

export const OWN_ZIGBEE: readonly Line[] = [
  ...['bulb_color', 'bulb_color_2', 'group_1'].map((device) => zigbeeLight(device, COLOUR)),
  ...[
    'bulb_2',
    'bulb_new_name',
    'group_2',
    'group_tradfri_remote',
    'group_with_tradfri',
    'gledopto_group',
    'switch_group',
    'GL-S-007ZS',
  ].map((device) => zigbeeLight(device, WHITE)),
  zigbeeSwitch('power_plug', 'switch', 'state'),
  zigbeeSwitch('TS0601_switch', 'l2', 'state_l2'),
  zigbeeSwitch('TS0601_cover_switch', 'l1', 'state_l1'),
  zigbeeSwitch('TS0601_cover_switch', 'l2', 'state_l2'),
  zigbeeSwitch('GLEDOPTO_2ID', 'cct', 'state_cct'),
  zigbeeCover('J1_cover'),
  zigbeeCover('TS0601_cover_switch'),
  zigbeeHalf('U202DST600ZB', 'l1'),
  zigbeeHalf('U202DST600ZB', 'l2'),
  config('light', 'QS-Zigbee-D02-TRIAC-2C-LN', 'l2', {
    command_topic: 'zigbee2mqtt/QS-Zigbee-D02-TRIAC-2C-LN/l2/set',
    state_topic: 'zigbee2mqtt/QS-Zigbee-D02-TRIAC-2C-LN',
    state_value_template: '{{ value_json["state_l2"] }}',
    brightness_command_topic: 'zigbee2mqtt/QS-Zigbee-D02-TRIAC-2C-LN/l2/set/brightness',
    brightness_state_topic: 'zigbee2mqtt/QS-Zigbee-D02-TRIAC-2C-LN',
    brightness_value_template: '{{ value_json["brightness_l2"] }}',
    brightness_scale: 254,
  }),
];

const FAZOLE = 'fazole/climate/pump1_t';
export const OWN_ESPHOME: readonly Line[] = [
  config('sensor', 'fazole', 'uptime_sensor', {
    state_topic: 'fazole/sensor/uptime_sensor/state',
    unit_of_measurement: 's',
    device_class: 'duration',
  }),
  config('switch', 'fazole', 'pump1', {
    state_topic: 'fazole/switch/pump1/state',
    command_topic: 'fazole/switch/pump1/command',
  }),
  config('climate', 'fazole', 'pump1_t', {
    modes: ['off', 'heat'],
    mode_state_topic: `${FAZOLE}/mode/state`,
    mode_command_topic: `${FAZOLE}/mode/command`,
    current_temperature_topic: `${FAZOLE}/current_temperature/state`,
    temperature_state_topic: `${FAZOLE}/target_temperature/state`,
    temperature_command_topic: `${FAZOLE}/target_temperature/command`,
    action_topic: `${FAZOLE}/action/state`,
    preset_modes: ['home', 'away'],
    preset_mode_state_topic: `${FAZOLE}/preset/state`,
    preset_mode_command_topic: `${FAZOLE}/preset/command`,
  }),
  config('number', 'fazole', 'last_pump_ts_1', {
    state_topic: 'fazole/number/last_pump_ts_1/state',
    command_topic: 'fazole/number/last_pump_ts_1/command',
    min: 0,
    max: 4294967295,
  }),
];

function tasmota(mac: string, name: string, topic: string, relays: readonly number[], sn: object): Line[] {
  const device = {
    ip: '192.0.2.1',
    dn: name,
    fn: [name],
    hn: 'own',
    mac,
    md: 'Generic',
    ty: 0,
    if: 0,
    ofln: 'Offline',
    onln: 'Online',
    state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
    sw: '13.4.0',
    t: topic,
    ft: '%prefix%/%topic%/',
    tp: ['cmnd', 'stat', 'tele'],
    rl: relays,
    swc: Array.from({ length: 8 }, () => -1),
    btn: [0, 0, 0, 0],
    so: { 4: 0, 11: 0, 13: 0, 17: 0, 20: 0, 30: 0, 68: 0, 73: 0, 80: 1, 82: 0, 114: 0 },
    lk: 0,
    lt_st: 0,
    sho: [0, 0],
    sht: topic === 'Shutter_06' ? [[-90, 90, 0]] : [],
    ver: 1,
  };
  return [
    { topic: `tasmota/discovery/${mac}/config`, payload: JSON.stringify(device), retain: true },
    { topic: `tasmota/discovery/${mac}/sensors`, payload: JSON.stringify({ sn, ver: 1 }), retain: true },
  ];
}

function sensor(device: string, topic: string, objectId: string, path: string, content: object): Line {
  return config('sensor', device, objectId, {
    state_topic: topic,
    value_template: `{{ value_json${path} }}`,
    ...content,
  });
}

const BLE = 'tele/%topic%/SENSOR';
const PLANT = 'stat/tasmota/STATUS8';
const CELSIUS = { unit_of_measurement: '°C', device_class: 'temperature' };
const HUMIDITY = { unit_of_measurement: '%', device_class: 'humidity' };
const BATTERY = { unit_of_measurement: '%', device_class: 'battery' };

export const OWN_TASMOTA: readonly Line[] = [
  {
    topic: 'tasmota/discovery/00000049A3BC/sensors',
    payload: '{"sn":{"DHT11":{"Temperature":1.5},"ENERGY":{"TotalTariff":[0.1,0.2]},"TempUnit":"C"},"ver":1}',
    retain: true,
  },
  ...tasmota('020000000001', 'Demo sensor', 'demo-sensor', [1], { Switch1: 'ON', Switch2: 'ON' }),
  ...tasmota('020000000002', 'Blind', 'tasmota_blind_new', [3, 3, 3, 3], {}),
  ...tasmota('020000000003', 'Tilting', 'Shutter_06', [3, 3], {}),
  ...tasmota('020000000004', 'Shutter', '<topic>', [3, 3], {}),
  sensor('Bluetooth', BLE, 'one_t', '["LYWSD03-52680f"].Temperature', CELSIUS),
  sensor('Bluetooth', BLE, 'one_h', '["LYWSD03-52680f"].Humidity', HUMIDITY),
  sensor('Bluetooth', BLE, 'one_b', '["LYWSD03-52680f"].Battery', BATTERY),
  sensor('Bluetooth', BLE, 'two', '["LYWSD02-a2fd09"].Battery', BATTERY),
  sensor('Plant', PLANT, 'temperature', '.StatusSNS["Flora-6ab577"].Temperature', CELSIUS),
  sensor('Plant', PLANT, 'light', '.StatusSNS["Flora-6ab577"].Illuminance', {
    unit_of_measurement: 'lx',
    device_class: 'illuminance',
  }),
  sensor('Plant', PLANT, 'humidity', '.StatusSNS["Flora-6ab577"].Humidity', HUMIDITY),
  config('binary_sensor', 'Beacon', 'presence', {
    state_topic: 'tele/ibeacon/SENSOR',
    value_template: '{{ value_json.IBEACON.STATE }}',
    device_class: 'occupancy',
  }),
];

/** What the Shelly devices say of themselves when they are asked, by topic prefix. */
const SHELLIES: Readonly<
  Record<string, { info: { id: string; mac: string; name: string }; config?: object; status: object }>
> = {
  'shellyplus1-4417939458e0': {
    info: { id: 'shellyplus1-4417939458e0', mac: '4417939458E0', name: 'Shelly Plus 1' },
    status: { 'switch:0': { id: 0, output: false, temperature: { tC: 30 } } },
  },
  'shellyplus1pm-WaMaTrockner': {
    info: { id: 'shellyplus1pm-020000000010', mac: '020000000010', name: 'WaMaTrockner' },
    status: {
      'switch:0': {
        id: 0,
        output: false,
        apower: 0,
        voltage: 230,
        current: 0,
        aenergy: { total: 0 },
        temperature: { tC: 30 },
      },
    },
  },
  'shellyplus1pm-b22864': {
    info: { id: 'shellyplus1pm-b22864', mac: '020000B22864', name: 'Shelly Plus 1PM' },
    config: { 'input:0': { id: 0, type: 'button' } },
    status: { 'input:0': { id: 0, state: null } },
  },
  'shellyplus2pm-441793acb13c': {
    info: { id: 'shellyplus2pm-441793acb13c', mac: '441793ACB13C', name: 'Shelly Plus 2PM' },
    config: { 'input:0': { id: 0, type: 'button' } },
    status: { 'input:0': { id: 0, state: null } },
  },
};

/** The one with a topic prefix of the owner's choice shows itself only so. */
export const OWN_SHELLY: readonly Line[] = [
  { topic: 'shellyplus1pm-WaMaTrockner/online', payload: 'true', retain: true },
];

/** Answers what the hub asks a Shelly. */
export function answerShelly({ topic, payload }: Sent): Line[] {
  const device = topic.endsWith('/rpc') ? SHELLIES[topic.slice(0, -'/rpc'.length)] : undefined;
  if (!device) return [];
  const { id, src, method } = JSON.parse(payload) as { id: number; src: string; method: string };
  const result = resultOf(method, { id: device.info.id, ...device });
  const answer = JSON.stringify({ id, src: device.info.id, dst: src, result });
  return result ? [{ topic: `${src}/rpc`, payload: answer, retain: false }] : [];
}
