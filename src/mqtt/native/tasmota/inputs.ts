import type { ComponentSpec } from '../../discovery/description.ts';

import { expiry, isQuotable, toComponent, type TasmotaDevice } from './device.ts';
import { actionTemplate, switchTemplate } from './templates.ts';

/** What an action is called as an event. */
type Events = Readonly<Record<string, string>>;

/** Modes in which a switch has a state: it follows something, or is a button that is held or not. */
const STATEFUL_MODES = new Set([1, 2, 3, 4, 5, 6, 9, 10, 13, 14, 15, 16]);

/** A motion sensor that only tells when it saw something. */
const PUSH_ON_MODES = new Set([13, 14]);

const PRESSES: Events = {
  SINGLE: 'single',
  DOUBLE: 'double',
  TRIPLE: 'triple',
  QUAD: 'quadruple',
  PENTA: 'quintuple',
  HOLD: 'hold',
};

/** Switches as binary sensors and, where they are detached from the outputs, switches and buttons as events. */
export function toInputs(device: TasmotaDevice, sensors: ReadonlySet<string>): ComponentSpec[] {
  return [...toSwitches(device, sensors), ...toButtons(device)];
}

/** @param sensors the keys of the sensor model, which lists the switches whose state telemetry tells */
function toSwitches(device: TasmotaDevice, sensors: ReadonlySet<string>): ComponentSpec[] {
  const count = Math.max(device.switchModes.length, countNumbered(sensors));
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const key = switchKey(device, index);
    if (!isQuotable(key)) return [];
    const mode = device.switchModes[index] ?? -1;
    // Unless SetOption114 detaches it, a switch tells nobody what was done to it.
    const isDetached = mode >= 0 && device.option(114);
    const isListed = sensors.has(key);
    const components: ComponentSpec[] = [];
    if (isListed || (isDetached && STATEFUL_MODES.has(mode))) {
      components.push(toState(device, index, key, isListed && !isDetached && !STATEFUL_MODES.has(mode)));
    }
    const events = isDetached ? toSwitchEvents(device, mode) : {};
    if (Object.keys(events).length > 0) {
      components.push(toEvents(device, `switch_${index + 1}`, toSwitchName(device, index), key, events));
    }
    return components;
  });
}

function toState(device: TasmotaDevice, index: number, key: string, isDiagnostic: boolean): ComponentSpec {
  const isPushOn = PUSH_ON_MODES.has(device.switchModes[index] ?? -1);
  return toComponent(device, 'binary_sensor', `switch_${index + 1}`, {
    name: toSwitchName(device, index),
    state_topic: device.sensorFilter,
    value_template: switchTemplate(key, isPushOn),
    payload_on: device.words.on,
    payload_off: device.words.off,
    ...(isPushOn ? { off_delay: 1 } : {}),
    ...(isDiagnostic ? { entity_category: 'diagnostic' } : {}),
    ...expiry(device),
  });
}

/** What the modes of https://tasmota.github.io/docs/Buttons-and-Switches/#switchmode tell beyond a state. */
function toSwitchEvents({ words: { toggle, hold } }: TasmotaDevice, mode: number): Events {
  switch (mode) {
    case 0:
    case 3:
    case 4:
    case 7:
      return { [toggle]: 'single' };
    case 5:
    case 6:
      return { [toggle]: 'single', [hold]: 'hold' };
    case 8:
      return { [toggle]: 'single', [hold]: 'double' };
    case 9:
    case 10:
      return { [hold]: 'double' };
    case 11:
      return { [toggle]: 'single', INC_DEC: 'hold', POWER_INCREMENT: 'hold' };
    case 12:
      return { [toggle]: 'single', CLEAR: 'hold', POWER_CLEAR: 'hold' };
    default:
      return {};
  }
}

/** With SetOption73 the buttons are detached from the outputs. */
function toButtons(device: TasmotaDevice): ComponentSpec[] {
  if (!device.option(73)) return [];
  return device.buttons.flatMap((used, index) => {
    if (used === 0) return [];
    const number = index + 1;
    return [toEvents(device, `button_${number}`, `Button ${number}`, `Button${number}`, toPresses(device))];
  });
}

/** SetOption13 makes every press a single one, SetOption11 changes single and double over. */
function toPresses(device: TasmotaDevice): Events {
  if (device.option(13)) return { SINGLE: 'single' };
  return device.option(11) ? { ...PRESSES, SINGLE: 'double', DOUBLE: 'single' } : PRESSES;
}

function toEvents(
  device: TasmotaDevice,
  objectId: string,
  name: string,
  key: string,
  events: Events,
): ComponentSpec {
  return toComponent(device, 'event', objectId, {
    name,
    device_class: 'button',
    state_topic: device.stateFilter,
    event_types: [...new Set(Object.values(events))],
    value_template: actionTemplate(key, events),
  });
}

/** A switch that was given a name reports by it. */
export function switchKey(device: TasmotaDevice, index: number): string {
  return device.switchNames[index] ?? `Switch${index + 1}`;
}

function toSwitchName(device: TasmotaDevice, index: number): string {
  return device.switchNames[index] ?? `Switch ${index + 1}`;
}

/** The highest number of a `Switch<n>`. */
function countNumbered(keys: ReadonlySet<string>): number {
  const numbers = [...keys].map((key) => Number(/^Switch([1-9]\d?)$/.exec(key)?.[1] ?? 0));
  return Math.min(Math.max(0, ...numbers), 64);
}
