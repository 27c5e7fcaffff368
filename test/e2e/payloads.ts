import { existsSync, readFileSync } from 'node:fs';

export interface Message {
  readonly topic: string;
  readonly payload: string;
}

/** The devices of one trip: a lamp that is commanded, and others that must appear beside it. */
export interface House {
  /** Discovery and first states, in the order in which a device would publish them; all retained. */
  readonly announcements: readonly Message[];
  readonly lamp: {
    readonly name: string;
    readonly commandTopic: string;
    readonly stateTopic: string;
    /** What it reports when it is on, and when it is off. */
    readonly on: string;
    readonly off: string;
  };
  /** Names of every device entity that must be there. */
  readonly names: readonly string[];
  /** A sensor whose value Apple Home must show. */
  readonly temperature: { readonly device: string; readonly celsius: number };
}

function config(topic: string, content: Readonly<Record<string, unknown>>): Message {
  return { topic: `homeassistant/${topic}/config`, payload: JSON.stringify(content) };
}

/** Devices of our own making, with the shapes that Zigbee2MQTT, ESPHome and Shelly's discovery script publish. */
export function ownHouse(): House {
  const bridge = [{ topic: 'zigbee2mqtt/bridge/state', value_template: '{{ value_json.state }}' }];
  const plug = 'shellyplugsg3-98a316cc0a1b';
  return {
    announcements: [
      config('light/0x00158d0001825501/light', {
        availability: bridge,
        brightness: true,
        brightness_scale: 254,
        command_topic: 'zigbee2mqtt/Reading lamp/set',
        device: {
          identifiers: ['zigbee2mqtt_0x00158d0001825501'],
          manufacturer: 'IKEA',
          model: 'TRADFRI bulb E27',
          name: 'Reading lamp',
          suggested_area: 'Study',
        },
        max_mireds: 454,
        min_mireds: 250,
        name: null,
        schema: 'json',
        state_topic: 'zigbee2mqtt/Reading lamp',
        supported_color_modes: ['color_temp'],
        unique_id: '0x00158d0001825501_light_zigbee2mqtt',
      }),
      { topic: 'zigbee2mqtt/bridge/state', payload: '{"state":"online"}' },
      config('sensor/boiler/flow_temperature', {
        unit_of_meas: '°C',
        stat_cla: 'measurement',
        name: 'Flow temperature',
        dev_cla: 'temperature',
        stat_t: 'boiler/sensor/flow_temperature/state',
        avty_t: 'boiler/status',
        uniq_id: 'ESPsensorflow_temperature',
        dev: { ids: 'a0b765f01234', name: 'Boiler', sw: '2026.8.0', mdl: 'esp32', mf: 'Espressif' },
      }),
      { topic: 'boiler/status', payload: 'online' },
      { topic: 'boiler/sensor/flow_temperature/state', payload: '54.3' },
      config(`switch/${plug}/switch-0`, {
        '~': `${plug}/`,
        avty: [{ t: '~online', pl_avail: 'true', pl_not_avail: 'false' }],
        cmd_t: '~rpc',
        dev: { ids: ['98:a3:16:cc:0a:1b'], name: 'Television plug', mf: 'Shelly', mdl: 'Shelly Plug S Gen3' },
        dev_cla: 'outlet',
        en: 'true',
        name: null,
        pl_on: '{"id":1,"method":"Switch.Set","params":{"id":0,"on":true}}',
        pl_off: '{"id":1,"method":"Switch.Set","params":{"id":0,"on":false}}',
        stat_on: 'on',
        stat_off: 'off',
        stat_t: '~status/switch:0',
        uniq_id: `${plug}-switch-0`,
        val_tpl: '{%if value_json.output%}on{%else%}off{%endif%}',
      }),
      { topic: `${plug}/online`, payload: 'true' },
      { topic: `${plug}/status/switch:0`, payload: '{"id":0,"output":true,"apower":61.5}' },
    ],
    lamp: {
      name: 'Reading lamp',
      commandTopic: 'zigbee2mqtt/Reading lamp/set',
      stateTopic: 'zigbee2mqtt/Reading lamp',
      on: '{"state":"ON","brightness":127,"color_temp":300,"color_mode":"color_temp"}',
      off: '{"state":"OFF","brightness":127,"color_temp":300,"color_mode":"color_temp"}',
    },
    names: ['Reading lamp', 'Boiler', 'Television plug'],
    temperature: { device: 'Boiler', celsius: 54.3 },
  };
}

const RECORDED = new URL('../../../shared/fixtures/', import.meta.url);

/** Whether the folder of recorded payloads lies beside the project. */
export const haveRecordedPayloads = existsSync(RECORDED);

function recorded(file: string, topic: string): Message {
  for (const line of readFileSync(new URL(file, RECORDED), 'utf8').split('\n')) {
    if (line === '') continue;
    const message = JSON.parse(line) as Message;
    if (message.topic === topic && message.payload !== '') return { topic, payload: message.payload };
  }
  throw new Error(`nothing was recorded on ${topic}`);
}

/** What real firmware published: a Zigbee2MQTT bulb, an ESPHome garage door and a Shelly plug. */
export function recordedHouse(): House {
  const plug = 'shellyplugmg3-aabbccddeeff';
  const z2m = 'zigbee2mqtt-discovery.jsonl';
  return {
    announcements: [
      recorded(z2m, 'homeassistant/light/0x000b57fffec6a5b2/light/config'),
      { topic: 'zigbee2mqtt/bridge/state', payload: '{"state":"online"}' },
      recorded('esphome.jsonl', 'homeassistant/sensor/garagedoor1/garage_temperature/config'),
      recorded('esphome.jsonl', 'homeassistant/binary_sensor/garagedoor1/garage_door_position/config'),
      recorded('esphome.jsonl', 'homeassistant/light/garagedoor1/garage_esp_status_led/config'),
      { topic: 'garagedoor1/status', payload: 'online' },
      { topic: 'garagedoor1/sensor/garage_temperature/state', payload: '18.3' },
      recorded('shelly-discovery.jsonl', `homeassistant/sensor/${plug}-0-voltage/config`),
      { topic: `${plug}/online`, payload: 'true' },
      { topic: `${plug}/status/switch:0`, payload: '{"id":0,"output":true,"voltage":231.4}' },
    ],
    lamp: {
      name: 'bulb',
      commandTopic: 'zigbee2mqtt/bulb/set',
      stateTopic: 'zigbee2mqtt/bulb',
      on: '{"brightness":50,"color_options":null,"color_temp":370,"effect":null,"linkquality":99,"state":"ON"}',
      off: '{"brightness":50,"color_options":null,"color_temp":370,"effect":null,"linkquality":99,"state":"OFF"}',
    },
    names: ['bulb', 'GarageDoor1', 'Shelly Plug M Gen3 [DDEEFF]'],
    temperature: { device: 'GarageDoor1', celsius: 18.3 },
  };
}
