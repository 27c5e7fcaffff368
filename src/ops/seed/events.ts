import type { SeedEvent } from './seed-types.ts';

/** When the family wrote its home down: everything is there from this day on. */
export const MOVED_IN = '2026-01-10T09:00:00Z';

/** What changed since, so that the past has something to show. In the order in which it happened. */
export const events: readonly SeedEvent[] = [
  {
    at: '2026-01-22T18:05:00Z',
    edit: 'boiler',
    change: { note: 'Pressure was down to 0.9 bar, filled to 1.5' },
  },
  // A lamp that moved.
  { at: '2026-03-14T16:20:00Z', end: ['reading-lamp', 'located_in', 'living'] },
  {
    at: '2026-03-14T16:20:00Z',
    begin: ['reading-lamp', 'located_in', 'bedroom', { where: 'left bedside table' }],
  },
  // A room that got another name, and another.
  { at: '2026-04-25T10:00:00Z', edit: 'study', change: { name: 'Study' } },
  {
    at: '2026-05-02T08:30:00Z',
    edit: 'study',
    change: { name: 'Tom’s study', features: ['desk', 'bookshelf'] },
  },
  { at: '2026-05-16T09:10:00Z', edit: 'water-filter', change: { last_change: '2026-05-16' } },
  // A device that was thrown away.
  { at: '2026-06-20T19:45:00Z', remove: 'kitchen-radio' },
  { at: '2026-07-03T07:00:00Z', edit: 'charger', change: { sw_version: '56.2' } },
  // An automation that was tuned after a damp summer.
  {
    at: '2026-08-11T21:15:00Z',
    edit: 'dry-bathroom',
    change: { description: 'It ran all day at 62 %; since August it starts at 68 %.' },
  },
  {
    at: '2026-09-17T13:40:00Z',
    edit: 'boiler',
    change: { last_service: '2026-09-17', note: 'Serviced; new electrode' },
  },
];
