import type { CapabilityDescription, CapabilityValue, SinkWrite, ValueRange } from '../../devices/types.ts';
import type { Codec, Command, Reading } from './codec.ts';
import type { ValuePart } from './parts.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { findMatch } from '../template/regex-match.ts';
import { compilePattern, type Pattern } from '../template/regex.ts';
import { Run } from '../template/run.ts';
import { TemplateError } from '../template/template.ts';
import { findWrite, isString } from './codec.ts';
import { ConfigProblem, readFlag, readNumber, readText, type Config } from './fields.ts';
import { assumedOf, CommandChannel, tellingOf } from './parts.ts';
import { Channel, type Templates } from './templates.ts';

/**
 * A text that can be set, https://www.home-assistant.io/integrations/text.mqtt/. A password is written and never read:
 * the hub does not even listen to it, so that it can't be told, kept or logged.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toTextSetting(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const isSecret = readText(config, 'mode')?.trim().toLowerCase() === 'password';
  const range = readRange(config);
  const pattern = readPattern(config);
  const capability: CapabilityDescription = { kind: 'text', unit: null, range, writable: true };
  const parts: ValuePart[] = isSecret
    ? []
    : [{ kind: 'text', channel: state, parse: (text) => toValue(text, range) }];
  const isOptimistic = readFlag(config, 'optimistic', false);
  return {
    capabilities: [capability],
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      const value = findWrite(writes, 'text', isString);
      if (value === undefined || value.length < range.min || value.length > range.max) {
        throw new HubError('invalid', `This takes a text of ${range.min} to ${range.max} characters.`);
      }
      if (pattern) checkPattern(pattern, value);
      const told: Reading[] = isSecret ? [] : [{ kind: 'text', value }];
      return { messages: [command.message(value)], assumed: assumedOf(parts, told, isOptimistic) };
    },
  };
}

/** Also `unknown` is a text that somebody may have written; only an empty one where none may be empty says nothing. */
function toValue(text: string, { min }: ValueRange): CapabilityValue {
  return text === 'None' || (text === '' && min > 0) ? null : text.slice(0, LIMITS.textChars);
}

function readRange(config: Config): ValueRange {
  const min = Math.max(Math.ceil(readNumber(config, 'min') ?? 0), 0);
  const max = Math.min(Math.floor(readNumber(config, 'max') ?? 255), LIMITS.textChars);
  if (min > max) throw new ConfigProblem(`It takes no text: its min ${min} is above its max ${max}.`);
  return { min, max };
}

/**
 * Null where there is none, and where it is one that the hub can't follow safely (look-around, references to groups):
 * then the device itself has to refuse what it does not take.
 */
function readPattern(config: Config): Pattern | null {
  const source = readText(config, 'pattern');
  if (!source) return null;
  try {
    return compilePattern(source, false);
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
}

/** Like Home Assistant's `re.match`: the text must begin as the pattern says. */
function checkPattern(pattern: Pattern, value: string): void {
  const run = new Run(Date.now, () => undefined);
  try {
    if (findMatch(run, pattern, value, 0, true)) return;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  throw new HubError('invalid', 'The text does not have the form that the device asks for.');
}
