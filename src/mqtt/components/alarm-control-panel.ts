import { createHash, timingSafeEqual } from 'node:crypto';

import type { SinkWrite } from '../../devices/types.ts';
import type { Codec, Command } from './codec.ts';

import { HubError } from '../../base/errors.ts';
import { readFlag, readText, readTexts, requireStateTopic, type Config } from './fields.ts';
import {
  codedMessage,
  findOrder,
  orderable,
  readOrders,
  requireWritable,
  wordReader,
  type GivenOrder,
  type OrderKey,
} from './orders.ts';
import { CommandChannel, type ValuePart, tellingOf } from './parts.ts';
import { Channel, type Templates } from './templates.ts';

const STATES = [
  'disarmed',
  'armed_home',
  'armed_away',
  'armed_night',
  'armed_vacation',
  'armed_custom_bypass',
  'arming',
  'pending',
  'disarming',
  'triggered',
];

/** An order's name is that of its feature. */
const FEATURES: readonly OrderKey[] = [
  ['arm_home', 'payload_arm_home', 'ARM_HOME'],
  ['arm_away', 'payload_arm_away', 'ARM_AWAY'],
  ['arm_night', 'payload_arm_night', 'ARM_NIGHT'],
  ['arm_vacation', 'payload_arm_vacation', 'ARM_VACATION'],
  ['arm_custom_bypass', 'payload_arm_custom_bypass', 'ARM_CUSTOM_BYPASS'],
  ['trigger', 'payload_trigger', 'TRIGGER'],
];
const DISARM: OrderKey = ['disarm', 'payload_disarm', 'DISARM'];

/** Instead of a code: the panel knows the codes and checks them itself. */
const REMOTE_CODES = new Set(['REMOTE_CODE', 'REMOTE_CODE_TEXT']);

/**
 * An alarm system, https://www.home-assistant.io/integrations/alarm_control_panel.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toAlarmControlPanel(config: Config, templates: Templates): Codec {
  requireStateTopic(config, 'state_topic');
  const command = CommandChannel.require(config, 'command_topic', 'command_template', templates);
  const orders = readOrders(config, [...readFeatures(config), DISARM]);
  const code = readText(config, 'code') || null;
  const asksCode = toCodeRule(config, code);
  const parts: ValuePart[] = [
    {
      kind: 'alarm',
      channel: Channel.read(config, 'state_topic', ['value_template'], templates),
      parse: wordReader(STATES),
    },
  ];
  const capability = orderable('alarm', STATES, orders);
  // Said of the capability, it would hold up a panic call that needs no code.
  const needsCode = [...orders.keys()].every(asksCode);
  const capabilities = [needsCode ? { ...capability, needsCode } : capability];
  return {
    capabilities,
    ...tellingOf(parts, config),
    encode(writes: readonly SinkWrite[]): Command {
      requireWritable(writes, capabilities);
      const order = findOrder(writes, 'alarm', orders);
      if (!order) throw new HubError('invalid', 'An alarm system can only be armed, disarmed or triggered.');
      if (code !== null && asksCode(order.command)) checkCode(order, code);
      const { payload } = order;
      const message = codedMessage(command, order, { value: payload, action: payload });
      return { messages: [message], assumed: [] };
    },
  };
}

function readFeatures(config: Config): OrderKey[] {
  if (config.supported_features === undefined || config.supported_features === null) return [...FEATURES];
  const wanted = new Set(readTexts(config, 'supported_features'));
  return FEATURES.filter(([order]) => wanted.has(order));
}

/** Whether an order asks for the code. */
function toCodeRule(config: Config, code: string | null): (order: string) => boolean {
  const arm = readFlag(config, 'code_arm_required', true);
  const disarm = readFlag(config, 'code_disarm_required', true);
  const trigger = readFlag(config, 'code_trigger_required', true);
  return (order) => {
    if (code === null) return false;
    if (order === 'disarm') return disarm;
    return order === 'trigger' ? trigger : arm;
  };
}

/** @throws HubError `invalid`; the code itself is never part of what it says. */
function checkCode({ command, code }: GivenOrder, expected: string): void {
  if (code === null) {
    const example = `{"command": "${command}", "code": …}`;
    throw new HubError('invalid', `The alarm system asks for its code: send ${example}.`, { field: 'value' });
  }
  if (REMOTE_CODES.has(expected) || isSame(code, expected)) return;
  throw new HubError('invalid', 'The code is wrong; the alarm system was not told anything.', {
    field: 'value',
  });
}

/** In a time that does not tell where the two differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
