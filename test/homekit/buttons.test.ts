import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Capability } from '../../src/devices/types.ts';
import type { HapAccessory, HapService, TypeName } from './controller.ts';

import { planServices } from '../../src/homekit/device-plan.ts';
import { parseButtonEvent } from '../../src/homekit/services/button-words.ts';
import { accessoryNamed, characteristicOf, Controller, servicesOf, structureOf } from './controller.ts';
import { capability } from './fake-devices.ts';
import { Home, newLog } from './home.ts';

/** What Zigbee2MQTT publishes for each action, the first time that it occurs. */
function trigger(option: string, index = 0): Capability {
  return capability('button_event', `device_automation/remote/${option}`, {
    name: index === 0 ? 'button_event' : `button_event:${option}`,
    options: [option],
  });
}

function event(component: string, options: string[], more: Partial<Capability> = {}): Capability {
  return capability('button_event', component, { options, ...more });
}

describe('the words of publishers', () => {
  test.each([
    ['single', '', 0],
    ['double', '', 1],
    ['hold', '', 2],
    ['long', '', 2],
    ['press', '', 0],
    ['short_press', '', 0],
    ['button_short_press', '', 0],
    ['triple', ':triple', 0],
    ['quadruple', ':quadruple', 0],
    ['1_single', '1', 0],
    ['button_1_double', '1', 1],
    ['button_1 button_long_press', '1', 2],
    ['1_initial_press', '1', 0],
    ['2_triple', '2:triple', 0],
    ['single_left', 'left', 0],
    ['hold_right', 'right', 2],
    ['double_both', 'both', 1],
    ['arrow_left_click', 'arrow_left', 0],
    ['arrow_left_hold', 'arrow_left', 2],
    ['turn_on button_short_press', 'turn_on', 0],
    ['on', 'on', 0],
    ['on_press', 'on', 0],
    ['toggle', 'toggle', 0],
    ['brightness_move_up', 'brightness_move_up', 0],
    ['stop', 'stop', 0],
    ['button_up', 'up', 0],
    ['DoubleClick', '', 1],
    ['L Long', 'l', 2],
    ['single_push', '', 0],
  ])('%s is button "%s", press %i', (text, button, press) => {
    expect(parseButtonEvent(text)).toEqual({ button, press });
  });

  test.each([
    'release',
    'hold_release',
    'on_press_release',
    'button_1 button_short_release',
    'arrow_left_release',
    'brightness_stop',
    'btn_down',
    'button_1 btn_up',
    'button_1 button_down',
  ])('%s is told to nobody', (text) => {
    expect(parseButtonEvent(text)).toBeNull();
  });

  test('every text has a name that can stand in an id, or none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const event = parseButtonEvent(text);
        if (!event) return;
        expect(event.button).toMatch(/^[\p{L}\p{N}_:]*$/u);
        expect([0, 1, 2]).toContain(event.press);
      }),
      { numRuns: 500 },
    );
  });
});

describe('plans', () => {
  const options = ['1_single', '1_double', '2_single', 'on', '2_triple', 'hold', 'dial_left', '3_release'];

  test('the identity of a button does not depend on what was found before or after', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(options), (found) => {
        const subtypes = (texts: string[]): string[] =>
          planServices({ capabilities: texts.map(trigger) })
            .filter(({ kind }) => kind === 'StatelessProgrammableSwitch')
            .map(({ subtype }) => subtype);
        const all = subtypes(found);
        expect(new Set(all).size).toBe(all.length);
        for (let count = 0; count < found.length; count += 1) {
          for (const subtype of subtypes(found.slice(0, count))) expect(all).toContain(subtype);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('the numbers of the buttons are theirs where they have some, and never the same', () => {
    const plans = planServices({ capabilities: ['dial_left', '2_single', '1_single', 'on'].map(trigger) });
    const numbers = plans.flatMap(({ label, characteristics }) =>
      characteristics
        .filter(({ kind }) => kind === 'ServiceLabelIndex')
        .map(({ read }) => [label, read(new Map())]),
    );
    expect(numbers).toEqual([
      ['Dial left', 3],
      ['Button 2', 2],
      ['Button 1', 1],
      ['On', 4],
    ]);
  });

  test('triggers and the action event of the same remote are the same buttons, told once', () => {
    const triggers = ['1_single', '1_hold'].map(trigger);
    const action = event('event/0x1/action', ['1_single', '1_double', '1_hold'], {
      name: 'button_event:action',
      label: 'Action',
    });
    const subtypes = [triggers, [action], [...triggers, action], [action, ...triggers]].map((capabilities) =>
      planServices({ capabilities }).map(({ kind, subtype, label }) => [kind, subtype, label]),
    );
    expect(subtypes).toEqual(
      Array.from({ length: 4 }, () => [['StatelessProgrammableSwitch', 'button:trigger:1', 'Button 1']]),
    );
    const [button] = planServices({ capabilities: [...triggers, action] });
    const [press] = button?.characteristics ?? [];
    const all = [...triggers, action].flatMap(({ name }) =>
      ['1_single', '1_double', '1_hold'].map((text) => press?.toEvent?.(name, text)),
    );
    expect(all.filter((told) => told !== undefined)).toEqual([0, 2, 1]);
  });

  test('two event components with the same words are two buttons', () => {
    const plans = planServices({
      capabilities: [
        event('event/wall/a', ['single', 'double'], { label: 'Upper' }),
        event('event/wall/b', ['single', 'release'], { name: 'button_event:b', label: 'Lower' }),
      ],
    });
    expect(plans.map(({ kind, label }) => [kind, label])).toEqual([
      ['ServiceLabel', 'Buttons'],
      ['StatelessProgrammableSwitch', 'Upper'],
      ['StatelessProgrammableSwitch', 'Lower'],
    ]);
  });
});

describe('in Apple Home', () => {
  let home: Home;
  let controller: Controller;
  let accessories: HapAccessory[];
  const { log, lines } = newLog();

  beforeAll(async () => {
    home = await Home.open();
    home.devices.add('button', {
      name: 'Button',
      capabilities: [trigger('single')],
      // What was pressed last, before the hub was started.
      values: { button_event: 'single' },
    });
    home.devices.add('remote', {
      name: 'Remote',
      capabilities: [event('event/remote', ['1_single', '1_double', '1_hold', '1_release', '2_single'])],
    });
    home.devices.add('door', {
      name: 'Door',
      capabilities: [event('event/door', ['ring'], { device_class: 'doorbell' })],
    });
    controller = await Controller.pair(await home.start({ log }));
    accessories = await controller.accessories();
  });

  afterAll(async () => {
    await controller[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  function buttons(name: string): HapService[] {
    return servicesOf(accessoryNamed(accessories, name), 'StatelessProgrammableSwitch');
  }

  function inService(name: string, index: number, characteristic: TypeName): { key: string; valid: unknown } {
    const accessory = accessoryNamed(accessories, name);
    const service = buttons(name)[index];
    if (!service) throw new Error(`no button ${index}`);
    const found = characteristicOf(
      { ...accessory, services: [service] },
      'StatelessProgrammableSwitch',
      characteristic,
    );
    return { key: `${accessory.aid}.${found.iid}`, valid: found['valid-values'] };
  }

  test('a button is a programmable switch with the presses that it has, and reads as nothing', async () => {
    const { key, valid } = inService('Button', 0, 'ProgrammableSwitchEvent');
    expect(valid).toEqual([0]);
    expect(await controller.read(key)).toMatchObject([{ value: null }]);
    expect(servicesOf(accessoryNamed(accessories, 'Button'), 'ServiceLabel')).toEqual([]);
  });

  test('two presses are two events, each at once', async () => {
    const { key } = inService('Button', 0, 'ProgrammableSwitchEvent');
    await using watcher = await controller.watch(key);
    const begunMs = performance.now();
    home.devices.press('button', 'button_event', 'single');
    await vi.waitFor(() => expect(watcher.events).toHaveLength(1), { interval: 5 });
    // The library gathers other events for 250 ms.
    expect(performance.now() - begunMs).toBeLessThan(200);
    home.devices.press('button', 'button_event', 'single');
    home.devices.press('button', 'button_event', 'single');
    await vi.waitFor(() =>
      expect(watcher.events).toEqual([
        { key, value: 0 },
        { key, value: 0 },
        { key, value: 0 },
      ]),
    );
  });

  test('what is no event is no press: a start, a device that comes back, another value', async () => {
    const { key } = inService('Button', 0, 'ProgrammableSwitchEvent');
    await using watcher = await controller.watch(key);
    home.devices.setAvailable('button', false);
    home.devices.setAvailable('button', true);
    home.devices.set('button', { button_event: 'single' });
    home.devices.change('button', { name: 'Renamed button' });
    home.devices.change('button', { name: 'Button' });
    home.devices.press('button', 'button_event', 'unheard of');
    home.devices.press('button', 'button_event', 'single');
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key, value: 0 }]));
  });

  test('several buttons are numbered and linked to a label, also while the remote is away', async () => {
    expect(buttons('Remote')).toHaveLength(2);
    const [label] = servicesOf(accessoryNamed(accessories, 'Remote'), 'ServiceLabel');
    expect(label?.linked).toEqual(buttons('Remote').map(({ iid }) => iid));
    home.devices.setAvailable('remote', false);
    const numbers = [0, 1].map((index) => inService('Remote', index, 'ServiceLabelIndex').key);
    expect(await controller.read(...numbers)).toMatchObject([{ value: 1 }, { value: 2 }]);
    home.devices.setAvailable('remote', true);
  });

  test('each press is told by its own button', async () => {
    const one = inService('Remote', 0, 'ProgrammableSwitchEvent');
    const two = inService('Remote', 1, 'ProgrammableSwitchEvent');
    expect([one.valid, two.valid]).toEqual([[0, 1, 2], [0]]);
    await using watcher = await controller.watch(one.key, two.key);
    for (const text of ['1_double', '1_hold', '1_release', '2_single', '1_single'])
      home.devices.press('remote', 'button_event', text);
    await vi.waitFor(() =>
      expect(watcher.events).toEqual([
        { key: one.key, value: 1 },
        { key: one.key, value: 2 },
        { key: two.key, value: 0 },
        { key: one.key, value: 0 },
      ]),
    );
  });

  test('a name that a person gives to one button is kept for that one alone', async () => {
    const names = [0, 1].map((index) => inService('Remote', index, 'ConfiguredName').key);
    expect(await controller.read(...names)).toMatchObject([{ value: 'Button 1' }, { value: 'Button 2' }]);
    await controller.write({ [names[1] ?? '']: 'Good night' });
    home.devices.change('remote', { name: 'Bedside' });
    home.devices.change('remote', { name: 'Remote' });
    expect(await controller.read(...names)).toMatchObject([{ value: 'Button 1' }, { value: 'Good night' }]);
  });

  test('the library has nothing to complain about', () => {
    expect(lines.filter((line) => line.includes('the HomeKit library'))).toEqual([]);
  });

  test('a doorbell rings', async () => {
    const accessory = accessoryNamed(accessories, 'Door');
    const { iid } = characteristicOf(accessory, 'Doorbell', 'ProgrammableSwitchEvent');
    const key = `${accessory.aid}.${iid}`;
    await using watcher = await controller.watch(key);
    home.devices.press('door', 'button_event', 'ring');
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key, value: 0 }]));
  });

  test('a trigger that is found later adds a press and moves no id', async () => {
    const before = structureOf(accessoryNamed(accessories, 'Button'));
    home.devices.change('button', { capabilities: ['single', 'double', 'left_single'].map(trigger) });
    await vi.waitFor(async () => {
      accessories = await controller.accessories();
      expect(buttons('Button')).toHaveLength(2);
    });
    expect(inService('Button', 0, 'ProgrammableSwitchEvent').valid).toEqual([0, 1]);
    const after = structureOf(accessoryNamed(accessories, 'Button'));
    expect(after.split(' ')).toEqual(expect.arrayContaining(before.split(' ')));
    const { key } = inService('Button', 0, 'ProgrammableSwitchEvent');
    await using watcher = await controller.watch(key);
    home.devices.press('button', 'button_event:double', 'double');
    await vi.waitFor(() => expect(watcher.events).toEqual([{ key, value: 1 }]));
  });
});
