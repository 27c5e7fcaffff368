import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { HubError } from '../../src/base/errors.ts';
import { temporaryFolder } from '../support/store.ts';
import { anna, SearchHome } from './search-home.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: SearchHome;

beforeEach(async () => {
  folder = temporaryFolder();
  home = await SearchHome.open(folder.path);
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

describe('a search', () => {
  test('finds as you type', async () => {
    home.put('lamp', { name: 'Ceiling lamp' });
    for (const q of ['l', 'la', 'lam', 'lamp', 'LAMP', 'ceiling lamp', 'lamp ceil', 'c']) {
      expect(await home.ids(q), q).toEqual(['lamp']);
    }
    for (const q of ['lamps', 'amp', 'ceil lamp', 'lamp x']) expect(await home.ids(q), q).toEqual([]);
  });

  test('finds names, notes, nested values and numbers, not keys', async () => {
    home.put('boiler', { name: 'Boiler', notes: 'Serviced by Otto', service: [{ year: 2019 }], ok: true });
    for (const q of ['boiler', 'otto', '2019', 'boiler otto 20'])
      expect(await home.ids(q), q).toEqual(['boiler']);
    for (const q of ['service', 'notes', 'true', 'year']) {
      expect(await home.ids(`"${q}"`), q).toEqual([]);
    }
  });

  test.each([
    ['kuche', 'Küche'],
    ['KÜCHE', 'kuche'],
    ['cafe', 'Cafe\u0301'],
    ['елка', 'Ёлка'],
    ['οδος', 'ΟΔΌΣ'],
    ['strasse', 'Straße'],
    ['🛋', 'Sofa🛋️'],
    ['🛋️', '🛋 sofa'],
    ['sof', '🛋️Sofa'],
    ['灯', '客厅灯'],
    ['客厅', '客厅灯'],
  ])('for %j finds %j', async (q, name) => {
    home.put('it', { name });
    home.put('other', { name: 'Other' });
    expect(await home.ids(q)).toEqual(['it']);
  });

  test('puts a hit in the name before any number of hits elsewhere', async () => {
    home.put('name', { name: 'A very long name of a thing that is, among much else, a lamp', notes: 'x' });
    home.put('body', { name: 'x', notes: 'lamp '.repeat(200) });
    home.put('both', { name: 'Red', notes: 'lamp' });
    home.put('short', { name: 'Lamp' });
    const hits = await home.hits('lamp');
    expect(hits.map(({ entity }) => entity.id)).toEqual(['short', 'name', 'body', 'both']);
    expect(hits.map(({ matchedIn }) => matchedIn)).toEqual(['name', 'name', 'content', 'content']);
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(Math.max(...scores)).toBeLessThanOrEqual(1);
    expect(Math.min(...scores)).toBeGreaterThan(0);
    expect((await home.hits('red lamp'))[0]?.matchedIn).toBe('content');
  });

  test('puts the newer of two equals first', async () => {
    for (const id of ['a', 'b', 'c']) home.put(id, { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['c', 'b', 'a']);
  });

  test('finds phrases', async () => {
    home.put('a', { name: 'x', notes: 'the living room lamp' });
    home.put('b', { name: 'x', notes: 'room for living' });
    expect(await home.ids('"living room"')).toEqual(['a']);
    expect(await home.ids('"living roo')).toEqual(['a']);
    expect(await home.ids('"living roo"')).toEqual([]);
    expect((await home.ids('living room')).sort()).toEqual(['a', 'b']);
  });

  test('can be narrowed to types', async () => {
    home.put('device', { name: 'Lamp' }, 'device');
    home.put('note', { name: 'Lamp', text: 'device' });
    expect(await home.ids('lamp', { entityTypes: ['device'] })).toEqual(['device']);
    expect(await home.ids('lamp', { entityTypes: ['note', 'device'] })).toEqual(['device', 'note']);
    expect(await home.ids('lamp', { entityTypes: ['room'] })).toEqual([]);
    expect(await home.ids('lamp', { entityTypes: [] })).toEqual([]);
    expect(await home.ids('lamp', { entityTypes: ['"', 'x OR y', ''] })).toEqual([]);
    // A type is no text of the entity.
    expect(await home.ids('device')).toEqual(['note']);
  });

  test('tells where it found something', async () => {
    home.put('p', { name: 'Winter', steps: [{ text: 'Close the tap' }, { text: 'Drain the pipe' }] });
    const [hit] = await home.hits('drain winter');
    expect(hit?.highlights).toEqual([
      { field: 'content.name', fragments: [{ text: 'Winter', match: true }] },
      {
        field: 'content.steps.1.text',
        fragments: [
          { text: 'Drain', match: true },
          { text: ' the pipe', match: false },
        ],
      },
    ]);
  });

  test('without a word finds nothing', async () => {
    home.put('a', { name: 'Lamp' });
    for (const q of ['', '  ', '"', '""', '*', '()-^:', '\0', '\ud800']) {
      expect(await home.search.search({ q, limit: 10 }), q).toEqual({ items: [], nextCursor: null });
      expect(await home.search.matchingKeys(q), q).toEqual([]);
    }
  });

  test('takes operators for text', async () => {
    home.put('a', { name: 'Lamp and shade near: NOT (or)' });
    for (const q of [
      'lamp AND shade',
      'NOT or',
      'lamp NEAR',
      'name:x',
      'lamp*',
      '{name}: lamp',
      '-lamp',
      '^lamp',
    ]) {
      const expected = q.startsWith('name') || q.startsWith('{') ? [] : ['a'];
      expect(await home.ids(q), q).toEqual(expected);
    }
  });

  test('bears ten kilobytes of rubbish', async () => {
    home.put('a', { name: 'Lamp' });
    const rubbish = [
      '"',
      "'",
      '(',
      ')',
      '*',
      'AND',
      'NEAR(',
      '\0',
      '\ud83d',
      '😀',
      '--',
      ';',
      'é',
      '{x}:',
      '%',
      '\\',
    ];
    let seed = 1;
    let text = '';
    while (text.length < 10_240) {
      seed = (seed * 16_807) % 2_147_483_647;
      text += rubbish[seed % rubbish.length] ?? '';
    }
    expect(await home.ids(text)).toEqual([]);
    expect(await home.ids('('.repeat(10_240))).toEqual([]);
    expect(await home.ids('"'.repeat(10_241))).toEqual([]);
    expect(await home.ids('x'.repeat(10_240))).toEqual([]);
    expect(await home.ids('lamp '.repeat(2048))).toEqual(['a']);
  });
});

describe('what changes', () => {
  test('is found as it is now', async () => {
    home.put('a', { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['a']);
    home.edit('a', { name: 'Lantern' });
    expect(await home.ids('lamp')).toEqual([]);
    expect(await home.ids('lantern')).toEqual(['a']);
    home.delete('a');
    expect(await home.ids('lantern')).toEqual([]);
    home.graph.transaction((graph) => graph.restoreEntity('a', undefined, anna));
    expect(await home.ids('lantern')).toEqual(['a']);
    home.edit('a', {});
    expect(await home.ids('lantern')).toEqual([]);
  });

  test('by a push is found, and the loser of a conflict is not', async () => {
    const push = (version: string, name: string, current: boolean): void => {
      home.graph.transaction((graph) =>
        graph.insertVersion({
          id: 'pushed',
          version,
          entityType: 'note',
          changeType: 'create',
          parentVersions: [],
          contentJson: JSON.stringify({ name }),
          author: anna,
          sourceType: 'manual',
          timestamp: '2025-12-31T12:00:00Z',
          current,
        }),
      );
    };
    push('v1', 'Loser', false);
    expect(await home.ids('loser')).toEqual([]);
    push('v2', 'Winner', true);
    push('v3', 'Latecomer', false);
    expect(await home.ids('winner')).toEqual(['pushed']);
    expect(await home.ids('loser')).toEqual([]);
    expect(await home.ids('latecomer')).toEqual([]);
  });
});

describe('the past', () => {
  test('is searched as it was', async () => {
    home.put('a', { name: 'Lamp', notes: 'red' });
    home.put('b', { name: 'Shade', notes: 'for the lamp' }, 'device');
    const before = home.moment();
    home.edit('a', { name: 'Lantern' });
    home.delete('b');
    home.put('c', { name: 'Lamp' });
    expect(await home.ids('lamp')).toEqual(['c']);
    const hits = await home.hits('lam', { moment: before });
    expect(hits.map(({ entity }) => entity.id)).toEqual(['a', 'b']);
    expect(hits.map(({ matchedIn, score }) => [matchedIn, score])).toEqual([
      ['name', 1],
      ['content', 0.125],
    ]);
    expect(hits[1]?.highlights).toEqual([
      {
        field: 'content.notes',
        fragments: [
          { text: 'for the ', match: false },
          { text: 'lamp', match: true },
        ],
      },
    ]);
    expect(await home.ids('lamp', { moment: before, entityTypes: ['device'] })).toEqual(['b']);
    expect(await home.search.matchingKeys('lamp', before)).toHaveLength(2);
    const first = await home.search.search({ q: 'lamp', limit: 1, moment: before });
    const second = await home.search.search({
      q: 'lamp',
      limit: 1,
      moment: before,
      cursor: String(first.nextCursor),
    });
    expect([...first.items, ...second.items].map(({ entity }) => entity.id)).toEqual(['a', 'b']);
    expect(second.nextCursor).toBeNull();
  });
});

describe('pages', () => {
  async function allPages(q: string, limit: number): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await home.search.search({ q, limit, ...(cursor === undefined ? {} : { cursor }) });
      ids.push(...page.items.map(({ entity }) => entity.id));
      cursor = page.nextCursor;
    }
    return ids;
  }

  test('join without a gap or a repetition', async () => {
    for (let n = 0; n < 40; n++) {
      home.put(`${n}`, n % 3 === 0 ? { name: 'lamp' } : { name: 'x', notes: 'lamp '.repeat(n % 5) });
    }
    const all = await home.ids('lamp');
    expect(new Set(all).size).toBe(all.length);
    for (const limit of [1, 7, all.length, 100]) expect(await allPages('lamp', limit)).toEqual(all);
  });

  test('of a broad search are the names, then the newest, a thousand deep', async () => {
    home.graph.transaction((graph) => {
      for (let n = 0; n < 1100; n++) {
        const content = n % 100 === 0 ? { name: 'lamp' } : { name: 'x', notes: 'lamp' };
        graph.createEntity({ id: `${n}`, entityType: 'note', content, author: anna, sourceType: 'manual' });
      }
    });
    const newest = Array.from({ length: 1100 }, (_, n) => 1099 - n);
    const expected = [...newest.filter((n) => n % 100 === 0), ...newest.filter((n) => n % 100 !== 0)];
    expect(await allPages('l', 300)).toEqual(expected.slice(0, 1000).map(String));
    expect(await allPages('l', 7)).toEqual(expected.slice(0, 1000).map(String));
    expect((await home.hits('l')).map(({ score }) => score)).toContain(0.75);
    expect(await home.search.matchingKeys('l')).toHaveLength(1100);
  });

  test('need a cursor that was given here', async () => {
    home.put('a', { name: 'Lamp' });
    for (const cursor of ['x', '', Buffer.from('k5').toString('base64url')]) {
      await expect(home.search.search({ q: 'lamp', limit: 1, cursor })).rejects.toThrow(HubError);
    }
    const far = Buffer.from('q9999999').toString('base64url');
    expect(await home.search.search({ q: 'lamp', limit: 1, cursor: far })).toEqual({
      items: [],
      nextCursor: null,
    });
  });
});

test('keys of what matches serve as a filter', async () => {
  home.put('a', { name: 'Lamp' }, 'device');
  home.put('b', { name: 'x', notes: 'lamp' });
  home.put('c', { name: 'x' });
  const keys = await home.search.matchingKeys('lam');
  expect(home.graph.list({ keys }, 10).items.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(home.graph.list({ keys, entityType: 'device' }, 10).items.map(({ id }) => id)).toEqual(['a']);
});
