import type { EdgeStretch, PlacedEdge } from './edges.ts';

import { microsToVersionTime } from '../../base/ids.ts';
import { relationshipLine } from '../format.ts';
import { authorOf } from './author.ts';

/** One version of an edge as a line of an export. */
export function edgeLine(
  edge: PlacedEdge,
  { row, fromMicros }: EdgeStretch,
  rest: { version: string; parent: string | undefined; propertiesJson: string; toMicros: number | null },
): string {
  return relationshipLine({
    id: edge.id,
    version: rest.version,
    heldAs: 'state',
    parentVersions: rest.parent === undefined ? [] : [rest.parent],
    fromEntityId: row.from,
    toEntityId: row.to,
    relationshipType: row.relationshipType,
    propertiesJson: rest.propertiesJson,
    ...authorOf(row),
    createdMicros: edge.createdMicros,
    validFromMicros: fromMicros,
    validToMicros: rest.toMicros,
  });
}

/** The old edges have no versions; the same row gives the same one at every import. */
export function edgeVersion(micros: number, index: number, what = 'edge'): string {
  return `${microsToVersionTime(micros)}-${String(index).padStart(6, '0')}-python-${what}`;
}
