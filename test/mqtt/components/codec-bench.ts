import * as fc from 'fast-check';

import type { CapabilityKind, CapabilityValue, SinkWrite } from '../../../src/devices/types.ts';
import type { Codec, Reading } from '../../../src/mqtt/components/codec.ts';

import { HubError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { ConfigProblem, type Config } from '../../../src/mqtt/components/fields.ts';
import { Templates } from '../../../src/mqtt/components/templates.ts';
import { expandConfig } from '../../../src/mqtt/discovery/expand.ts';
import { Message } from '../../../src/mqtt/message.ts';

export type MakeCodec = (config: Config, templates: Templates) => Codec;

/** A codec on the bench: texts go in, values come out. */
export class Bench {
  readonly codec: Codec;

  /** Short keys are expanded, as discovery does. */
  constructor(make: MakeCodec, config: Record<string, unknown>) {
    this.codec = make(expandConfig(config), new Templates(silentLogger));
  }

  get kinds(): CapabilityKind[] {
    return this.codec.capabilities.map(({ kind }) => kind);
  }

  readings(text: string, topic = 's', retained = false): Reading[] {
    const readings = this.codec.decode(new Message({ topic, payload: Buffer.from(text), retained }));
    const stray = readings.find(({ kind }) => !this.kinds.includes(kind));
    if (stray) throw new Error(`it tells ${stray.kind}, which it did not promise`);
    return readings;
  }

  /** The last value of the last kind; undefined where the message says nothing. */
  value(text: string, topic?: string): CapabilityValue | undefined {
    return this.readings(text, topic).at(-1)?.value;
  }

  /** The last value of each kind. */
  values(text: string, topic?: string): Record<string, CapabilityValue> {
    return Object.fromEntries(this.readings(text, topic).map(({ kind, value }) => [kind, value]));
  }

  /** What a command sends, as `topic payload`. */
  sent(kind: CapabilityKind, value: SinkWrite['value']): string[] {
    const { messages = [] } = this.codec.encode?.([{ kind, value }]) ?? {};
    return messages.map(({ topic, payload }) => `${topic} ${payload}`);
  }

  assumed(kind: CapabilityKind, value: SinkWrite['value']): readonly Reading[] | undefined {
    return this.codec.encode?.([{ kind, value }]).assumed;
  }
}

const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    's',
    's/+',
    '{{ value_json.a }}',
    '{{ value }}',
    '{{ value',
    'None',
    '',
    null,
    true,
    -1,
    '1e999',
  ),
);
const WRITES: readonly SinkWrite['value'][] = [
  true,
  1,
  -5,
  1e300,
  'press',
  'install',
  '',
  { command: 'a', code: '1' },
];

/**
 * Whatever a publisher makes of a configuration and of its messages: it is refused with a sentence, or the codec gives
 * values. `usable` is a configuration that works, so that most of the odd ones get further than the first check.
 */
export function checkHostile(
  make: MakeCodec,
  usable: Record<string, unknown>,
  keys: readonly string[],
): void {
  const known = [...new Set([...Object.keys(usable), ...keys])];
  const changes = fc.dictionary(fc.constantFrom(...known), oddValue, { maxKeys: 4 });
  const text = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.json({ maxDepth: 3 }),
    fc
      .dictionary(fc.constantFrom('a', 'event_type', 'installed_version', 'in_progress'), oddValue)
      .map(toText),
    fc.constantFrom('', 'ON', 'None', 'NaN', 'Infinity', '-0', '1e999', '{}', '[]', '"x"'),
  );
  fc.assert(
    fc.property(
      fc.boolean(),
      changes,
      fc.array(text, { maxLength: 4 }),
      fc.boolean(),
      (base, odd, texts, retained) => {
        let bench: Bench;
        try {
          bench = new Bench(make, base ? { ...usable, ...odd } : odd);
        } catch (error) {
          if (!(error instanceof ConfigProblem)) throw error;
          return;
        }
        const { codec } = bench;
        for (const payload of texts) {
          for (const { value } of bench.readings(payload, 's', retained)) {
            if (value === undefined || Number.isNaN(value))
              throw new Error(`${payload} gives what is no value`);
          }
        }
        for (const { kind } of codec.capabilities) {
          for (const value of WRITES) expectRefusalAtMost(() => codec.encode?.([{ kind, value }]));
        }
      },
    ),
    { numRuns: 200 },
  );
}

function toText(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

function expectRefusalAtMost(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
  }
}
