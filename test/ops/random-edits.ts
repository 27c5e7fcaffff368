import * as fc from 'fast-check';

import type { TestHome } from '../support/store.ts';

import { HubError } from '../../src/base/errors.ts';
import { HUB_AUTHOR } from '../../src/graph/types.ts';

/** One thing that people, phones or the hub do to a graph. Numbers pick among what is there. */
export type Edit =
  | { kind: 'create'; type: string; name: string; id: string | null }
  | { kind: 'edit' | 'delete' | 'restore' | 'end'; pick: number }
  | { kind: 'join' | 'move'; from: number; to: number; type: string }
  | { kind: 'version'; pick: number; odd: Odd; current: boolean; tombstone: boolean }
  | {
      kind: 'edge version';
      from: number;
      to: number;
      pick: number;
      odd: Odd;
      current: boolean;
      ends: boolean;
    }
  | { kind: 'wait'; ms: number };

/** What phones send and no hub would write. */
interface Odd {
  readonly version: string;
  readonly timestamp: string;
  readonly json: string;
  readonly user: string;
}

const pick = fc.nat(1000);
const relationshipType = fc.constantFrom('located_in', 'part_of', 'connects_to', 'depends_on');

const odd: fc.Arbitrary<Odd> = fc.record({
  version: fc.oneof(
    fc.constantFrom(
      'v-1719400000000',
      '3',
      '2026-05-08T07:57:54.734914+00:00Z-000000-agent',
      'ünï ✓ "quoted"',
    ),
    fc.uuid(),
  ),
  timestamp: fc.constantFrom(
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00.123456789+02:00',
    '0001-01-01T00:00:00Z',
    '2099-01-01T00:00:00.000000+00:00',
    'no time at all',
  ),
  json: fc.constantFrom(
    '{"a":1.0,"b" : [ 1e2 ]}',
    '{"name":"Lamp","name":"twice"}',
    '{}',
    '{"x":"\\u00e9\\u2028"}',
  ),
  user: fc.constantFrom('anna', 'tom/\u0000\n', ''),
});

export const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('create' as const),
      type: fc.constantFrom('room', 'device', 'zone', 'note'),
      name: fc.string({ minLength: 1, unit: 'grapheme' }).map((name) => `n${name}`),
      id: fc.option(fc.constantFrom('a', 'b.c:d~e_f-g', 'x'.repeat(128))),
    }),
    fc.record({ kind: fc.constantFrom('edit', 'delete', 'restore', 'end'), pick }),
    fc.record({ kind: fc.constantFrom('join', 'move'), from: pick, to: pick, type: relationshipType }),
    fc.record({
      kind: fc.constant('version' as const),
      pick,
      odd,
      current: fc.boolean(),
      tombstone: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('edge version' as const),
      from: pick,
      to: pick,
      pick,
      odd,
      current: fc.boolean(),
      ends: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: -100_000, max: 100_000_000 }) }),
  ),
  { minLength: 5, maxLength: 60 },
);

/** Does what the edits say; what the graph refuses is left undone. */
export function applyEdits(home: TestHome, all: readonly Edit[]): void {
  const [things, edges]: [string[], string[]] = [[], []];
  for (const edit of all) {
    try {
      applyEdit(home, edit, things, edges);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
    }
  }
  // Versions that are put in past the rules may leave edges at deleted things, which no rule would.
  home.graph.transaction((graph) => graph.settleEdges(0, HUB_AUTHOR));
}

function applyEdit(home: TestHome, edit: Edit, things: string[], edges: string[]): void {
  const { graph, clock } = home;
  const author = { userId: 'anna', deviceId: 'phone' };
  const thing = (number: number): string => things[number % things.length] ?? 'nothing';
  const edgeAt = (number: number): string => edges[number % edges.length] ?? 'nothing';
  const note = (list: string[], id: string): void => void (list.includes(id) || list.push(id));
  switch (edit.kind) {
    case 'wait':
      clock.jumpTo(Math.max(0, clock.nowMs() + edit.ms));
      return;
    case 'create':
      graph.transaction((writer) => {
        const { name, type: entityType, id } = edit;
        const input = { entityType, content: { name }, author, sourceType: 'manual' };
        note(things, writer.createEntity(id === null ? input : { ...input, id }).id);
      });
      return;
    case 'edit':
      graph.transaction((writer) =>
        writer.replaceContent(thing(edit.pick), { name: 'N', at: clock.nowMs() }, author),
      );
      return;
    case 'delete':
      graph.transaction((writer) => writer.deleteEntity(thing(edit.pick), author));
      return;
    case 'restore':
      graph.transaction((writer) => writer.restoreEntity(thing(edit.pick), undefined, author));
      return;
    case 'end':
      graph.transaction((writer) => writer.endRelationship(edgeAt(edit.pick), author));
      return;
    case 'join': {
      const ends = {
        fromEntityId: thing(edit.from),
        toEntityId: thing(edit.to),
        relationshipType: edit.type,
      };
      graph.transaction((writer) =>
        note(edges, writer.putRelationship({ ...ends, properties: { n: 1 }, author }).id),
      );
      return;
    }
    case 'move': {
      const ends = {
        fromEntityId: thing(edit.from),
        toEntityId: thing(edit.to),
        relationshipType: edit.type,
      };
      graph.transaction((writer) =>
        writer.changeRelationship(edgeAt(edit.from), { ...ends, properties: {} }, author),
      );
      return;
    }
    case 'version':
      insertOddVersion(home, edit, thing(edit.pick));
      return;
    case 'edge version':
      insertOddEdge(
        home,
        edit,
        [thing(edit.from), thing(edit.to)],
        edges.length > 0 ? edgeAt(edit.pick) : 'edge-1',
      );
      note(edges, 'edge-1');
  }
}

function insertOddVersion(home: TestHome, edit: Edit & { kind: 'version' }, id: string): void {
  home.graph.transaction((writer) => {
    const latest = writer.latest(id);
    if (!latest || writer.heldAs(id, edit.odd.version)) return;
    writer.insertVersion({
      id,
      version: edit.odd.version,
      entityType: latest.entityType,
      changeType: edit.tombstone ? 'delete' : 'update',
      parentVersions: edit.pick % 2 === 0 ? [] : [latest.version, 'never-seen'],
      contentJson: edit.tombstone ? null : edit.odd.json,
      author: { userId: edit.odd.user, deviceId: 'phone-2' },
      sourceType: 'homekit',
      timestamp: edit.odd.timestamp,
      current: edit.current,
    });
  });
}

function insertOddEdge(
  home: TestHome,
  edit: Edit & { kind: 'edge version' },
  [from, to]: readonly [string, string],
  id: string,
): void {
  home.graph.transaction((writer) => {
    if (from === to || writer.relationshipHeldAs(id, edit.odd.version)) return;
    writer.insertRelationshipVersion({
      id,
      version: edit.odd.version,
      parentVersions: [],
      fromEntityId: from,
      toEntityId: to,
      relationshipType: 'located_in',
      propertiesJson: edit.odd.json,
      author: { userId: edit.odd.user, deviceId: 'phone-2' },
      validFrom: edit.odd.timestamp,
      validTo: edit.ends ? '2026-04-01T00:00:00Z' : null,
      current: edit.current,
    });
  });
}
