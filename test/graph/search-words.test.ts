import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { highlight } from '../../src/graph/search/highlights.ts';
import { matchWords } from '../../src/graph/search/match.ts';
import { parseQuery, toFtsQuery } from '../../src/graph/search/query.ts';
import { searchWords, textsOf } from '../../src/graph/search/texts.ts';
import { tokensOf, wordsOf } from '../../src/graph/search/tokens.ts';
import { ENTITY_TYPES } from '../../src/graph/types.ts';

describe('words', () => {
  test.each([
    ['Küche Café', ['kuche', 'cafe']],
    ['cafe\u0301', ['cafe']],
    ['Straße Łódź Køkken', ['strasse', 'lodz', 'kokken']],
    ['İstanbul ısı', ['istanbul', 'isi']],
    ['Ёлка Йод', ['елка', 'иод']],
    ['ΟΔΟΣ οδός', ['οδοσ', 'οδοσ']],
    ['🛋️Sofa 👍🏽', ['🛋', 'sofa', '👍']],
    ['🇩🇪', ['🇩', '🇪']],
    ['客厅灯 ガレージ', ['客', '厅', '灯', 'カ\u3099', 'レ', 'ー', 'シ\u3099']],
    ['कि की', ['कि', 'की']],
    ['21.5°C, 1️⃣', ['21', '5', '°', 'c', '1']],
    ["it's e-mail_x", ['it', 's', 'e', 'mail', 'x']],
    ['\0\ud800 \udc00!?"*^', []],
    ['a'.repeat(100), ['a'.repeat(64)]],
    [`a${'\u{20bb7}'.repeat(2)}`, ['a', '\u{20bb7}', '\u{20bb7}']],
    [`a${'\u{10450}'.repeat(40)}`, [`a${'\u{10450}'.repeat(31)}`]],
  ])('of %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test('have their places', () => {
    expect([...tokensOf('Die Küche: 🛋️')]).toEqual([
      { word: 'die', start: 0, end: 3 },
      { word: 'kuche', start: 4, end: 9 },
      { word: '🛋', start: 11, end: 14 },
    ]);
  });

  test('hold nothing at which FTS5 would cut, whatever the letter', () => {
    const faults: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      // The planes 4 to 13 are empty.
      if (code === 0x40000) code = 0xe0000;
      for (const word of wordsOf(String.fromCodePoint(code))) {
        // oxlint-disable-next-line no-control-regex
        if (!/^(?:[0-9a-z]|[^\0-\x7f])+$/u.test(word)) faults.push(`${code.toString(16)}: ${word}`);
      }
    }
    expect(faults).toEqual([]);
  });

  test('are the same with and without places', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (strange, plain) => {
        for (const text of [strange, plain, strange + plain]) {
          expect([...tokensOf(text)].map(({ word }) => word)).toEqual(wordsOf(text));
        }
      }),
    );
  });
});

describe('a query', () => {
  test.each([
    ['', []],
    ['   !?*"" ', []],
    ['lamp', ['"lamp" *']],
    ['kitchen  LAMP', ['"kitchen"', '"lamp" *']],
    ['"living room"', ['"living room"']],
    ['"living room" la', ['"living room"', '"la" *']],
    ['la "living ro', ['"la"', '"living ro" *']],
    ['lam "', ['"lam" *']],
    ['“living room” „x', ['"living room"', '"x" *']],
    ['lamp lamp', ['"lamp"', '"lamp" *']],
    ['x x x', ['"x"', '"x" *']],
    ['a AND b OR NOT c', ['"a"', '"and"', '"b"', '"or"', '"not"', '"c" *']],
    ['NEAR(a b, 2) name:x -y ^z w*', ['near', 'a', 'b', '2', 'name', 'x', 'y', 'z'].map((w) => `"${w}"`)],
    ['客厅', ['"客 厅" *']],
  ])('%j', (text, terms) => {
    const query = toFtsQuery(parseQuery(text), 'name body', undefined);
    const all = text.startsWith('NEAR') ? [...terms, '"w" *'] : terms;
    expect(query).toBe(`({name body} : (${all.join(' AND ')}))`);
  });

  test('is cut after 32 words, the last of which is a whole one', () => {
    const query = parseQuery(Array.from({ length: 40 }, (_, n) => `w${n}`).join(' '));
    expect(query).toHaveLength(32);
    expect(query.at(-1)).toEqual({ words: ['w31'], prefix: false });
    expect(parseQuery(`"${'a '.repeat(50)}`)[0]?.words).toHaveLength(32);
  });

  test('knows every entity type as one word, and no other text as a type', () => {
    for (const type of ENTITY_TYPES)
      expect(toFtsQuery(parseQuery('x'), 'name', [type])).toContain(`"${type}"`);
    expect(toFtsQuery(parseQuery('x'), 'name', ['', 'a b', '"', 'ä'])).toBeUndefined();
    expect(toFtsQuery(parseQuery('x'), 'name', [])).toBeUndefined();
  });
});

describe('texts of a content', () => {
  test('are its strings and numbers, the name first', () => {
    const content = {
      notes: 'n',
      name: 'Lamp',
      on: true,
      none: null,
      steps: [{ text: 'one', n: 2 }, 'two'],
      deep: { name: 'inner' },
    };
    expect([...textsOf(content)]).toEqual([
      { field: 'content.name', text: 'Lamp' },
      { field: 'content.notes', text: 'n' },
      { field: 'content.steps.0.text', text: 'one' },
      { field: 'content.steps.0.n', text: '2' },
      { field: 'content.steps.1', text: 'two' },
      { field: 'content.deep.name', text: 'inner' },
    ]);
    expect(searchWords(JSON.stringify(content))).toEqual({
      name: ['lamp'],
      body: ['n', 'one', '2', 'two', 'inner'],
    });
  });

  test('are found at any depth', () => {
    let content: unknown = 'bottom';
    for (let depth = 0; depth < 100_000; depth++) content = [content];
    expect([...textsOf(content)].map(({ text }) => text)).toEqual(['bottom']);
  });
});

test('a phrase is found in the name or in the rest, not across the two', () => {
  const words = { name: ['old', 'lamp'], body: ['lamp', 'shade'] };
  expect(matchWords(parseQuery('"lamp lamp"'), words)).toBeUndefined();
  expect(matchWords(parseQuery('"lamp shade"'), words)).toEqual({ inName: false, share: 1 / 4 });
  expect(matchWords(parseQuery('lam'), words)).toEqual({ inName: true, share: 1 / 2 });
  expect(matchWords([], words)).toBeUndefined();
});

describe('highlights', () => {
  const marked = (content: unknown, q: string): Record<string, string> =>
    Object.fromEntries(
      highlight(content, parseQuery(q)).map(({ field, fragments }) => [
        field,
        fragments.map(({ text, match }) => (match ? `[${text}]` : text)).join(''),
      ]),
    );

  test('name the field and what matched in it', () => {
    const content = { steps: [{ text: 'x' }, { text: 'Open the Küchen valve' }], name: 'Valve <b>' };
    expect(marked(content, 'kuchen valv')).toEqual({
      'content.name': '[Valve] <b>',
      'content.steps.1.text': 'Open the [Küchen] [valve]',
    });
  });

  test('show a phrase in one piece, and word by word where it runs over two fields', () => {
    expect(marked({ a: 'the living  room, living' }, '"living room"')).toEqual({
      'content.a': 'the [living  room], living',
    });
    expect(marked({ a: 'living', b: 'room' }, '"living room"')).toEqual({
      'content.a': '[living]',
      'content.b': '[room]',
    });
  });

  test('overlap in one piece', () => {
    expect(marked({ a: 'a b c' }, '"a b" "b c"')).toEqual({ 'content.a': '[a b c]' });
  });

  test('are three fields at most', () => {
    expect(Object.keys(marked({ a: 'x', b: 'x', c: 'x', d: 'x' }, 'x'))).toHaveLength(3);
  });

  test('are cut around the first match', () => {
    const text = `${'before '.repeat(50)}lamp ${'after '.repeat(50)}`;
    const { 'content.a': snippet = '' } = marked({ a: text }, 'lamp');
    expect(snippet).toMatch(/^…before (?:before )*\[lamp\] after .*…$/);
    expect(snippet.length).toBeLessThan(170);
    expect(marked({ a: `${'x'.repeat(300)} lamp` }, 'lamp')['content.a']).toMatch(/^…x+ \[lamp\]$/);
    expect(marked({ a: 'x'.repeat(300) }, 'x')['content.a']).toBe(`[${'x'.repeat(160)}]…`);
  });

  test('read as a part of the text and part no surrogate pair', () => {
    const words = fc.array(fc.constantFrom('lamp', '𐐷𐐷𐐷', '😀', 'é', ' ', 'Küche', '客'), { maxLength: 200 });
    fc.assert(
      fc.property(words, fc.constantFrom('lamp', '😀', '𐐷', 'kuche'), (parts, q) => {
        const text = parts.join('');
        const [found] = highlight({ a: text }, parseQuery(q));
        const whole = found?.fragments.map((fragment) => fragment.text).join('') ?? '';
        expect(text).toContain(whole.replace(/^…/, '').replace(/…$/, ''));
        expect(whole.isWellFormed()).toBe(true);
        expect(whole.length).toBeLessThanOrEqual(162);
        if (found) expect(found.fragments.some(({ match }) => match)).toBe(true);
      }),
    );
  });
});
