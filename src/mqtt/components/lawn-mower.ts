import type { SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec, Command, Reading } from './codec.ts';

import { HubError } from '../../base/errors.ts';
import { ConfigProblem, readFlag, readQos, type Config } from './fields.ts';
import { findOrder, orderable, requireWritable, wordReader } from './orders.ts';
import { assumedOf, CommandChannel, decodeParts, sourcesOf, topicsOf, type ValuePart } from './parts.ts';
import { Channel, type Templates } from './templates.ts';

const ACTIVITIES = ['mowing', 'paused', 'docked', 'returning', 'error'];
/** Each order, and what a mower that tells nothing is believed to do then. */
const ACTIVITY_AFTER: Readonly<Record<string, string>> = {
  start_mowing: 'mowing',
  pause: 'paused',
  dock: 'docked',
};

/**
 * A lawn mower, https://www.home-assistant.io/integrations/lawn_mower.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toLawnMower(config: Config, templates: Templates): Codec {
  const commands = new Map(
    Object.keys(ACTIVITY_AFTER).flatMap((order) => {
      const topicKey = `${order}_command_topic`;
      const channel = CommandChannel.read(config, topicKey, `${order}_command_template`, templates);
      return channel ? [[order, channel] as const] : [];
    }),
  );
  const orders = new Map([...commands.keys()].map((order) => [order, order]));
  const readActivity = wordReader(ACTIVITIES);
  const parts: ValuePart[] = [
    {
      kind: 'lawn_mower',
      channel: Channel.read(config, 'activity_state_topic', ['activity_value_template'], templates),
      parse: (text) => (text.toLowerCase() === 'none' ? null : readActivity(text)),
    },
  ];
  const topics = topicsOf(parts);
  if (topics.length === 0 && orders.size === 0) throw new ConfigProblem('Its configuration names no topic.');
  const optimistic = readFlag(config, 'optimistic', false);
  const capabilities = [orderable('lawn_mower', ACTIVITIES, orders)];
  return {
    capabilities,
    topics,
    sources: sourcesOf(parts),
    qos: readQos(config),
    decode: (message: Message): Reading[] => decodeParts(parts, message),
    encode(writes: readonly SinkWrite[]): Command {
      requireWritable(writes, capabilities);
      const order = findOrder(writes, 'lawn_mower', orders);
      const channel = order && commands.get(order.command);
      if (!channel) throw new HubError('invalid', 'A lawn mower can only start, pause or dock.');
      const value = ACTIVITY_AFTER[order.command] ?? null;
      return {
        messages: [channel.message(order.payload)],
        assumed: assumedOf(parts, [{ kind: 'lawn_mower', value }], optimistic),
      };
    },
  };
}
