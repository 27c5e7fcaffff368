import type { Clock } from '../base/clock.ts';
import type { Tx } from '../base/db.ts';
import type { Logger } from '../base/log.ts';
import type { Store } from '../base/store.ts';
import type { Series, SeriesSet } from './series.ts';
import type { ActivityEvent, ActivitySource, ActivityValue, SourceChange, SourceCommand } from './types.ts';

import { Attribution, causeOfCommand } from './attribution.ts';
import { encodeBatch, mergeEvents } from './codec.ts';
import { CLOCK_IS_SET_MS, dayOf, MAX_TIME_MS } from './periods.ts';
import { insertBatch, insertSeries } from './writer.ts';

/** Under a flood a flush does not wait for its minute. */
const FLUSH_AT_EVENTS = 4096;
/** What waits at most while the disk refuses or the clock is not set, about 3 MB; then the older half is given up. */
const MAX_WAITING_EVENTS = 16_384;
/** What one capability may do in a day; a sensor that flaps tells nothing more by it. */
export const MAX_EVENTS_PER_DAY = 3000;
/** Orders that come faster than this are one. */
const DRAG_MS = 2000;
/** A value is a word; whatever is longer is a text for people. */
const MAX_VALUE_CHARS = 100;

/** The capability name under which the devices tell that one went away or came back. */
const AVAILABLE = 'available';
/** Kinds whose values are texts and not words. */
const TEXTS: ReadonlySet<string> = new Set(['text', 'latest_version']);

export interface RecorderOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  source: ActivitySource;
  series: SeriesSet;
}

/** Takes what happens from the devices, finds who did it, and appends it to the disk in batches. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #attribution: Attribution;
  readonly #values = new Map<string, unknown>();
  /** When events came while the clock was not set, by the clock that never jumps. */
  #undated = new Map<ActivityEvent, number>();
  /** Of the batches that were not sorted yet. */
  batchBytes = 0;
  #waitingCount = 0;
  #failed = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#attribution = new Attribution(options.clock);
    for (const { entityId, values } of options.source.list()) {
      for (const [capability, { value }] of values) this.#values.set(`${entityId}\n${capability}`, value);
    }
  }

  /** See ActivitySource. */
  takeCommand(command: SourceCommand, stage: 'sending' | 'sent' | 'failed'): void {
    if (stage === 'sending') this.#attribution.expect(command);
    else if (stage === 'failed') this.#attribution.forget(command);
    else {
      const { entityId, capability, value, timestampMs: timeMs } = command;
      const event = {
        timeMs,
        type: 'command',
        value: toValue(value),
        cause: causeOfCommand(command),
      } as const;
      this.#note(entityId, capability, event);
    }
  }

  take(change: SourceChange): void {
    const { entityId, capability: name, value, timestampMs: timeMs } = change;
    const key = `${entityId}\n${name}`;
    const before = this.#values.get(key);
    if (typeof value !== 'number') this.#values.set(key, value);
    if (name === AVAILABLE) {
      this.#attribution.noteAvailable(entityId);
      this.#note(entityId, name, {
        timeMs,
        type: 'state',
        value: toValue(value),
        cause: { kind: 'device', id: null },
      });
      return;
    }
    // Numbers have a history of their own, and there are too many of them to look further.
    if (typeof value !== 'boolean' && typeof value !== 'string' && value !== null) return;
    const view = this.#options.source.view(entityId);
    const capability = view?.capabilities.find((candidate) => candidate.name === name);
    if (!capability || (TEXTS.has(capability.kind) && !capability.options)) return;
    if (value === null && typeof before !== 'boolean' && typeof before !== 'string') return;
    const cause = this.#attribution.causeOf(change, capability, before);
    const type = change.isEvent === true ? 'event' : 'state';
    this.#note(entityId, name, { timeMs, type, value: toValue(value), cause });
  }

  /**
   * Writes what waits, now; a disk that refuses keeps it waiting, as far as there is room. While the clock is not set
   * nothing is written: it would be dated in the past.
   * @param also what is to be written with it; called only where something is.
   * @returns whether something was written.
   */
  flush(also: (tx: Tx) => void): boolean {
    const { store, clock, log, series } = this.#options;
    if (this.#waitingCount === 0 || clock.nowMs() < CLOCK_IS_SET_MS) return false;
    this.#date();
    const waiting = [...series.all()].filter((one) => one.waiting.length > 0);
    try {
      const { keys, bytes } = store.write((tx) => {
        const keys = waiting.map(
          (one) => one.key ?? insertSeries(tx, one.entityId, one.capability, dayOf(clock.nowMs())),
        );
        const data = encodeBatch(
          waiting.map((one, n) => ({ key: keys[n] ?? 0, events: mergeEvents([one.waiting]) })),
        );
        insertBatch(tx, data);
        also(tx);
        return { keys, bytes: data.length };
      });
      for (const [n, one] of waiting.entries()) {
        series.setKey(one, keys[n] ?? 0);
        one.waiting = [];
      }
      this.batchBytes += bytes;
      this.#waitingCount = 0;
      if (this.#failed) log.info('activity is written again');
      this.#failed = false;
      return true;
    } catch (error) {
      if (!this.#failed) log.error({ err: error }, 'activity could not be written; it waits in memory');
      this.#failed = true;
      return false;
    }
  }

  #note(entityId: string, capability: string, event: ActivityEvent): void {
    const { clock, log } = this.#options;
    if (!(event.timeMs >= 0 && event.timeMs < MAX_TIME_MS)) return;
    const series = this.#options.series.take(entityId, capability);
    if (!this.#counts(series, event.timeMs)) return;
    const timed = { ...event, timeMs: Math.floor(event.timeMs) };
    if (timed.timeMs < CLOCK_IS_SET_MS) this.#undated.set(timed, clock.monotonicMs());
    if (isDragged(series.waiting.at(-1), timed)) {
      series.waiting[series.waiting.length - 1] = timed;
      return;
    }
    series.waiting.push(timed);
    this.#waitingCount += 1;
    if (this.#waitingCount >= FLUSH_AT_EVENTS && this.#waitingCount % FLUSH_AT_EVENTS === 0) {
      this.flush(() => undefined);
    }
    if (this.#waitingCount >= MAX_WAITING_EVENTS) {
      log.error('activity waited too long; the older half is given up');
      this.#giveUpHalf();
    }
  }

  #counts(series: Series, timeMs: number): boolean {
    const day = dayOf(timeMs);
    if (series.countedDay !== day) {
      series.countedDay = day;
      series.dayCount = 0;
    }
    series.dayCount += 1;
    if (series.dayCount === MAX_EVENTS_PER_DAY + 1) {
      const { entityId, capability } = series;
      this.#options.log.warn(
        { entity: entityId, capability },
        'a capability does too much; the rest of its day is left out',
      );
    }
    return series.dayCount <= MAX_EVENTS_PER_DAY;
  }

  /** Gives what came before the clock was set the time that it had. */
  #date(): void {
    if (this.#undated.size === 0) return;
    const { clock, series } = this.#options;
    const offsetMs = clock.nowMs() - clock.monotonicMs();
    for (const one of series.all()) {
      one.waiting = one.waiting.map((event) => {
        const cameMs = this.#undated.get(event);
        return cameMs === undefined ? event : { ...event, timeMs: Math.floor(offsetMs + cameMs) };
      });
    }
    this.#undated = new Map();
  }

  #giveUpHalf(): void {
    this.#waitingCount = 0;
    for (const one of this.#options.series.all()) {
      const given = one.waiting.splice(0, Math.ceil(one.waiting.length / 2));
      for (const event of given) this.#undated.delete(event);
      this.#waitingCount += one.waiting.length;
    }
  }
}

/** What a finger drags is many orders in a second, of which the last one counts. */
function isDragged(last: ActivityEvent | undefined, next: ActivityEvent): boolean {
  if (last?.type !== 'command' || next.type !== 'command' || typeof next.value === 'boolean') return false;
  const isOneHand = last.cause.kind === next.cause.kind && last.cause.id === next.cause.id;
  return (
    isOneHand && typeof next.value === typeof last.value && Math.abs(next.timeMs - last.timeMs) < DRAG_MS
  );
}

/** A value that can be kept: words and numbers. */
function toValue(value: unknown): ActivityValue {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === 'string') return value.slice(0, MAX_VALUE_CHARS);
  if (typeof value !== 'object' || value === null) return null;
  const numbers = Object.entries(value).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && Number.isFinite(entry[1]),
  );
  return numbers.length === 0 ? null : Object.fromEntries(numbers);
}
