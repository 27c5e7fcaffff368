import type { SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { findWrite, isBoolean, type Codec, type Command, type Reading } from './codec.ts';
import { readFlag, readPayload, readQos, readText, requireCommandTopic, type Config } from './fields.ts';
import { Channel, isUnknown } from './templates.ts';

/**
 * A switch, https://www.home-assistant.io/integrations/switch.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSwitch(config: Config, templates: Templates): Codec {
  const commandTopic = requireCommandTopic(config, 'command_topic');
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const commandTemplate = readText(config, 'command_template');
  if (commandTemplate !== null) templates.check(commandTemplate);
  const on = readPayload(config, ['payload_on'], 'ON');
  const off = readPayload(config, ['payload_off'], 'OFF');
  const stateOn = readPayload(config, ['state_on', 'payload_on'], 'ON');
  const stateOff = readPayload(config, ['state_off', 'payload_off'], 'OFF');
  const optimistic = state === null || readFlag(config, 'optimistic', false);
  const qos = readQos(config);
  const retain = readFlag(config, 'retain', false);
  return {
    capabilities: [{ kind: 'on_off', unit: null, range: null, writable: true }],
    topics: state ? [state.topic] : [],
    qos,
    decode(message: Message): Reading[] {
      const text = state?.read(message);
      if (text === undefined) return [];
      if (stateOn.matches(text)) return [{ kind: 'on_off', value: true }];
      if (stateOff.matches(text)) return [{ kind: 'on_off', value: false }];
      return isUnknown(text) ? [{ kind: 'on_off', value: null }] : [];
    },
    encode(writes: readonly SinkWrite[]): Command {
      const value = findWrite(writes, 'on_off', isBoolean);
      if (value === undefined) throw new HubError('invalid', 'A switch can only be turned on or off.');
      const { text } = value ? on : off;
      const payload =
        commandTemplate === null ? text : templates.renderCommand(commandTemplate, { value: text });
      return {
        messages: [{ topic: commandTopic, payload, qos, retain }],
        assumed: optimistic ? [{ kind: 'on_off', value }] : [],
      };
    },
  };
}
