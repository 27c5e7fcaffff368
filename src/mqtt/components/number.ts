import type { CapabilityValue, SinkWrite, ValueRange } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';
import type { ValuePart } from './parts.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isNumber } from './codec.ts';
import {
  ConfigProblem,
  readFlag,
  readNumber,
  readPayload,
  readText,
  toNumber,
  type Config,
} from './fields.ts';
import { assumedOf, CommandChannel, tellingOf } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';

/**
 * A number that can be set, https://www.home-assistant.io/integrations/number.mqtt/. Also one in °C is a `number`: it
 * is a setting, and no temperature of anything.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toNumberSetting(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const range = readRange(config);
  const reset = readPayload(config, ['payload_reset'], 'None');
  const parts: ValuePart[] = [
    {
      kind: 'number',
      channel: Channel.read(config, 'state_topic', ['value_template'], templates),
      parse: (text) => (reset.matches(text) ? null : toValue(text)),
    },
  ];
  const isOptimistic = readFlag(config, 'optimistic', false);
  const unit = readText(config, 'unit_of_measurement') || null;
  return {
    capabilities: [{ kind: 'number', unit, range, writable: true }],
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      const value = findWrite(writes, 'number', isNumber);
      if (value === undefined || value < range.min || value > range.max) {
        throw new HubError('invalid', `This setting takes a number from ${range.min} to ${range.max}.`);
      }
      return {
        messages: [command.message(value)],
        assumed: assumedOf(parts, [{ kind: 'number', value }], isOptimistic),
      };
    },
  };
}

/** As reported: a device whose value is out of range has that value. What is no number changes nothing. */
function toValue(text: string): CapabilityValue | undefined {
  if (isUnknown(text) || text.toLowerCase() === 'nan') return null;
  return toNumber(text) ?? undefined;
}

function readRange(config: Config): ValueRange {
  const min = readNumber(config, 'min') ?? 1;
  const max = readNumber(config, 'max') ?? 100;
  const step = readNumber(config, 'step') ?? 1;
  if (min > max) throw new ConfigProblem(`Its min ${min} is above its max ${max}.`);
  return { min, max, step: step > 0 ? step : 1 };
}
