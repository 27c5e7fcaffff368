import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { microsToVersionTime } from '../../src/base/ids.ts';
import { contentIssue, encodeContent } from '../../src/graph/content-rules.ts';
import { endpointWarning } from '../../src/graph/endpoint-rules.ts';
import { ENTITY_TYPES, RELATIONSHIP_TYPES } from '../../src/graph/types.ts';
import {
  packParents,
  packVersion,
  unpackParents,
  unpackVersion,
  versionHash,
} from '../../src/graph/version-codec.ts';

describe('contents', () => {
  test.each([
    ['device', {}, 'content.name'],
    ['device', { name: ' ' }, 'content.name'],
    ['room', { name: 7 }, 'content.name'],
    ['schedule', { name: 'Morning' }, 'content.cron'],
    ['schedule', { cron: 'every day' }, 'content.cron'],
    ['schedule', { cron: '99 * * * *' }, 'content.cron'],
    ['schedule', { cron: '*/5 * * * * *' }, 'content.cron'],
    ['schedule', { cron: '0 9 L * *' }, 'content.cron'],
    ['schedule', { cron: 7 }, 'content.cron'],
    ['schedule', { time: '25:00' }, 'content.time'],
    ['schedule', { time: 730 }, 'content.time'],
    ['schedule', { cron: '0 7 * * *', time: 'noon' }, 'content.time'],
    ['automation', { action: { device: 'lamp' } }, 'content.trigger'],
    ['automation', { trigger: { time: '07:00' } }, 'content.action'],
    ['automation', { trigger: {}, action: { device: 'lamp' } }, 'content.trigger'],
    ['automation', { triggers: [], actions: [{ device: 'lamp' }] }, 'content.triggers'],
    ['automation', { trigger: { time: '07:00' }, actions: [{}] }, 'content.actions'],
    ['procedure', { name: 'Filter', steps: 'first this, then that' }, 'content.steps'],
  ])('a %s of %j is refused at %s', (entityType, content, field) => {
    expect(() => encodeContent(entityType, content)).toThrow(
      expect.objectContaining({ kind: 'invalid', field, message: expect.stringContaining(field) as string }),
    );
  });

  test.each([
    ['device', { name: 'Lamp', anything: [1, { else: null }] }],
    ['room', {}],
    ['note', { name: null, text: 'x' }],
    ['schedule', { cron: '30 7 * * 1-5', note: 'on weekdays' }],
    ['schedule', { time: '07:30' }],
    ['schedule', { time: '2026-12-24T18:00:00+01:00' }],
    ['automation', { trigger: { time: '07:00' }, action: { device: 'lamp' } }],
    ['automation', { triggers: ['sunset'], actions: [{ device: 'lamp' }], enabled: false }],
    ['procedure', { steps: ['Close the valve'] }],
  ])('a %s of %j is kept as it is', (entityType, content) => {
    expect(JSON.parse(encodeContent(entityType, content))).toEqual(content);
    expect(contentIssue(entityType, content)).toBeUndefined();
  });

  test('256 KiB are the limit, counted in bytes', () => {
    const roomFor = 256 * 1024 - '{"text":""}'.length;
    expect(encodeContent('note', { text: 'x'.repeat(roomFor) })).toHaveLength(256 * 1024);
    expect(() => encodeContent('note', { text: 'x'.repeat(roomFor + 1) })).toThrow(/256 KiB/);
    expect(() => encodeContent('note', { text: 'ä'.repeat(roomFor / 2 + 1) })).toThrow(/256 KiB/);
  });
});

describe('endpoints', () => {
  test('what existing clients make is usual, and the odd is named in a sentence', () => {
    expect(endpointWarning('located_in', 'device', 'room')).toBeUndefined();
    expect(endpointWarning('has_photo', 'room', 'photo')).toBeUndefined();
    expect(endpointWarning('depends_on', 'note', 'app')).toBeUndefined();
    expect(endpointWarning('located_in', 'room', 'device')).toMatch(
      /^located_in from a room to a device is unusual; it was stored\. Usual are device>room/,
    );
  });

  test('every type has usual pairs of types that exist', () => {
    for (const type of RELATIONSHIP_TYPES) {
      const warning = endpointWarning(type, 'nothing', 'nothing') ?? '*>*';
      const pairs = warning.match(/[\w*]+>[\w*]+/g) ?? [];
      expect(pairs.length, type).toBeGreaterThan(0);
      for (const end of pairs.flatMap((pair) => pair.split('>')))
        expect(['*', ...ENTITY_TYPES]).toContain(end);
    }
  });
});

describe('versions in the file', () => {
  const usual = fc
    .tuple(
      // Up to the last year of which a double holds the microseconds.
      fc.integer({ min: 0, max: Date.UTC(2254, 11, 31) }),
      fc.nat(999),
      fc.nat(999_999),
      fc.string({ maxLength: 20 }),
    )
    .map(
      ([ms, micros, counter, author]) =>
        `${microsToVersionTime(ms * 1000 + micros)}-${String(counter).padStart(6, '0')}-${author}`,
    );
  const any = fc.oneof(
    usual,
    fc.string({ maxLength: 60 }),
    fc.constantFrom('v-1719', '2026-11-23T02:38:28+00:00-000000-x', '', '[', '-'),
  );

  test('come back letter by letter, and the usual ones are short', () => {
    fc.assert(
      fc.property(
        any.filter((version) => !version.startsWith('\u0001')),
        (version) => {
          expect(unpackVersion(packVersion(version))).toBe(version);
        },
      ),
    );
    fc.assert(
      fc.property(usual, (version) => {
        expect(packVersion(version).length).toBeLessThan(version.length - 18);
      }),
    );
  });

  test('so do their parents', () => {
    const parents = fc.array(
      any.filter((version) => !version.startsWith('\u0001')),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(parents, (list) => {
        expect(unpackParents(packParents(list))).toEqual(list);
      }),
    );
  });

  test('two versions are never stored under one text', () => {
    fc.assert(
      fc.property(any, any, (one, other) => {
        fc.pre(one !== other && !one.startsWith('\u0001') && !other.startsWith('\u0001'));
        expect(packVersion(one)).not.toBe(packVersion(other));
        expect(versionHash(one)).toBeLessThan(2048);
      }),
    );
  });
});
