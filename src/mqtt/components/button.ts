import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isString } from './codec.ts';
import { readPayload, readQos, type Config } from './fields.ts';
import { CommandChannel } from './parts.ts';

/**
 * A button on a screen, https://www.home-assistant.io/integrations/button.mqtt/: it only takes, and nothing tells
 * whether the device obeyed.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toButton(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const { text } = readPayload(config, ['payload_press'], 'PRESS');
  return {
    capabilities: [{ kind: 'button', unit: null, range: null, writable: true, commands: ['press'] }],
    topics: [],
    sources: [],
    qos: readQos(config),
    decode: () => [],
    encode(writes: readonly SinkWrite[]): Command {
      if (findWrite(writes, 'button', isString) !== 'press') {
        throw new HubError('invalid', 'A button can only be pressed; it takes "press".');
      }
      return { messages: [command.message(text)], assumed: [] };
    },
  };
}
