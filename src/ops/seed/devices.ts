import type { Content } from '../../graph/types.ts';
import type { SeedEdge, SeedThing } from './seed-types.ts';

/**
 * What stands in the house. Capabilities are left out: those of a device that the hub can reach come from its discovery,
 * and a list that nothing answers would only mislead.
 */
export const devices: readonly SeedThing[] = [
  device('router', 'Router', 'AVM', 'FRITZ!Box 7590 AX', { category: 'network' }),
  device('bridge', 'Zigbee stick', 'Sonoff', 'ZBDongle-E', { category: 'network', channel: 20 }),
  device('lock', 'Front door lock', 'Nuki', 'Smart Lock 3.0 Pro', {
    category: 'lock',
    battery: 'rechargeable pack',
  }),
  device('doorbell', 'Doorbell', 'Netatmo', 'Smart Video Doorbell', {
    category: 'doorbell',
    power: '8 V transformer',
  }),
  device('hall-light', 'Hall light', 'Philips', 'Hue White A60 (LWA017)', {
    category: 'light',
    fitting: 'E27',
  }),
  device('hall-motion', 'Hall motion sensor', 'Philips', 'Hue motion sensor (SML003)', {
    category: 'sensor',
    battery: '2 × AAA',
  }),
  device('living-light', 'Living room ceiling light', 'IKEA', 'TRÅDFRI LED2003G10', {
    category: 'light',
    fitting: 'E27',
  }),
  device('reading-lamp', 'Reading lamp', 'IKEA', 'TRÅDFRI LED1924G9', { category: 'light', fitting: 'E14' }),
  device('remote', 'Remote control', 'IKEA', 'STYRBAR E2001', { category: 'remote', battery: '2 × AAA' }),
  device('television', 'Television', 'Samsung', 'QE55Q80C', { category: 'media' }),
  device('speaker', 'Speaker', 'Sonos', 'Era 100', { category: 'media' }),
  device('living-blind', 'Living room blind', 'Shelly', 'Plus 2PM (SNSW-102P16EU)', { category: 'cover' }),
  device('living-climate', 'Living room climate', 'Aqara', 'WSDCGQ11LM', {
    category: 'sensor',
    battery: 'CR2032',
  }),
  device('living-valve', 'Living room radiator', 'tado°', 'Smart Radiator Thermostat V3+', {
    category: 'thermostat',
    battery: '2 × AA',
  }),
  device('terrace-contact', 'Terrace door contact', 'Aqara', 'MCCGQ11LM', {
    category: 'sensor',
    battery: 'CR1632',
  }),
  device('fridge', 'Fridge', 'Siemens', 'KG39NAIAT', { category: 'appliance', energy_class: 'A' }),
  device('dishwasher', 'Dishwasher', 'Bosch', 'SMV4HCX48E', {
    category: 'appliance',
    water: 'warm connection',
  }),
  device('kitchen-plug', 'Coffee machine plug', 'Shelly', 'Plus Plug S (SNPL-00112EU)', { category: 'plug' }),
  device('kitchen-radio', 'Kitchen radio', 'TechniSat', 'DIGITRADIO 215 SWR4', { category: 'media' }),
  device('kitchen-smoke', 'Kitchen heat alarm', 'Ei Electronics', 'Ei603TYC', {
    category: 'alarm',
    replace_by: '2034-03',
  }),
  device('landing-smoke', 'Upper floor smoke alarm', 'Ei Electronics', 'Ei650', {
    category: 'alarm',
    replace_by: '2034-03',
  }),
  device('bedroom-valve', 'Bedroom radiator', 'tado°', 'Smart Radiator Thermostat V3+', {
    category: 'thermostat',
    battery: '2 × AA',
  }),
  device('bathroom-humidity', 'Bathroom humidity', 'Aqara', 'WSDCGQ11LM', {
    category: 'sensor',
    battery: 'CR2032',
  }),
  device('bathroom-fan', 'Bathroom fan', 'Maico', 'ECA 100 ipro', { category: 'fan' }),
  device('fan-relay', 'Bathroom fan relay', 'Shelly', 'Plus 1 Mini (SNSW-001X8EU)', { category: 'switch' }),
  device('washer', 'Washing machine', 'Miele', 'WSD 663 WCS', { category: 'appliance', capacity_kg: 8 }),
  device('washer-plug', 'Washing machine plug', 'Shelly', 'Plus Plug S (SNPL-00112EU)', { category: 'plug' }),
  device('laundry-leak', 'Laundry leak sensor', 'Aqara', 'SJCGQ11LM', {
    category: 'sensor',
    battery: 'CR2032',
  }),
  device('boiler', 'Gas boiler', 'Vaillant', 'ecoTEC plus VC 20CS/1-5', {
    category: 'heating',
    installed: '2021-10-05',
    last_service: '2025-09-18',
    system_pressure_bar: { low: 1, normal: 1.5, high: 2 },
  }),
  device('water-filter', 'Water filter', 'BWT', 'E1 single-lever filter', {
    category: 'water',
    cartridge: 'every 6 months',
  }),
  device('inverter', 'Solar inverter', 'Fronius', 'Primo GEN24 6.0', { category: 'energy', peak_kw: 6.2 }),
  device('charger', 'Car charger', 'go-e', 'Charger Gemini 11 kW', { category: 'energy' }),
  device('irrigation', 'Irrigation', 'GARDENA', 'smart Irrigation Control', { category: 'garden' }),
];

export const deviceEdges: readonly SeedEdge[] = [
  ...located('hall', 'router', 'lock', 'doorbell', 'hall-light', 'hall-motion'),
  ...located('living', 'bridge', 'living-light', 'reading-lamp', 'remote', 'television', 'speaker'),
  ...located('living', 'living-blind', 'living-climate', 'living-valve', 'terrace-contact'),
  ...located('kitchen', 'fridge', 'dishwasher', 'kitchen-plug', 'kitchen-radio', 'kitchen-smoke'),
  ...located('upper', 'landing-smoke'),
  ...located('bedroom', 'bedroom-valve'),
  ...located('bathroom', 'bathroom-humidity', 'bathroom-fan', 'fan-relay'),
  ...located('laundry', 'washer', 'washer-plug', 'laundry-leak'),
  ...located('plant', 'boiler', 'water-filter', 'inverter'),
  ...located('garden', 'charger', 'irrigation'),
  ['remote', 'controls', 'living-light'],
  ['remote', 'controls', 'reading-lamp'],
  ['fan-relay', 'controls', 'bathroom-fan'],
  ['hall-motion', 'monitors', 'hall'],
  ['living-climate', 'monitors', 'living'],
  ['bathroom-humidity', 'monitors', 'bathroom'],
  ['laundry-leak', 'monitors', 'laundry'],
  ['kitchen-smoke', 'monitors', 'kitchen'],
  ['washer-plug', 'monitors', 'washer', { measures: 'power' }],
  ['terrace-contact', 'depends_on', 'bridge'],
  ['hall-light', 'depends_on', 'bridge'],
  ['living-light', 'depends_on', 'bridge'],
  ['lock', 'depends_on', 'router'],
  ['doorbell', 'depends_on', 'router'],
  ['charger', 'depends_on', 'inverter', { for: 'charging with the surplus' }],
];

function device(key: string, name: string, manufacturer: string, model: string, rest: Content): SeedThing {
  return { key, type: 'device', content: { name, manufacturer, model, ...rest } };
}

function located(room: string, ...keys: readonly string[]): SeedEdge[] {
  return keys.map((key) => [key, 'located_in', room]);
}
