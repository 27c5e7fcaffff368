import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import {
  readOptionControl,
  readOptions,
  toControlCodec,
  toOnOffControl,
  toOptionControl,
  type ControlSource,
} from './controls.ts';
import { readText, type Config } from './fields.ts';
import { readCurrentHumidity, readTargetHumidity } from './humidity.ts';
import { CommandChannel } from './parts.ts';
import { Channel } from './templates.ts';

const ACTIONS = ['off', 'humidifying', 'drying', 'idle'];
const TARGET_RANGE = { min: 0, max: 100 };

/**
 * A humidifier or dehumidifier, https://www.home-assistant.io/integrations/humidifier.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toHumidifier(config: Config, templates: Templates): Codec {
  const source: ControlSource = { config, templates, sharedTemplates: [] };
  const power = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const target = CommandChannel.require(
    config,
    'target_humidity_command_topic',
    'target_humidity_command_template',
    templates,
  );
  const state = Channel.read(config, 'state_topic', ['state_value_template'], templates);
  const action = Channel.read(config, 'action_topic', ['action_template'], templates);
  const resetHumidity = readText(config, 'payload_reset_humidity') ?? 'None';
  return toControlCodec(config, [
    ...toOnOffControl(config, state, power),
    ...readOptionControl(source, {
      kind: 'mode',
      name: 'mode',
      options: readOptions(config, 'modes', []),
      reset: readText(config, 'payload_reset_mode') ?? 'None',
    }),
    ...readTargetHumidity(source, target, TARGET_RANGE, resetHumidity),
    ...readCurrentHumidity(source, resetHumidity),
    ...toOptionControl('action', ACTIONS, 'None', action, null),
  ]);
}
