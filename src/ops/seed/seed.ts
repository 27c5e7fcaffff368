import { setImmediate } from 'node:timers/promises';

import type { Graph } from '../../graph/graph.ts';
import type { Content } from '../../graph/types.ts';
import type { SeedEdge, SeedThing } from './seed-types.ts';

import { HubError } from '../../base/errors.ts';
import { microsToVersionTime } from '../../base/ids.ts';
import { parseContent } from '../../graph/graph.ts';
import { entityLine, relationshipLine } from '../format.ts';
import { building, buildingEdges } from './building.ts';
import { deviceEdges, devices } from './devices.ts';
import { events, MOVED_IN } from './events.ts';
import { paperEdges, papers } from './papers.ts';
import { routineEdges, routines } from './routines.ts';
import { seedId } from './seed-types.ts';

const THINGS: readonly SeedThing[] = [...building, ...devices, ...papers, ...routines];
const EDGES: readonly SeedEdge[] = [...buildingEdges, ...deviceEdges, ...paperEdges, ...routineEdges];
const AUTHOR = { userId: 'seed', deviceId: 'seed' };
const SECOND_MICROS = 1_000_000;
const PAGE = 200;

/** What the next record of a thing or an edge has to know of the one before. */
interface Written {
  readonly version: string;
  readonly micros: number;
}

/**
 * The made-up home as the records of an export, in the order in which it came about. Ids, versions and times are fixed: a
 * home that was seeded before holds every one of them already.
 */
export async function* seedLines(): AsyncGenerator<string> {
  for (const line of records()) yield line.trimEnd();
}

/**
 * Looks whether the home has anything that is not of the seed.
 * @throws HubError `conflict` naming an example.
 */
export async function checkNothingElse(graph: Graph): Promise<void> {
  const ours = new Set(THINGS.map(({ key }) => seedId(key)));
  let cursor: string | undefined;
  do {
    const page = graph.list({}, PAGE, cursor);
    const other = page.items.find(({ id }) => !ours.has(id));
    if (other) {
      const { name } = parseContent(other);
      throw new HubError(
        'conflict',
        `This home has things of its own, such as the ${other.entityType} ${typeof name === 'string' ? `"${name}"` : other.id}. ` +
          'A seed would put a made-up family home beside them, for good. Seed another data_dir (--data-dir), or give ' +
          '--force.',
      );
    }
    cursor = page.nextCursor ?? undefined;
    await setImmediate();
  } while (cursor !== undefined);
}

function* records(): Generator<string> {
  const things = new Map<string, Written & { thing: SeedThing; content: Content }>();
  const edges = new Map<string, Written & { edge: SeedEdge; createdMicros: number; fromMicros: number }>();

  const put = (thing: SeedThing, content: Content | null, micros: number): string => {
    const before = things.get(thing.key);
    const version = versionAt(micros);
    things.set(thing.key, { thing, version, micros, content: content ?? {} });
    return entityLine({
      id: seedId(thing.key),
      version,
      entityType: thing.type,
      changeType: content === null ? 'delete' : before ? 'update' : 'create',
      heldAs: 'state',
      parentVersions: before ? [before.version] : [],
      contentJson: content && JSON.stringify(content),
      ...AUTHOR,
      sourceType: thing.source ?? 'manual',
      timestamp: microsToVersionTime(micros),
      validMicros: micros,
    });
  };
  const join = (edge: SeedEdge, micros: number, ended: boolean): string => {
    const key = edgeKey(edge);
    const before = edges.get(key);
    const fromMicros = ended ? (before?.fromMicros ?? micros) : micros;
    const createdMicros = before?.createdMicros ?? micros;
    const version = versionAt(micros);
    const kept = ended ? (before?.edge ?? edge) : edge;
    edges.set(key, { edge: kept, version, micros, createdMicros, fromMicros });
    if (ended) edges.delete(key);
    const [from, type, to, properties = {}] = kept;
    return relationshipLine({
      id: seedId(key),
      version,
      heldAs: 'state',
      parentVersions: before ? [before.version] : [],
      fromEntityId: seedId(from),
      toEntityId: seedId(to),
      relationshipType: type,
      propertiesJson: JSON.stringify(properties),
      ...AUTHOR,
      createdMicros,
      validFromMicros: fromMicros,
      validToMicros: ended ? micros : null,
    });
  };

  let micros = toMicros(MOVED_IN);
  for (const thing of THINGS) yield put(thing, thing.content, (micros += SECOND_MICROS));
  for (const edge of EDGES) yield join(edge, (micros += SECOND_MICROS), false);
  for (const event of events) {
    const at = toMicros(event.at);
    if ('begin' in event) yield join(event.begin, at, false);
    else if ('end' in event) yield join(event.end, at, true);
    else {
      const known = things.get('edit' in event ? event.edit : event.remove);
      if (!known)
        throw new Error(`the seed speaks of something that it does not have: ${JSON.stringify(event)}`);
      yield put(known.thing, 'edit' in event ? { ...known.content, ...event.change } : null, at);
      // At the very microsecond of the tombstone and at once after it: restoring the thing finds them again.
      if ('remove' in event) {
        for (const { edge } of [...edges.values()].filter(({ edge }) => joins(edge, event.remove))) {
          yield join(edge, at, true);
        }
      }
    }
  }
}

function versionAt(micros: number): string {
  return `${microsToVersionTime(micros)}-000000-seed`;
}

function edgeKey([from, type, to]: SeedEdge): string {
  return `${from} ${type} ${to}`;
}

function joins([from, , to]: SeedEdge, key: string): boolean {
  return from === key || to === key;
}

function toMicros(time: string): number {
  return Date.parse(time) * 1000;
}
