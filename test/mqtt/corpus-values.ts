import type { CapabilityValue } from '../../src/devices/types.ts';

/** What the messages of a file say, read off the payloads: by line, by device, by capability. A line that is missing says nothing. */
export type Expected = Readonly<
  Record<number, Readonly<Record<string, Readonly<Record<string, CapabilityValue>>>>>
>;

const UPDATE_UNKNOWN = { update: null, installed_version: null, latest_version: null };
const WARM = { hue: 36.5, saturation: 54 };
const GREEN = { hue: 161, saturation: 100 };
const PINK = { hue: 353, saturation: 51 };

/**
 * The devices that Zigbee2MQTT's discovery describes, and those of `own-descriptions`. Brightness is of 254; where the
 * colour mode is a temperature, there is no colour, and the other way round. What has the colour x=100, y=50 has none.
 */
export const ZIGBEE_BY_DISCOVERY: Expected = {
  0: { weather_sensor: { temperature: -0.85, humidity: null, pressure: null, battery: null, number: null } },
  1: {
    bulb_color: {
      on_off: null,
      color_hs: { hue: 0, saturation: 100 },
      color_temperature: null,
      effect: null,
    },
  },
  2: { bulb_color: { on_off: null, color_hs: WARM, effect: null } },
  3: { bulb_color: { on_off: true, effect: null } },
  5: {
    bulb: { on_off: true, brightness: 20, color_temperature: 370, effect: null, ...UPDATE_UNKNOWN },
  },
  7: { group_1: { on_off: true } },
  8: { button: { button_event: 'single' } },
  11: { U202DST600ZB: { 'on_off:l2': true, 'brightness:l2': 8 } },
  12: { U202DST600ZB: { on_off: null } },
  13: { button: { button_event: 'single' } },
  14: { J1_cover: { open_close: 'open', position: 10, tilt: 20 } },
  15: { J1_cover: { open_close: 'open', position: 90, tilt: 80 } },
  16: { button: { button_event: 'single' } },
  17: { power_plug: { on_off: true } },
  18: { switch_group: { on_off: true } },
  28: { wall_switch_double: { 'on_off:switch_right': false } },
  29: { 'QS-Zigbee-D02-TRIAC-2C-LN': { on_off: true, brightness: 20 } },
  30: { TS0601_switch: { on_off: true } },
  31: { TS0601_cover_switch: { open_close: 'open', on_off: true, 'on_off:l2': false } },
  32: { bulb_color: { on_off: true } },
  33: { bulb_color: { on_off: true, brightness: 8 } },
  34: { bulb_color: { on_off: false } },
  35: { switch_group: { on_off: true, brightness: 39 } },
  36: { switch_group: { on_off: false, brightness: 39 } },
  37: { bulb_color: { on_off: true, brightness: 79 } },
  38: { bulb_color: { on_off: false, brightness: 79 } },
  39: { bulb_color: { on_off: false, brightness: 1 } },
  40: { bulb_color: { on_off: false } },
  41: { bulb_color: { on_off: true, brightness: 100 } },
  42: { bulb_color: { on_off: true, color_temperature: 100, color_hs: null } },
  43: { bulb_color: { on_off: true } },
  44: { 'GL-S-007ZS': { on_off: true, brightness: 8 } },
  45: { group_tradfri_remote: { on_off: true, brightness: 20, color_temperature: 290 } },
  46: { bulb_color_2: { on_off: true, brightness: 20, color_temperature: 290, color_hs: null } },
  47: {
    ha_discovery_group: {
      on_off: true,
      'on_off:switch': true,
      brightness: 20,
      color_temperature: 290,
      color_hs: null,
    },
  },
  48: { group_tradfri_remote: { on_off: true, brightness: 39, color_temperature: 290 } },
  49: { bulb_2: { on_off: true, brightness: 39, color_temperature: 290 } },
  50: { group_with_tradfri: { on_off: true, brightness: 39, color_temperature: 290 } },
  51: { switch_group: { on_off: true, brightness: 39, color_temperature: 290 } },
  52: { ha_discovery_group: { on_off: true, 'on_off:switch': true, brightness: 39, color_temperature: 290 } },
  53: { bulb_color: { color_temperature: 100 } },
  54: { bulb_color: { color_hs: GREEN, color_temperature: null } },
  55: { bulb_color: { color_temperature: 300, color_hs: null } },
  56: { group_tradfri_remote: { on_off: true } },
  57: { bulb_2: { on_off: true } },
  58: { bulb_color_2: { on_off: true } },
  59: { group_with_tradfri: { on_off: true } },
  60: { ha_discovery_group: { on_off: true, 'on_off:switch': true } },
  61: { group_1: { on_off: false } },
  62: { GLEDOPTO_2ID: { on_off: true } },
  63: { gledopto_group: { on_off: true } },
  64: { bulb_color: { on_off: true, brightness: 39 } },
  65: { group_2: { on_off: true } },
  66: { wall_switch_double: { on_off: false, 'on_off:switch_right': true } },
  67: { wall_switch_double: { on_off: false } },
  68: { group_2: { on_off: false } },
  69: { bulb: { on_off: false } },
  70: { bulb_color: { on_off: false, color_temperature: 300 } },
  71: { bulb: { on_off: true, color_temperature: 300 } },
  72: { group_1: { on_off: true, color_temperature: 300, color_hs: null } },
  73: { bulb_color: { color_temperature: 50 } },
  74: { group_1: { color_temperature: 50 } },
  // The lamp says of itself that it goes from 250 to 454.
  75: { bulb: { color_temperature: 250 } },
  76: { bulb_color: { color_hs: PINK, color_temperature: null } },
  77: { group_1: { color_hs: PINK, color_temperature: null } },
  78: { bulb: { color_temperature: 454 } },
  88: { bulb_new_name: { brightness: 20 } },
};

/** The same file to a hub that was told of the devices by the bridge's own list, and of no others. */
export const ZIGBEE_BY_ITS_OWN: Expected = {
  0: {
    weather_sensor: {
      temperature: -0.85,
      battery: null,
      humidity: null,
      pressure: null,
      voltage: null,
      number: null,
    },
  },
  5: {
    bulb: {
      on_off: true,
      brightness: 20,
      color_temperature: 370,
      effect: null,
      // How it starts after a power cut, and its link quality.
      select: null,
      'number:linkquality': 99,
      ...UPDATE_UNKNOWN,
    },
  },
  6: { remote: { battery: null, number: null, 'number:linkquality': null, ...UPDATE_UNKNOWN } },
  8: {
    button: {
      battery: null,
      voltage: null,
      temperature: null,
      number: null,
      button_event: 'single',
      'number:linkquality': null,
    },
  },
  13: { button: { button_event: 'single', 'number:linkquality': 10 } },
  16: { button: { button_event: 'single' } },
  17: { power_plug: { on_off: true } },
  46: { bulb_color_2: { on_off: true, brightness: 20, color_temperature: 290, color_hs: null } },
  58: { bulb_color_2: { on_off: true } },
  69: { bulb: { on_off: false } },
  71: { bulb: { on_off: true, color_temperature: 300 } },
  75: { bulb: { color_temperature: 250 } },
  78: { bulb: { color_temperature: 454 } },
};

/** Counters of the second generation are in Wh, of the first in watt-minutes. */
export const SHELLY: Expected = {
  1: { 'Shelly Plus 1': { on_off: true, temperature: 37.8 } },
  // Whether it has to be restarted.
  2: { 'Shelly Plus 1': { binary: false } },
  3: {
    WaMaTrockner: {
      on_off: true,
      power: 107.6,
      voltage: 231.2,
      current: 0.667,
      energy: 26.58684,
      temperature: 54.8,
    },
  },
  5: { 'Shelly Plus 1PM': { button_event: 'single_push' } },
  12: { 'Shelly 2.5 02F458': { energy: 0.142967 } },
  13: { 'Shelly 2.5 02F458': { power: 0 } },
  14: { 'Shelly 2.5 02F458': { 'binary:input_1': true } },
};

export const TASMOTA: Expected = {
  5: { Tasmota: { temperature: 20.5 } },
  6: { Tasmota: { temperature: 20 } },
  7: { Tasmota: { energy: 1.2, 'energy:ENERGY_TotalTariff_1': 3.4 } },
  15: { 'Demo sensor': { on_off: true, number: -57 } },
  16: { 'Demo sensor': { binary: false, 'binary:switch_2': true } },
  18: { Bluetooth: { temperature: 21.1, humidity: 58, battery: 100, 'battery:two': 2 } },
  19: { Plant: { temperature: 21.7, illuminance: 21, humidity: 0 } },
  20: { Beacon: { occupancy: true } },
  21: { Shutter: { position: 0, open_close: 'opening' } },
  22: { Shutter: { position: 7, open_close: 'opening' } },
  23: {
    Blind: { position: 72, open_close: 'open', 'position:shutter_2': 72, 'open_close:shutter_2': 'open' },
  },
  24: {
    Blind: { position: 72, open_close: 'opening', 'position:shutter_2': 72, 'open_close:shutter_2': 'open' },
  },
  // 25 repeats on a topic of its own what RESULT says as well. Tilt is of -90 to 90 degrees.
  26: { Tilting: { position: 97, open_close: 'opening', tilt: 50 } },
};

export const ESPHOME: Expected = {
  // Its announcement, which is also the value of its one native component until its discovery comes.
  0: { GarageDoor1: { text: '10.47.7.17' } },
  3: { GarageDoor1: { temperature: 23.8 } },
  5: { GarageDoor1: { contact: false } },
  6: { GarageDoor1: { contact: true } },
  8: { GarageDoor1: { on_off: false } },
  13: { fazole: { number: 465 } },
  14: { fazole: { on_off: false } },
  15: { fazole: { hvac_mode: 'heat' } },
  16: { fazole: { temperature: 7.7 } },
  17: { fazole: { target_temperature: 14 } },
  18: { fazole: { hvac_action: 'off' } },
  19: { fazole: { preset_mode: 'home' } },
  20: { fazole: { 'number:last_pump_ts_1': 1704234880 } },
  22: { 'Single Car Garage Door Opener': { open_close: 'opening' } },
  23: { 'Single Car Garage Door Opener': { open_close: 'closed' } },
  24: { 'Single Car Garage Door Opener': { position: 40 } },
};

export const HOME_ASSISTANT: Expected = {
  11: { Garden: { motion: true } },
  15: { Bedroom: { temperature: 23.2, humidity: 43.7 } },
  19: { Kitchen: { on_off: true, brightness: 100 } },
};
