import type { Message } from '../message.ts';
import type { Codec, Reading } from './codec.ts';
import type { ValuePart } from './parts.ts';

import { LIMITS } from '../limits.ts';
import { ConfigProblem, readQos, readTexts, requireStateTopic, toText, type Config } from './fields.ts';
import { toJsonObject } from './json-text.ts';
import { decodeParts, sourcesOf, topicsOf } from './parts.ts';
import { Channel, type Templates } from './templates.ts';

/**
 * Something that happens, https://www.home-assistant.io/integrations/event.mqtt/: a pressed button, a ring. The payload
 * is JSON with an event_type; what else it holds is not told.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toEvent(config: Config, templates: Templates): Codec {
  requireStateTopic(config, 'state_topic');
  const options = [...new Set(readTexts(config, 'event_types'))].slice(0, LIMITS.options);
  if (options.length === 0) throw new ConfigProblem('Its configuration has no event_types.');
  const part: ValuePart = {
    kind: 'button_event',
    channel: Channel.read(config, 'state_topic', ['value_template'], templates),
    parse(text) {
      const type = toText(toJsonObject(text)?.event_type);
      return type !== null && options.includes(type) ? type : undefined;
    },
  };
  return {
    capabilities: [{ kind: 'button_event', unit: null, range: null, writable: false, options }],
    topics: topicsOf([part]),
    sources: sourcesOf([part]),
    qos: readQos(config),
    decode(message: Message): Reading[] {
      // What the broker kept happened long ago: told again, the doorbell would ring at every start of the hub.
      return message.retained ? [] : decodeParts([part], message);
    },
  };
}
