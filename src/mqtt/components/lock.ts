import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';

import { HubError } from '../../base/errors.ts';
import { readFlag, readPayload, readText, type Config } from './fields.ts';
import {
  codedMessage,
  findOrder,
  orderable,
  readOrders,
  requireWritable,
  stateReader,
  type GivenOrder,
} from './orders.ts';
import { assumedOf, CommandChannel, type ValuePart, tellingOf } from './parts.ts';
import { Channel, type Templates } from './templates.ts';

const STATES = ['locked', 'locking', 'unlocked', 'unlocking', 'jammed', 'open', 'opening'];
const STATE_AFTER: Readonly<Record<string, string>> = { lock: 'locked', unlock: 'unlocked', open: 'open' };

/** Python's `re.match`, by an engine that no pattern can hold up. */
const FITS = '{{ code is match(pattern) }}';

/**
 * A lock, https://www.home-assistant.io/integrations/lock.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toLock(config: Config, templates: Templates): Codec {
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const orders = readOrders(config, [
    ['lock', 'payload_lock', 'LOCK'],
    ['unlock', 'payload_unlock', 'UNLOCK'],
    ['open', 'payload_open', null],
  ]);
  const pattern = readText(config, 'code_format') || null;
  const parts = [readState(config, templates)];
  const optimistic = readFlag(config, 'optimistic', false);
  const capability = orderable('locked', STATES, orders);
  const capabilities = [pattern === null ? capability : { ...capability, needsCode: true }];
  return {
    capabilities,
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      requireWritable(writes, capabilities);
      const order = findOrder(writes, 'locked', orders);
      if (!order) throw new HubError('invalid', 'A lock can only be locked, unlocked or opened.');
      if (pattern !== null) checkCode(order, pattern, templates);
      const value = STATE_AFTER[order.command] ?? null;
      return {
        messages: [codedMessage(command, order, { value: order.payload })],
        assumed: assumedOf(parts, [{ kind: 'locked', value }], optimistic),
      };
    },
  };
}

function readState(config: Config, templates: Templates): ValuePart {
  const reset = readPayload(config, ['payload_reset'], 'None');
  const state = stateReader(config, [
    ['locked', 'state_locked', 'LOCKED'],
    ['locking', 'state_locking', 'LOCKING'],
    ['unlocked', 'state_unlocked', 'UNLOCKED'],
    ['unlocking', 'state_unlocking', 'UNLOCKING'],
    ['jammed', 'state_jammed', 'JAMMED'],
    ['open', 'state_open', 'OPEN'],
    ['opening', 'state_opening', 'OPENING'],
  ]);
  return {
    kind: 'locked',
    channel: Channel.read(config, 'state_topic', ['value_template'], templates),
    parse: (text) => (reset.matches(text) ? null : state(text)),
  };
}

/** @throws HubError `invalid`; the code itself is never part of what it says. */
function checkCode({ command, code }: GivenOrder, pattern: string, templates: Templates): void {
  if (code === null) {
    throw new HubError('invalid', `The lock asks for its code: send {"command": "${command}", "code": …}.`, {
      field: 'value',
    });
  }
  // A pattern that this engine does not know is left to the lock.
  if (templates.render(FITS, { code, pattern }) === 'False') {
    throw new HubError('invalid', "The code does not have the form of this lock's codes.", {
      field: 'value',
    });
  }
}
