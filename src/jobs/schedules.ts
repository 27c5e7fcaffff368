import type { CalendarRule } from '../base/calendar.ts';
import type { Tx } from '../base/db.ts';
import type { HomeZone } from '../base/home-zone.ts';
import type { Store } from '../base/store.ts';
import type { JobDefinition } from './types.ts';

import { nextOccurrence } from '../base/calendar.ts';
import { parseCron } from '../base/cron.ts';
import { readOpenOf, readSchedules, type ScheduleRow } from './reader.ts';
import { isVoid, nextOf } from './rules.ts';
import { deleteSchedule, insertRun, putSchedule } from './writer.ts';

interface Scheduled {
  readonly cron: string;
  readonly rule: CalendarRule;
  row: ScheduleRow;
}

/** When each job comes by itself. What is due is asked of rows: a timer that fires late, or never, loses nothing. */
export class Schedules {
  readonly #store: Store;
  readonly #zone: HomeZone;
  readonly #scheduled = new Map<string, Scheduled>();

  /** @throws RangeError naming the job whose schedule is no cron expression. */
  constructor(store: Store, zone: HomeZone, definitions: readonly JobDefinition[]) {
    this.#store = store;
    this.#zone = zone;
    for (const { name, schedule } of definitions) {
      if (schedule === null) continue;
      const row = { name, cron: schedule, zone: zone.id, nextMs: null, lastMs: 0 };
      this.#scheduled.set(name, { cron: schedule, rule: ruleOf(name, schedule), row });
    }
  }

  /** Takes over what is in the file, and brings it up to date with the definitions and with the clock. */
  load(nowMs: number): void {
    const stored = readSchedules(this.#store.db);
    const changed: ScheduleRow[] = [];
    for (const scheduled of this.#scheduled.values()) {
      const { cron, row } = scheduled;
      const kept = stored.find(({ name }) => name === row.name);
      if (kept) scheduled.row = kept;
      if (kept?.cron === cron && kept.zone === this.#zone.id) continue;
      const lastMs = kept?.lastMs ?? 0;
      const nextMs = nextOf(this.#zone, scheduled.rule, nowMs, lastMs);
      scheduled.row = { name: row.name, cron, zone: this.#zone.id, nextMs, lastMs };
      changed.push(scheduled.row);
    }
    const gone = stored.filter(({ name }) => !this.#scheduled.has(name));
    if (changed.length > 0 || gone.length > 0) {
      this.#store.write((tx) => {
        for (const row of changed) putSchedule(tx, row);
        for (const { name } of gone) deleteSchedule(tx, name);
      });
    }
    this.setBack(nowMs);
  }

  /** The clock may have gone back: a schedule that was reckoned by it as it was before would wait too long. */
  setBack(nowMs: number): void {
    const changed: ScheduleRow[] = [];
    for (const { rule, row } of this.#scheduled.values()) {
      const nextMs = nextOf(this.#zone, rule, nowMs, row.lastMs);
      if (nextMs !== null && (row.nextMs === null || nextMs < row.nextMs)) changed.push({ ...row, nextMs });
    }
    if (changed.length === 0) return;
    this.#store.write((tx) => {
      for (const row of changed) putSchedule(tx, row);
    });
    for (const row of changed) this.#take(row);
  }

  /** Queues what is due, each job once however often it was missed. @returns how many. */
  fire(nowMs: number): number {
    const due = this.#dueAt(nowMs);
    if (due.length === 0) return 0;
    const rows = due.map(({ rule, row }) => ({
      ...row,
      nextMs: nextOf(this.#zone, rule, nowMs, 0),
      lastMs: nowMs,
    }));
    this.#store.write((tx) => {
      for (const row of rows) {
        putSchedule(tx, row);
        queueOnce(tx, row.name, nowMs);
      }
    });
    for (const row of rows) this.#take(row);
    return rows.length;
  }

  #dueAt(nowMs: number): Scheduled[] {
    const isDue = ({ row }: Scheduled): boolean => row.nextMs !== null && row.nextMs <= nowMs;
    return [...this.#scheduled.values()].filter((scheduled) => {
      const { rule, row } = scheduled;
      if (!isDue(scheduled)) return false;
      if (row.nextMs !== null && isVoid(row.nextMs, nowMs, row.lastMs)) {
        // Not written: from the row of before, the next start would come to the same.
        scheduled.row = { ...row, nextMs: nextOccurrence(this.#zone, rule, row.lastMs)?.atMs ?? null };
      }
      return isDue(scheduled);
    });
  }

  nextOf(name: string): number | null {
    return this.#scheduled.get(name)?.row.nextMs ?? null;
  }

  /** When the first of all comes; undefined where none does. */
  get firstMs(): number | undefined {
    const times = [...this.#scheduled.values()].flatMap(({ row }) => row.nextMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #take(row: ScheduleRow): void {
    const scheduled = this.#scheduled.get(row.name);
    if (scheduled) scheduled.row = row;
  }
}

/** One that still waits, or is under way, is enough. */
function queueOnce(tx: Tx, name: string, nowMs: number): void {
  if (readOpenOf(tx, name)) return;
  insertRun(tx, {
    name,
    origin: 'schedule',
    key: null,
    payloadJson: '{}',
    dueMs: nowMs,
    setMs: nowMs,
    nowMs,
  });
}

function ruleOf(name: string, schedule: string): CalendarRule {
  try {
    return parseCron(schedule);
  } catch (error) {
    throw new RangeError(`The schedule of the job ${name} is wrong: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
