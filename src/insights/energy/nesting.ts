import type { Meter } from './meters.ts';
import type { PriceVector } from './prices.ts';
import type { Quarters } from './quarters.ts';

import { QUARTER_MS } from './grid.ts';
import { costOf } from './prices.ts';
import { sumOf } from './quarters.ts';

export interface Behind {
  readonly kwh: number;
  /** 0 where no price is known. */
  readonly cost: number;
}

/**
 * Which count holds what a device used: that of the nearest device above it that is known at the time. While nothing is
 * known of any of those, the device counts by itself.
 */
export class Nesting {
  readonly #parents: ReadonlyMap<string, string>;
  readonly #areParents: ReadonlySet<string>;
  /** By device that has others behind it: 1 for each quarter that is known. */
  readonly #known = new Map<string, Uint8Array>();
  readonly #behind = new Map<string, Behind>();

  constructor(parents: ReadonlyMap<string, string>) {
    this.#parents = parents;
    this.#areParents = new Set(parents.values());
  }

  /** The meters in an order in which `take` may see them: what is above comes first. */
  ordered(meters: readonly Meter[]): Meter[] {
    const depth = new Map(meters.map(({ device }) => [device.entityId, this.#above(device.entityId).length]));
    const depthOf = ({ device }: Meter): number => depth.get(device.entityId) ?? 0;
    return meters.toSorted((a, b) => depthOf(a) - depthOf(b));
  }

  /** @returns what of the device's energy no other count holds, in Wh by quarter. */
  take(entityId: string, { wh, coveredMs }: Quarters, prices: PriceVector): Float32Array {
    if (this.#areParents.has(entityId)) {
      this.#known.set(
        entityId,
        Uint8Array.from(coveredMs, (ms) => (ms >= QUARTER_MS / 2 ? 1 : 0)),
      );
    }
    const above = this.#above(entityId).flatMap((id) => {
      const known = this.#known.get(id);
      return known ? [{ id, known }] : [];
    });
    if (above.length === 0) return wh;
    const left = wh.slice();
    for (const { id, known } of above) {
      const held = new Float32Array(left.length);
      for (let n = 0; n < left.length; n++) {
        if (known[n] !== 1) continue;
        held[n] = left[n] ?? 0;
        left[n] = 0;
      }
      const before = this.behind(id);
      this.#behind.set(id, {
        kwh: before.kwh + sumOf(held) / 1000,
        cost: before.cost + (costOf(held, prices) ?? 0),
      });
    }
    return left;
  }

  /** What the devices behind this one used while it was known, each only where no nearer one holds it. */
  behind(entityId: string): Behind {
    return this.#behind.get(entityId) ?? { kwh: 0, cost: 0 };
  }

  /** The nearest first. */
  #above(entityId: string): string[] {
    const above: string[] = [];
    for (let id = this.#parents.get(entityId); id !== undefined; id = this.#parents.get(id)) above.push(id);
    return above;
  }
}
