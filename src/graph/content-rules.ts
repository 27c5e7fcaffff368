import type { Content } from './types.ts';

import { parseCron } from '../base/cron.ts';
import { HubError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { parseTimeMicros } from './rules.ts';

/** Largest content of one version, as encoded JSON (PROTOCOL.md section 1). */
export const MAX_CONTENT_BYTES = 256 * 1024;

/** What is wrong with a content, for a person who has to mend it. */
export interface ContentIssue {
  /** Dotted path, such as `content.cron`. */
  readonly field: string;
  readonly message: string;
}

type Rule = (content: Content) => ContentIssue | undefined;

/** 07:30 or 07:30:15, by the clock of the home. */
const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/;

/** What a type asks for, besides what all ask for. Keys that no rule names may hold anything, and are kept. */
const RULES: Readonly<Record<string, readonly Rule[]>> = {
  device: [deviceName],
  schedule: [scheduleTime],
  automation: [given('trigger'), given('action')],
  procedure: [listOf('steps')],
};

/** The first thing that is wrong with the content of an entity, or undefined. */
export function contentIssue(entityType: string, content: Content): ContentIssue | undefined {
  for (const rule of [textName, ...(Object.hasOwn(RULES, entityType) ? (RULES[entityType] ?? []) : [])]) {
    const issue = rule(content);
    if (issue) return issue;
  }
  return undefined;
}

/**
 * Checks what a version says about an entity and returns its JSON text.
 * @throws HubError `invalid` naming the field, `too_large` above 256 KiB.
 */
export function encodeContent(entityType: string, content: Content): string {
  if (!isJsonObject(content)) {
    throw new HubError('invalid', 'content must be a JSON object', { field: 'content' });
  }
  const issue = contentIssue(entityType, content);
  if (issue) throw new HubError('invalid', issue.message, { field: issue.field });
  return encodeAnyContent(content);
}

/** Whether a text has more bytes than a content, or the properties of an edge, may have. */
export function isTooLarge(json: string): boolean {
  // Three bytes for each UTF-16 unit at most: counting is for what may be too large.
  return json.length * 3 > MAX_CONTENT_BYTES && Buffer.byteLength(json) > MAX_CONTENT_BYTES;
}

/** The JSON text of a content whose type rules do not matter. @throws HubError `too_large` above 256 KiB. */
export function encodeAnyContent(content: Content): string {
  const json = JSON.stringify(content);
  if (isTooLarge(json)) {
    throw new HubError('too_large', `content is larger than ${MAX_CONTENT_BYTES / 1024} KiB`, {
      field: 'content',
    });
  }
  return json;
}

function deviceName({ name }: Content): ContentIssue | undefined {
  if (typeof name === 'string' && name.trim() !== '') return undefined;
  return issue('name', 'a device needs a name: content.name must be a text that is not empty');
}

/** A name that is no text could be neither shown nor found. Null is a value: a phone clears a key so. */
function textName({ name }: Content): ContentIssue | undefined {
  if (name === undefined || name === null || typeof name === 'string') return undefined;
  return issue('name', 'content.name must be a text');
}

function scheduleTime(content: Content): ContentIssue | undefined {
  const { cron, time } = content;
  if (cron === undefined && time === undefined) {
    return issue('cron', 'a schedule needs content.cron ("30 7 * * 1-5") or content.time ("07:30")');
  }
  const wrong = cron === undefined ? undefined : wrongCron(cron);
  if (wrong !== undefined) return issue('cron', `content.cron: ${wrong}`);
  if (time === undefined) return undefined;
  if (typeof time === 'string' && (TIME_OF_DAY.test(time) || parseTimeMicros(time) !== undefined)) {
    return undefined;
  }
  return issue('time', 'content.time must be a time of day such as "07:30", or an RFC 3339 time');
}

/** What is wrong with a cron expression, by the words of what has to run it later; undefined where nothing is. */
function wrongCron(cron: unknown): string | undefined {
  try {
    parseCron(typeof cron === 'string' ? cron : '');
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** A rule: `key`, or its plural as a list, is there and says something. */
function given(key: 'trigger' | 'action'): Rule {
  const plural = `${key}s`;
  return (content) => {
    const value = content[key] ?? content[plural];
    if (saysSomething(value)) return undefined;
    const field = content[key] === undefined && content[plural] !== undefined ? plural : key;
    const article = key === 'action' ? 'an' : 'a';
    return issue(
      field,
      `an automation needs ${article} ${key}: content.${key} must be an object, or content.${plural} a list of them`,
    );
  };
}

function saysSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(saysSomething);
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return typeof value === 'string' && value.trim() !== '';
}

function listOf(key: string): Rule {
  return (content) => {
    const value = content[key];
    return value === undefined || value === null || Array.isArray(value)
      ? undefined
      : issue(key, `content.${key} must be a list`);
  };
}

function issue(key: string, message: string): ContentIssue {
  return { field: `content.${key}`, message };
}
