import { randomBytes } from 'node:crypto';

import { errorText } from '../../base/errors.ts';
import type { Config } from '../components/fields.ts';
import { readNumber, readText } from '../components/fields.ts';
import { isObject, parseObject } from '../discovery/expand.ts';
import type { Message } from '../message.ts';
import type { OutgoingMessage } from '../types.ts';
import { OWN_TOPIC } from './shelly-device.ts';

/** Where answers to requests arrive. */
export const ANSWER_FILTER = `${OWN_TOPIC}/+/rpc`;

/** The configuration of a large device has about 20 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** How a request ended. */
export type Answer =
  | { readonly kind: 'result'; readonly result: Config; readonly deviceId: string | null }
  | { readonly kind: 'refused'; readonly code: number | null; readonly reason: string }
  | { readonly kind: 'silence' };

interface Pending {
  readonly prefix: string;
  readonly id: number;
  readonly timer: NodeJS.Timeout;
  readonly done: (answer: Answer) => void;
}

export interface RpcClientOptions {
  publish(message: OutgoingMessage): void;
  complain(topic: string, reason: string): void;
  readonly timeoutMs: number;
}

/**
 * Calls methods of devices over MQTT. Each request names an answer topic of its own that nobody can guess, so that an
 * answer can only come from who has seen the request; all others are ignored.
 */
export class RpcClient implements Disposable {
  readonly #options: RpcClientOptions;
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;

  constructor(options: RpcClientOptions) {
    this.#options = options;
  }

  /** Asks; `done` is called once, later. The caller sees to it that few requests are open at a time. */
  call(prefix: string, method: string, params: Config | null, done: (answer: Answer) => void): void {
    const source = `${OWN_TOPIC}/${randomBytes(9).toString('base64url')}`;
    const id = (this.#lastId += 1);
    const topic = `${source}/rpc`;
    const timer = setTimeout(() => this.#finish(topic, { kind: 'silence' }), this.#options.timeoutMs).unref();
    this.#pending.set(topic, { prefix, id, timer, done });
    const request = { id, src: source, method, ...(params === null ? {} : { params }) };
    this.#options.publish({
      topic: `${prefix}/rpc`,
      payload: JSON.stringify(request),
      qos: 1,
      retain: false,
    });
  }

  /** Takes a message of the answer filter. */
  handle(message: Message): void {
    const pending = this.#pending.get(message.topic);
    if (!pending) return;
    if (message.byteLength > MAX_ANSWER_BYTES) {
      this.#options.complain(`${pending.prefix}/rpc`, 'a Shelly answered with more than the hub takes');
      return;
    }
    try {
      const answer = toAnswer(parseObject(message.text), pending.id);
      if (answer) this.#finish(message.topic, answer);
    } catch (error) {
      this.#options.complain(
        `${pending.prefix}/rpc`,
        `the answer of a Shelly can't be used: ${errorText(error)}`,
      );
    }
  }

  get open(): number {
    return this.#pending.size;
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  #finish(topic: string, answer: Answer): void {
    const pending = this.#pending.get(topic);
    if (!pending) return;
    this.#pending.delete(topic);
    clearTimeout(pending.timer);
    pending.done(answer);
  }
}

/** Undefined for a frame that is no answer to the request. */
function toAnswer(frame: Config, id: number): Answer | undefined {
  if (frame.id !== id) return undefined;
  if (isObject(frame.error)) {
    const { error } = frame;
    const reason = (readText(error, 'message') ?? 'without a reason').slice(0, 200);
    return { kind: 'refused', code: readNumber(error, 'code'), reason };
  }
  const result = isObject(frame.result) ? frame.result : null;
  return result ? { kind: 'result', result, deviceId: readText(frame, 'src') } : undefined;
}
