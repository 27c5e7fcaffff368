import type { SimulatedDevice } from './simulated-device.ts';

import {
  esphomeNode,
  esphomeRadar,
  rgbStrip,
  shellyPlug,
  tasmotaDimmer,
  weatherStation,
} from './other-makes.ts';
import { zigbeeBinarySensor, zigbeeBulb, zigbeeClimateSensor } from './zigbee.ts';

/** Twelve devices of five makes in six rooms. */
export function demoHouse(): SimulatedDevice[] {
  const zigbee = (last: string, name: string, vendor: string, model: string, room: string) => ({
    ieee: `0x00158d00018255${last}`,
    name,
    vendor,
    model,
    room,
  });
  return [
    zigbeeBulb(zigbee('01', 'Kitchen lamp', 'Philips', 'Hue White and Color', 'Kitchen'), [
      'xy',
      'color_temp',
    ]),
    zigbeeBulb(zigbee('02', 'Bedside lamp', 'IKEA', 'TRADFRI bulb E14', 'Bedroom'), ['brightness']),
    zigbeeClimateSensor(zigbee('03', 'Bedroom climate', 'Aqara', 'WSDCGQ11LM', 'Bedroom')),
    zigbeeBinarySensor(zigbee('04', 'Hallway motion', 'Philips', 'SML001', 'Hallway'), {
      property: 'occupancy',
      deviceClass: 'motion',
      on: true,
      everyS: 13,
    }),
    zigbeeBinarySensor(zigbee('05', 'Front door', 'Aqara', 'MCCGQ11LM', 'Hallway'), {
      property: 'contact',
      deviceClass: 'door',
      on: false,
      everyS: 23,
    }),
    zigbeeBinarySensor(zigbee('06', 'Sink leak', 'Aqara', 'SJCGQ11LM', 'Kitchen'), {
      property: 'water_leak',
      deviceClass: 'moisture',
      on: true,
      everyS: 120,
    }),
    esphomeNode(),
    esphomeRadar(),
    shellyPlug(),
    tasmotaDimmer(),
    rgbStrip(),
    weatherStation(),
  ];
}
