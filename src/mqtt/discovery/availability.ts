import type { Message } from '../message.ts';
import type { AvailabilityWord } from '../types.ts';

import { readPayload, readText, toText, type Config, type PayloadText } from '../components/fields.ts';
import { Channel, type Templates } from '../components/templates.ts';
import { isObject } from './expand.ts';

interface Source {
  readonly channel: Channel;
  readonly available: PayloadText;
  readonly notAvailable: PayloadText;
  /** Undefined until one of the two texts came. */
  last: boolean | undefined;
  /** When it last began to say so, ms since the Unix epoch. */
  sinceMs: number | null;
}

const MAX_SOURCES = 32;

/**
 * Whether a component can be reached, https://www.home-assistant.io/integrations/mqtt/#availability: without topics
 * always; with topics not until they say so; a payload that is neither of the two texts changes nothing.
 */
export class Availability {
  readonly topics: readonly string[];
  readonly #sources: readonly Source[];
  readonly #mode: 'all' | 'any' | 'latest';
  #latest: boolean | undefined;

  private constructor(sources: readonly Source[], mode: 'all' | 'any' | 'latest') {
    this.#sources = sources;
    this.#mode = mode;
    this.topics = [...new Set(sources.map(({ channel }) => channel.topic))];
  }

  /** @throws ConfigProblem when a topic or a template can't be used. */
  static read(config: Config, templates: Templates): Availability {
    const items: readonly unknown[] = Array.isArray(config.availability) ? config.availability : [];
    const listed = items.filter(isObject).slice(0, MAX_SOURCES);
    const sources = listed.length > 0 ? listed : [fromSingleTopic(config)];
    const mode = readText(config, 'availability_mode')?.toLowerCase();
    return new Availability(
      sources.flatMap((source) => toSource(source, templates)),
      mode === 'all' || mode === 'any' ? mode : 'latest',
    );
  }

  /** Undefined while the topics have not told yet. */
  get current(): boolean | undefined {
    if (this.#sources.length === 0) return true;
    if (this.#mode === 'latest') return this.#latest;
    const known = this.#sources.map(({ last }) => last);
    const decisive = this.#mode === 'any';
    if (known.includes(decisive)) return decisive;
    return known.includes(undefined) ? undefined : !decisive;
  }

  /** Takes note of a message, also of one about something else. */
  update(message: Message, nowMs: number): void {
    for (const source of this.#sources) {
      const text = source.channel.read(message);
      if (text === undefined) continue;
      const isAvailable = source.available.matches(text);
      if (!isAvailable && !source.notAvailable.matches(text)) continue;
      if (source.last !== isAvailable) source.sinceMs = nowMs;
      this.#latest = source.last = isAvailable;
    }
  }

  /** What each of the topics says. */
  get words(): AvailabilityWord[] {
    return this.#sources.map(({ channel, last, sinceMs }) => ({
      topic: channel.topic,
      available: last ?? null,
      sinceMs,
    }));
  }
}

/** `availability_topic` in the form of a list's item. */
function fromSingleTopic(config: Config): Config {
  return {
    topic: config.availability_topic,
    value_template: config.availability_template,
    payload_available: config.payload_available,
    payload_not_available: config.payload_not_available,
  };
}

function toSource(item: Config, templates: Templates): Source[] {
  if (toText(item.topic) === null) return [];
  const channel = Channel.read(item, 'topic', ['value_template'], templates);
  if (!channel) return [];
  return [
    {
      channel,
      available: readPayload(item, ['payload_available'], 'online'),
      notAvailable: readPayload(item, ['payload_not_available'], 'offline'),
      last: undefined,
      sinceMs: null,
    },
  ];
}
