import type { ActivityEvent, ActivityType, ActivityValue, Cause } from './types.ts';

import { ByteReader, ByteWriter, DamagedBlockError } from '../base/bytes.ts';
import { MAX_TIME_MS } from './periods.ts';
import { ACTIVITY_TYPES, CAUSE_KINDS } from './types.ts';

const VERSION = 1;

/**
 * Packs the events of one series, ordered by time:
 *
 *     version, count of symbols, then each: type, kind of the cause, its id, the value as JSON;
 *     count of events, then each: ms since the one before (the first: since the Unix epoch), symbol
 *
 * A symbol is all of an event but its time: a lamp has a handful of them. A text is its length and its UTF-8.
 */
export function encodeEvents(events: readonly ActivityEvent[]): Uint8Array {
  const symbols = new Map<string, number>();
  const head = new ByteWriter();
  const body = new ByteWriter();
  let lastMs = 0;
  for (const { timeMs, type, value, cause } of events) {
    const json = JSON.stringify(value);
    const name = `${type} ${cause.kind} ${cause.id ?? ''} ${json}`;
    let symbol = symbols.get(name);
    if (symbol === undefined) {
      symbol = symbols.size;
      symbols.set(name, symbol);
      head.byte(ACTIVITY_TYPES.indexOf(type));
      head.byte(CAUSE_KINDS.indexOf(cause.kind));
      writeText(head, cause.id ?? '');
      writeText(head, json);
    }
    body.varint(timeMs - lastMs);
    body.varint(symbol);
    lastMs = timeMs;
  }
  const to = new ByteWriter();
  to.byte(VERSION);
  to.varint(symbols.size);
  to.bytes(head.finish());
  to.varint(events.length);
  to.bytes(body.finish());
  return to.finish();
}

/** @throws DamagedBlockError for everything that `encodeEvents` does not make. */
export function decodeEvents(block: Uint8Array): ActivityEvent[] {
  const from = new ByteReader(block);
  if (from.byte() !== VERSION) throw new DamagedBlockError('unknown version');
  const symbols = Array.from({ length: from.count(4) }, () => readSymbol(from));
  const events: ActivityEvent[] = [];
  let timeMs = 0;
  for (let left = from.count(2); left > 0; left--) {
    timeMs += from.varint();
    const symbol = symbols[from.varint()];
    if (!symbol || timeMs > MAX_TIME_MS) throw new DamagedBlockError('an event is out of range');
    events.push({ timeMs, ...symbol });
  }
  from.end();
  return events;
}

/** Packs the events of many series: version, then for each its key, the length of its block, and the block. */
export function encodeBatch(
  series: Iterable<{ readonly key: number; readonly events: readonly ActivityEvent[] }>,
): Uint8Array {
  const to = new ByteWriter();
  to.byte(VERSION);
  for (const { key, events } of series) {
    const block = encodeEvents(events);
    to.varint(key);
    to.varint(block.length);
    to.bytes(block);
  }
  return to.finish();
}

/** The blocks of a batch by series, not decoded yet. @throws DamagedBlockError */
export function* blocksOf(batch: Uint8Array): Generator<{ key: number; block: Uint8Array }> {
  const from = new ByteReader(batch);
  if (from.byte() !== VERSION) throw new DamagedBlockError('unknown version');
  while (from.left > 0) {
    const key = from.varint();
    yield { key, block: from.bytes(from.varint()) };
  }
}

/** Joins what may be there twice: days that were sorted while a power cut came are sorted again. */
export function mergeEvents(parts: readonly (readonly ActivityEvent[])[]): ActivityEvent[] {
  const filled = parts.filter((part) => part.length > 0);
  const seen = new Set<string>();
  const merged = filled.flat().filter(({ timeMs, type, value, cause }) => {
    if (filled.length === 1) return true;
    const name = `${timeMs} ${type} ${cause.kind} ${cause.id ?? ''} ${JSON.stringify(value)}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
  return merged.toSorted((a, b) => a.timeMs - b.timeMs);
}

function readSymbol(from: ByteReader): { type: ActivityType; value: ActivityValue; cause: Cause } {
  const type = ACTIVITY_TYPES[from.byte()];
  const kind = CAUSE_KINDS[from.byte()];
  const id = readText(from);
  const json = readText(from);
  if (!type || !kind) throw new DamagedBlockError('unknown type of event');
  try {
    return { type, cause: { kind, id: id === '' ? null : id }, value: JSON.parse(json) as ActivityValue };
  } catch {
    throw new DamagedBlockError('a value is no JSON');
  }
}

function writeText(to: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  to.varint(bytes.length);
  to.bytes(bytes);
}

function readText(from: ByteReader): string {
  return Buffer.from(from.bytes(from.varint())).toString();
}
