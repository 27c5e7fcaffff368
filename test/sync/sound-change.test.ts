import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { entityChangeSchema, parseEntityChange } from '../../src/sync/schema.ts';
import { isSoundChange } from '../../src/sync/sound-change.ts';

const SOUND = {
  change_type: 'update',
  entity_id: 'lamp',
  entity_version: 'v2',
  entity_type: 'device',
  content: { name: 'Lamp' },
  timestamp: '2026-01-31T12:00:00.000Z',
  parent_versions: ['v1'],
  user_id: 'anna',
  device_id: 'phone',
  checksum: null,
};

/** What a field may be that is right, nearly right, or quite wrong. */
const odd = fc.oneof(
  fc.constantFrom(undefined, null, '', 'create', 'update', 'delete', 'x'.repeat(128), 'x'.repeat(129)),
  fc.constantFrom(
    '2026-01-31T12:00:00Z',
    '2026-02-31 12:00',
    '2026-01-31t12:00:00,5+01:00',
    'now',
    '0001-01-01T00:00:00Z',
  ),
  fc.constantFrom(
    '\u0000',
    'a\u007f',
    '\ud800',
    'server',
    [],
    ['v1', 'v0'],
    ['x'.repeat(256)],
    ['x'.repeat(257)],
  ),
  fc.constantFrom(Array(32).fill('v'), Array(33).fill('v'), [1], {}, { name: null }, [{}]),
  fc.jsonValue(),
  fc.string(),
);

/** A change with some of its fields replaced or left out. */
const change = fc
  .record(Object.fromEntries(Object.keys(SOUND).map((key) => [key, odd])), { requiredKeys: [] })
  .map((fields) => ({ ...SOUND, ...fields }));

describe('the quick look at a change', () => {
  it('takes nothing that the schema refuses, and understands it as the schema does', () => {
    fc.assert(
      fc.property(fc.oneof(change, fc.jsonValue()), (value) => {
        const schema = entityChangeSchema.safeParse(value);
        if (!isSoundChange(value)) return;
        expect(schema.error).toBeUndefined();
        // What the schema makes of it, it makes of it again: nothing was coerced or filled in but the parents.
        expect(parseEntityChange(schema.data, 0, 'phone')).toEqual(parseEntityChange(value, 0, 'phone'));
        expect(Object.assign({ parent_versions: [] }, value)).toMatchObject(schema.data ?? {});
      }),
      { numRuns: 3000 },
    );
  });

  it('takes all that the schema takes', () => {
    fc.assert(
      fc.property(change, (value) => {
        if (entityChangeSchema.safeParse(value).success) expect(isSoundChange(value)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('leaves it to the schema to say what is wrong', () => {
    const parse = (fields: object): unknown => parseEntityChange({ ...SOUND, ...fields }, 3, 'phone');
    expect(() => parse({ content: null })).toThrow('changes.3.content: a update needs it');
    expect(() => parse({ timestamp: 'now' })).toThrow('changes.3.timestamp: must be an RFC 3339 time');
    expect(() => parse({ device_id: 'a\u0000' })).toThrow(/^changes\.3\.device_id: /);
    expect(() => parse({ parent_versions: ['x', 7] })).toThrow(/^changes\.3\.parent_versions\.1: /);
  });
});
