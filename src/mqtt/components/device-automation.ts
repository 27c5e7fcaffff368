import type { Message } from '../message.ts';
import type { Codec, Reading } from './codec.ts';
import type { ValuePart } from './parts.ts';

import { isJsonObject } from '../../base/json.ts';
import { LIMITS } from '../limits.ts';
import {
  ConfigProblem,
  readPayload,
  readQos,
  readText,
  readTexts,
  requireStateTopic,
  type Config,
} from './fields.ts';
import { decodeParts, sourcesOf, topicsOf } from './parts.ts';
import { Channel, isUnknown, type Templates } from './templates.ts';

/**
 * One thing that a device's button can do, https://www.home-assistant.io/integrations/device_trigger.mqtt/. Devices
 * publish one such component for each, so it tells one event only.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toDeviceAutomation(config: Config, templates: Templates): Codec {
  const automation = readText(config, 'automation_type');
  if (automation !== 'trigger') {
    throw new ConfigProblem(
      'Of device automations only those with the automation_type "trigger" are supported.',
    );
  }
  if (!hasDevice(config))
    throw new ConfigProblem('Its configuration names no device that the trigger is of.');
  requireStateTopic(config, 'topic');
  const option = readOption(config);
  const payload = readText(config, 'payload') ? readPayload(config, ['payload'], '') : null;
  const channel = Channel.read(config, 'topic', ['value_template'], templates);
  const part: ValuePart = {
    kind: 'button_event',
    channel,
    parse(text) {
      if (payload) return payload.matches(text) ? option : undefined;
      // A template that picks nothing out of a message says that the message is about something else.
      return channel?.template != null && isUnknown(text) ? undefined : option;
    },
  };
  return {
    capabilities: [{ kind: 'button_event', unit: null, range: null, writable: false, options: [option] }],
    topics: topicsOf([part]),
    sources: sourcesOf([part]),
    qos: readQos(config),
    decode(message: Message): Reading[] {
      // What the broker kept happened long ago.
      return message.retained ? [] : decodeParts([part], message);
    },
  };
}

/** Zigbee2MQTT's type says no more than that it is an action; with others it is half of what happened. */
function readOption(config: Config): string {
  const type = readText(config, 'type');
  const subtype = readText(config, 'subtype');
  if (!type || !subtype) throw new ConfigProblem('Its configuration needs both a type and a subtype.');
  return (type === 'action' ? subtype : `${subtype} ${type}`).slice(0, LIMITS.textChars);
}

function hasDevice({ device }: Config): boolean {
  if (!isJsonObject(device)) return false;
  const { connections } = device;
  return (
    readTexts(device, 'identifiers').length > 0 || (Array.isArray(connections) && connections.length > 0)
  );
}
