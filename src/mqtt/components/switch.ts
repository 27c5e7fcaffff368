import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';
import type { ValuePart } from './parts.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isBoolean } from './codec.ts';
import { readFlag, readPayload, type Config } from './fields.ts';
import { assumedOf, CommandChannel, tellingOf } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';

/**
 * A switch, https://www.home-assistant.io/integrations/switch.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSwitch(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const on = readPayload(config, ['payload_on'], 'ON');
  const off = readPayload(config, ['payload_off'], 'OFF');
  const stateOn = readPayload(config, ['state_on', 'payload_on'], 'ON');
  const stateOff = readPayload(config, ['state_off', 'payload_off'], 'OFF');
  const parts: ValuePart[] = [
    {
      kind: 'on_off',
      channel: Channel.read(config, 'state_topic', ['value_template'], templates),
      parse(text) {
        if (stateOn.matches(text)) return true;
        if (stateOff.matches(text)) return false;
        return isUnknown(text) ? null : undefined;
      },
    },
  ];
  const isOptimistic = readFlag(config, 'optimistic', false);
  return {
    capabilities: [{ kind: 'on_off', unit: null, range: null, writable: true }],
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      const value = findWrite(writes, 'on_off', isBoolean);
      if (value === undefined) throw new HubError('invalid', 'A switch can only be turned on or off.');
      return {
        messages: [command.message((value ? on : off).text)],
        assumed: assumedOf(parts, [{ kind: 'on_off', value }], isOptimistic),
      };
    },
  };
}
