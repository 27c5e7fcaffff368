import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { HapAccessory } from './controller.ts';
import type { Schedule } from './light-schedule.ts';

import { accessoryNamed, characteristicOf, Controller, keyOf, servicesOf, TYPES } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home } from './home.ts';
import { toTransition } from './light-schedule.ts';

const EVERY_MS = 50;
const HOUR_MS = 3_600_000;
const COUNT = 'CharacteristicValueActiveTransitionCount';
const CONTROL = 'CharacteristicValueTransitionControl';

let home: Home;
let controller: Controller;
let lamp: HapAccessory;

const WHITE = 'light/white';

beforeEach(async () => {
  home = await Home.open();
  home.devices.add('lamp', {
    name: 'Lamp',
    capabilities: [
      capability('on_off', WHITE),
      capability('brightness', WHITE),
      capability('color_temperature', WHITE, { range: { min: 153, max: 454 } }),
      capability('color_hs', WHITE),
    ],
    values: { on_off: true, brightness: 50, color_temperature: 200 },
  });
  home.devices.add('dimmer', {
    name: 'Dimmer',
    capabilities: [capability('on_off', 'light/dimmer'), capability('brightness', 'light/dimmer')],
    values: { on_off: true, brightness: 50 },
  });
  controller = await Controller.pair(await home.start());
  lamp = accessoryNamed(await controller.accessories(), 'Lamp');
});

afterEach(async () => {
  await controller[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

async function enable(curve: Schedule['curve']): Promise<void> {
  const iid = (name: 'ColorTemperature' | 'Brightness'): number =>
    characteristicOf(lamp, 'Lightbulb', name).iid;
  const value = toTransition({
    temperature: iid('ColorTemperature'),
    brightness: iid('Brightness'),
    curve,
    everyMs: EVERY_MS,
  });
  await controller.write({ [keyOf(lamp, 'Lightbulb', CONTROL)]: value });
}

async function isActive(): Promise<boolean> {
  const [answer] = await controller.read(keyOf(lamp, 'Lightbulb', COUNT));
  return answer?.value === 1;
}

function sent(): number[] {
  return home.devices.commands.flatMap(({ writes }) =>
    writes.filter(({ capability: name }) => name === 'color_temperature').map(({ value }) => Number(value)),
  );
}

/** The same all day. */
function steady(mired: number): Schedule['curve'] {
  return [
    [mired, 0],
    [mired, HOUR_MS],
  ];
}

test('is offered for lamps with brightness and temperature, and for no others', async () => {
  const dimmer = accessoryNamed(await controller.accessories(), 'Dimmer');
  const types = (accessory: HapAccessory): string =>
    servicesOf(accessory, 'Lightbulb')
      .flatMap(({ characteristics }) => characteristics.map(({ type }) => type))
      .join(' ');
  expect(types(lamp)).toContain(`00000${TYPES[CONTROL]}-`);
  expect(types(dimmer)).not.toContain(`00000${TYPES[CONTROL]}-`);
  expect(await isActive()).toBe(false);
});

test('the lamp follows the schedule in steps that can be seen', async () => {
  await enable([
    [250, 0],
    [280, 1000],
    [280, HOUR_MS],
  ]);
  expect(await isActive()).toBe(true);
  await vi.waitFor(() => expect(sent().at(-1)).toBeGreaterThanOrEqual(276), { timeout: 4000 });
  const steps = sent();
  expect(steps[0]).toBeLessThan(256);
  expect(steps.length).toBeLessThan(8);
  for (const [index, mired] of steps.entries()) {
    if (index > 0) expect(mired - (steps[index - 1] ?? 0)).toBeGreaterThanOrEqual(5);
  }
  expect(new Set(home.devices.commands.map(({ origin }) => origin))).toEqual(
    new Set(['homekit:adaptive-lighting']),
  );
  expect(await isActive()).toBe(true);
});

test('a lamp that is off is left alone, and gets its temperature when it goes on', async () => {
  home.devices.set('lamp', { on_off: false });
  await enable(steady(300));
  await wait(6 * EVERY_MS);
  expect(home.devices.commands).toEqual([]);
  // Lamps tell their own temperature when they get power; nobody set it.
  home.devices.set('lamp', { on_off: true });
  home.devices.set('lamp', { color_temperature: 370 });
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  await wait(6 * EVERY_MS);
  expect(sent()).toEqual([300]);
  expect(await isActive()).toBe(true);
});

test('it ends when the lamp is set to another temperature elsewhere', async () => {
  await enable(steady(300));
  await vi.waitFor(() => expect(home.devices.view('lamp')?.values.get('color_temperature')?.value).toBe(300));
  home.devices.set('lamp', { color_temperature: 304 });
  expect(await isActive()).toBe(true);
  await wait(350);
  home.devices.set('lamp', { color_temperature: 170 });
  expect(await isActive()).toBe(false);
  await wait(4 * EVERY_MS);
  expect(sent()).toEqual([300]);
});

test('it ends when the lamp is set to a colour elsewhere, not when it tells its white as one', async () => {
  await enable(steady(300));
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  await wait(350);
  home.devices.set('lamp', { color_hs: { hue: 28, saturation: 54 } });
  expect(await isActive()).toBe(true);
  home.devices.set('lamp', { color_hs: { hue: 240, saturation: 100 } });
  expect(await isActive()).toBe(false);
});

test('it ends when a person sets the temperature in Apple Home, and may be switched on again', async () => {
  await enable(steady(300));
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  await controller.write({ [keyOf(lamp, 'Lightbulb', 'ColorTemperature')]: 200 });
  expect(await isActive()).toBe(false);
  await vi.waitFor(() => expect(home.devices.view('lamp')?.values.get('color_temperature')?.value).toBe(200));
  await enable(steady(300));
  await vi.waitFor(() => expect(sent()).toEqual([300, 200, 300]));
  expect(await isActive()).toBe(true);
});

test('brightness is no reason to end', async () => {
  await enable(steady(300));
  await controller.write({ [keyOf(lamp, 'Lightbulb', 'Brightness')]: 20 });
  home.devices.set('lamp', { brightness: 70 });
  expect(await isActive()).toBe(true);
});

test('a lamp that does not follow is told again and not taken for one that somebody set', async () => {
  home.devices.behaviour = 'ignore';
  await enable(steady(300));
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  await wait(350);
  home.devices.behaviour = 'obey';
  home.devices.set('lamp', { color_temperature: 201 });
  await vi.waitFor(() => expect(sent()).toEqual([300, 300]));
  expect(await isActive()).toBe(true);
});

test('it goes on after a restart, also one right after it was switched on', async () => {
  const { pairing } = controller;
  await enable(steady(300));
  await controller[Symbol.asyncDispose]();
  await home.stop();
  home.devices.commands.length = 0;
  home.devices.set('lamp', { color_temperature: 200 });
  await wait(4 * EVERY_MS);
  expect(home.devices.commands).toEqual([]);
  expect(existsSync('persist')).toBe(false);
  controller = new Controller(await home.start(), pairing);
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  expect(await isActive()).toBe(true);
});

test('a lamp that loses its temperature, or goes, takes its schedule along', async () => {
  await enable(steady(300));
  await vi.waitFor(() => expect(sent()).toEqual([300]));
  home.devices.change('lamp', {
    capabilities: [capability('on_off', WHITE), capability('brightness', WHITE)],
  });
  await vi.waitFor(async () => {
    const shown = accessoryNamed(await controller.accessories(), 'Lamp');
    expect(() => keyOf(shown, 'Lightbulb', CONTROL)).toThrow('no Lightbulb');
  });
  home.devices.remove('lamp');
  await vi.waitFor(async () => expect(await controller.accessories()).toHaveLength(2));
  await wait(4 * EVERY_MS);
  expect(sent()).toEqual([300]);
});
