import type { SinkWrite } from '../../devices/types.ts';
import type { CommandChannel, ValuePart } from './parts.ts';

import { isString } from './codec.ts';
import {
  parseOption,
  readCommand,
  readOptionControl,
  readOptions,
  readState,
  type Control,
  type ControlSource,
  type Order,
} from './controls.ts';
import { readPayload } from './fields.ts';

/** The preset that is none; the publisher does not list it. */
const NO_PRESET = 'none';
const AWAY = 'away';

/** What a device with hold modes calls no hold. */
const NO_HOLD = 'off';

/** The preset of a climate device, also where firmware still speaks of hold and away as Home Assistant did until 2022. */
export function readClimatePreset(source: ControlSource): Control[] {
  const presets = readOptions(source.config, 'preset_modes', []);
  const options = presets.length > 0 ? [...new Set([NO_PRESET, ...presets])] : [];
  const preset = readOptionControl(source, { kind: 'preset_mode', name: 'preset_mode', options });
  return preset.length > 0 ? preset : readHoldAndAway(source);
}

function readHoldAndAway(source: ControlSource): Control[] {
  const holds = readOptions(source.config, 'hold_modes', []).filter((hold) => hold !== NO_HOLD);
  const holdCommand = holds.length > 0 ? readCommand(source, 'hold') : null;
  const holdState = holds.length > 0 ? readState(source, 'hold') : null;
  const awayCommand = readCommand(source, 'away_mode');
  const awayState = readState(source, 'away_mode');
  const hasHold = holdCommand !== null || holdState !== null;
  const hasAway = awayCommand !== null || awayState !== null;
  if (!hasHold && !hasAway) return [];
  const kind = 'preset_mode';
  const options = [...new Set([NO_PRESET, ...(hasAway ? [AWAY] : []), ...(hasHold ? holds : [])])];
  const on = readPayload(source.config, ['payload_on'], 'ON');
  const off = readPayload(source.config, ['payload_off'], 'OFF');
  const hold: ValuePart = {
    kind,
    channel: holdState,
    parse: (text) => (text === NO_HOLD ? NO_PRESET : parseOption(text, options)),
  };
  const away: ValuePart = {
    kind,
    channel: awayState,
    parse: (text) => {
      if (text === 'True' || on.matches(text)) return AWAY;
      // Not away says nothing about a hold, where there is one.
      if (text === 'False' || off.matches(text)) return hasHold ? undefined : NO_PRESET;
      return text === 'None' ? null : undefined;
    },
  };
  const order = (value: SinkWrite['value']): Order | undefined => {
    if (!isString(value)) return undefined;
    const messages = [
      ...tell(awayCommand, (value === AWAY ? on : off).text),
      ...tell(holdCommand, holds.includes(value) ? value : NO_HOLD),
    ];
    return { messages, readings: [{ kind, value }] };
  };
  const writable = awayCommand !== null || holdCommand !== null;
  return [
    {
      capability: { kind, unit: null, range: null, writable, options },
      parts: [...(hasHold ? [hold] : []), ...(hasAway ? [away] : [])],
      ...(writable ? { order } : {}),
    },
  ];
}

function tell(channel: CommandChannel | null, text: string): ReturnType<CommandChannel['message']>[] {
  return channel ? [channel.message(text)] : [];
}
