import type { SourceFindings } from '../findings.ts';

/** A row of the Python `entity_relationships` table, without its properties. */
export interface EdgeRow {
  readonly rowid: number;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly relationshipType: string;
  readonly userId: string;
  /** The row names a version of an end that is not the current one. */
  readonly isPinned: boolean;
  readonly createdMicros: number | undefined;
  readonly updatedMicros: number | undefined;
  /** Undefined in a database of before edges had intervals. */
  readonly validFromMicros: number | undefined;
  readonly validToMicros: number | undefined;
}

/** One stretch of an edge's life; us since the Unix epoch. */
export interface EdgeStretch {
  readonly row: EdgeRow;
  /** When the row was written, for its version: one that was changed in place is another version. */
  readonly writtenMicros: number;
  readonly fromMicros: number;
  /** Null while it lasts. */
  toMicros: number | null;
}

/** What the edges of one id said, oldest first. */
export interface PlacedEdge {
  readonly id: string;
  readonly createdMicros: number;
  readonly stretches: readonly EdgeStretch[];
}

/**
 * Makes the rows of the table into edges: the stretches of one id follow each other, and a thing is in one place. `isThere`
 * says which entities were taken. `nowMicros` stands in where a row has no time.
 */
export function placeEdges(
  rows: readonly EdgeRow[],
  isThere: (id: string) => boolean,
  nowMicros: number,
  findings: SourceFindings,
): PlacedEdge[] {
  const byId = new Map<string, EdgeStretch[]>();
  for (const row of rows) {
    const fault = faultOf(row, isThere);
    if (fault !== undefined) {
      findings.refused.add(fault, `${row.id} (${row.relationshipType} from ${row.from} to ${row.to})`);
      continue;
    }
    if (row.isPinned)
      findings.folded.add('relationships pinned to an older version, joined to the thing', row.id);
    const stretches = byId.get(row.id) ?? [];
    stretches.push(toStretch(row, nowMicros));
    byId.set(row.id, stretches);
  }
  for (const stretches of byId.values()) inTurn(stretches, findings);
  onePlaceEach([...byId.values()].flat(), findings);
  return [...byId]
    .map(([id, stretches]) => ({
      id,
      createdMicros: Math.min(...stretches.map(({ row, fromMicros }) => row.createdMicros ?? fromMicros)),
      stretches,
    }))
    .sort((a, b) => (a.stretches[0]?.fromMicros ?? 0) - (b.stretches[0]?.fromMicros ?? 0));
}

function faultOf(row: EdgeRow, isThere: (id: string) => boolean): string | undefined {
  if (row.from === row.to) return 'relationships of a thing with itself';
  if (!isThere(row.from) || !isThere(row.to)) return 'relationships to something that is not there';
  return undefined;
}

function toStretch(row: EdgeRow, nowMicros: number): EdgeStretch {
  const fromMicros = row.validFromMicros ?? row.createdMicros ?? row.updatedMicros ?? nowMicros;
  const { validToMicros } = row;
  return {
    row,
    writtenMicros: row.validFromMicros ?? row.updatedMicros ?? fromMicros,
    fromMicros,
    toMicros: validToMicros === undefined ? null : Math.max(validToMicros, fromMicros),
  };
}

/** Of the stretches of one edge only the last may be open, and none reaches into the next. */
function inTurn(stretches: EdgeStretch[], { folded }: SourceFindings): void {
  stretches.sort((a, b) => a.fromMicros - b.fromMicros || a.row.rowid - b.row.rowid);
  for (const [index, stretch] of stretches.entries()) {
    const next = stretches[index + 1];
    if (!next || (stretch.toMicros !== null && stretch.toMicros <= next.fromMicros)) continue;
    stretch.toMicros = next.fromMicros;
    folded.add('intervals of one relationship that overlapped', stretch.row.id);
  }
}

/** Of the open `located_in` edges of a thing the last stays open; the others end where the next begins. */
function onePlaceEach(stretches: readonly EdgeStretch[], { folded }: SourceFindings): void {
  const open = stretches.filter(
    ({ row, toMicros }) => row.relationshipType === 'located_in' && toMicros === null,
  );
  for (const places of Map.groupBy(open, ({ row }) => row.from).values()) {
    places.sort((a, b) => a.fromMicros - b.fromMicros || a.row.rowid - b.row.rowid);
    for (const [index, place] of places.entries()) {
      const next = places[index + 1];
      if (!next) continue;
      place.toMicros = next.fromMicros;
      folded.add('things in several places, left in the last', place.row.from);
    }
  }
}
