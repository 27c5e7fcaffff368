import type { CapabilityKind, CapabilityValue } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { TemplateVariables } from '../template/template.ts';
import type { OutgoingMessage, Qos, ValueSource } from '../types.ts';
import type { Codec, Reading } from './codec.ts';
import type { Channel, Templates } from './templates.ts';

import { readCommandTopic, readFlag, readQos, readText, requireCommandTopic, type Config } from './fields.ts';

/** One value of a component and the channel that tells it. */
export interface ValuePart {
  readonly kind: CapabilityKind;
  /** Null where the configuration names no topic for it: then a command is taken at its word. */
  readonly channel: Channel | null;
  /** The value that a text means; null is unknown, undefined is a text that says nothing about it. */
  parse(text: string): CapabilityValue | undefined;
}

/** The filters of the parts, each once. */
export function topicsOf(parts: readonly ValuePart[]): string[] {
  return [...new Set(parts.flatMap(({ channel }) => (channel ? [channel.topic] : [])))];
}

export function sourcesOf(parts: readonly ValuePart[]): ValueSource[] {
  return parts.flatMap(({ kind, channel }) =>
    channel ? [{ kind, topic: channel.topic, template: channel.template }] : [],
  );
}

/** What of a codec follows from its parts alone. */
export function tellingOf(parts: readonly ValuePart[], config: Config): Omit<Codec, 'capabilities'> {
  return {
    topics: topicsOf(parts),
    sources: sourcesOf(parts),
    qos: readQos(config),
    decode: (message) => decodeParts(parts, message),
  };
}

/** What a message tells, part by part. */
export function decodeParts(parts: readonly ValuePart[], message: Message): Reading[] {
  const readings: Reading[] = [];
  for (const part of parts) {
    const raw = part.channel?.read(message);
    if (raw === undefined) continue;
    const value = part.parse(raw);
    if (value !== undefined) readings.push({ kind: part.kind, value, raw });
  }
  return readings;
}

/** The readings that are believed at a command's word: those of the parts that nobody reports, or of all. */
export function assumedOf(
  parts: readonly ValuePart[],
  readings: readonly Reading[],
  isOptimistic: boolean,
): Reading[] {
  if (isOptimistic) return [...readings];
  const reported = new Set(parts.filter(({ channel }) => channel !== null).map(({ kind }) => kind));
  return readings.filter(({ kind }) => !reported.has(kind));
}

/** One topic that takes commands, and the template that puts them into words. */
export class CommandChannel {
  readonly topic: string;
  readonly #template: string | null;
  readonly #templates: Templates;
  readonly #qos: Qos;
  readonly #retain: boolean;

  private constructor(topic: string, config: Config, templateKey: string | null, templates: Templates) {
    this.topic = topic;
    this.#template = templateKey === null ? null : readText(config, templateKey) || null;
    if (this.#template !== null) templates.check(this.#template);
    this.#templates = templates;
    this.#qos = readQos(config);
    this.#retain = readFlag(config, 'retain', false);
  }

  /**
   * Null where the configuration names no such topic.
   * @throws ConfigProblem when topic or template can't be used.
   */
  static read(
    config: Config,
    topicKey: string,
    templateKey: string | null,
    templates: Templates,
  ): CommandChannel | null {
    const topic = readCommandTopic(config, topicKey);
    return topic === null ? null : new CommandChannel(topic, config, templateKey, templates);
  }

  /** @throws ConfigProblem when topic or template can't be used, or the topic is missing. */
  static require(
    config: Config,
    topicKey: string,
    templateKey: string | null,
    templates: Templates,
  ): CommandChannel {
    return new CommandChannel(requireCommandTopic(config, topicKey), config, templateKey, templates);
  }

  /**
   * The message for a value: the value itself, or what the template makes of `variables` (default {value}).
   * @throws HubError `invalid` when the template fails.
   */
  message(value: string | number, variables: TemplateVariables = { value }): OutgoingMessage {
    const payload =
      this.#template === null ? String(value) : this.#templates.renderCommand(this.#template, variables);
    return { topic: this.topic, payload, qos: this.#qos, retain: this.#retain };
  }
}
