import type { Action, Condition, Definition, Trigger, ValueTest, Words } from './types.ts';

import { dayWords } from './fields.ts';

/** The name of an entity, for a person. */
export type NameOf = (entityId: string) => string;

/** What an automation does, in words. */
export function wordsOf(
  definition: Pick<Definition, 'triggers' | 'conditions' | 'actions'>,
  nameOf: NameOf,
): Words {
  return {
    when: definition.triggers.map((trigger) => triggerWords(trigger, nameOf)),
    onlyIf: definition.conditions.map((condition) => conditionWords(condition, nameOf)),
    actions: definition.actions.map((action) => actionWords(action, nameOf)),
  };
}

function triggerWords(trigger: Trigger, nameOf: NameOf): string {
  switch (trigger.type) {
    case 'time':
    case 'once':
      return trigger.label;
    case 'sun':
      return `${trigger.label}${dayWords(trigger.days)}`;
    case 'state': {
      const { entityId, capability, test, from, forMs } = trigger;
      const becomes = Object.keys(test).length === 0 ? 'changes' : `becomes ${testWords(test)}`;
      const before = from === undefined ? '' : `, having been ${valueWords(from)}`;
      const lasting = forMs === 0 ? '' : `, for ${durationWords(forMs)}`;
      return `${capability} of ${nameOf(entityId)} ${becomes}${before}${lasting}`;
    }
    case 'event': {
      const { entityId, capability, value } = trigger;
      return `${nameOf(entityId)} tells ${capability}${value === undefined ? '' : ` ${valueWords(value)}`}`;
    }
    case 'presence':
      return trigger.event === 'first_arrives' ? 'the first comes home' : 'the last leaves';
    case 'schedule':
      return `at the times of ${nameOf(trigger.entityId)}`;
    default:
      return 'by hand';
  }
}

function conditionWords(condition: Condition, nameOf: NameOf): string {
  switch (condition.type) {
    case 'time': {
      const { after, before, days } = condition;
      const parts = [
        ...(after === null ? [] : [`from ${clockWords(after)}`]),
        ...(before === null ? [] : [`before ${clockWords(before)}`]),
      ];
      return `${parts.join(' and ')}${dayWords(days)}`.trim() || 'at any time';
    }
    case 'sun':
      return `the sun is ${condition.is}`;
    case 'state':
      return `${condition.capability} of ${nameOf(condition.entityId)} is ${testWords(condition.test)}`;
    default: {
      const inner = condition.conditions.map((one) => conditionWords(one, nameOf));
      if (condition.type === 'not') return `not (${inner.join(' and ')})`;
      return `(${inner.join(condition.type === 'any' ? ' or ' : ' and ')})`;
    }
  }
}

function actionWords(action: Action, nameOf: NameOf): string {
  switch (action.type) {
    case 'command': {
      const writes = action.writes.map(({ capability, value }) => `${capability} to ${valueWords(value)}`);
      return `sets ${writes.join(', ')} of ${nameOf(action.entityId)}`;
    }
    case 'scene':
      return `plays ${nameOf(action.entityId)}`;
    case 'automation':
      return `runs ${nameOf(action.entityId)} if its conditions hold`;
    default:
      return `notes "${action.text}"`;
  }
}

function testWords({ is, above, below }: ValueTest): string {
  return [
    ...(is === undefined ? [] : [valueWords(is)]),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(below === undefined ? [] : [`below ${below}`]),
  ].join(' and ');
}

function valueWords(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function clockWords(minutes: number): string {
  const seconds = Math.round(minutes * 60);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hour = '', minute = '', second = ''] = parts.map((part) => String(part).padStart(2, '0'));
  return second === '00' ? `${hour}:${minute}` : `${hour}:${minute}:${second}`;
}

function durationWords(ms: number): string {
  const seconds = ms / 1000;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
