import { describe, expect, test } from 'vitest';

import {
  hueSaturationToMired,
  miredToHueSaturation,
  toBrightness,
  toCelsius,
  toMired,
  toMiredRange,
} from '../../src/homekit/convert.ts';
import { isTrivialPin } from '../../src/homekit/identity.ts';
import { cleanName, numberEqualNames, toFirmwareRevision, toInfoText } from '../../src/homekit/names.ts';
import { choosePlaces, FULL_ACCESSORIES, MAX_ACCESSORIES, type Place } from '../../src/homekit/rules.ts';

/** The rule of hap-nodejs's checkName, which prints a warning otherwise. */
const ACCEPTED = /^[\p{L}\p{N}][\p{L}\p{N}\p{Zs}\u2019'&!._:;()/,-]*[\p{L}\p{N}]$/u;

describe('names', () => {
  test.each([
    ['Kitchen', 'Kitchen'],
    ['#1 lamp!', '1 lamp'],
    ['Büro (oben)', 'Büro (oben'],
    ['50% + 💡 dim', '50 dim'],
    ['  a   b  ', 'a b'],
    ['居間の照明', '居間の照明'],
    ['é', 'é 1'],
    ['x', 'x 1'],
    ['e\u0301clair', 'éclair'],
    ['a\u0000b\nc', 'a b c'],
  ])('%j becomes %j', (name, clean) => {
    expect(cleanName(name)).toBe(clean);
    expect(clean).toMatch(ACCEPTED);
  });

  test('the model, then a plain word, stands in for a name of which nothing is left', () => {
    expect(cleanName('💡', 'L-100')).toBe('L-100');
    expect(cleanName(null, '***')).toBe('Device');
  });

  test('a vowel sign belongs to its letter', () => {
    expect(cleanName('रसोई')).toBe('रसोई');
  });

  test('a long name is cut between characters within 63 bytes', () => {
    const name = cleanName('ä'.repeat(100));
    expect(name).toBe('ä'.repeat(31));
    expect(cleanName(`${'a'.repeat(62)} b`)).toBe('a'.repeat(62));
  });

  test('equal names are numbered by age and never exceed the limit', () => {
    const long = 'x'.repeat(63);
    const names = numberEqualNames(
      new Map([
        ['3', 'Lamp'],
        ['1', 'lamp'],
        ['2', 'Lamp 2'],
        ['4', long],
        ['5', long],
      ]),
    );
    expect(names.get('1')).toBe('lamp');
    expect(names.get('2')).toBe('Lamp 2');
    expect(names.get('3')).toBe('Lamp 3');
    expect(names.get('5')).toBe(`${'x'.repeat(61)} 2`);
  });
});

describe('information texts', () => {
  test.each([
    ['2026.8.0 (config hash 0x12)', '2026.8.0'],
    ['20240726-134416/1.4.0-gb2aeadb', '1.4.0'],
    ['v007.01.2', '7.1.2'],
    ['3.1', '0.0.1'],
    [null, '0.0.1'],
  ])('firmware %j is %s', (text, revision) => {
    expect(toFirmwareRevision(text)).toBe(revision);
  });

  test('control characters go, long texts are cut, empty ones get the fallback', () => {
    expect(toInfoText('a\u0007b', 'x')).toBe('a b');
    expect(toInfoText('m'.repeat(100), 'x')).toHaveLength(64);
    expect(toInfoText(' \n ', 'Unknown')).toBe('Unknown');
  });

  test('the codes that Apple forbids are trivial, others are not', () => {
    expect(['000-00-000', '999-99-999', '123-45-678', '876-54-321'].every(isTrivialPin)).toBe(true);
    expect(isTrivialPin('031-45-154')).toBe(false);
  });
});

describe('values', () => {
  test('unknown stays unknown, and values are rounded and clamped', () => {
    expect([toCelsius(null), toCelsius(Number.NaN), toCelsius('warm')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([toCelsius(21.449), toCelsius(500), toCelsius(-500)]).toEqual([21.4, 100, -270]);
    expect([toBrightness(0.2), toBrightness(120), toBrightness(50.5)]).toEqual([1, 100, 51]);
  });

  test('the white range of a lamp is kept within that of HomeKit', () => {
    expect(toMiredRange({ min: 153, max: 454 })).toEqual({ min: 153, max: 454 });
    expect(toMiredRange({ min: 50, max: 900 })).toEqual({ min: 140, max: 500 });
    expect(toMiredRange({ min: 600, max: 700 })).toEqual({ min: 140, max: 500 });
    expect(toMired(0, { min: 153, max: 454 })).toBeUndefined();
    expect(toMired(500, { min: 153, max: 454 })).toBe(454);
  });

  test('a white turned into a colour is found again within a few mired', () => {
    for (const mired of [200, 300, 400]) {
      const found = hueSaturationToMired(miredToHueSaturation(mired), { min: 153, max: 500 });
      expect(Math.abs(found - mired)).toBeLessThanOrEqual(15);
    }
  });
});

describe('places on the bridges', () => {
  const held = (bridge: number, count: number): [string, Place][] =>
    Array.from({ length: count }, (_, index) => [`z${bridge}-${index}`, { bridge, isFreed: false }]);

  test('who has a place keeps it, and newcomers go to the first bridge that is not full, the oldest first', () => {
    const places = new Map([...held(1, FULL_ACCESSORIES - 1), ...held(2, FULL_ACCESSORIES), ...held(3, 2)]);
    const chosen = choosePlaces(['b', 'a', ...places.keys()], places);
    expect([chosen.get('a'), chosen.get('b')]).toEqual([1, 3]);
    expect([...chosen].filter(([id, bridge]) => places.get(id)?.bridge === bridge)).toHaveLength(places.size);
  });

  test('a home that filled its bridge to the brim keeps it, and a new bridge takes what comes', () => {
    const places = new Map(held(1, MAX_ACCESSORIES));
    const chosen = choosePlaces(['a', ...places.keys()], places);
    expect([...chosen.values()].filter((bridge) => bridge === 1)).toHaveLength(MAX_ACCESSORIES);
    expect(chosen.get('a')).toBe(2);
  });

  test('who comes back gets its old bridge beyond the mark, but not beyond the brim', () => {
    const places = new Map<string, Place>([
      ...held(1, MAX_ACCESSORIES - 1),
      ['back-1', { bridge: 1, isFreed: true }],
      ['back-2', { bridge: 1, isFreed: true }],
    ]);
    const chosen = choosePlaces(['back-2', 'back-1', 'a'], places);
    expect(Object.fromEntries(chosen)).toEqual({ a: 2, 'back-1': 1, 'back-2': 2 });
  });

  test('a device that is kept out, or has nothing to show at the moment, holds its place', () => {
    const places = new Map(held(1, FULL_ACCESSORIES));
    expect(choosePlaces(['a'], places).get('a')).toBe(2);
  });
});
