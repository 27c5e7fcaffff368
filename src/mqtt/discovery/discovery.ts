import { hash } from 'node:crypto';

import type { DeviceRegistry } from '../../devices/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { DiscoveryMessage } from './queue.ts';
import type { Router } from '../router.ts';
import type { ComponentSpec } from './description.ts';

import { errorText } from '../../base/errors.ts';
import { LiveComponent, type ComponentServices } from '../component.ts';
import { toCodec } from '../components/components.ts';
import { Templates } from '../components/templates.ts';
import { LIMITS } from '../limits.ts';
import { Availabilities } from './availabilities.ts';
import { Complaints } from './complaints.ts';
import { describeComponent, deviceIdentifiers } from './description.ts';
import { PayloadProblem } from './expand.ts';
import { componentId, parsePayload, type DiscoveryPayload } from './payload.ts';
import { Precedence, type PrecedenceOptions } from './precedence.ts';
import { HeldMessages, replacedIds, type Announcement, type HeldMessage, type Part } from './held.ts';
import type { SourceName } from './sources.ts';
import { Takeover } from './takeover.ts';
import { parseDiscoveryTopic } from './topic.ts';

export interface DiscoveryOptions extends PrecedenceOptions {
  readonly prefix: string;
  readonly registry: DeviceRegistry;
  readonly router: Router;
  readonly log: Logger;
  readonly clock: Clock;
  /** See ComponentServices. */
  readonly availabilityGraceMs: number;
}

type Message = Omit<HeldMessage, 'parts'>;

/** With so many components a transaction is not kept waiting for more: it would hold up a small Pi. */
const HELD_PARTS = 32;

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
  readonly #availabilities: Availabilities;
  /** The topic that described a component last, and so may withdraw it. */
  readonly #owners = new Map<string, string>();
  readonly complaints: Complaints;
  readonly #precedence: Precedence;
  readonly #takeover: Takeover;
  readonly #held = new HeldMessages();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#precedence = new Precedence(options);
    this.complaints = new Complaints(options.log);
    this.#templates = new Templates(options.log);
    this.#services = { ...options, templates: this.#templates };
    this.#availabilities = new Availabilities(this.#templates, this.complaints);
    this.#takeover = new Takeover({
      ...options,
      isLive: (id) => this.#live.has(id),
      attempt: (work) => this.#attempt('takeover', work),
    });
  }

  find(componentId: string): LiveComponent | undefined {
    return this.#live.get(componentId);
  }

  components(): Iterable<LiveComponent> {
    return this.#live.values();
  }

  /** Who tells of a component, and where; undefined for one that is not at work. */
  announcementOf(componentId: string): { source: SourceName; key: string } | undefined {
    const key = this.#owners.get(componentId);
    const source = key === undefined ? undefined : this.#announcements.get(key)?.source;
    return key === undefined || source === undefined ? undefined : { source, key };
  }

  /** The descriptions that the broker keeps. */
  *announcements(): Iterable<{ topic: string; ids: readonly string[]; sinceMs: number }> {
    for (const [topic, { source, ids, sinceMs }] of this.#announcements) {
      if (source === 'discovery') yield { topic, ids: [...ids], sinceMs };
    }
  }

  /**
   * Takes one message of a discovery topic. Whatever it holds, the others go on. What it describes may wait for others:
   * `settle` is to be called on the same turn.
   */
  handle({ topic, text }: DiscoveryMessage): void {
    const parsed = parseDiscoveryTopic(this.#options.prefix, topic);
    if (!parsed) {
      this.complaints.note(topic, 'its topic holds other characters than letters, digits, _ and -');
      return;
    }
    if (this.#held.has(topic)) this.settle();
    if (text === '') {
      this.settle();
      // Also what was described in an earlier run and only the registry still knows.
      this.#withdrawAll(
        topic,
        parsed.component === 'device' ? [] : [componentId(parsed.component, parsed.path)],
      );
      return;
    }
    const digest = digestOf(text);
    if (this.#announcements.get(topic)?.digest === digest) return;
    this.#attempt(topic, () => {
      if (text.length > LIMITS.discoveryPayloadBytes) throw new PayloadProblem('the payload is too large');
      this.#apply(topic, 'discovery', parsePayload(parsed, text), digest);
    });
  }

  /** Takes what a protocol of the devices' own tells; `key` names the device within it. */
  announce(source: SourceName, key: string, components: readonly ComponentSpec[]): void {
    const topic = nativeKey(source, key);
    const digest = digestOf(JSON.stringify(components));
    if (this.#announcements.get(topic)?.digest === digest) return;
    const payload: DiscoveryPayload = {
      kind: 'components',
      components,
      withdrawn: [],
      problems: [],
      origin: source,
    };
    this.#attempt(topic, () => this.#apply(topic, source, payload, digest));
    this.settle();
  }

  /** Stores what was described, and has it begin its work. */
  settle(): void {
    const held = this.#held.take();
    if (held.length === 0) return;
    try {
      this.#options.registry.describeAll(held.flatMap(({ parts }) => parts.map((part) => part.description)));
    } catch {
      // One of them, or the disk: by itself each is taken or has its own refusal, which is told of.
      for (const message of held) {
        const specs = message.parts.map(({ spec }) => spec);
        this.#attempt(message.topic, () => {
          this.#describeEach(message, specs);
          this.#finish(message, specs.length);
        });
      }
      return;
    }
    for (const message of held) {
      for (const part of message.parts) this.#begin(message, part);
      this.#finish(message, message.parts.length);
    }
  }

  /** A device said by its own protocol that it is gone. */
  withdraw(source: SourceName, key: string): void {
    this.settle();
    this.#withdrawAll(nativeKey(source, key), []);
  }

  [Symbol.dispose](): void {
    this.#takeover[Symbol.dispose]();
    this.#precedence[Symbol.dispose]();
    for (const component of this.#live.values()) component[Symbol.dispose]();
    this.#live.clear();
  }

  #attempt(topic: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      // The registry's refusals (a full disk) end here too: without the digest, a repeated payload is a new attempt.
      this.complaints.note(topic, errorText(error), error instanceof PayloadProblem ? undefined : error);
    }
  }

  #apply(topic: string, source: SourceName, payload: DiscoveryPayload, digest: string): void {
    const known = this.#announcements.get(topic);
    // What describes nothing on a topic that described nothing is not worth remembering: topics cost nothing to invent.
    if (!known && (payload.kind === 'migrate' || payload.components.length === 0)) return;
    if (!known && this.#announcements.size >= LIMITS.components) {
      throw new PayloadProblem(
        `the hub knows ${LIMITS.components} discovery topics already and takes no more`,
      );
    }
    const sinceMs = this.#options.clock.nowMs();
    const announcement = known ?? { digest: '', source, sinceMs, ids: new Set<string>() };
    this.#announcements.set(topic, announcement);
    if (payload.kind === 'migrate') {
      this.settle();
      for (const id of announcement.ids) if (this.#owners.get(id) === topic) this.#letGo(id);
      announcement.digest = digest;
      return;
    }
    for (const problem of payload.problems) this.complaints.note(topic, problem);
    if (payload.withdrawn.length > 0) this.settle();
    const replaced = replacedIds(announcement.ids, payload.components);
    for (const id of [...replaced, ...payload.withdrawn]) this.#withdraw(topic, id);
    const identifiers = [...new Set(payload.components.flatMap(deviceIdentifiers))];
    if (this.#precedence.passesOver(topic, source, identifiers)) return;
    const superseded = new Set([
      ...this.#letGoOutranked(this.#precedence.claim(topic, source, identifiers)),
      ...this.#takeover.silentOthers(source, identifiers),
    ]);
    this.#takeover.begin(superseded);
    const message = { topic, announcement, digest, origin: payload.origin };
    if (this.#hold(message, payload.components)) return;
    this.settle();
    try {
      this.#describeEach(message, payload.components);
    } finally {
      if (superseded.size > 0) this.#takeover.retireSoon(superseded, payload.components.length > 1);
    }
    this.#finish(message, payload.components.length);
  }

  /**
   * Keeps the usual, what is new and takes nobody's place, for `settle`. @returns false where it is something else, or one
   * of them cannot be understood: then each has its own answer.
   */
  #hold(message: Message, components: readonly ComponentSpec[]): boolean {
    const ids = new Set(components.map(({ id }) => id));
    const isUsual =
      this.#takeover.superseded.size === 0 &&
      ids.size === components.length &&
      this.#live.size + this.#held.parts + ids.size <= LIMITS.components &&
      !components.some(({ id }) => this.#live.has(id) || this.#held.has(id));
    if (!isUsual) return false;
    const { source } = message.announcement;
    try {
      this.#held.add({ ...message, parts: components.map((spec) => this.#prepare(source, spec)) });
    } catch {
      return false;
    }
    if (this.#held.parts >= HELD_PARTS) this.settle();
    return true;
  }

  /** Describes one after the other: what one is refused does not concern the others. */
  #describeEach(message: Message, components: readonly ComponentSpec[]): void {
    const { registry } = this.#options;
    let failure: unknown;
    for (const spec of components) {
      try {
        if (!this.#live.has(spec.id) && this.#live.size >= LIMITS.components) {
          throw new PayloadProblem(`the hub has ${LIMITS.components} components already and takes no more`);
        }
        const part = this.#prepare(message.announcement.source, spec);
        registry.describe(part.description, [...this.#takeover.superseded]);
        this.#begin(message, part);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  #prepare(source: SourceName, spec: ComponentSpec): Part {
    const codec = toCodec(spec.type, spec.config, this.#templates);
    const availability = this.#availabilities.of(spec, this.#live.get(spec.id)?.availability);
    const component = new LiveComponent(spec.id, codec, availability, this.#services);
    const capabilities = component.codec?.capabilities ?? [];
    const description = describeComponent(spec, capabilities, component.problem, source);
    return { spec, component, description };
  }

  /** What was stored begins its work. */
  #begin({ topic, announcement }: Message, { spec: { id }, component }: Part): void {
    this.#takeover.keep(id);
    this.#live.get(id)?.[Symbol.dispose]();
    this.#live.set(id, component);
    this.#owners.set(id, topic);
    announcement.ids.add(id);
    component.start();
    const { problem: reason } = component;
    if (reason !== null) this.#options.log.debug({ component: id, reason }, 'component not supported');
  }

  #finish({ topic, announcement, digest, origin }: Message, components: number): void {
    announcement.digest = digest;
    this.complaints.settle(topic);
    this.#options.log.debug({ topic, origin, components }, 'discovered');
  }

  /** Stops listening to what worse sources told of the device. @returns the ids whose place may be taken. */
  #letGoOutranked(keys: readonly string[]): string[] {
    const ids: string[] = [];
    for (const key of keys) {
      const announcement = this.#announcements.get(key);
      if (!announcement) continue;
      announcement.digest = '';
      for (const id of announcement.ids) {
        if (this.#owners.get(id) !== key) continue;
        this.#letGo(id);
        ids.push(id);
      }
      announcement.ids.clear();
    }
    return ids;
  }

  #withdrawAll(topic: string, alsoIds: readonly string[]): void {
    const announcement = this.#announcements.get(topic);
    this.#announcements.delete(topic);
    for (const id of new Set([...(announcement?.ids ?? []), ...alsoIds])) this.#withdraw(topic, id);
    this.#precedence.leave(topic);
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
    this.#availabilities.forget(id);
  }
}

/** The name of an announcement that came on no topic of its own. */
function nativeKey(source: SourceName, key: string): string {
  return `${source}:${key}`;
}

function digestOf(text: string): string {
  return hash('sha1', text, 'base64');
}
