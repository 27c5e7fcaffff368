import type { SeriesRow } from './reader.ts';
import type { Reading } from './types.ts';

import { UsualInterval } from './usual-interval.ts';

/** One capability of one device, as long as anything of it is kept. */
export interface Series {
  /** Null until it was first written. */
  key: number | null;
  readonly entityId: string;
  readonly capability: string;
  isCounter: boolean;
  /** What is written of `isCounter`. */
  writtenIsCounter: boolean;
  interval: UsualInterval;
  /** Not written yet, in the order in which it came. */
  waiting: Reading[];
  /** The time of the last number that was taken; the clock may have gone back since. */
  seenMs: number | null;
  /** The batch that has its newest readings; 0 for none. */
  batchKey: number;
}

/** All series, by entity and capability. */
export class SeriesSet {
  readonly #byEntity = new Map<string, Map<string, Series>>();

  find(entityId: string, capability: string): Series | undefined {
    return this.#byEntity.get(entityId)?.get(capability);
  }

  ofEntity(entityId: string): Iterable<Series> {
    return this.#byEntity.get(entityId)?.values() ?? [];
  }

  *all(): Generator<Series> {
    for (const series of this.#byEntity.values()) yield* series.values();
  }

  load(row: SeriesRow): Series {
    const series = this.add(row.entityId, row.capability);
    series.key = row.key;
    series.isCounter = series.writtenIsCounter = row.isCounter;
    series.interval = new UsualInterval(row.intervals);
    return series;
  }

  add(entityId: string, capability: string): Series {
    const series: Series = {
      key: null,
      entityId,
      capability,
      isCounter: false,
      writtenIsCounter: false,
      interval: new UsualInterval(new Uint8Array()),
      waiting: [],
      seenMs: null,
      batchKey: 0,
    };
    const ofEntity = this.#byEntity.get(entityId) ?? new Map<string, Series>();
    this.#byEntity.set(entityId, ofEntity);
    ofEntity.set(capability, series);
    return series;
  }

  remove({ entityId, capability }: Series): void {
    const ofEntity = this.#byEntity.get(entityId);
    ofEntity?.delete(capability);
    if (ofEntity?.size === 0) this.#byEntity.delete(entityId);
  }
}
