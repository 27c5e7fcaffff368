import type { SeedEdge, SeedThing } from './seed-types.ts';

import { seedId } from './seed-types.ts';

/**
 * What the house is meant to do by itself. The automations are switched off: they speak of devices that nobody has, and an
 * automation that came from elsewhere runs only once somebody has enabled it.
 */
export const routines: readonly SeedThing[] = [
  schedule('mornings', 'Weekday mornings', { cron: '30 6 * * 1-5' }),
  schedule('evening', 'Evening', { time: '20:30' }),
  schedule('night', 'Night', { time: '23:00' }),
  schedule('watering', 'Watering', { cron: '0 5 * 5-9 1,3,5' }),
  schedule('alarm-test', 'First Saturday of the quarter', { cron: '0 11 1-7 1,4,7,10 6' }),

  automation('hall-at-night', 'Hall light when somebody walks by', {
    trigger: { kind: 'state', entity_id: seedId('hall-motion'), capability: 'motion', value: true },
    condition: { kind: 'sun', after: 'sunset' },
    action: { entity_id: seedId('hall-light'), capability: 'on_off', value: true, for_minutes: 3 },
  }),
  automation('coffee', 'Coffee on weekdays', {
    trigger: { kind: 'schedule', entity_id: seedId('mornings') },
    action: { entity_id: seedId('kitchen-plug'), capability: 'on_off', value: true },
  }),
  automation('dry-bathroom', 'Dry the bathroom', {
    trigger: { kind: 'state', entity_id: seedId('bathroom-humidity'), capability: 'humidity', above: 68 },
    action: { entity_id: seedId('fan-relay'), capability: 'on_off', value: true, for_minutes: 20 },
  }),
  automation('washing-done', 'Tell when the washing is done', {
    trigger: {
      kind: 'state',
      entity_id: seedId('washer-plug'),
      capability: 'power',
      below: 3,
      for_minutes: 4,
    },
    action: { kind: 'notify', text: 'The washing machine is done.' },
  }),
  automation('leak', 'Water in the laundry', {
    trigger: { kind: 'state', entity_id: seedId('laundry-leak'), capability: 'leak', value: true },
    actions: [
      { kind: 'notify', text: 'Water in the laundry. The stopcock is in the plant room.', urgent: true },
      { entity_id: seedId('washer-plug'), capability: 'on_off', value: false },
    ],
  }),
  automation('blind-down', 'Blind down in the evening', {
    trigger: { kind: 'schedule', entity_id: seedId('evening') },
    action: { entity_id: seedId('living-blind'), capability: 'position', value: 0 },
  }),
  automation('good-night', 'Good night', {
    triggers: [
      { kind: 'schedule', entity_id: seedId('night') },
      { kind: 'event', entity_id: seedId('remote'), value: 'off_hold' },
    ],
    actions: [
      { entity_id: seedId('living-light'), capability: 'on_off', value: false },
      { entity_id: seedId('reading-lamp'), capability: 'on_off', value: false },
      { entity_id: seedId('lock'), capability: 'locked', value: 'locked' },
    ],
  }),

  app('apple-home', 'Apple Home', 'Apple'),
  app('sonos-app', 'Sonos', 'Sonos'),
  app('tado-app', 'tado°', 'tado°'),
];

export const routineEdges: readonly SeedEdge[] = [
  ['hall-at-night', 'triggered_by', 'hall-motion'],
  ['hall-at-night', 'controls', 'hall-light'],
  ['hall-at-night', 'automates', 'hall'],
  ['coffee', 'triggered_by', 'mornings'],
  ['coffee', 'controls', 'kitchen-plug'],
  ['dry-bathroom', 'triggered_by', 'bathroom-humidity'],
  ['dry-bathroom', 'controls', 'fan-relay'],
  ['dry-bathroom', 'automates', 'bathroom'],
  ['washing-done', 'triggered_by', 'washer-plug'],
  ['washing-done', 'monitors', 'washer'],
  ['leak', 'triggered_by', 'laundry-leak'],
  ['leak', 'controls', 'washer-plug'],
  ['blind-down', 'triggered_by', 'evening'],
  ['blind-down', 'controls', 'living-blind'],
  ['good-night', 'triggered_by', 'night'],
  ['good-night', 'triggered_by', 'remote'],
  ['good-night', 'manages', 'living-light'],
  ['good-night', 'manages', 'reading-lamp'],
  ['good-night', 'manages', 'lock'],
  ['good-night', 'automates', 'ground'],
  ['watering', 'automates', 'irrigation'],
  ['night', 'manages', 'good-night'],
  ['apple-home', 'manages', 'hall-light'],
  ['apple-home', 'manages', 'good-night'],
  ['home', 'controlled_by_app', 'apple-home'],
  ['speaker', 'controlled_by_app', 'sonos-app'],
  ['living-valve', 'controlled_by_app', 'tado-app'],
  ['bedroom-valve', 'controlled_by_app', 'tado-app'],
];

function schedule(key: string, name: string, when: { cron: string } | { time: string }): SeedThing {
  return { key, type: 'schedule', content: { name, ...when } };
}

function automation(key: string, name: string, does: SeedThing['content']): SeedThing {
  return { key, type: 'automation', source: 'generated', content: { name, enabled: false, ...does } };
}

function app(key: string, name: string, publisher: string): SeedThing {
  return { key, type: 'app', content: { name, publisher } };
}
