import type { IncomingMessage } from './types.ts';

import { LIMITS } from './limits.ts';
import { templateVariables, type TemplateVariables } from './template/template.ts';

/** A message as components see it: decoded and parsed at most once, however many of them read it. */
export class Message {
  readonly topic: string;
  readonly retained: boolean;
  readonly #payload: Buffer;
  #text: string | undefined;
  #excerpt: string | undefined;
  #variables: TemplateVariables | undefined;

  constructor({ topic, payload, retained }: IncomingMessage) {
    this.topic = topic;
    this.retained = retained;
    this.#payload = payload;
  }

  get byteLength(): number {
    return this.#payload.length;
  }

  get isEmpty(): boolean {
    return this.#payload.length === 0;
  }

  /** The payload as UTF-8; what is no UTF-8 becomes replacement characters. */
  get text(): string {
    this.#text ??= this.#payload.toString('utf8');
    return this.#text;
  }

  /** The beginning of the payload, one text for all who keep it. */
  get excerpt(): string {
    this.#excerpt ??=
      this.#payload.length > LIMITS.excerptBytes
        ? this.#payload.toString('utf8', 0, LIMITS.excerptBytes)
        : this.text;
    return this.#excerpt;
  }

  /** `value`, and `value_json` where the payload is JSON. */
  get variables(): TemplateVariables {
    this.#variables ??= templateVariables(this.text);
    return this.#variables;
  }

  /** The payload as a JSON object, or undefined when it is something else. */
  get jsonObject(): Readonly<Record<string, unknown>> | undefined {
    const value: unknown = this.variables.value_json;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  }
}
