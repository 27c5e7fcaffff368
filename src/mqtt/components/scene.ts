import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isString } from './codec.ts';
import { readPayload, readQos, type Config } from './fields.ts';
import { CommandChannel } from './parts.ts';

/**
 * A scene that the publisher keeps, https://www.home-assistant.io/integrations/scene.mqtt/. It has no template for its
 * command, and nothing tells whether it is active.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toScene(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', null, templates);
  const { text } = readPayload(config, ['payload_on'], 'ON');
  return {
    capabilities: [{ kind: 'scene', unit: null, range: null, writable: true, commands: ['activate'] }],
    topics: [],
    sources: [],
    qos: readQos(config),
    decode: () => [],
    encode(writes: readonly SinkWrite[]): Command {
      if (findWrite(writes, 'scene', isString) !== 'activate') {
        throw new HubError('invalid', 'A scene can only be activated; it takes "activate".');
      }
      return { messages: [command.message(text)], assumed: [] };
    },
  };
}
