import type { Candidate } from '../../../src/insights/habits/types.ts';

import { plant } from './search-home.ts';
import { addNoise, MINUTE, NOBODY, SimulatedHome } from './simulator.ts';

export const KINDS = [
  'clock',
  'working days',
  'sunset',
  'trigger',
  'presence',
  'empty room',
  'open window',
  'standby',
] as const;
export type Kind = (typeof KINDS)[number];

/** A habit that was put into a home, and by what one knows it again. */
export interface Planted {
  readonly kind: Kind;
  readonly isFound: (candidate: Candidate) => boolean;
}

export interface PlantedHome {
  readonly home: SimulatedHome;
  readonly planted: readonly Planted[];
}

/** A home with habits of every kind among what happens anyway: people forget one in thirty, and are minutes early or late. */
export function plantedHome(days: number, seed: number, until = '2026-03-20'): PlantedHome {
  const home = new SimulatedHome({ days, seed, until });
  addNoise(home);
  const planted: Planted[] = [];
  const expectTime = (kind: Kind, id: string): void => {
    planted.push({
      kind,
      isFound: ({ rule, target }) => rule.type === 'time' && target.entityId === id && target.value === true,
    });
  };
  for (const [n, minute] of [400, 735, 1170].entries()) {
    plant(home, `clock ${n}`, minute, { share: 0.97, spread: 6 });
    expectTime('clock', `clock ${n}`);
  }
  plant(home, 'coffee', 420, { weekdays: [1, 2, 3, 4, 5], share: 0.97, spread: 6 });
  expectTime('working days', 'coffee');
  plantSunset(home);
  expectTime('sunset', 'porch');
  planted.push(...plantTrigger(home), ...plantPresence(home), ...plantSavings(home));
  return { home, planted };
}

function plantSunset(home: SimulatedHome): void {
  home.add('porch', 'on_off');
  for (const { sunset } of home.days()) {
    if (home.random() > 0.97) continue;
    home.act('porch', sunset + (20 + home.jitter(6)) * MINUTE);
    home.act('porch', sunset + 160 * MINUTE + home.random() * 90 * MINUTE, false);
  }
}

function plantTrigger(home: SimulatedHome): Planted[] {
  home.add('pantry door', 'contact');
  home.add('pantry light', 'on_off');
  for (const { at } of home.days()) {
    for (let n = 0; n < 3; n++) {
      const ms = at(420 + home.random() * 900);
      home.happen('pantry door', 'contact', ms, true, NOBODY);
      home.happen('pantry door', 'contact', ms + MINUTE, false, NOBODY);
      if (home.random() > 0.97) continue;
      home.act('pantry light', ms + 3000 + home.random() * 5000);
      home.act('pantry light', ms + 240_000 + home.random() * 400_000, false);
    }
  }
  return [
    {
      kind: 'trigger',
      isFound: ({ rule, target }) =>
        rule.type === 'trigger' && target.entityId === 'pantry light' && target.value === true,
    },
  ];
}

function plantPresence(home: SimulatedHome): Planted[] {
  for (const phone of ['phone a', 'phone b']) {
    home.add(phone, 'location');
    home.happen(phone, 'location', home.firstMs + 1000, 'home', NOBODY);
  }
  for (const id of ['hall', 'heater']) home.add(id, 'on_off');
  for (const { at } of home.days()) {
    const outMs = at(480 + home.random() * 180);
    home.happen('phone a', 'location', outMs - 30 * MINUTE, 'not_home', NOBODY);
    if (home.random() < 0.97) home.act('hall', outMs - (2 + home.random() * 6) * MINUTE, false);
    home.happen('phone b', 'location', outMs, 'not_home', NOBODY);
    const backMs = at(920 + home.random() * 240);
    home.happen('phone b', 'location', backMs, 'home', NOBODY);
    home.happen('phone a', 'location', backMs + 20 * MINUTE, 'home', NOBODY);
    if (home.random() < 0.97) home.act('heater', backMs + (1 + home.random()) * MINUTE);
    home.act('hall', backMs + 60 * MINUTE + home.random() * 100 * MINUTE);
    home.act('heater', backMs + 120 * MINUTE + home.random() * 100 * MINUTE, false);
  }
  const by = (event: string, id: string): Planted => ({
    kind: 'presence',
    isFound: ({ rule, target }) =>
      rule.type === 'trigger' &&
      rule.source.type === 'presence' &&
      rule.source.event === event &&
      target.entityId === id,
  });
  return [by('last_leaves', 'hall'), by('first_arrives', 'heater')];
}

function plantSavings(home: SimulatedHome): Planted[] {
  const roomId = 'study';
  home.add('sensor', 'occupancy', { roomId });
  home.add('ceiling', 'on_off', { roomId });
  home.add('window', 'contact', { roomId });
  home.add('radiator', 'hvac_mode', { roomId, options: ['off', 'heat'], commandKinds: ['climate'] });
  home.add('television', 'on_off', { commandKinds: ['switch'] });
  home.add('television', 'power');
  home.happen('radiator', 'hvac_mode', home.firstMs, 'heat', NOBODY);
  home.happen('television', 'on_off', home.firstMs, true, NOBODY);
  for (const { at } of home.days()) {
    const goneMs = at(600 + home.random() * 300);
    home.act('ceiling', goneMs - 100 * MINUTE * (1 + home.random()));
    home.happen('sensor', 'occupancy', goneMs - 60 * MINUTE, true, NOBODY);
    home.happen('sensor', 'occupancy', goneMs, false, NOBODY);
    const isForgotten = home.random() < 0.9;
    home.act('ceiling', goneMs + (isForgotten ? 120 * (1 + home.random()) : 2) * MINUTE, false);
    if (home.random() < 0.1) continue;
    const openMs = at(360 + home.random() * 100);
    home.happen('window', 'contact', openMs, true, NOBODY);
    home.happen('window', 'contact', openMs + (20 + home.random() * 20) * MINUTE, false, NOBODY);
  }
  home.numbers = {
    scan: () => ({
      *buckets({ fromMs, toMs }) {
        for (let startMs = fromMs; startMs < toMs; startMs += 60 * MINUTE) {
          const { hour } = home.zone.at(startMs);
          const mean = hour >= 19 && hour < 22 ? 90 : 8;
          const known = { first: mean, last: mean, coveredMs: 60 * MINUTE, samples: 60, rise: null };
          yield [{ startMs, mean, max: mean + 2, min: mean, ...known }];
        }
      },
    }),
  };
  const saves = (kind: Kind, reason: string, id: string): Planted => ({
    kind,
    isFound: ({ rule, target }) => rule.type === 'saving' && rule.reason === reason && target.entityId === id,
  });
  return [
    saves('empty room', 'empty_room', 'ceiling'),
    saves('open window', 'open_window', 'radiator'),
    saves('standby', 'standby', 'television'),
  ];
}
