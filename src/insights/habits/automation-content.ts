import type { JsonObject } from '../../base/json.ts';
import type { Candidate, ClockSource, Rule, Target, TriggerSource } from './types.ts';

const DAY_NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** The automation that a habit would become: content of an `automation` entity. */
export function automationContent(
  { rule, target }: Pick<Candidate, 'rule' | 'target'>,
  name: string,
): JsonObject {
  const { entityId, capability, value } = target;
  const conditions = conditionsOf(rule);
  return {
    name,
    enabled: true,
    triggers: [triggerOf(rule)],
    ...(conditions.length > 0 ? { conditions } : {}),
    actions: [{ type: 'command', entity_id: entityId, capability, value }],
  };
}

/** The time of day as people write it. */
export function clockText(minute: number): string {
  const hours = String(Math.floor(minute / 60)).padStart(2, '0');
  return `${hours}:${String(Math.round(minute % 60)).padStart(2, '0')}`;
}

/** Under which two rules are the same one, whatever numbers they were found with. */
export function identityOf(rule: Rule, { entityId, capability, value }: Target): JsonObject {
  const target = { entity_id: entityId, capability, value };
  if (rule.type === 'time') return { type: 'time', target, frame: rule.frame, minute: rule.minute };
  return { type: rule.type, target, source: sourceJson(rule.source) };
}

function triggerOf(rule: Rule): JsonObject {
  if (rule.type === 'time') {
    const { weekdays, minute, frame } = rule;
    const days = weekdays.length === 7 ? {} : { days: weekdays.map((day) => DAY_NAMES[day] ?? 'mon') };
    if (frame === 'clock') return { type: 'time', at: clockText(minute), ...days };
    return { type: 'sun', event: frame, offset_minutes: minute, ...days };
  }
  const { source } = rule;
  if (source.type === 'clock') return { type: 'time', at: clockText(source.minute) };
  if (source.type === 'presence') return { type: 'presence', event: source.event };
  const of = { entity_id: source.entityId, capability: source.capability };
  if (source.type === 'event') return { type: 'event', ...of, value: source.value };
  const wait = rule.forMs > 0 ? { for_seconds: rule.forMs / 1000 } : {};
  return { type: 'state', ...of, to: source.value, ...wait };
}

function conditionsOf(rule: Rule): JsonObject[] {
  if (rule.type === 'trigger' && rule.whenDark) return [{ type: 'sun', is: 'down' }];
  if (rule.type !== 'saving') return [];
  return rule.conditions.map(({ entityId, capability, ...test }) => ({
    type: 'state',
    entity_id: entityId,
    capability,
    ...test,
  }));
}

function sourceJson(source: TriggerSource | ClockSource): JsonObject {
  if (source.type === 'clock') return { type: 'clock' };
  if (source.type === 'presence') return { type: 'presence', event: source.event };
  const { type, entityId, capability, value } = source;
  return { type, entity_id: entityId, capability, value };
}
