import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';
import type { ValuePart } from './parts.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { findWrite, isString } from './codec.ts';
import { ConfigProblem, readFlag, readTexts, type Config } from './fields.ts';
import { assumedOf, CommandChannel, tellingOf } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';

/**
 * A choice, https://www.home-assistant.io/integrations/select.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toSelect(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const options = [...new Set(readTexts(config, 'options'))].slice(0, LIMITS.options);
  if (options.length === 0) throw new ConfigProblem('Its configuration has no options to choose from.');
  const parts: ValuePart[] = [
    {
      kind: 'select',
      channel: Channel.read(config, 'state_topic', ['value_template'], templates),
      // An option that is called "none" means itself.
      parse: (text) => findOption(options, text) ?? (isNothing(text) ? null : undefined),
    },
  ];
  const isOptimistic = readFlag(config, 'optimistic', false);
  return {
    capabilities: [{ kind: 'select', unit: null, range: null, writable: true, options }],
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      const value = findWrite(writes, 'select', isString);
      if (value === undefined || !options.includes(value)) {
        throw new HubError('invalid', `This takes one of ${options.slice(0, 20).join(', ')}.`);
      }
      return {
        messages: [command.message(value)],
        assumed: assumedOf(parts, [{ kind: 'select', value }], isOptimistic),
      };
    },
  };
}

/** What is reported has lost the space around it; an option may have some. */
function findOption(options: readonly string[], text: string): string | undefined {
  return options.includes(text) ? text : options.find((option) => option.trim() === text);
}

function isNothing(text: string): boolean {
  return isUnknown(text) || text.toLowerCase() === 'none';
}
