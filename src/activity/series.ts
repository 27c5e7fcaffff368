import type { SeriesRow } from './reader.ts';
import type { ActivityEvent } from './types.ts';

/** One capability of one device, as long as anything of it is kept. */
export interface Series {
  /** Null until it was first written. */
  key: number | null;
  readonly entityId: string;
  readonly capability: string;
  /** Not written yet, in the order in which it came. */
  waiting: ActivityEvent[];
  /** The UTC day that `dayCount` counts, */
  countedDay: number;
  /** and how many events it had. */
  dayCount: number;
}

/** All series, by entity and capability. */
export class SeriesSet {
  readonly #byEntity = new Map<string, Map<string, Series>>();
  readonly #byKey = new Map<number, Series>();

  ofEntity(entityId: string): Iterable<Series> {
    return this.#byEntity.get(entityId)?.values() ?? [];
  }

  byKey(key: number): Series | undefined {
    return this.#byKey.get(key);
  }

  *all(): Generator<Series> {
    for (const series of this.#byEntity.values()) yield* series.values();
  }

  load({ key, entityId, capability }: SeriesRow): void {
    this.setKey(this.take(entityId, capability), key);
  }

  setKey(series: Series, key: number): void {
    series.key = key;
    this.#byKey.set(key, series);
  }

  /** Forgets a series of which nothing is kept. */
  remove({ key, entityId, capability }: Series): void {
    const ofEntity = this.#byEntity.get(entityId);
    ofEntity?.delete(capability);
    if (ofEntity?.size === 0) this.#byEntity.delete(entityId);
    if (key !== null) this.#byKey.delete(key);
  }

  /** The series, made where it is new. */
  take(entityId: string, capability: string): Series {
    const ofEntity = this.#byEntity.get(entityId) ?? new Map<string, Series>();
    const known = ofEntity.get(capability);
    if (known) return known;
    const series: Series = { key: null, entityId, capability, waiting: [], countedDay: -1, dayCount: 0 };
    ofEntity.set(capability, series);
    this.#byEntity.set(entityId, ofEntity);
    return series;
  }
}
