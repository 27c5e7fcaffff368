import type { SeedEdge, SeedThing } from './seed-types.ts';

/** A terraced house of 1987 on three floors with a garden, as its family would write it down. */
export const building: readonly SeedThing[] = [
  {
    key: 'home',
    type: 'home',
    content: {
      name: 'Lindenweg 12',
      description: 'Terraced house, built 1987, 128 m², on three floors with a garden to the south-west',
      timezone: 'Europe/Berlin',
      residents: ['Anna', 'Tom', 'Mila', 'Jonas'],
    },
  },
  { key: 'cellar', type: 'zone', content: { name: 'Cellar', level: -1 } },
  { key: 'ground', type: 'zone', content: { name: 'Ground floor', level: 0 } },
  { key: 'upper', type: 'zone', content: { name: 'Upper floor', level: 1 } },
  {
    key: 'garden',
    type: 'zone',
    content: { name: 'Garden', description: 'Terrace, lawn and shed', level: 0 },
  },

  { key: 'hall', type: 'room', content: { name: 'Hall', area_m2: 9.5 } },
  { key: 'living', type: 'room', content: { name: 'Living room', area_m2: 31, ceiling_height_m: 2.5 } },
  { key: 'kitchen', type: 'room', content: { name: 'Kitchen', area_m2: 12.5 } },
  { key: 'toilet', type: 'room', content: { name: 'Guest toilet', area_m2: 2.2 } },
  { key: 'bedroom', type: 'room', content: { name: 'Bedroom', area_m2: 15 } },
  { key: 'mila', type: 'room', content: { name: 'Mila’s room', area_m2: 12 } },
  { key: 'jonas', type: 'room', content: { name: 'Jonas’s room', area_m2: 11.5 } },
  { key: 'bathroom', type: 'room', content: { name: 'Bathroom', area_m2: 7.8 } },
  { key: 'study', type: 'room', content: { name: 'Box room', area_m2: 7 } },
  { key: 'laundry', type: 'room', content: { name: 'Laundry', area_m2: 14 } },
  {
    key: 'plant',
    type: 'room',
    content: { name: 'Plant room', area_m2: 8, description: 'Boiler, water, meters' },
  },

  {
    key: 'front-door',
    type: 'door',
    content: { name: 'Front door', material: 'wood', lock: 'Euro cylinder' },
  },
  {
    key: 'terrace-door',
    type: 'door',
    content: { name: 'Terrace door', material: 'glass', opens: 'sliding' },
  },
  { key: 'kitchen-door', type: 'door', content: { name: 'Kitchen door', material: 'glass' } },
  {
    key: 'cellar-door',
    type: 'door',
    content: { name: 'Cellar door', material: 'steel', fire_rating: 'T30' },
  },
  { key: 'bathroom-door', type: 'door', content: { name: 'Bathroom door', material: 'wood' } },

  { key: 'living-window', type: 'window', content: { name: 'Living room window', facing: 'south-west' } },
  { key: 'kitchen-window', type: 'window', content: { name: 'Kitchen window', facing: 'north-east' } },
  { key: 'bedroom-window', type: 'window', content: { name: 'Bedroom window', facing: 'north-east' } },
  {
    key: 'bathroom-window',
    type: 'window',
    content: { name: 'Bathroom skylight', facing: 'south-west', roof: true },
  },
];

const roomsOf: Readonly<Record<string, readonly string[]>> = {
  ground: ['hall', 'living', 'kitchen', 'toilet'],
  upper: ['bedroom', 'mila', 'jonas', 'bathroom', 'study'],
  cellar: ['laundry', 'plant'],
};

export const buildingEdges: readonly SeedEdge[] = [
  ...['cellar', 'ground', 'upper', 'garden'].map((zone): SeedEdge => [zone, 'part_of', 'home']),
  ...Object.entries(roomsOf).flatMap(([zone, rooms]) =>
    rooms.map((room): SeedEdge => [room, 'located_in', zone]),
  ),
  ['front-door', 'located_in', 'hall'],
  ['front-door', 'connects_to', 'hall', { leads: 'outside' }],
  ['terrace-door', 'located_in', 'living'],
  ['terrace-door', 'connects_to', 'living', { leads: 'garden' }],
  ['kitchen-door', 'located_in', 'kitchen'],
  ['kitchen-door', 'connects_to', 'hall'],
  ['kitchen-door', 'connects_to', 'kitchen'],
  ['cellar-door', 'located_in', 'hall'],
  ['cellar-door', 'connects_to', 'hall', { leads: 'stairs to the cellar' }],
  ['bathroom-door', 'located_in', 'bathroom'],
  ['bathroom-door', 'connects_to', 'bathroom'],
  ['hall', 'connects_to', 'living', { via: 'opening' }],
  ['hall', 'connects_to', 'toilet', { via: 'door' }],
  ['living', 'connects_to', 'kitchen', { via: 'opening' }],
  ['laundry', 'connects_to', 'plant', { via: 'door' }],
  ['living-window', 'located_in', 'living'],
  ['kitchen-window', 'located_in', 'kitchen'],
  ['bedroom-window', 'located_in', 'bedroom'],
  ['bathroom-window', 'located_in', 'bathroom'],
];
