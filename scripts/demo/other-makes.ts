import type { SimulatedDevice, Wire } from './simulated-device.ts';

import { wandering } from './simulated-device.ts';

/** An ESPHome node: one topic per entity, plain values, availability by its last will. */
export function esphomeNode(): SimulatedDevice {
  const node = 'boiler-room';
  const temperature = wandering(54, 45, 62, 0.7);
  const shared = {
    avty_t: `${node}/status`,
    dev: {
      ids: 'a0b765f01234',
      cns: [['mac', 'a0b765f01234']],
      name: 'Boiler room',
      mf: 'Espressif',
      mdl: 'esp32',
      sw: '2026.8.0',
      sa: 'Cellar',
    },
  };
  const tell = (wire: Wire): void =>
    wire.publish(`${node}/sensor/flow_temperature/state`, temperature().toFixed(1), true);
  return {
    name: node,
    discovery: [
      {
        topic: `sensor/${node}/flow_temperature`,
        config: {
          ...shared,
          name: 'Flow temperature',
          dev_cla: 'temperature',
          unit_of_meas: '°C',
          stat_cla: 'measurement',
          stat_t: `${node}/sensor/flow_temperature/state`,
          uniq_id: 'ESPsensorflow_temperature',
        },
      },
      {
        topic: `switch/${node}/circulation_pump`,
        config: {
          ...shared,
          name: 'Circulation pump',
          stat_t: `${node}/switch/circulation_pump/state`,
          cmd_t: `${node}/switch/circulation_pump/command`,
          uniq_id: 'ESPswitchcirculation_pump',
        },
      },
    ],
    online: (wire) => {
      wire.publish(`${node}/status`, 'online', true);
      wire.publish(`${node}/switch/circulation_pump/state`, 'OFF', true);
      tell(wire);
    },
    commands: {
      [`${node}/switch/circulation_pump/command`]: (payload, wire) =>
        wire.publish(`${node}/switch/circulation_pump/state`, payload, true),
    },
    life: { everyS: 7, step: tell },
  };
}

/** An ESPHome radar that sees who sits still. */
export function esphomeRadar(): SimulatedDevice {
  const node = 'study-radar';
  let present = false;
  const tell = (wire: Wire): void =>
    wire.publish(`${node}/binary_sensor/presence/state`, present ? 'ON' : 'OFF', true);
  return {
    name: node,
    discovery: [
      {
        topic: `binary_sensor/${node}/presence`,
        config: {
          name: 'Presence',
          dev_cla: 'occupancy',
          stat_t: `${node}/binary_sensor/presence/state`,
          avty_t: `${node}/status`,
          uniq_id: 'ESPbinary_sensorpresence',
          dev: {
            ids: 'a0b765f05678',
            name: 'Study radar',
            mf: 'Espressif',
            mdl: 'esp32-c3',
            sw: '2026.8.0',
            sa: 'Study',
          },
        },
      },
    ],
    online: (wire) => {
      wire.publish(`${node}/status`, 'online', true);
      tell(wire);
    },
    commands: {},
    life: {
      everyS: 31,
      step: (wire) => {
        present = !present;
        tell(wire);
      },
    },
  };
}

/** A Shelly plug as its discovery script describes it: base topic, booleans as text, templates, RPC commands. */
export function shellyPlug(): SimulatedDevice {
  const id = 'shellyplugsg3-98a316cc0a1b';
  const power = wandering(62, 40, 90, 6);
  const status = {
    id: 0,
    source: 'init',
    output: true,
    apower: 62,
    voltage: 231.4,
    current: 0.27,
    aenergy: { total: 1482.3 },
  };
  const shared = {
    '~': `${id}/`,
    avty: [{ t: '~online', pl_avail: 'true', pl_not_avail: 'false' }],
    dev: {
      ids: ['98:a3:16:cc:0a:1b'],
      cns: [['mac', '98:a3:16:cc:0a:1b']],
      name: 'Television plug',
      mf: 'Shelly',
      mdl: 'Shelly Plug S Gen3',
      sw: '1.7.4',
      sa: 'Living room',
    },
    o: { name: 'Shellies Discovery Gen2', sw: '3.0.0' },
    stat_t: '~status/switch:0',
    en: 'true',
  };
  const rpc = (on: boolean): string =>
    JSON.stringify({ id: 1, src: 'home-assistant', method: 'Switch.Set', params: { id: 0, on } });
  const tell = (wire: Wire): void => {
    status.apower = status.output ? power() : 0;
    status.aenergy.total = Math.round((status.aenergy.total + status.apower / 1200) * 1000) / 1000;
    wire.publish(`${id}/status/switch:0`, JSON.stringify(status));
  };
  return {
    name: id,
    discovery: [
      {
        topic: `switch/${id}/switch-0`,
        config: {
          ...shared,
          name: null,
          dev_cla: 'outlet',
          cmd_t: '~rpc',
          pl_on: rpc(true),
          pl_off: rpc(false),
          stat_on: 'on',
          stat_off: 'off',
          val_tpl: '{%if value_json.output%}on{%else%}off{%endif%}',
          uniq_id: `${id}-switch-0`,
        },
      },
      {
        topic: `sensor/${id}/power`,
        config: {
          ...shared,
          name: 'Power',
          dev_cla: 'power',
          unit_of_meas: 'W',
          stat_cla: 'measurement',
          val_tpl: '{{value_json.apower}}',
          uniq_id: `${id}-power`,
        },
      },
      {
        topic: `sensor/${id}/energy`,
        config: {
          ...shared,
          name: 'Energy',
          dev_cla: 'energy',
          unit_of_meas: 'Wh',
          stat_cla: 'total_increasing',
          val_tpl: '{{value_json.aenergy.total}}',
          uniq_id: `${id}-energy`,
        },
      },
    ],
    online: (wire) => {
      wire.publish(`${id}/online`, 'true', true);
      tell(wire);
    },
    commands: {
      [`${id}/rpc`]: (payload, wire) => {
        const call = JSON.parse(payload) as { method: string; params: { on: boolean } };
        if (call.method === 'Switch.Set') status.output = call.params.on;
        tell(wire);
      },
    },
    life: { everyS: 3, step: tell },
  };
}

/** A Tasmota dimmer of the default light schema: one topic per value, percent. */
export function tasmotaDimmer(): SimulatedDevice {
  const topic = 'tasmota_8FE21C';
  const state = { POWER: 'OFF', Dimmer: 40 };
  const tell = (wire: Wire): void => wire.publish(`tele/${topic}/STATE`, JSON.stringify(state));
  return {
    name: topic,
    discovery: [
      {
        topic: 'light/8FE21C_LI_1',
        config: {
          name: null,
          '~': topic,
          cmd_t: `cmnd/${topic}/POWER`,
          stat_t: `tele/${topic}/STATE`,
          stat_val_tpl: '{{value_json.POWER}}',
          bri_cmd_t: `cmnd/${topic}/Dimmer`,
          bri_stat_t: `tele/${topic}/STATE`,
          bri_scl: 100,
          bri_val_tpl: '{{value_json.Dimmer}}',
          on_cmd_type: 'brightness',
          avty_t: `tele/${topic}/LWT`,
          pl_avail: 'Online',
          pl_not_avail: 'Offline',
          uniq_id: '8FE21C_LI_1',
          dev: {
            ids: ['8FE21C'],
            name: 'Hallway dimmer',
            mf: 'Tasmota',
            mdl: 'Generic dimmer',
            sw: '15.1.0(tasmota)',
            sa: 'Hallway',
          },
        },
      },
    ],
    online: (wire) => {
      wire.publish(`tele/${topic}/LWT`, 'Online', true);
      tell(wire);
    },
    commands: {
      [`cmnd/${topic}/POWER`]: (payload, wire) => {
        state.POWER = payload;
        tell(wire);
      },
      [`cmnd/${topic}/Dimmer`]: (payload, wire) => {
        state.Dimmer = Number(payload);
        state.POWER = state.Dimmer > 0 ? 'ON' : 'OFF';
        tell(wire);
      },
    },
  };
}

/** A colour strip of the default light schema, commanded by red, green, blue. */
export function rgbStrip(): SimulatedDevice {
  const topic = 'shelf-strip';
  const answer = (part: string) => (payload: string, wire: Wire) =>
    wire.publish(`${topic}/${part}`, payload, true);
  return {
    name: topic,
    discovery: [
      {
        topic: `light/${topic}`,
        config: {
          '~': topic,
          name: null,
          cmd_t: '~/on/set',
          stat_t: '~/on',
          bri_cmd_t: '~/brightness/set',
          bri_stat_t: '~/brightness',
          rgb_cmd_t: '~/rgb/set',
          rgb_stat_t: '~/rgb',
          avty_t: '~/status',
          uniq_id: 'shelf_strip',
          ret: true,
          dev: {
            ids: ['shelf-strip-1'],
            name: 'Shelf strip',
            mf: 'Home made',
            mdl: 'RGB strip',
            sw: '1.2',
            sa: 'Living room',
          },
        },
      },
    ],
    online: (wire) => {
      for (const [part, value] of [
        ['status', 'online'],
        ['on', 'ON'],
        ['brightness', '200'],
        ['rgb', '255,120,20'],
      ]) {
        wire.publish(`${topic}/${part}`, String(value), true);
      }
    },
    commands: {
      [`${topic}/on/set`]: answer('on'),
      [`${topic}/brightness/set`]: answer('brightness'),
      [`${topic}/rgb/set`]: answer('rgb'),
    },
  };
}

/** A weather station that describes itself as one device with several components; one of a kind yet unknown here. */
export function weatherStation(): SimulatedDevice {
  const id = 'garden-weather';
  const temperature = wandering(9, -5, 30, 0.3);
  const light = wandering(12_000, 1, 80_000, 900);
  const tell = (wire: Wire): void =>
    wire.publish(
      `${id}/state`,
      JSON.stringify({ temperature: temperature(), illuminance: light(), rain: false }),
    );
  return {
    name: id,
    discovery: [
      {
        topic: `device/${id}`,
        config: {
          dev: { ids: id, name: 'Weather station', mf: 'Bresser', mdl: '7-in-1', sw: '1.0', sa: 'Garden' },
          o: { name: 'rtl2mqtt', sw: '2.1' },
          cmps: {
            temperature: {
              p: 'sensor',
              device_class: 'temperature',
              unit_of_measurement: '°F',
              value_template: '{{ (value_json.temperature * 9 / 5 + 32) | round(1) }}',
              unique_id: `${id}_t`,
            },
            illuminance: {
              p: 'sensor',
              device_class: 'illuminance',
              unit_of_measurement: 'lx',
              value_template: '{{ value_json.illuminance }}',
              unique_id: `${id}_l`,
            },
            rain: {
              p: 'binary_sensor',
              device_class: 'moisture',
              value_template: "{{ 'ON' if value_json.rain else 'OFF' }}",
              unique_id: `${id}_r`,
            },
            calibrate: { p: 'button', command_topic: `${id}/calibrate`, unique_id: `${id}_c` },
          },
          state_topic: `${id}/state`,
        },
      },
    ],
    online: tell,
    commands: {},
    life: { everyS: 11, step: tell },
  };
}
