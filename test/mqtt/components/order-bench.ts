import * as fc from 'fast-check';
import { expect } from 'vitest';

import type { CapabilityKind, CapabilityValue, SinkWrite } from '../../../src/devices/types.ts';

import { HubError } from '../../../src/base/errors.ts';
import { ConfigProblem } from '../../../src/mqtt/components/fields.ts';
import { Bench, type MakeCodec } from './codec-bench.ts';

/** Several writes in one command: what is sent, as `topic payload`. */
export function sent(bench: Bench, ...writes: SinkWrite[]): string[] {
  const { messages = [] } = bench.codec.encode?.(writes) ?? {};
  return messages.map(({ topic, payload }) => `${topic} ${payload}`);
}

/** What a command is believed to have done. */
export function assumed(bench: Bench, ...writes: SinkWrite[]): Record<string, CapabilityValue> {
  const { assumed: readings = [] } = bench.codec.encode?.(writes) ?? {};
  return Object.fromEntries(readings.map(({ kind, value }) => [kind, value]));
}

/** The error with which a command is refused. */
export function refusal(bench: Bench, ...writes: SinkWrite[]): HubError {
  try {
    bench.codec.encode?.(writes);
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
  throw new Error('the command was not refused');
}

export function order(kind: CapabilityKind, command: string, code?: string): SinkWrite {
  return { kind, value: code === undefined ? command : { command, code } };
}

const PROPERTIES = [
  'state',
  'position',
  'tilt_position',
  'fan_speed',
  'battery_level',
  'tone',
  'duration',
  'volume_level',
  '__proto__',
];
const WORDS = ['open', 'closing', 'stopped', 'ON', 'LOCKED', 'armed_away', 'docked', 'mowing', 'None'];

const scrap = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.double(),
  fc.constantFrom(
    ...WORDS,
    null,
    true,
    '',
    's',
    's/#',
    '{{ value_json.position }}',
    '{{ code }}',
    '{% if',
    'NaN',
  ),
);
const payload = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(...WORDS, '', '-0', '1e999', '50', '{}', '{"state":'),
  fc.dictionary(fc.constantFrom(...PROPERTIES), scrap).map((value) => JSON.stringify(value)),
);

/**
 * Whatever is configured and told: a configuration is refused with a ConfigProblem at most, a command with a HubError,
 * and a message gives values of the promised kinds or nothing. `usable` is a configuration that works.
 */
export function checkAnything(make: MakeCodec, usable: Record<string, unknown>): void {
  const odd = fc.oneof(
    fc.dictionary(fc.constantFrom(...Object.keys(usable)), scrap, { maxKeys: 4 }),
    fc.dictionary(fc.string(), scrap, { maxKeys: 3 }),
  );
  fc.assert(
    fc.property(fc.boolean(), odd, fc.array(payload, { maxLength: 5 }), (based, changes, payloads) => {
      const bench = tryBench(make, based ? { ...usable, ...changes } : changes);
      if (!bench) return;
      for (const text of payloads) {
        for (const { value } of bench.readings(text)) {
          expect(value).not.toBeUndefined();
          expect(value).not.toBeNaN();
          if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        }
      }
      for (const { kind, commands = [] } of bench.codec.capabilities) {
        const values = [...commands, 'nonsense', 42, true, { command: commands[0] ?? 'x', code: '1' }];
        for (const value of values) expectRefusalAtMost(() => bench.codec.encode?.([{ kind, value }]));
      }
    }),
    { numRuns: 300 },
  );
}

function tryBench(make: MakeCodec, config: Record<string, unknown>): Bench | undefined {
  try {
    return new Bench(make, config);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigProblem);
    return undefined;
  }
}

function expectRefusalAtMost(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(HubError);
  }
}
