import type { SinkWrite } from '../../devices/types.ts';
import type { OutgoingMessage } from '../types.ts';
import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import { findWrite, isBoolean, isNumber } from './codec.ts';
import {
  parseNumber,
  parseOption,
  readCommand,
  readOptionControl,
  readOptions,
  readState,
  toControlCodec,
  toOnOffControl,
  toTwoStateControl,
  type Control,
  type ControlSource,
  type Order,
} from './controls.ts';
import { ConfigProblem, readNumber, readPayload, readText, type Config } from './fields.ts';
import { CommandChannel } from './parts.ts';
import { Channel } from './templates.ts';

/**
 * A fan, https://www.home-assistant.io/integrations/fan.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toFan(config: Config, templates: Templates): Codec {
  const source: ControlSource = { config, templates, sharedTemplates: [] };
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const state = Channel.read(config, 'state_topic', ['state_value_template'], templates);
  const turnOff = (): OutgoingMessage => command.message(readPayload(config, ['payload_off'], 'OFF').text);
  return toControlCodec(
    config,
    [
      ...toOnOffControl(config, state, command),
      ...readSpeed(source, turnOff),
      ...readOptionControl(source, {
        kind: 'preset_mode',
        name: 'preset_mode',
        options: readOptions(config, 'preset_modes', []),
        reset: readText(config, 'payload_reset_preset_mode') ?? 'None',
      }),
      ...readOscillation(source),
      ...readDirection(source),
    ],
    settle,
  );
}

/** A fan that is to be off gets no speed, which would turn it on; a speed of 0 is that wish too. */
function settle(writes: readonly SinkWrite[]): readonly SinkWrite[] {
  if (findWrite(writes, 'on_off', isBoolean) === false) return without(writes, ['speed', 'preset_mode']);
  if (findWrite(writes, 'speed', isNumber) === 0) return without(writes, ['on_off', 'preset_mode']);
  return writes;
}

function without(writes: readonly SinkWrite[], kinds: readonly string[]): SinkWrite[] {
  return writes.filter(({ kind }) => !kinds.includes(kind));
}

/** The device's own numbers for its speeds, the slowest first. */
interface SpeedRange {
  readonly min: number;
  readonly count: number;
}

function readSpeedRange(config: Config): SpeedRange {
  const min = Math.round(readNumber(config, 'speed_range_min') ?? 1);
  const max = Math.round(readNumber(config, 'speed_range_max') ?? 100);
  if (min < 1 || max < min || !Number.isSafeInteger(max)) {
    throw new ConfigProblem('Its speed_range_min must be at least 1 and not above its speed_range_max.');
  }
  return { min, count: max - min + 1 };
}

function readSpeed(source: ControlSource, turnOff: () => OutgoingMessage): Control[] {
  const channel = readState(source, 'percentage');
  const command = readCommand(source, 'percentage');
  if (!channel && !command) return [];
  const kind = 'speed';
  const speeds = readSpeedRange(source.config);
  const reset = readText(source.config, 'payload_reset_percentage') ?? 'None';
  const order = (percent: SinkWrite['value']): Order | undefined => {
    if (!command || !isNumber(percent)) return undefined;
    const off = { kind: 'on_off', value: false } as const;
    if (percent === 0) return { messages: [turnOff()], readings: [{ kind, value: 0 }, off] };
    const speed = toSpeed(percent, speeds);
    return { messages: [command.message(speed)], readings: [{ kind, value: toPercent(speed, speeds) }] };
  };
  return [
    {
      capability: {
        kind,
        unit: '%',
        range: { min: 0, max: 100, step: 100 / speeds.count },
        writable: command !== null,
      },
      parts: [
        {
          kind,
          channel,
          parse: (text) => (text === reset && text !== '' ? null : parseSpeed(text, speeds)),
        },
      ],
      ...(command ? { order } : {}),
    },
  ];
}

/** What is no speed of this fan says nothing: the topic may carry presets too. */
function parseSpeed(text: string, speeds: SpeedRange): number | null | undefined {
  const percent = parseNumber(text, (reported) => toPercent(reported, speeds));
  return typeof percent === 'number' && (percent < 0 || percent > 100) ? undefined : percent;
}

function toPercent(speed: number, { min, count }: SpeedRange): number {
  return ((speed - min + 1) * 100) / count;
}

/**
 * The speed that reaches a percentage. A third comes back as 33, 33.3 or 33.34, depending on who rounded it, and must
 * not become the next speed.
 */
function toSpeed(percent: number, { min, count }: SpeedRange): number {
  const slack = Math.min(0.05, (count * 0.51) / 100);
  return Math.min(count, Math.max(1, Math.ceil((percent * count) / 100 - slack))) + min - 1;
}

function readOscillation(source: ControlSource): Control[] {
  const payloads = {
    on: readPayload(source.config, ['payload_oscillation_on'], 'oscillate_on'),
    off: readPayload(source.config, ['payload_oscillation_off'], 'oscillate_off'),
  };
  const channel = readState(source, 'oscillation');
  return toTwoStateControl('oscillation', payloads, channel, readCommand(source, 'oscillation'));
}

const DIRECTIONS = ['forward', 'reverse'];

function readDirection(source: ControlSource): Control[] {
  const channel = readState(source, 'direction');
  const command = readCommand(source, 'direction');
  if (!channel && !command) return [];
  const kind = 'direction';
  const payloads = {
    forward: readPayload(source.config, ['payload_direction_forward'], 'forward'),
    reverse: readPayload(source.config, ['payload_direction_reverse'], 'reverse'),
  };
  const parse = (text: string): string | null | undefined => {
    if (payloads.forward.matches(text)) return 'forward';
    if (payloads.reverse.matches(text)) return 'reverse';
    return parseOption(text, DIRECTIONS);
  };
  const order = (value: SinkWrite['value']): Order | undefined =>
    command && (value === 'forward' || value === 'reverse')
      ? { messages: [command.message(payloads[value].text)], readings: [{ kind, value }] }
      : undefined;
  return [
    {
      capability: { kind, unit: null, range: null, writable: command !== null, options: DIRECTIONS },
      parts: [{ kind, channel, parse }],
      ...(command ? { order } : {}),
    },
  ];
}
