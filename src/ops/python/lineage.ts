import type { HeldAs } from '../../graph/types.ts';
import type { SourceFindings } from '../findings.ts';

/** A row of the Python `entities` table, without its content. */
export interface VersionRow {
  readonly rowid: number;
  readonly version: string;
  readonly entityType: string;
  readonly sourceType: string;
  readonly userId: string;
  /** As they stand in the row. */
  readonly parents: readonly string[];
  /** What the version's own text says, us since the Unix epoch. */
  readonly ownMicros: number | undefined;
  /** When the server stored the row, as far as it says. */
  readonly storedMicros: number | undefined;
  /** The latest time that the row knows of: the server had it by then. */
  readonly touchedMicros: number | undefined;
  readonly serverSeq: number | null;
  /** Null where the table has no such column. */
  readonly isLatest: boolean | null;
  /** Its content says that the thing is deleted. */
  readonly deleted: boolean;
}

/** A version in its place. */
export interface PlacedVersion {
  readonly row: VersionRow;
  readonly parents: readonly string[];
  readonly heldAs: HeldAs;
  readonly validMicros: number;
  /** When its author made it, us since the Unix epoch. */
  readonly madeMicros: number;
}

/**
 * Puts the versions of one entity into an order in which the graph can take them over: parents before children, the current
 * one last among the states. States are the current version and what it descends from; everything else lost a conflict.
 * `nowMicros` stands in where neither version nor row has a time.
 */
export function placeVersions(
  id: string,
  rows: readonly VersionRow[],
  nowMicros: number,
  { folded }: SourceFindings,
): PlacedVersion[] {
  const byVersion = new Map<string, VersionRow>();
  for (const row of rows) {
    if (byVersion.has(row.version)) folded.add('rows that stood there twice', `${id} ${row.version}`);
    else byVersion.set(row.version, row);
  }
  const parentsOf = new Map<string, readonly string[]>();
  for (const row of byVersion.values()) {
    const direct = directParents(row, byVersion);
    if (direct.length < row.parents.length) folded.add('lists of all ancestors, cut to the parents', id);
    parentsOf.set(row.version, direct);
  }
  const current = currentOf(id, [...byVersion.values()], folded);
  const states = current ? ancestorsOf(current.version, parentsOf, byVersion) : new Set<string>();
  const placed: PlacedVersion[] = [];
  const validOf = new Map<string, number>();
  let lastState = -1;
  for (const row of inOrder([...byVersion.values()], parentsOf, states, current)) {
    const parents = parentsOf.get(row.version) ?? [];
    const isState = states.has(row.version);
    const madeMicros = row.ownMicros ?? row.storedMicros ?? nowMicros;
    const after = Math.max(isState ? lastState : -1, ...parents.map((parent) => validOf.get(parent) ?? -1));
    // Not later than when the server had it, and after what it supersedes (PROTOCOL.md section 1).
    const validMicros = Math.max(Math.min(madeMicros, row.touchedMicros ?? madeMicros), after + 1);
    validOf.set(row.version, validMicros);
    if (isState) lastState = validMicros;
    placed.push({ row, parents, heldAs: isState ? 'state' : 'loser', validMicros, madeMicros });
  }
  return placed;
}

/** The old server wrote all ancestors into the list of parents; a parent of another parent is no parent. */
function directParents(row: VersionRow, byVersion: ReadonlyMap<string, VersionRow>): readonly string[] {
  const parents = [...new Set(row.parents)].filter((parent) => parent !== row.version);
  const further = new Set<string>();
  for (const parent of parents) {
    for (const grandparent of byVersion.get(parent)?.parents ?? []) {
      if (grandparent !== parent) further.add(grandparent);
    }
  }
  const direct = parents.filter((parent) => !further.has(parent));
  // Versions that name each other have no direct one.
  return direct.length === 0 ? parents : direct;
}

/**
 * The row that the old server showed: the one it flagged, or, before there was a flag, the one with the greatest version.
 * A defect flagged two rows at times, an edit and what it superseded: then the edit counts.
 */
function currentOf(
  id: string,
  rows: readonly VersionRow[],
  folded: SourceFindings['folded'],
): VersionRow | undefined {
  const flagged = rows.filter(({ isLatest }) => isLatest === true);
  if (flagged.length <= 1) return flagged[0] ?? greatest(rows, byText);
  folded.add('several rows that claimed to be the current one', id);
  const superseded = new Set(flagged.flatMap(({ parents }) => parents));
  const heads = flagged.filter(({ version }) => !superseded.has(version));
  return greatest(heads.length === 0 ? flagged : heads, byTime);
}

function greatest(rows: readonly VersionRow[], compare: Comparison): VersionRow | undefined {
  return rows.toSorted(compare).at(-1);
}

type Comparison = (a: VersionRow, b: VersionRow) => number;

const byText: Comparison = (a, b) => (a.version < b.version ? -1 : a.version > b.version ? 1 : 0);
const byTime: Comparison = (a, b) => timeOf(a) - timeOf(b) || byText(a, b);
/** The order in which the server took the rows; what has no number (a defect) goes by its time. */
const byArrival: Comparison = (a, b) =>
  a.serverSeq !== null && b.serverSeq !== null ? a.serverSeq - b.serverSeq : byTime(a, b);

function timeOf(row: VersionRow): number {
  return row.ownMicros ?? row.storedMicros ?? 0;
}

function ancestorsOf(
  version: string,
  parentsOf: ReadonlyMap<string, readonly string[]>,
  byVersion: ReadonlyMap<string, VersionRow>,
): Set<string> {
  const found = new Set<string>();
  const open = [version];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next) || !byVersion.has(next)) continue;
    found.add(next);
    open.push(...(parentsOf.get(next) ?? []));
  }
  return found;
}

/** Parents before children, otherwise in the order of arrival; the current version after all other states. */
function* inOrder(
  rows: readonly VersionRow[],
  parentsOf: ReadonlyMap<string, readonly string[]>,
  states: ReadonlySet<string>,
  current: VersionRow | undefined,
): Generator<VersionRow> {
  const waiting = new Map(rows.toSorted(byArrival).map((row) => [row.version, row]));
  const isFree = (row: VersionRow): boolean =>
    !(parentsOf.get(row.version) ?? []).some((parent) => waiting.has(parent)) &&
    (row !== current || ![...waiting.keys()].some((other) => other !== row.version && states.has(other)));
  while (waiting.size > 0) {
    let stuck = true;
    for (const row of waiting.values()) {
      if (!isFree(row)) continue;
      waiting.delete(row.version);
      stuck = false;
      yield row;
    }
    if (!stuck) continue;
    // Versions that are each other's ancestors: whichever came first goes first.
    const first = [...waiting.values()].find((row) => row !== current) ?? current;
    if (!first) return;
    waiting.delete(first.version);
    yield first;
  }
}
