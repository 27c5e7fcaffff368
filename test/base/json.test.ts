import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseJson } from '../../src/base/json.ts';

test('the shape of JSON is looked at past its strings, whatever they hold', () => {
  const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ',', 'a', '\ud800') });
  fc.assert(
    fc.property(fc.array(text), (strings) => {
      expect(parseJson(JSON.stringify(strings), 1)).toEqual(strings);
    }),
  );
  expect(() => parseJson('["\\\\", [1]]', 1)).toThrow(/nested/);
  expect(() => parseJson('["\\"]')).toThrow(/not valid JSON/);
  expect(() => parseJson(`"${'\\"'.repeat(100_000)}`)).toThrow(/not valid JSON/);
});
