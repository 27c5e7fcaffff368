import type { Db } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Series, SeriesSet } from './series.ts';
import type { ActivityEvent, ActivityPage, ActivityQuery, DeviceEvent, SeriesEvents } from './types.ts';

import { DamagedBlockError } from '../base/bytes.ts';
import { blocksOf, decodeEvents, mergeEvents } from './codec.ts';
import { DAY_MS, dayOf, dayOfSlot, seriesOfSlot } from './periods.ts';
import { readBatches, readDay, readFirstSlot, readWholeDay, type DataRow } from './reader.ts';
import { ACTIVITY_TYPES } from './types.ts';

/** Events of one moment that a cursor can count. */
const CURSOR_STEP = 256;
const SLICE_MS = 8;
const SLICE_ROWS = 100;

export interface HistoryContext {
  readonly db: Db;
  readonly log: Logger;
  readonly series: SeriesSet;
}

/** A page of what a device did, newest first. */
export function queryActivity(context: HistoryContext, query: ActivityQuery): ActivityPage {
  const { entityId, capability, limit, cursor, fromMs } = query;
  const beforeMs = cursor > 0 ? Math.floor(cursor / CURSOR_STEP) : query.toMs - 1;
  const skip = cursor > 0 ? cursor % CURSOR_STEP : 0;
  const series = [...context.series.ofEntity(entityId)].filter(
    (one) => capability === undefined || one.capability === capability,
  );
  const recent = recentEvents(context, new Set(series));
  const found: DeviceEvent[] = [];
  const lastDay = dayOf(Math.max(fromMs, firstMs(context.db, recent)));
  for (let day = dayOf(beforeMs); day >= lastDay && found.length <= limit + skip; day--) {
    const ofDay = series.flatMap((one) =>
      eventsOfDay(context, one, day, recent.get(one) ?? [])
        .filter(({ timeMs }) => timeMs >= fromMs && timeMs <= beforeMs)
        .map((event) => ({ ...event, capability: one.capability })),
    );
    found.push(...ofDay.toSorted(newestFirst));
  }
  const skipped = found.findIndex(({ timeMs }, index) => index >= skip || timeMs < beforeMs);
  const rest = found.slice(skipped === -1 ? found.length : skipped);
  const items = rest.slice(0, limit);
  return { items, nextCursor: rest.length > limit ? cursorAfter(items, beforeMs, skip) : null };
}

/** See ActivityHistory. */
export function* scanActivity(
  context: HistoryContext,
  fromMs: number,
  toMs: number,
): Generator<readonly SeriesEvents[]> {
  const recent = yield* recentInSlices(context);
  const from = Math.max(fromMs, firstMs(context.db, recent));
  for (let day = dayOf(from); day * DAY_MS < toMs; day++) {
    const left = new Map(recent);
    const put = (series: Series, stored: readonly ActivityEvent[]): SeriesEvents => {
      const events = mergeEvents([stored, onDay(left.get(series) ?? [], day)]);
      left.delete(series);
      const { entityId, capability } = series;
      return {
        entityId,
        capability,
        events: events.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs),
      };
    };
    let after = 0;
    for (let isMore = true; isMore;) {
      const rows = readWholeDay(context.db, day, after, SLICE_ROWS);
      isMore = rows.length === SLICE_ROWS;
      after = seriesOfSlot(rows.at(-1)?.key ?? 0);
      let slice: SeriesEvents[] = [];
      let untilMs = performance.now() + SLICE_MS;
      for (const { key, data } of rows) {
        const series = context.series.byKey(seriesOfSlot(key));
        if (series)
          slice.push(
            put(
              series,
              undamaged(context.log, `slot ${key}`, () => decodeEvents(data), []),
            ),
          );
        if (performance.now() < untilMs) continue;
        yield slice;
        slice = [];
        untilMs = performance.now() + SLICE_MS;
      }
      if (slice.length > 0) yield slice;
    }
    const rest = [...left.keys()].map((series) => put(series, [])).filter(({ events }) => events.length > 0);
    if (rest.length > 0) yield rest;
  }
}

/** What was damaged on the disk is told and left out; the rest of the history must not be lost with it. */
export function undamaged<T>(log: Logger, what: string, decode: () => T, otherwise: T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DamagedBlockError)) throw error;
    log.error({ err: error, block: what }, 'a block of activity is damaged and left out');
    return otherwise;
  }
}

/** Where in batches the events of each series are, oldest first. */
export function blocksBySeries(log: Logger, batches: readonly DataRow[]): Map<number, Uint8Array[]> {
  const bySeries = new Map<number, Uint8Array[]>();
  for (const batch of batches) addBlocks(log, batch, bySeries);
  return bySeries;
}

function addBlocks(log: Logger, { key: batchKey, data }: DataRow, to: Map<number, Uint8Array[]>): void {
  const take = (): void => {
    for (const { key, block } of blocksOf(data)) {
      const known = to.get(key);
      if (known) known.push(block);
      else to.set(key, [block]);
    }
  };
  undamaged(log, `batch ${batchKey}`, take, undefined);
}

export function eventsOfBlocks(
  log: Logger,
  seriesKey: number,
  blocks: readonly Uint8Array[],
): ActivityEvent[] {
  return mergeEvents(
    blocks.map((block) => undamaged(log, `series ${seriesKey} in a batch`, () => decodeEvents(block), [])),
  );
}

/** What is in batches or in memory yet. */
function recentEvents(
  { db, log }: HistoryContext,
  wanted: ReadonlySet<Series>,
): Map<Series, ActivityEvent[]> {
  const blocks = blocksBySeries(log, readBatches(db));
  const found = new Map<Series, ActivityEvent[]>();
  for (const one of wanted) {
    const own = one.key === null ? undefined : blocks.get(one.key);
    if (!own && one.waiting.length === 0) continue;
    found.set(one, mergeEvents([own ? eventsOfBlocks(log, one.key ?? 0, own) : [], one.waiting]));
  }
  return found;
}

/** The same of all series, with an empty slice every few milliseconds. */
function* recentInSlices({
  db,
  log,
  series,
}: HistoryContext): Generator<readonly SeriesEvents[], Map<Series, ActivityEvent[]>> {
  const batches = readBatches(db);
  // What waits now is in no batch of these, whatever is written between two slices.
  const waiting = new Map([...series.all()].map((one) => [one, [...one.waiting]]));
  const blocks = new Map<number, Uint8Array[]>();
  let untilMs = performance.now() + SLICE_MS;
  for (const batch of batches) {
    addBlocks(log, batch, blocks);
    if (performance.now() < untilMs) continue;
    yield [];
    untilMs = performance.now() + SLICE_MS;
  }
  const found = new Map<Series, ActivityEvent[]>();
  for (const [one, events] of waiting) {
    const own = one.key === null ? undefined : blocks.get(one.key);
    if (!own && events.length === 0) continue;
    found.set(one, mergeEvents([own ? eventsOfBlocks(log, one.key ?? 0, own) : [], events]));
    if (performance.now() < untilMs) continue;
    yield [];
    untilMs = performance.now() + SLICE_MS;
  }
  return found;
}

function eventsOfDay(
  { db, log }: HistoryContext,
  { key }: Series,
  day: number,
  recent: readonly ActivityEvent[],
): ActivityEvent[] {
  const data = key === null ? undefined : readDay(db, day, key);
  const stored = data ? undamaged(log, `series ${key} day ${day}`, () => decodeEvents(data), []) : [];
  return mergeEvents([stored, onDay(recent, day)]);
}

function onDay(events: readonly ActivityEvent[], day: number): ActivityEvent[] {
  return events.filter(({ timeMs }) => dayOf(timeMs) === day);
}

/** When the oldest of all that is kept may have happened. */
function firstMs(db: Db, recent: ReadonlyMap<Series, readonly ActivityEvent[]>): number {
  const slot = readFirstSlot(db);
  const first = [...recent.values()].flatMap((events) => events[0]?.timeMs ?? []);
  return first.reduce(
    (least, ms) => Math.min(least, ms),
    slot === undefined ? Number.MAX_SAFE_INTEGER : dayOfSlot(slot) * DAY_MS,
  );
}

/** In one moment an order comes before what it led to. */
function newestFirst(a: DeviceEvent, b: DeviceEvent): number {
  const order = ACTIVITY_TYPES.indexOf(a.type) - ACTIVITY_TYPES.indexOf(b.type);
  return b.timeMs - a.timeMs || order || a.capability.localeCompare(b.capability);
}

/** The time of the last one that was told, and how many of that time were. */
function cursorAfter(items: readonly DeviceEvent[], beforeMs: number, skip: number): number | null {
  const last = items.at(-1);
  if (!last) return null;
  const told = items.filter(({ timeMs }) => timeMs === last.timeMs).length;
  const before = last.timeMs === beforeMs ? skip : 0;
  return last.timeMs * CURSOR_STEP + Math.min(CURSOR_STEP - 1, told + before);
}
