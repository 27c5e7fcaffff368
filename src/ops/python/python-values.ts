import type { SQLOutputValue } from 'node:sqlite';

import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { MAX_MICROS } from '../../graph/graph.ts';

const TIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:?\d{2})?$/;

/** A time as SQLAlchemy stores it, `2026-05-08 07:57:54.734914` without a zone, meaning UTC; us since the Unix epoch. */
export function toMicros(value: SQLOutputValue | undefined): number | undefined {
  const match = typeof value === 'string' ? TIME.exec(value.trim()) : null;
  if (!match) return undefined;
  const [, date, time, fraction = '', zone = 'Z'] = match;
  const micros = Date.parse(`${date}T${time}${zone}`) * 1000 + Number(fraction.padEnd(6, '0'));
  return micros >= 0 && micros <= MAX_MICROS ? micros : undefined;
}

/**
 * The time that a version begins with: everything up to its first offset from UTC. A stray `Z` after that, which old
 * programs wrote, is no matter; a version without an offset has no time (INBETWEENIES-V2.md V3).
 */
export function versionMicros(version: string): number | undefined {
  return toMicros(/^(.{19,26}?[+-]\d{2}:\d{2})/.exec(version)?.[1]);
}

/** A word of a vocabulary: SQLAlchemy kept the names of enum members (`DEVICE`), some programs their Python names. */
export function toWord(value: SQLOutputValue | undefined): string {
  const text = typeof value === 'string' ? value : '';
  return text.slice(text.lastIndexOf('.') + 1).toLowerCase();
}

/** The object in a JSON column; `{}` for null, undefined where it is something else. */
export function toJsonObject(value: SQLOutputValue | undefined): JsonObject | undefined {
  const parsed = toJson(value);
  if (parsed === null) return {};
  return isJsonObject(parsed) ? parsed : undefined;
}

/** The texts of a JSON list; what is no text is left out. */
export function toTexts(value: SQLOutputValue | undefined): string[] {
  const parsed = toJson(value);
  return Array.isArray(parsed) ? parsed.filter((item): item is string => typeof item === 'string') : [];
}

/** Null for an absent value; undefined where the text is no JSON. */
function toJson(value: SQLOutputValue | undefined): unknown {
  if (value === null || value === undefined || value === '') return null;
  try {
    return typeof value === 'string' ? (JSON.parse(value) as unknown) : undefined;
  } catch {
    return undefined;
  }
}
