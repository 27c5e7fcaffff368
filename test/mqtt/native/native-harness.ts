import type { CapabilityValue } from '../../../src/devices/types.ts';
import type { Codec } from '../../../src/mqtt/components/codec.ts';
import type { ComponentSpec } from '../../../src/mqtt/discovery/description.ts';
import type { MakeNativeProtocol, NativeHost, NativeProtocol } from '../../../src/mqtt/native/types.ts';
import type { OutgoingMessage } from '../../../src/mqtt/types.ts';

import { silentLogger } from '../../../src/base/log.ts';
import { toCodec } from '../../../src/mqtt/components/components.ts';
import { Templates } from '../../../src/mqtt/components/templates.ts';
import { Message } from '../../../src/mqtt/message.ts';

/** A host that keeps what it is told. */
export class RecordingHost implements NativeHost {
  readonly devices = new Map<string, readonly ComponentSpec[]>();
  readonly withdrawn: string[] = [];
  readonly published: OutgoingMessage[] = [];
  readonly complaints: string[] = [];

  announce(key: string, components: readonly ComponentSpec[]): void {
    this.devices.set(key, components);
  }

  withdraw(key: string): void {
    this.withdrawn.push(key);
    this.devices.delete(key);
  }

  publish(message: OutgoingMessage): void {
    this.published.push(message);
  }

  complain(topic: string, reason: string): void {
    this.complaints.push(`${topic}: ${reason}`);
  }
}

export function toMessage(topic: string, payload: unknown, retained = false): Message {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return new Message({ topic, payload: Buffer.from(text), retained });
}

/** A protocol and its host. */
export class Bench {
  readonly host = new RecordingHost();
  readonly protocol: NativeProtocol;
  readonly #codecs = new Map<ComponentSpec, Codec | string>();
  readonly #templates = new Templates(silentLogger);

  constructor(make: MakeNativeProtocol) {
    this.protocol = make(this.host);
  }

  tell(topic: string, payload: unknown): void {
    this.protocol.handle(toMessage(topic, payload, true));
  }

  components(key: string): readonly ComponentSpec[] {
    return this.host.devices.get(key) ?? [];
  }

  /** The ids without the part that they share, `light/light_1`. */
  ids(key: string): string[] {
    return this.components(key).map(({ type, objectId }) => `${type}/${objectId}`);
  }

  find(key: string, id: string): ComponentSpec {
    const spec = this.components(key).find(({ type, objectId }) => `${type}/${objectId}` === id);
    if (!spec) throw new Error(`${key} has no ${id}, but ${this.ids(key).join(', ')}`);
    return spec;
  }

  /** The component's language; a sentence where the hub does not speak it. */
  codec(spec: ComponentSpec): Codec | string {
    const known = this.#codecs.get(spec) ?? toCodec(spec.type, spec.config, this.#templates);
    this.#codecs.set(spec, known);
    return known;
  }

  /** What a message tells of a component, by kind. */
  read(key: string, id: string, topic: string, payload: unknown): Record<string, CapabilityValue> {
    const codec = this.#requireCodec(key, id);
    return Object.fromEntries(
      codec.decode(toMessage(topic, payload)).map(({ kind, value }) => [kind, value]),
    );
  }

  /** What a command sends, as `topic payload`. */
  write(key: string, id: string, writes: Record<string, CapabilityValue>): string[] {
    const codec = this.#requireCodec(key, id);
    const list = Object.entries(writes).map(([kind, value]) => ({ kind, value }));
    const command = codec.encode?.(list as Parameters<NonNullable<Codec['encode']>>[0]);
    return (command?.messages ?? []).map(({ topic, payload }) => `${topic} ${payload}`);
  }

  /** Sentences about what the hub can't use. */
  problems(): string[] {
    const specs = [...this.host.devices.values()].flat();
    return specs.flatMap((spec) => {
      const codec = this.codec(spec);
      return typeof codec === 'string' ? [`${spec.id}: ${codec}`] : [];
    });
  }

  /** Also of keys that the hub does not read. */
  templateProblems(): string[] {
    return [...this.host.devices.values()].flat().flatMap((spec) => this.#templateProblems(spec));
  }

  #requireCodec(key: string, id: string): Codec {
    const codec = this.codec(this.find(key, id));
    if (typeof codec === 'string') throw new Error(`${id}: ${codec}`);
    return codec;
  }

  #templateProblems(spec: ComponentSpec): string[] {
    return Object.entries(spec.config).flatMap(([key, value]) => {
      if (!key.endsWith('_template') || typeof value !== 'string') return [];
      try {
        this.#templates.check(value);
        return [];
      } catch (error) {
        return [`${spec.id} ${key}: ${String(error)}`];
      }
    });
  }
}

/** Values that firmware might hold in place of others. */
export const ODD_VALUES = [
  null,
  true,
  0,
  -1,
  1e300,
  '',
  '"',
  "'",
  '%topic%',
  '{{ 1 }}',
  '+/#',
  '\0',
  [],
  {},
  [[]],
];
