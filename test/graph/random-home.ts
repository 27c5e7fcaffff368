import * as fc from 'fast-check';

import type { Graph, GraphWriter } from '../../src/graph/graph.ts';
import type { Author, EntityVersion, RelationshipVersion } from '../../src/graph/types.ts';
import type { TestHome } from '../support/store.ts';

import { toIso } from '../../src/base/clock.ts';

/** One thing that somebody does to a home; numbers choose among what there is. */
export type Action =
  | { readonly do: 'create' | 'edit' | 'delete' | 'restore'; readonly which: number; readonly value: string }
  | {
      readonly do: 'join' | 'move';
      readonly which: number;
      readonly from: number;
      readonly to: number;
      readonly type: string;
    }
  | { readonly do: 'end'; readonly which: number }
  /** A phone's edit that was made some time ago; `lost` ones are stored as losers. */
  | { readonly do: 'push'; readonly which: number; readonly agoMs: number; readonly lost: boolean }
  /** A phone's edge that began some time ago, perhaps before its ends were there. */
  | {
      readonly do: 'pushEdge';
      readonly which: number;
      readonly from: number;
      readonly to: number;
      readonly agoMs: number;
    }
  | { readonly do: 'wait'; readonly ms: number };

export const THINGS = 6;
const TYPES = ['located_in', 'part_of', 'controls'];
const EDGES = 8;

export const actions = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom('create', 'edit', 'delete', 'restore' as const),
      which: fc.nat(THINGS - 1),
      value: fc.constantFrom('Lampe', 'Küche', 'lamp', 'x'),
    }),
    fc.record({
      do: fc.constantFrom('join', 'move' as const),
      which: fc.nat(EDGES - 1),
      from: fc.nat(THINGS - 1),
      to: fc.nat(THINGS - 1),
      type: fc.constantFrom(...TYPES),
    }),
    fc.record({ do: fc.constant('end' as const), which: fc.nat(EDGES - 1) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50 }) }),
  ),
  { maxLength: 40 },
) as fc.Arbitrary<Action[]>;

/** With phones that were offline: what they push is about the past. */
export const actionsWithPhones = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: actions.filter((list) => list.length > 0).map((list) => list[0] as Action) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('push' as const),
        which: fc.nat(THINGS - 1),
        agoMs: fc.nat(200),
        lost: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('pushEdge' as const),
        which: fc.nat(EDGES - 1),
        from: fc.nat(THINGS - 1),
        to: fc.nat(THINGS - 1),
        agoMs: fc.nat(200),
      }),
    },
  ),
  { maxLength: 40 },
) as fc.Arbitrary<Action[]>;

const anna: Author = { userId: 'anna', deviceId: 'phone' };

/** Does one action as far as it is possible; what the graph refuses is no fault here. */
export function perform(home: TestHome, action: Action, step: number): void {
  if (action.do === 'wait') {
    home.clock.advance(action.ms);
    return;
  }
  home.graph.transaction((writer) => write(writer, action, step, home.clock.nowMs()));
}

function write(
  writer: GraphWriter,
  action: Exclude<Action, { do: 'wait' }>,
  step: number,
  nowMs: number,
): void {
  const id = `thing-${action.which}`;
  switch (action.do) {
    case 'create':
    case 'edit':
    case 'delete':
    case 'restore':
      writeEntity(writer, action.do, id, action.value);
      break;
    case 'push': {
      const head = writer.head(id);
      writer.insertVersion({
        id,
        version: `v-${step}-${action.lost ? 'lost' : 'kept'}`,
        entityType: 'note',
        changeType: head ? 'update' : 'create',
        parentVersions: head && !action.lost ? [head.entity.version] : [],
        contentJson: JSON.stringify({ name: `pushed ${step}` }),
        author: anna,
        sourceType: 'manual',
        timestamp: toIso(nowMs - action.agoMs),
        current: !action.lost,
      });
      break;
    }
    case 'pushEdge': {
      const ends = { fromEntityId: `thing-${action.from}`, toEntityId: `thing-${action.to}` };
      if (!canJoin(writer, ends)) break;
      const edgeId = `edge-${action.which}`;
      const known = writer.relationship(edgeId);
      writer.insertRelationshipVersion({
        id: edgeId,
        version: `e-${step}`,
        parentVersions: known ? [known.version] : [],
        ...ends,
        relationshipType: 'located_in',
        propertiesJson: JSON.stringify({ step }),
        author: anna,
        validFrom: toIso(nowMs - action.agoMs),
        validTo: null,
        current: true,
      });
      break;
    }
    case 'join':
    case 'move':
      writeEdge(writer, action, step);
      break;
    case 'end': {
      const edge = writer.relationship(`edge-${action.which}`);
      if (edge) writer.endRelationship(edge.id, anna);
      break;
    }
  }
}

function writeEntity(
  writer: GraphWriter,
  action: 'create' | 'edit' | 'delete' | 'restore',
  id: string,
  value: string,
): void {
  const latest = writer.latest(id);
  const lives = latest !== undefined && latest.contentJson !== null;
  if (action === 'create' && !lives) {
    writer.createEntity({
      id,
      entityType: 'note',
      content: { name: value },
      author: anna,
      sourceType: 'manual',
    });
  } else if (action === 'edit' && lives) writer.replaceContent(id, { name: value }, anna);
  else if (action === 'delete' && lives) writer.deleteEntity(id, anna);
  else if (action === 'restore' && latest) writer.restoreEntity(id, undefined, anna);
}

function writeEdge(
  writer: GraphWriter,
  action: { do: 'join' | 'move'; which: number; from: number; to: number; type: string },
  step: number,
): void {
  const ends = { fromEntityId: `thing-${action.from}`, toEntityId: `thing-${action.to}` };
  if (!canJoin(writer, ends)) return;
  const id = `edge-${action.which}`;
  const known = writer.relationship(id);
  const joined = { ...ends, relationshipType: action.type, properties: { step } };
  if (!known) writer.putRelationship({ id, ...joined, author: anna });
  else if (action.do === 'move' && known.validToMs === null && !isJoined(writer, id, joined)) {
    writer.changeRelationship(id, joined, anna);
  }
}

function canJoin(writer: GraphWriter, ends: { fromEntityId: string; toEntityId: string }): boolean {
  const alive = Object.values(ends).every((end) => typeof writer.latest(end)?.contentJson === 'string');
  return alive && ends.fromEntityId !== ends.toEntityId;
}

/** Whether another edge than `id` joins the two so already, which a change would be refused for. */
function isJoined(
  writer: GraphWriter,
  id: string,
  joined: { fromEntityId: string; toEntityId: string; relationshipType: string },
): boolean {
  return Array.from({ length: EDGES }, (_, n) => writer.relationship(`edge-${n}`)).some(
    (edge) =>
      edge !== undefined &&
      edge.id !== id &&
      edge.validToMs === null &&
      edge.fromEntityId === joined.fromEntityId &&
      edge.toEntityId === joined.toEntityId &&
      edge.relationshipType === joined.relationshipType,
  );
}

/** What there is, in a form that compares: version by id, and what each edge says. */
export interface State {
  readonly entities: Readonly<Record<string, string>>;
  readonly edges: Readonly<Record<string, string>>;
}

export function stateOf(
  entities: readonly EntityVersion[],
  relationships: readonly RelationshipVersion[],
): State {
  return {
    entities: Object.fromEntries(entities.map(({ id, version }) => [id, version])),
    edges: Object.fromEntries(
      relationships.map((edge) => [
        edge.id,
        `${edge.fromEntityId} ${edge.relationshipType} ${edge.toEntityId} ${edge.propertiesJson}`,
      ]),
    ),
  };
}

export function presentState(graph: Graph): State {
  return stateOf(graph.list({}, 500).items, graph.relationships({}, 500).items);
}
