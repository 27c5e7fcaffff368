import type { Candidate, ClockSource, HabitDevice, Rule, SetValue, Target, TriggerSource } from './types.ts';

import { clockText } from './automation-content.ts';

const WEEKDAYS = [
  'Sundays',
  'Mondays',
  'Tuesdays',
  'Wednesdays',
  'Thursdays',
  'Fridays',
  'Saturdays',
] as const;
const SECONDS_PER_MINUTE = 60;

const SAVING_TITLES = {
  empty_room: 'when nobody is there',
  open_window: 'while a window is open',
  standby: 'at night',
} as const;

type Devices = ReadonlyMap<string, Pick<HabitDevice, 'name'>>;

/** A few words for a list, such as `Hall lamp on at 18:35`; the automation is called so too. */
export function titleOf({ rule, target }: Pick<Candidate, 'rule' | 'target'>, devices: Devices): string {
  const what = `${nameOf(devices, target.entityId)} ${valueWord(target)}`;
  if (rule.type === 'time') return `${what} ${timeText(rule)}${daysText(rule.weekdays, ' on ')}`;
  if (rule.type === 'saving') {
    return `${what} ${SAVING_TITLES[rule.reason]}`;
  }
  return `${what} when ${sourceText(rule.source, devices)}${rule.whenDark ? ' in the dark' : ''}`;
}

/** What was found, and on how many days, for a person. */
export function sentenceOf(candidate: Candidate, devices: Devices): string {
  const { rule, target, evidence, dryRun } = candidate;
  const name = nameOf(devices, target.entityId);
  const days = `${evidence.support} of ${evidence.eligibleDays}`;
  if (rule.type === 'saving')
    return `${savingText(rule, name, evidence.support, devices)} ${dryRunText(dryRun, false)}`;
  const done = `Somebody ${doneText(target, name)}`;
  if (rule.type === 'time') {
    const usual = `${timeText(rule)} on ${days} ${daysOf(rule.weekdays)}`;
    return `${done} ${usual}, give or take ${countOf(Math.max(1, Math.round(evidence.spreadMinutes ?? 0)), 'minute')}. ${dryRunText(dryRun, true)}`;
  }
  const dark = rule.whenDark ? ' in the dark' : '';
  const wait = rule.forMs > 0 ? `about ${waitText(rule.forMs)}` : `within ${waitText(rule.withinMs)}`;
  return `${done} ${wait} after ${sourceText(rule.source, devices)}${dark}, on ${days} such days. ${dryRunText(dryRun, true)}`;
}

function savingText(
  rule: Extract<Rule, { type: 'saving' }>,
  name: string,
  support: number,
  devices: Devices,
): string {
  const source = sourceText(rule.source, devices);
  const seen = `on ${countOf(support, 'day')}`;
  const wait = minutesText(rule.forMs);
  if (rule.reason === 'empty_room') {
    return `${name} stayed on for long in an empty room ${seen}. It could go off ${wait} after ${source}.`;
  }
  if (rule.reason === 'open_window') {
    return `${name} went on heating while ${source} ${seen}. It could go off after ${wait}, and stays off until somebody switches it on again.`;
  }
  const power = rule.powerW === undefined ? '' : ` and drew about ${Math.max(1, Math.round(rule.powerW))} W`;
  return `${name} stood by all night${power} ${seen}. It could go off at ${source}, and stays off until somebody switches it on again.`;
}

/** How it would have gone on the days on which it was found, and on days of which it knew nothing. */
function dryRunText({ heldOut, ...same }: Candidate['dryRun'], isLearned: boolean): string {
  const told = `On these same days it would have fired ${firedText(same)}`;
  if (!heldOut || !isLearned) return `${told}.`;
  return `${told}; learned from the first two thirds alone, on the rest ${firedText(heldOut)}.`;
}

/** Such as `rightly on 9 of 10, once wrongly`. */
function firedText({ firings, right, wrong, days }: Omit<Candidate['dryRun'], 'heldOut'>): string {
  const wrongly = wrong === 0 ? 'never wrongly' : wrong === 1 ? 'once wrongly' : `${wrong} times wrongly`;
  if (firings === days) return `rightly on ${right} of ${days}, ${wrongly}`;
  return `${countOf(firings, 'time')} on ${countOf(days, 'day')}, ${wrongly}`;
}

function timeText({ frame, minute }: Extract<Rule, { type: 'time' }>): string {
  if (frame === 'clock') return `at ${clockText(minute)}`;
  if (minute === 0) return `at ${frame}`;
  return `${countOf(Math.abs(minute), 'minute')} ${minute < 0 ? 'before' : 'after'} ${frame}`;
}

function daysText(weekdays: readonly number[], before: string): string {
  return weekdays.length === 7 ? '' : `${before}${daysOf(weekdays)}`;
}

function daysOf(weekdays: readonly number[]): string {
  if (weekdays.length === 7) return 'days';
  if (weekdays.length === 5) return 'working days';
  if (weekdays.length === 2) return 'weekend days';
  return weekdays.map((day) => WEEKDAYS[day] ?? '').join(', ');
}

function doneText({ capability, value }: Target, name: string): string {
  if (value === true) return `switched on ${name}`;
  if (value === false) return `switched off ${name}`;
  const verbs: Readonly<Record<string, string>> = {
    open: 'opened',
    closed: 'closed',
    locked: 'locked',
    unlocked: 'unlocked',
    disarmed: 'disarmed',
  };
  const verb = verbs[String(value)];
  return verb ? `${verb} ${name}` : `set ${capability.replaceAll('_', ' ')} of ${name} to ${value}`;
}

function valueWord({ capability, value }: Target): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'number' ? `${capability.replaceAll('_', ' ')} ${value}` : value;
}

function sourceText(source: TriggerSource | ClockSource, devices: Devices): string {
  if (source.type === 'clock') return clockText(source.minute);
  if (source.type === 'presence')
    return source.event === 'first_arrives' ? 'the first comes home' : 'the last one leaves';
  const name = nameOf(devices, source.entityId);
  if (source.type === 'event') return `${name} tells ${source.value}`;
  return `${name} ${stateText(source.capability, source.value)}`;
}

function stateText(capability: string, value: SetValue): string {
  const kind = capability.split(':', 1)[0] ?? capability;
  const words: Readonly<Record<string, readonly [string, string]>> = {
    motion: ['sees motion', 'sees no motion'],
    occupancy: ['sees somebody', 'sees nobody'],
    contact: ['opens', 'closes'],
    on_off: ['goes on', 'goes off'],
  };
  const known = words[kind];
  if (known && typeof value === 'boolean') return known[value ? 0 : 1];
  return kind === 'locked' || kind === 'open_close' ? `is ${value}` : `tells ${kind} ${value}`;
}

function waitText(ms: number): string {
  return ms < 60_000 ? countOf(ms / 1000, 'second') : minutesText(ms);
}

function minutesText(ms: number): string {
  return countOf(Math.round(ms / 1000 / SECONDS_PER_MINUTE), 'minute');
}

function countOf(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function nameOf(devices: Devices, entityId: string): string {
  return devices.get(entityId)?.name ?? entityId;
}
