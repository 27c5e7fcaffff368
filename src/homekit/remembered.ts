import type { RememberedService } from './reader.ts';
import type { Inversion } from './types.ts';

/** What is remembered about a device, each by component. */
export interface Remembered {
  /** The services that they were first shown as. */
  readonly tiles: ReadonlyMap<string, string>;
  /** The names that people gave them in Apple Home. */
  readonly names: ReadonlyMap<string, string>;
  readonly inversions: ReadonlyMap<string, Inversion>;
}

export function rememberedByEntity(rows: readonly RememberedService[]): Map<string, Remembered> {
  const result = new Map<string, Remembered>();
  for (const [entityId, own] of Map.groupBy(rows, (row) => row.entityId)) {
    result.set(entityId, {
      tiles: new Map(own.flatMap(({ component, tile }) => (tile === null ? [] : [[component, tile]]))),
      names: new Map(own.flatMap(({ component, name }) => (name === null ? [] : [[component, name]]))),
      inversions: new Map(
        own
          .filter(({ openingInverted, tiltInverted }) => openingInverted + tiltInverted > 0)
          .map((row) => [
            row.component,
            { opening: row.openingInverted === 1, tilt: row.tiltInverted === 1 },
          ]),
      ),
    });
  }
  return result;
}
