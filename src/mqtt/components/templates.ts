import type { Logger } from '../../base/log.ts';
import type { Message } from '../message.ts';
import type { TemplateVariables } from '../template/template.ts';

import { HubError } from '../../base/errors.ts';
import { TemplateCache, TemplateError, UndefinedError } from '../template/template.ts';
import { filterMatcher } from '../topics.ts';
import { ConfigProblem, readStateTopic, readText, type Config } from './fields.ts';

/** How many failing templates are remembered, so that each is logged once. */
const REMEMBERED_FAILURES = 1_000;

/** Every component's templates: parsed once for all that share the text, complained about once. */
export class Templates {
  readonly #cache = new TemplateCache();
  readonly #failed = new Set<string>();
  readonly #log: Logger;
  /** Why the last rendering failed; whoever reads it has set it to undefined before. */
  lastFailure: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @throws ConfigProblem when the text is no template that the hub understands. */
  check(source: string): void {
    try {
      this.#cache.get(source);
    } catch (error) {
      if (error instanceof TemplateError) {
        throw new ConfigProblem(`One of its templates can't be used: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  /** The template's result; undefined when it asks to skip the message, or failed (logged once for each template). */
  render(source: string, variables: TemplateVariables): string | undefined {
    try {
      const rendered = this.#cache.get(source).render(variables);
      return rendered.kind === 'text' ? rendered.text : undefined;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.lastFailure = error.message;
      // Firmware that leaves out what it does not know is no news.
      if (error instanceof UndefinedError) return undefined;
      if (!this.#failed.has(source) && this.#failed.size < REMEMBERED_FAILURES) {
        this.#failed.add(source);
        this.#log.warn(
          { template: source.slice(0, 200), reason: error.message },
          'a template failed; the state is kept',
        );
      }
      return undefined;
    }
  }

  /** @throws HubError `invalid` when the command can't be put into words. */
  renderCommand(source: string, variables: TemplateVariables): string {
    try {
      const rendered = this.#cache.get(source).render(variables);
      if (rendered.kind === 'text') return rendered.text;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new HubError('invalid', `The device's command template failed: ${error.message}`, {
        cause: error,
      });
    }
    throw new HubError('invalid', "The device's command template gave no command.");
  }
}

/** One source of values: a state topic and the template that picks the value out of its messages. */
export class Channel {
  readonly topic: string;
  /** Null where the whole payload is the value. */
  readonly template: string | null;
  readonly #templates: Templates;
  readonly #matches: (topic: string) => boolean;

  private constructor(topic: string, template: string | null, templates: Templates) {
    this.topic = topic;
    this.template = template;
    this.#templates = templates;
    this.#matches = filterMatcher(topic);
  }

  /**
   * Null where the configuration names no such topic. Of `templateKeys` the first that is there counts.
   * @throws ConfigProblem when topic or template can't be used.
   */
  static read(
    config: Config,
    topicKey: string,
    templateKeys: readonly string[],
    templates: Templates,
  ): Channel | null {
    const topic = readStateTopic(config, topicKey);
    if (topic === null) return null;
    const template = templateKeys
      .map((key) => readText(config, key))
      .find((text) => text !== null && text !== '');
    if (template !== undefined && template !== null) templates.check(template);
    return new Channel(topic, template ?? null, templates);
  }

  /**
   * The value's text; undefined when the message says nothing about it: another topic, a template that skips or
   * fails, or one that finds nothing, in a message about other properties or in the empty one that clears a retained
   * state (it prints as empty then).
   */
  read(message: Message): string | undefined {
    if (!this.#matches(message.topic)) return undefined;
    if (this.template === null) return message.text.trim();
    if (message.isEmpty) return undefined;
    return this.#templates.render(this.template, message.variables) || undefined;
  }
}

/** Texts that publishers use for "not known": Python's None, empty, and those of Home Assistant. */
export function isUnknown(text: string): boolean {
  return text === '' || text === 'None' || text === 'null' || text === 'unknown' || text === 'unavailable';
}
