import { array, assert, dictionary, integer, jsonValue, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ManualClock } from '../../src/base/clock.ts';
import type { JsonObject } from '../../src/base/json.ts';
import { mergePatch } from '../../src/http/merge-patch.ts';
import { RateLimiter } from '../../src/http/rate-limit.ts';

describe('the merge patch', () => {
  // The examples of RFC 7396, appendix A, whose two sides are objects.
  test.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: 'foo' }, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test('applied twice it is the same as once, and it changes neither argument', () => {
    const object = dictionary(string(), jsonValue());
    assert(
      property(object, object, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });
});

describe('the rate limiter', () => {
  test('never lets more than the limit through in any 59 seconds', () => {
    assert(
      property(array(integer({ min: 0, max: 20_000 }), { maxLength: 200 }), (pauses) => {
        const clock = new ManualClock();
        const limiter = new RateLimiter(clock);
        const taken: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          if (limiter.take('a', 5).allowed) taken.push(clock.monotonicMs());
        }
        taken.forEach((at, i) => {
          const sixth = taken[i + 5];
          if (sixth !== undefined) expect(sixth - at).toBeGreaterThan(59_000);
        });
      }),
    );
  });

  test('the wait that it tells is enough and not too much', () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock);
    limiter.take('a', 2);
    clock.advance(10_000);
    limiter.take('a', 2);
    const refused = limiter.take('a', 2);
    expect(refused).toEqual({ allowed: false, limit: 2, remaining: 0, resetS: 50 });
    clock.advance(49_000);
    expect(limiter.take('a', 2).allowed).toBe(false);
    clock.advance(1000);
    expect(limiter.take('a', 2).allowed).toBe(true);
  });

  test('its memory is bounded, and whoever keeps asking is not forgotten', () => {
    const limiter = new RateLimiter(new ManualClock());
    for (let i = 0; i < 20_000; i++) {
      limiter.take(`address ${i}`, 10);
      if (i % 100 === 0) limiter.take('busy', 10);
    }
    expect(limiter.size).toBe(4096);
    expect(limiter.take('busy', 10).allowed).toBe(false);
  });
});
