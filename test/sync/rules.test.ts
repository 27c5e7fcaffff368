import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { canonicalJson, contentChecksum } from '../../src/sync/canonical-json.ts';
import { inCausalOrder } from '../../src/sync/rules.ts';

describe('canonical JSON', () => {
  test('the example of RFC 8785 section 3.2.2', () => {
    const value: unknown = JSON.parse(
      String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],` +
        String.raw`"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    );
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test('keys are sorted by UTF-16 code units, at every depth', () => {
    expect(canonicalJson({ '\ufb33': 1, '\ud83d\ude00': 2, a: { c: 1, b: [{ z: 1, y: 2 }] } })).toBe(
      '{"a":{"b":[{"y":2,"z":1}],"c":1},"\ud83d\ude00":2,"\ufb33":1}',
    );
  });

  test('the order in which keys were sent does not change the checksum', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (content) => {
        const reversed = Object.fromEntries(Object.entries(content).reverse());
        expect(contentChecksum(reversed)).toBe(contentChecksum(content));
        expect(JSON.parse(canonicalJson(content))).toEqual(JSON.parse(JSON.stringify(content)));
      }),
    );
  });
});

test('causal order: a permutation in which no parent comes after its child, unless they form a ring', () => {
  const batch = fc.array(
    fc.record({
      id: fc.constantFrom('a', 'b'),
      version: fc.nat(20),
      parents: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(batch, (changes) => {
      // A parent is always older here, so there is no ring.
      const unique = new Map(changes.map((change) => [`${change.id}${change.version}`, change]));
      const list = [...unique.values()].map(({ id, version, parents }) => ({
        id,
        version: String(version),
        parentVersions: parents.filter((parent) => parent < version).map(String),
      }));
      const ordered = inCausalOrder(list);
      expect(new Set(ordered)).toEqual(new Set(list));
      expect(ordered).toHaveLength(list.length);
      for (const [index, change] of ordered.entries()) {
        for (const later of ordered.slice(index + 1)) {
          expect(change.id === later.id && change.parentVersions.includes(later.version)).toBe(false);
        }
      }
    }),
  );
});
