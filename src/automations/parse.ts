import type { CalendarRule } from '../base/calendar.ts';
import type { Action, Condition, Problem, SunEvent, Trigger, ValueTest } from './types.ts';

import { parseCron } from '../base/cron.ts';
import { errorText } from '../base/errors.ts';
import { shortHash } from '../base/ids.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { parseTimeMicros } from '../graph/graph.ts';
import { dayWords, Fields } from './fields.ts';

const MAX_PARTS = 100;
const MAX_DEPTH = 8;
const MAX_FOR_S = 7 * 24 * 3600;
const SUN_EVENTS: readonly SunEvent[] = ['dawn', 'sunrise', 'sunset', 'dusk'];

export interface Parsed {
  readonly triggers: readonly Trigger[];
  readonly conditions: readonly Condition[];
  readonly actions: readonly Action[];
  readonly problems: readonly Problem[];
}

/**
 * Reads what an automation or a schedule asks for. It never throws: what is wrong is among the problems. An automation
 * without a trigger is a scene: it runs when it is asked to.
 */
export function parseContent(entityType: 'automation' | 'schedule', content: JsonObject): Parsed {
  const problems: Problem[] = [];
  const fields = new Fields('', content, problems);
  const triggers =
    entityType === 'schedule'
      ? scheduleTriggers(fields)
      : fields.list('trigger', 'triggers', MAX_PARTS).flatMap(readTrigger);
  const conditions = fields
    .list('condition', 'conditions', MAX_PARTS)
    .flatMap((item) => readCondition(item, 1));
  const actions = fields.list('action', 'actions', MAX_PARTS).flatMap(readAction);
  if (entityType === 'automation' && actions.length === 0 && problems.length === 0) {
    fields.wrong('actions', 'an automation needs an action');
  }
  return { triggers, conditions, actions, problems };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function typeOf(fields: Fields): unknown {
  return fields.get('type') ?? fields.get('kind');
}

function scheduleTriggers(fields: Fields): Trigger[] {
  const cron = fields.get('cron');
  const time = fields.get('time');
  const triggers: Trigger[] = [];
  if (cron !== undefined && cron !== null) {
    const rule = cronRule(fields);
    if (rule) triggers.push({ id: idOf(['cron', cron]), label: `cron ${shown(cron)}`, type: 'time', rule });
  }
  const atMicros = typeof time === 'string' ? parseTimeMicros(time) : undefined;
  if (atMicros !== undefined) {
    triggers.push({
      id: idOf(['once', time]),
      label: `at ${shown(time)}`,
      type: 'once',
      atMs: Math.floor(atMicros / 1000),
    });
  } else if (time !== undefined && time !== null) {
    const days = fields.days();
    const rule = dailyRule(fields.timeOfDay('time'), days);
    triggers.push({
      id: idOf(['time', time, fields.get('days')]),
      label: `at ${shown(time)}${dayWords(days)}`,
      type: 'time',
      rule,
    });
  }
  if (triggers.length === 0 && fields.problems.length === 0) {
    fields.wrong('cron', 'a schedule needs cron ("30 7 * * 1-5") or time ("07:30")');
  }
  return triggers;
}

function cronRule(fields: Fields): CalendarRule | undefined {
  try {
    return parseCron(fields.text('cron', '30 7 * * 1-5'));
  } catch (error) {
    fields.wrong('cron', errorText(error));
    return undefined;
  }
}

function dailyRule(timeMs: number, days: ReadonlySet<number>): CalendarRule {
  return { isOn: ({ weekday }) => days.has(weekday), timesMs: [timeMs], isSteady: false };
}

function readTrigger(fields: Fields): Trigger[] {
  const before = fields.problems.length;
  const trigger = triggerOf(fields);
  return trigger && fields.problems.length === before ? [trigger] : [];
}

function triggerOf(fields: Fields): Trigger | undefined {
  const type = typeOf(fields);
  const id = idOf(fields.values);
  switch (type) {
    case 'time': {
      const days = fields.days();
      const rule = dailyRule(fields.timeOfDay('at'), days);
      return { id, label: `at ${shown(fields.get('at'))}${dayWords(days)}`, type, rule };
    }
    case 'sun': {
      const event = fields.oneOf('event', SUN_EVENTS) ?? 'sunset';
      const offset = fields.number('offset_minutes', 0, [-720, 720]);
      const label = offset === 0 ? event : `${event} ${offset > 0 ? '+' : ''}${offset} min`;
      return { id, label, type, event, offsetMs: offset * 60_000, days: fields.days() };
    }
    case 'state': {
      const [entityId, capability] = target(fields);
      const test = readTest(fields, fields.get('to') === undefined ? 'value' : 'to', true);
      const seconds =
        fields.number('for_seconds', 0, [0, MAX_FOR_S]) +
        60 * fields.number('for_minutes', 0, [0, MAX_FOR_S / 60]);
      const label = `${capability} of ${entityId}${seconds > 0 ? ` for ${seconds} s` : ''}`;
      return { id, label, type, entityId, capability, test, from: fields.get('from'), forMs: seconds * 1000 };
    }
    case 'event': {
      const entityId = fields.text('entity_id', 'remote');
      const given = fields.get('capability');
      const capability = given === undefined ? 'button_event' : fields.text('capability', 'button_event');
      const value = fields.get('value') ?? undefined;
      return { id, label: `${capability} of ${entityId}`, type, entityId, capability, value };
    }
    case 'presence': {
      const event = fields.oneOf('event', ['first_arrives', 'last_leaves'] as const) ?? 'last_leaves';
      return { id, label: event, type, event };
    }
    case 'schedule':
      return { id, label: 'schedule', type, entityId: fields.text('entity_id', 'weekday-mornings') };
    case 'manual':
      return { id, label: 'by hand', type };
    default:
      fields.wrong('type', 'must be time, sun, state, event, presence, schedule or manual');
      return undefined;
  }
}

/** What a value has to be. Without any of it every change is one, where `orAny` allows that. */
function readTest(fields: Fields, key: string, orAny: boolean): ValueTest {
  const is = fields.get(key);
  const above = numberOrNothing(fields, 'above');
  const below = numberOrNothing(fields, 'below');
  if (is === null) fields.wrong(key, 'null is unknown, which cannot be tested');
  if (!orAny && is === undefined && above === undefined && below === undefined) {
    fields.wrong(key, `say what it must be: "${key}", "above" or "below"`);
  }
  return {
    ...(is === undefined ? {} : { is }),
    ...(above === undefined ? {} : { above }),
    ...(below === undefined ? {} : { below }),
  };
}

function numberOrNothing(fields: Fields, key: string): number | undefined {
  const value = fields.get(key);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  fields.wrong(key, 'must be a number');
  return undefined;
}

function target(fields: Fields): [string, string] {
  return [fields.text('entity_id', 'hall-light'), fields.text('capability', 'on_off')];
}

function readCondition(fields: Fields, depth: number): Condition[] {
  const type = typeOf(fields);
  switch (type) {
    case 'time': {
      const after = fields.get('after') === undefined ? null : fields.timeOfDay('after') / 60_000;
      const before = fields.get('before') === undefined ? null : fields.timeOfDay('before') / 60_000;
      return [{ type, after, before, days: fields.days() }];
    }
    case 'sun':
      return [{ type, is: fields.oneOf('is', ['up', 'down'] as const) ?? 'down' }];
    case 'state': {
      const [entityId, capability] = target(fields);
      const key = fields.get('is') === undefined && fields.get('value') !== undefined ? 'value' : 'is';
      return [{ type, entityId, capability, test: readTest(fields, key, false) }];
    }
    case 'any':
    case 'all':
    case 'not': {
      if (depth >= MAX_DEPTH) {
        fields.wrong('conditions', `conditions may be nested ${MAX_DEPTH} deep`);
        return [];
      }
      const inner = fields.list('condition', 'conditions', MAX_PARTS);
      if (inner.length === 0) fields.wrong('conditions', 'must hold conditions');
      return [{ type, conditions: inner.flatMap((item) => readCondition(item, depth + 1)) }];
    }
    default:
      fields.wrong('type', 'must be time, sun, state, any, all or not');
      return [];
  }
}

function readAction(fields: Fields): Action[] {
  const type = typeOf(fields) ?? (fields.get('capability') === undefined ? undefined : 'command');
  switch (type) {
    case 'command': {
      const [entityId, capability] = target(fields);
      const value = fields.get('value');
      if (value === undefined || value === null) fields.wrong('value', 'say which value is to be set');
      // Left out, the time would be longer than the person meant: for ever.
      if (fields.get('for_minutes') !== undefined || fields.get('for_seconds') !== undefined) {
        fields.wrong('', 'a command has no duration: make a second automation that ends it');
      }
      return [{ type: 'command', entityId, writes: [{ capability, value }] }];
    }
    case 'scene':
      return [{ type: 'scene', entityId: fields.text('entity_id', 'good-night') }];
    case 'note': {
      const about = fields.get('about');
      return [
        {
          type: 'note',
          text: fields.text('text', 'The washing is done.'),
          about: typeof about === 'string' ? about : null,
        },
      ];
    }
    default:
      fields.wrong('type', 'must be command, scene or note');
      return [];
  }
}

/** Commands to one device that follow each other go out together: one message where its protocol allows. */
export function grouped(actions: readonly Action[]): Action[] {
  const result: Action[] = [];
  for (const action of actions) {
    const last = result.at(-1);
    const joins =
      action.type === 'command' &&
      last?.type === 'command' &&
      last.entityId === action.entityId &&
      !action.writes.some(({ capability }) => last.writes.some((write) => write.capability === capability));
    if (joins) result[result.length - 1] = { ...last, writes: [...last.writes, ...action.writes] };
    else result.push(action);
  }
  return result;
}

/** A name for what is said, whatever the order of its keys. */
export function idOf(value: unknown): string {
  return shortHash(canonical(value), 12);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value) ?? 'null';
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}
