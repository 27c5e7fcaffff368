import { hash } from 'node:crypto';

import type { DeviceRegistry } from '../../devices/types.ts';
import type { Logger } from '../../base/log.ts';
import type { DiscoveryMessage } from './queue.ts';
import type { Router } from '../router.ts';
import type { ComponentSpec } from './description.ts';

import { errorText } from '../../base/errors.ts';
import { LiveComponent, type ComponentServices } from '../component.ts';
import { toCodec } from '../components/components.ts';
import { ConfigProblem } from '../components/fields.ts';
import { Templates } from '../components/templates.ts';
import { LIMITS } from '../limits.ts';
import { Availability } from './availability.ts';
import { describeComponent } from './description.ts';
import { PayloadProblem } from './expand.ts';
import { componentId, parsePayload, type DiscoveryPayload } from './payload.ts';
import { parseDiscoveryTopic, type DiscoveryTopic } from './topic.ts';

export interface DiscoveryOptions {
  readonly prefix: string;
  readonly registry: DeviceRegistry;
  readonly router: Router;
  readonly log: Logger;
  /** See ComponentServices. */
  readonly availabilityGraceMs: number;
}

/** What a discovery topic last said. */
interface Announcement {
  digest: string;
  /** The components that it has described, also those that it let go for another topic. */
  readonly ids: Set<string>;
}

/** How many bad topics are remembered, so that each is logged once. */
const REMEMBERED_PROBLEMS = 1_000;

/**
 * Turns discovery messages into components. The identity is the topic (component, node, object), not `unique_id`,
 * which publishers repeat. Messages are handled one after the other, in the order of arrival.
 */
export class Discovery implements Disposable {
  readonly #options: DiscoveryOptions;
  readonly #services: ComponentServices;
  readonly #templates: Templates;
  readonly #announcements = new Map<string, Announcement>();
  readonly #live = new Map<string, LiveComponent>();
  /** Which availability a component has, as text, so that an update need not learn it anew. */
  readonly #availabilityTexts = new Map<string, string>();
  /** The topic that described a component last, and so may withdraw it. */
  readonly #owners = new Map<string, string>();
  readonly #complained = new Set<string>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#services = options;
    this.#templates = new Templates(options.log);
  }

  find(componentId: string): LiveComponent | undefined {
    return this.#live.get(componentId);
  }

  components(): Iterable<LiveComponent> {
    return this.#live.values();
  }

  /** Takes one message of a discovery topic. Whatever it holds, the others go on. */
  handle({ topic, text }: DiscoveryMessage): void {
    const parsed = parseDiscoveryTopic(this.#options.prefix, topic);
    if (!parsed) {
      this.#complain(topic, 'its topic holds other characters than letters, digits, _ and -');
      return;
    }
    if (text === '') {
      this.#withdrawAll(topic, parsed);
      return;
    }
    const known = this.#announcements.get(topic);
    const digest = hash('sha1', text, 'base64');
    if (known?.digest === digest) return;
    try {
      if (text.length > LIMITS.discoveryPayloadBytes) throw new PayloadProblem('the payload is too large');
      this.#apply(topic, parsePayload(parsed, text), digest);
    } catch (error) {
      // The registry's refusals (a full disk) end here too: without the digest, a repeated payload is a new attempt.
      this.#complain(topic, errorText(error), error instanceof PayloadProblem ? undefined : error);
    }
  }

  [Symbol.dispose](): void {
    for (const component of this.#live.values()) component[Symbol.dispose]();
    this.#live.clear();
  }

  #apply(topic: string, payload: DiscoveryPayload, digest: string): void {
    const known = this.#announcements.get(topic);
    // What describes nothing on a topic that described nothing is not worth remembering: topics cost nothing to invent.
    if (!known && (payload.kind === 'migrate' || payload.components.length === 0)) return;
    if (!known && this.#announcements.size >= LIMITS.components) {
      throw new PayloadProblem(
        `the hub knows ${LIMITS.components} discovery topics already and takes no more`,
      );
    }
    const announcement = known ?? { digest: '', ids: new Set<string>() };
    this.#announcements.set(topic, announcement);
    if (payload.kind === 'migrate') {
      for (const id of announcement.ids) if (this.#owners.get(id) === topic) this.#letGo(id);
      announcement.digest = digest;
      return;
    }
    for (const problem of payload.problems) this.#complain(topic, problem);
    this.#withdrawReplaced(topic, announcement, payload.components);
    for (const id of payload.withdrawn) this.#withdraw(topic, id);
    let failure: unknown;
    for (const spec of payload.components) {
      try {
        this.#describe(topic, spec, announcement);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    announcement.digest = digest;
    this.#complained.delete(topic);
    this.#options.log.debug(
      { topic, origin: payload.origin, components: payload.components.length },
      'discovered',
    );
  }

  #describe(topic: string, spec: ComponentSpec, announcement: Announcement): void {
    const before = this.#live.get(spec.id);
    if (!before && this.#live.size >= LIMITS.components) {
      throw new PayloadProblem(`the hub has ${LIMITS.components} components already and takes no more`);
    }
    const codec = toCodec(spec.type, spec.config, this.#templates);
    const problem = typeof codec === 'string' ? codec : null;
    const component = new LiveComponent(
      spec.id,
      typeof codec === 'string' ? null : codec,
      this.#availabilityOf(spec, before),
      this.#services,
    );
    this.#options.registry.describe(describeComponent(spec, component.codec?.capabilities ?? [], problem));
    before?.[Symbol.dispose]();
    this.#live.set(spec.id, component);
    this.#owners.set(spec.id, topic);
    announcement.ids.add(spec.id);
    component.start();
    if (problem !== null)
      this.#options.log.debug({ component: spec.id, reason: problem }, 'component not supported');
  }

  /** The same topics and texts: then what they told still holds, and need not be told again. */
  #availabilityOf(spec: ComponentSpec, before: LiveComponent | undefined): Availability {
    const { config } = spec;
    const text = JSON.stringify(
      Object.keys(config)
        .filter((key) => key.startsWith('availability') || key.startsWith('payload_'))
        .sort()
        .map((key) => [key, config[key]]),
    );
    const known = this.#availabilityTexts.get(spec.id);
    this.#availabilityTexts.set(spec.id, text);
    if (before && known === text) return before.availability;
    try {
      return Availability.read(config, this.#templates);
    } catch (error) {
      if (!(error instanceof ConfigProblem)) throw error;
      this.#complain(`${spec.id} availability`, error.message);
      return Availability.read({}, this.#templates);
    }
  }

  /** A key of a device that now has another platform: the old identity is gone, a new one takes its place. */
  #withdrawReplaced(topic: string, announcement: Announcement, components: readonly ComponentSpec[]): void {
    const typeByRest = new Map(components.map(({ id, type }) => [id.slice(type.length), type]));
    for (const id of announcement.ids) {
      const slash = id.indexOf('/');
      const type = typeByRest.get(id.slice(slash));
      if (type !== undefined && type !== id.slice(0, slash)) this.#withdraw(topic, id);
    }
  }

  #withdrawAll(topic: string, parsed: DiscoveryTopic): void {
    const announcement = this.#announcements.get(topic);
    this.#announcements.delete(topic);
    const ids = new Set(announcement?.ids);
    // Also when it was described in an earlier run and only the registry still knows it.
    if (parsed.component !== 'device') ids.add(componentId(parsed.component, parsed.path));
    for (const id of ids) this.#withdraw(topic, id);
  }

  /** Unless another topic has taken the component over. */
  #withdraw(topic: string, id: string): void {
    this.#announcements.get(topic)?.ids.delete(id);
    const owner = this.#owners.get(id);
    if (owner !== undefined && owner !== topic) return;
    this.#letGo(id);
    try {
      this.#options.registry.withdraw(id);
    } catch (error) {
      this.#options.log.warn({ err: error, component: id }, 'a component could not be withdrawn');
    }
  }

  #letGo(id: string): void {
    this.#live.get(id)?.[Symbol.dispose]();
    this.#live.delete(id);
    this.#owners.delete(id);
    this.#availabilityTexts.delete(id);
  }

  #complain(topic: string, reason: string, error?: unknown): void {
    if (this.#complained.has(topic) || this.#complained.size >= REMEMBERED_PROBLEMS) return;
    this.#complained.add(topic);
    const fields = { topic, reason, ...(error === undefined ? {} : { err: error }) };
    this.#options.log.warn(fields, 'a discovery message could not be used; what was known before is kept');
  }
}
