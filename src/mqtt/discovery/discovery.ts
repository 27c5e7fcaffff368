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
import { ConfigProblem } from '../components/fields.ts';
import { Templates } from '../components/templates.ts';
import { LIMITS } from '../limits.ts';
import { Availability } from './availability.ts';
import { Complaints } from './complaints.ts';
import { describeComponent, deviceIdentifiers } from './description.ts';
import { PayloadProblem } from './expand.ts';
import { componentId, parsePayload, type DiscoveryPayload } from './payload.ts';
import { Precedence, type PrecedenceOptions } from './precedence.ts';
import { isSource, type SourceName } from './sources.ts';
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

/** What a discovery topic, or a device by a protocol of its own, last said. */
interface Announcement {
  /** Empty where it has to be looked at again, even when it says the same. */
  digest: string;
  readonly source: SourceName;
  /** When it was first heard in this run, ms since the Unix epoch. */
  readonly sinceMs: number;
  /** The components that it has described, also those that it let go for another topic. */
  readonly ids: Set<string>;
}

/** How long those that tell of a device on many topics have for the last of them. */
const TAKEOVER_MS = 5_000;

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
  readonly complaints: Complaints;
  readonly #precedence: Precedence;
  /** Components that a better source made superfluous, unless it yet tells of what takes their place. */
  readonly #superseded = new Set<string>();
  #takeoverTimer: NodeJS.Timeout | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#precedence = new Precedence(options);
    this.complaints = new Complaints(options.log);
    this.#templates = new Templates(options.log);
    this.#services = { ...options, templates: this.#templates };
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

  /** Takes one message of a discovery topic. Whatever it holds, the others go on. */
  handle({ topic, text }: DiscoveryMessage): void {
    const parsed = parseDiscoveryTopic(this.#options.prefix, topic);
    if (!parsed) {
      this.complaints.note(topic, 'its topic holds other characters than letters, digits, _ and -');
      return;
    }
    if (text === '') {
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
  }

  /** A device said by its own protocol that it is gone. */
  withdraw(source: SourceName, key: string): void {
    this.#withdrawAll(nativeKey(source, key), []);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#takeoverTimer);
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
      for (const id of announcement.ids) if (this.#owners.get(id) === topic) this.#letGo(id);
      announcement.digest = digest;
      return;
    }
    for (const problem of payload.problems) this.complaints.note(topic, problem);
    this.#withdrawReplaced(topic, announcement, payload.components);
    for (const id of payload.withdrawn) this.#withdraw(topic, id);
    const identifiers = [...new Set(payload.components.flatMap(deviceIdentifiers))];
    if (this.#precedence.passesOver(topic, source, identifiers)) return;
    const superseded = new Set([
      ...this.#letGoOutranked(this.#precedence.claim(topic, source, identifiers)),
      ...this.#silentOthers(source, identifiers),
    ]);
    for (const id of superseded) this.#superseded.add(id);
    let failure: unknown;
    for (const spec of payload.components) {
      try {
        this.#describe(topic, source, spec, announcement);
      } catch (error) {
        failure = error;
      }
    }
    if (superseded.size > 0) this.#retireSoon(superseded, payload.components.length > 1);
    if (failure !== undefined) throw failure;
    announcement.digest = digest;
    this.complaints.settle(topic);
    this.#options.log.debug(
      { topic, origin: payload.origin, components: payload.components.length },
      'discovered',
    );
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

  /** What another source told of the device before the last stop, and has not told since. */
  #silentOthers(source: SourceName, identifiers: readonly string[]): string[] {
    return [...this.#options.registry.sourcesOf(identifiers)].flatMap(([id, other]) =>
      other !== source && isSource(other) && !this.#live.has(id) ? [id] : [],
    );
  }

  /**
   * What nobody takes over goes: at once where the better source has told everything in one message, or else when the
   * last of its topics had time to arrive. A stop meanwhile finds it withdrawn.
   */
  #retireSoon(ids: ReadonlySet<string>, isComplete: boolean): void {
    if (isComplete) {
      this.#retire(ids);
      return;
    }
    for (const id of ids) if (!this.#live.has(id)) this.#options.registry.withdraw(id);
    clearTimeout(this.#takeoverTimer);
    const delayMs = Math.min(TAKEOVER_MS, this.#options.betterSourceMs ?? TAKEOVER_MS);
    this.#takeoverTimer = setTimeout(() => {
      this.#attempt('takeover', () => this.#retire(this.#superseded));
    }, delayMs).unref();
  }

  #retire(ids: ReadonlySet<string>): void {
    const gone = [...ids].filter((id) => !this.#live.has(id));
    for (const id of ids) this.#superseded.delete(id);
    if (gone.length > 0) this.#options.registry.retire(gone);
  }

  #describe(topic: string, source: SourceName, spec: ComponentSpec, announcement: Announcement): void {
    const before = this.#live.get(spec.id);
    if (!before && this.#live.size >= LIMITS.components) {
      throw new PayloadProblem(`the hub has ${LIMITS.components} components already and takes no more`);
    }
    const codec = toCodec(spec.type, spec.config, this.#templates);
    const component = new LiveComponent(spec.id, codec, this.#availabilityOf(spec, before), this.#services);
    const { problem } = component;
    this.#options.registry.describe(
      describeComponent(spec, component.codec?.capabilities ?? [], problem, source),
      [...this.#superseded],
    );
    this.#superseded.delete(spec.id);
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
      this.complaints.note(`${spec.id} availability`, error.message);
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
    this.#availabilityTexts.delete(id);
  }
}

/** The name of an announcement that came on no topic of its own. */
function nativeKey(source: SourceName, key: string): string {
  return `${source}:${key}`;
}

function digestOf(text: string): string {
  return hash('sha1', text, 'base64');
}
