import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Moment } from '../../src/graph/types.ts';

import { matchWords } from '../../src/graph/search/match.ts';
import { parseQuery } from '../../src/graph/search/query.ts';
import { searchWords } from '../../src/graph/search/texts.ts';
import { temporaryFolder } from '../support/store.ts';
import { anna, SearchHome } from './search-home.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
const TYPES = ['note', 'device'];
const word = fc.constantFrom(
  'a',
  'ab',
  'Äb',
  'á',
  'e\u0301a',
  'É',
  'я',
  'й',
  'ά',
  'Α',
  '灯',
  '灯火',
  '🛋',
  '🛋️ab',
  '1',
  '12',
);
const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
const content = fc.record({
  name: text,
  notes: text,
  more: fc.record({ list: fc.array(text, { maxLength: 2 }) }),
});
const query = fc
  .array(fc.oneof({ weight: 4, arbitrary: word }, fc.constantFrom('"', ' ', '" ', '*', 'AND', '-')), {
    maxLength: 5,
  })
  .chain((parts) => fc.constantFrom(' ', '').map((space) => parts.join(space)));
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('put' as const), id: fc.constantFrom(...IDS), content }),
  },
  fc.record({ do: fc.constantFrom('delete', 'restore' as const), id: fc.constantFrom(...IDS) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('search' as const), q: query }) },
);

/** What a search finds and where, by id. */
type Answer = Record<string, 'name' | 'content'>;

async function answer(home: SearchHome, q: string, moment?: Moment): Promise<Answer> {
  const hits = await home.hits(q, moment ? { moment } : {});
  return Object.fromEntries(hits.map(({ entity, matchedIn }) => [entity.id, matchedIn]));
}

/** The same, by reading everything. */
function expected(home: SearchHome, q: string): Answer {
  const found: Answer = {};
  for (const { id, contentJson } of home.graph.list({}, 100).items) {
    const match = matchWords(parseQuery(q), searchWords(String(contentJson)));
    if (match) found[id] = match.inName ? 'name' : 'content';
  }
  return found;
}

test('the index says what reading everything says, now and later of the past', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      using folder = temporaryFolder();
      await using home = await SearchHome.open(folder.path);
      const asked: { q: string; moment: Moment; found: Answer }[] = [];
      for (const action of steps) {
        if (action.do === 'search') {
          const found = expected(home, action.q);
          expect(await answer(home, action.q)).toEqual(found);
          const keys = await home.search.matchingKeys(action.q);
          expect(keys.map((key) => String(home.graph.list({ keys: [key] }, 1).items[0]?.id)).sort()).toEqual(
            Object.keys(found).sort(),
          );
          const devices = await home.ids(action.q, { entityTypes: ['device'] });
          const types = new Map(home.graph.list({}, 100).items.map(({ id, entityType }) => [id, entityType]));
          expect(devices.sort()).toEqual(
            Object.keys(found)
              .filter((id) => types.get(id) === 'device')
              .sort(),
          );
          asked.push({ q: action.q, moment: home.moment(), found });
          continue;
        }
        const exists = home.graph.entity(action.id) !== undefined;
        const known = home.graph.latest(action.id) !== undefined;
        const named = action.do === 'put' && { ...action.content, name: `${action.content.name}.` };
        if (named && exists) home.edit(action.id, named);
        else if (named) home.put(action.id, named, TYPES[IDS.indexOf(action.id) % 2]);
        else if (action.do === 'delete' && exists) home.delete(action.id);
        else if (action.do === 'restore' && known) {
          home.graph.transaction((graph) => graph.restoreEntity(action.id, undefined, anna));
        }
      }
      for (const { q, moment, found } of asked) expect(await answer(home, q, moment)).toEqual(found);
    }),
    { numRuns: 40 },
  );
});

test('any text can be searched for, and finds itself in a name', async () => {
  using folder = temporaryFolder();
  await using home = await SearchHome.open(folder.path);
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 });
  const strange = fc.oneof(
    units.map((codes) => String.fromCharCode(...codes)),
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.string({
      unit: fc.constantFrom('"', "'", '(', ')', '*', ':', '^', '-', '{', '}', ' AND ', ' NEAR', 'a', '+'),
    }),
  );
  await fc.assert(
    fc.asyncProperty(strange, async (q) => {
      if (home.graph.entity('it')) home.edit('it', { name: q });
      else home.put('it', { name: q });
      const found = await home.ids(q);
      const isWords = parseQuery(q).length > 0;
      expect(found).toEqual(isWords ? ['it'] : []);
      for (const hit of await home.hits(q)) expect(hit.highlights.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});
