import type { SinkWrite } from '../../../src/devices/types.ts';
import type { Codec } from '../../../src/mqtt/components/codec.ts';
import type { ComponentSpec } from '../../../src/mqtt/discovery/description.ts';
import type { NativeHost, NativeProtocol } from '../../../src/mqtt/native/types.ts';
import type { OutgoingMessage } from '../../../src/mqtt/types.ts';

import { silentLogger } from '../../../src/base/log.ts';
import { toCodec } from '../../../src/mqtt/components/components.ts';
import { Templates } from '../../../src/mqtt/components/templates.ts';
import { Message } from '../../../src/mqtt/message.ts';
import { shelly } from '../../../src/mqtt/native/shelly.ts';
import { filterMatcher } from '../../../src/mqtt/topics.ts';

export function toMessage(topic: string, payload: unknown, retained = false): Message {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return new Message({ topic, payload: Buffer.from(text), retained });
}

export interface Request {
  readonly id: number;
  readonly src: string;
  readonly method: string;
  readonly params?: unknown;
}

/** A hub that keeps what the protocol does with it. */
export class FakeHub implements NativeHost, Disposable {
  readonly announced = new Map<string, readonly ComponentSpec[]>();
  readonly published: OutgoingMessage[] = [];
  readonly complaints: string[] = [];
  announcements = 0;
  readonly protocol: NativeProtocol;

  constructor() {
    this.protocol = shelly(this);
  }

  announce(key: string, components: readonly ComponentSpec[]): void {
    this.announcements += 1;
    this.announced.set(key, components);
  }

  withdraw(): void {
    throw new Error('a Shelly never says that it is gone for good');
  }

  publish(message: OutgoingMessage): void {
    this.published.push(message);
  }

  complain(topic: string, reason: string): void {
    this.complaints.push(`${topic}: ${reason}`);
  }

  /** Delivers as the hub does: once for each filter that lets the message through. */
  hear(topic: string, payload: unknown, retained = false): void {
    const message = toMessage(topic, payload, retained);
    for (const filter of this.protocol.filters) {
      if (filterMatcher(filter)(topic)) this.protocol.handle(message);
    }
  }

  /** The requests to a device that nobody has answered yet; they are not given again. */
  takeRequests(prefix: string): Request[] {
    const mine = this.published.filter(({ topic }) => topic === `${prefix}/rpc`);
    for (const message of mine) this.published.splice(this.published.indexOf(message), 1);
    return mine.map(({ payload }) => JSON.parse(payload) as Request);
  }

  /** The component's configuration. */
  config(key: string, id: string): Readonly<Record<string, unknown>> {
    return this.#find(key, id).config;
  }

  ids(key: string): string[] {
    return (this.announced.get(key) ?? []).map(({ id }) => id.replace(`/shelly_${key}/`, ' ')).sort();
  }

  /** The component's language; null where the hub does not speak it, because it is not there yet. */
  codec(key: string, id: string): Codec | null {
    const { type, config } = this.#find(key, id);
    const codec = toCodec(type, config, new Templates(silentLogger));
    if (typeof codec !== 'string') return codec;
    if (codec.includes('not supported yet')) return null;
    throw new Error(`${id}: ${codec}`);
  }

  [Symbol.dispose](): void {
    this.protocol[Symbol.dispose]();
  }

  /** @param id as `ids` gives it, such as `switch switch_0` */
  #find(key: string, id: string): ComponentSpec {
    const [type, objectId] = id.split(' ');
    const spec = this.announced
      .get(key)
      ?.find((candidate) => candidate.id === `${type}/shelly_${key}/${objectId}`);
    if (!spec) throw new Error(`${id} is not among ${this.ids(key).join(', ')}`);
    return spec;
  }
}

/** What a message says through the component's codec, as `{kind: value}`; null where the hub does not speak it. */
export function read(
  codec: Codec | null,
  topic: string,
  payload: unknown,
): Readonly<Record<string, unknown>> | null {
  if (!codec) return null;
  if (!codec.topics.some((filter) => filterMatcher(filter)(topic))) throw new Error(`${topic} is not heard`);
  const readings = codec.decode(toMessage(topic, payload));
  return Object.fromEntries(readings.map(({ kind, value }) => [kind, value]));
}

/** What the writes send, as `topic payload`, JSON parsed; null where the hub does not speak the component. */
export function write(codec: Codec | null, ...writes: SinkWrite[]): unknown[] | null {
  const messages = codec?.encode?.(writes).messages;
  return messages?.map(({ topic, payload }) => [topic, tryParse(payload)]) ?? null;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a device of a later generation answers. */
export interface Answers {
  readonly id: string;
  readonly info?: object;
  readonly mqtt?: object;
  readonly config?: object;
  readonly status?: object;
  readonly components?: readonly object[];
}

export function resultOf(method: string, answers: Answers): object | undefined {
  switch (method) {
    case 'Shelly.GetDeviceInfo':
      return {
        id: answers.id,
        mac: '4417939458E0',
        model: 'SNSW-001X16EU',
        gen: 2,
        ver: '1.4.4',
        app: 'Plus1PM',
        name: 'Kitchen',
        ...answers.info,
      };
    case 'Shelly.GetConfig':
      return {
        mqtt: { rpc_ntf: true, status_ntf: true, enable_control: true, ...answers.mqtt },
        ...answers.config,
      };
    case 'Shelly.GetStatus':
      return { sys: { available_updates: {} }, wifi: { rssi: -60 }, ...answers.status };
    case 'Shelly.GetComponents':
      return { components: answers.components ?? [], total: answers.components?.length ?? 0, offset: 0 };
    default:
      return undefined;
  }
}

/** Answers whatever the device is asked, until it is asked no more; gives the methods that it was asked for. */
export function answerAll(hub: FakeHub, prefix: string, answers: Answers): string[] {
  const methods: string[] = [];
  for (;;) {
    const requests = hub.takeRequests(prefix);
    if (requests.length === 0) return methods;
    for (const { id, src, method } of requests) {
      methods.push(method);
      hub.hear(`${src}/rpc`, { id, src: answers.id, dst: src, result: resultOf(method, answers) });
    }
  }
}

/** A hub that has met a device of a later generation. */
export function meet(answers: Omit<Answers, 'id'>, prefix = 'shellyplus1pm-4417939458e0'): FakeHub {
  const hub = new FakeHub();
  hub.hear(`${prefix}/online`, 'true', true);
  answerAll(hub, prefix, { id: 'shellyplus1pm-4417939458e0', ...answers });
  return hub;
}

export const KEY = '4417939458e0';
export const PREFIX = 'shellyplus1pm-4417939458e0';
