import type { Capability, CapabilityValue } from '../../devices/types.ts';
import type { CharacteristicPlan, ServiceKind, ServicePlan } from '../service-plan.ts';
import type { Press } from './button-words.ts';

import { parseButtonEvent, PRESS } from './button-words.ts';

/** HomeKit's ServiceLabelNamespace: the buttons are told apart by numbers. */
const ARABIC_NUMERALS = 1;

interface Button {
  readonly kind: ServiceKind;
  readonly label: string | null;
  /** The number that its publisher gives it, or null. */
  readonly number: number | null;
  /** By capability: what each of its texts means. */
  readonly presses: Map<string, Map<string, Press>>;
}

/**
 * The buttons of a device, each as one service, whatever the number of triggers that tell of it.
 *
 * A remote's triggers are found one by one, often at their first press. So a button is named by the words of the trigger
 * alone, and what is found later adds presses to it or further buttons, and takes nothing away. An `event` component, of
 * which a device may have several with the same words, is part of the name. Zigbee2MQTT's `action` is not: it tells what
 * the triggers tell, in the same words, and may come beside them or in their place.
 */
export function planButtons(capabilities: readonly Capability[]): ServicePlan[] {
  const buttons = new Map<string, Button>();
  for (const capability of capabilities) {
    if (capability.kind !== 'button_event') continue;
    for (const option of capability.options ?? []) addOption(buttons, capability, option);
  }
  const switches = [...buttons].filter(([, { kind }]) => kind === 'StatelessProgrammableSwitch');
  const numbers = switches.length > 1 ? numberButtons(switches) : new Map<string, number>();
  return [
    ...(numbers.size > 0 ? [planServiceLabel()] : []),
    ...[...buttons].map(([subtype, button]) => planButton(subtype, button, numbers.get(subtype))),
  ];
}

function addOption(buttons: Map<string, Button>, capability: Capability, option: string): void {
  const event = parseButtonEvent(option);
  if (!event) return;
  const { component, device_class: deviceClass } = capability;
  const isDoorbell = deviceClass === 'doorbell';
  const name = isDoorbell ? '' : event.button;
  const owner = isJoint(capability) ? 'trigger' : `event:${component}`;
  const subtype = `${isDoorbell ? 'doorbell' : 'button'}:${owner}:${name}`;
  const button = buttons.get(subtype) ?? {
    kind: isDoorbell ? 'Doorbell' : 'StatelessProgrammableSwitch',
    label: labelOf(capability, name),
    number: /^[1-9]\d?$/.test(name) ? Number(name) : null,
    presses: new Map<string, Map<string, Press>>(),
  };
  buttons.set(subtype, button);
  // Told twice, one press would run an automation twice.
  if ([...button.presses.values()].some((told) => told.has(option))) return;
  const texts = button.presses.get(capability.name) ?? new Map<string, Press>();
  texts.set(option, event.press);
  button.presses.set(capability.name, texts);
}

/** Whether its words alone name the buttons of the device. */
function isJoint({ component, component_type: type }: Capability): boolean {
  return type !== 'event' || component.endsWith('/action');
}

/** `Kitchen Button 1 triple`, `Arrow left`; null for the only button of an unnamed component. */
function labelOf(capability: Capability, name: string): string | null {
  const owner = isJoint(capability) ? null : capability.label;
  if (name === '') return owner;
  const words = name.replaceAll(/[_:]/g, ' ').trim();
  const text = /^\d/.test(words) || name.startsWith(':') ? `button ${words}` : words;
  return owner === null ? text.charAt(0).toUpperCase() + text.slice(1) : `${owner} ${text}`;
}

/** The publisher's numbers first; the others take what is free, in the order in which they were found. */
function numberButtons(switches: readonly (readonly [string, Button])[]): Map<string, number> {
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const [subtype, { number }] of switches) {
    if (number === null || taken.has(number)) continue;
    numbers.set(subtype, number);
    taken.add(number);
  }
  let free = 1;
  for (const [subtype] of switches) {
    if (numbers.has(subtype)) continue;
    while (taken.has(free)) free += 1;
    numbers.set(subtype, free);
    taken.add(free);
  }
  return numbers;
}

function planButton(subtype: string, button: Button, number: number | undefined): ServicePlan {
  const { presses } = button;
  const [source = ''] = presses.keys();
  const events = new Set([...presses.values()].flatMap((texts) => [...texts.values()]));
  const characteristics: CharacteristicPlan[] = [
    {
      kind: 'ProgrammableSwitchEvent',
      source,
      range: null,
      validValues: Object.values(PRESS).filter((press) => events.has(press)),
      read: () => undefined,
      toEvent: (capability: string, value: CapabilityValue) =>
        typeof value === 'string' ? presses.get(capability)?.get(value) : undefined,
    },
  ];
  if (number !== undefined) {
    // The same while the remote cannot be reached, or its buttons would all be number 1.
    const index = Math.min(number, 255);
    characteristics.push({
      kind: 'ServiceLabelIndex',
      source,
      range: null,
      read: () => index,
      offline: index,
    });
  }
  return {
    kind: button.kind,
    subtype,
    component: subtype,
    label: button.label,
    characteristics,
    actuator: null,
  };
}

/** Says that the buttons have numbers. Stands before them, so that each keeps a name that says which it is. */
function planServiceLabel(): ServicePlan {
  return {
    kind: 'ServiceLabel',
    subtype: 'buttons',
    component: 'buttons',
    label: 'Buttons',
    characteristics: [
      {
        kind: 'ServiceLabelNamespace',
        source: '',
        range: null,
        read: () => ARABIC_NUMERALS,
        offline: ARABIC_NUMERALS,
      },
    ],
    actuator: null,
  };
}
