import type { Message } from '../message.ts';
import type { Codec, Reading } from './codec.ts';
import type { ValuePart } from './parts.ts';

import { LIMITS } from '../limits.ts';
import { ConfigProblem, readPayload, readQos, readText, requireStateTopic, type Config } from './fields.ts';
import { decodeParts, sourcesOf, topicsOf } from './parts.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

/**
 * Where a person's phone or a tag is, https://www.home-assistant.io/integrations/device_tracker.mqtt/: at home, not at
 * home, or in a zone by its name. Coordinates in the attributes are not read.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toDeviceTracker(config: Config, templates: Templates): Codec {
  if (!readText(config, 'state_topic') && readText(config, 'json_attributes_topic')) {
    throw new ConfigProblem('Trackers that tell coordinates instead of a state are not supported yet.');
  }
  requireStateTopic(config, 'state_topic');
  const home = readPayload(config, ['payload_home'], 'home');
  const away = readPayload(config, ['payload_not_home'], 'not_home');
  const reset = readPayload(config, ['payload_reset'], 'None');
  const part: ValuePart = {
    kind: 'location',
    channel: Channel.read(config, 'state_topic', ['value_template'], templates),
    parse(text) {
      if (text === '') return undefined;
      if (home.matches(text)) return 'home';
      if (away.matches(text)) return 'not_home';
      return reset.matches(text) || isUnknown(text) ? null : text.slice(0, LIMITS.textChars);
    },
  };
  return {
    capabilities: [{ kind: 'location', unit: null, range: null, writable: false }],
    topics: topicsOf([part]),
    sources: sourcesOf([part]),
    qos: readQos(config),
    decode: (message: Message): Reading[] => decodeParts([part], message),
  };
}
