import type { Channel } from './templates.ts';

import {
  parseOption,
  readCommand,
  readOptionControl,
  readState,
  toOnOffControl,
  type Control,
  type ControlSource,
  type OptionKeys,
} from './controls.ts';

/**
 * The mode of a climate device or a water heater and its power switch, where it has one. Only few say whether the
 * power is on: for the others a mode of `off` does, and an order to either is believed to move both.
 */
export function readModeAndPower(source: ControlSource, keys: OptionKeys): Control[] {
  const mode = readOptionControl(source, keys);
  const ownState = readState(source, 'power');
  const power = toOnOffControl(source.config, ownState, readCommand(source, 'power'));
  if (ownState || mode.length === 0 || !keys.options.includes('off')) return [...power, ...mode];
  const channel = mode[0]?.parts[0]?.channel ?? null;
  return [
    ...power.map((control) => tieToMode(control, keys, channel)),
    ...(power.length > 0 ? mode.map(tieToPower) : mode),
  ];
}

/** A power switch whose state is read from the mode. */
function tieToMode(control: Control, { kind, options }: OptionKeys, channel: Channel | null): Control {
  const { order } = control;
  const parse = (text: string): boolean | null | undefined => {
    const mode = parseOption(text, options);
    return typeof mode === 'string' ? mode !== 'off' : mode;
  };
  return {
    ...control,
    parts: [{ kind: 'on_off', channel, parse }],
    order: (value) => {
      const made = order?.(value);
      if (!made || value !== false) return made;
      return { ...made, readings: [...made.readings, { kind, value: 'off' }] };
    },
  };
}

/** A mode that turns the device on or off. */
function tieToPower(control: Control): Control {
  const { order } = control;
  if (!order) return control;
  return {
    ...control,
    order: (value) => {
      const made = order(value);
      return made && { ...made, readings: [...made.readings, { kind: 'on_off', value: value !== 'off' }] };
    },
  };
}
